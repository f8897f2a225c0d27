"""Helm's records of one release as the API server keeps them, and the pods that its installs have made.

Whoever may create pods writes every name, label and annotation of one, also those of a job whose own pod is
gone. Its uid and its time of creation come from the API server.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

__all__ = ["Revision", "have_made"]

# Seconds: how long an install may last (that of ``core/releases.py``), and by how much the clocks of several
# API servers may differ.
_LASTS, _SKEW = 60.0, 60.0


@dataclass(frozen=True)
class Revision:
    """One record of a release, whatever Helm has written into it.

    ``made`` is by the API server's clock; ``pod_uid`` is what the launcher noted of the pod that this install
    made, empty where it could not; ``job_id`` and ``site`` are the values of our labels. ``ledger`` is what
    was noted of the time and the end of the job (:mod:`launcher.core.lifecycle.ledger_note`).
    """

    number: int
    made: datetime | None = None
    pod_uid: str = ""
    job_id: str = ""
    site: str = ""
    ledger: str = field(default="", repr=False)


def have_made(revisions: Sequence[Revision], uid: str, created: datetime | None) -> bool:
    """Tell whether an install of a release has made a pod.

    A record without a note (the launcher was killed, or helm was run by hand) is compared by time. True where
    nothing is known.

    Args:
        revisions: the records of the release, the oldest first.
        uid: of the pod.
        created: when the API server made it.
    """
    if not revisions or revisions[0].number != 1:
        return True  # not asked for; or Helm, which keeps ten, has dropped the oldest
    return any(_has_made(one, uid, created) for one in revisions)


def _has_made(revision: Revision, uid: str, created: datetime | None) -> bool:
    if revision.pod_uid:
        return revision.pod_uid == uid
    if revision.made is None or created is None:
        return True
    return -_SKEW <= (created - revision.made).total_seconds() <= _LASTS + _SKEW
