"""What the status of a Helm release means for us: one table. It says what Helm did, never how the job is.

A release of ours is installed once and uninstalled; it is never upgraded. What Helm leaves when its process
is killed (``pending-install``) blocks the name until somebody cleans up, so age tells the living from the
dead: an install takes a second, and one that is a minute old has nobody left to finish it.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from launcher.core.views import PodView, ReleaseView, age_seconds

__all__ = ["INSTALL_MAY_LAST", "ReleaseState", "StorageDriver", "is_drifted", "release_state"]

INSTALL_MAY_LAST = 60.0

# Where Helm keeps the records of its releases (HELM_DRIVER); `sql` and `memory` outlive no launcher or need a
# database, so they are no choice.
StorageDriver = Literal["secret", "configmap"]


class ReleaseState(str, enum.Enum):
    """Where a release is; the value is the sentence for people."""

    ABSENT = "there is no release"
    INSTALLING = "another process is installing it"
    ABANDONED = "whoever was installing it is gone"
    INSTALLED = "Helm has accepted its objects"
    FAILED = "Helm could not create its objects"
    UNINSTALLING = "it is being removed, or its removal was interrupted"
    TAMPERED = "somebody upgraded or rolled it back, which the launcher never does"

    @property
    def is_busy(self) -> bool:
        """True while another process may hold it: leave it alone."""
        return self is ReleaseState.INSTALLING


# Helm's statuses (pkg/release/common/status.go); uninstall works from every one of them.
_BY_STATUS: Mapping[str, ReleaseState] = {
    "deployed": ReleaseState.INSTALLED,
    "failed": ReleaseState.FAILED,
    "uninstalling": ReleaseState.UNINSTALLING,
    "uninstalled": ReleaseState.UNINSTALLING,
    "pending-upgrade": ReleaseState.TAMPERED,
    "pending-rollback": ReleaseState.TAMPERED,
    "superseded": ReleaseState.TAMPERED,
}


def release_state(view: ReleaseView | None, now: datetime) -> ReleaseState:
    """Return the state of a release; an unknown status, of a later Helm, counts as installed.

    Args:
        view: the release, None when there is none.
        now: wall clock time, against Helm's own time stamp.
    """
    if view is None:
        return ReleaseState.ABSENT
    if view.status == "pending-install":
        young = age_seconds(view.updated, now) < INSTALL_MAY_LAST
        return ReleaseState.INSTALLING if young else ReleaseState.ABANDONED
    if view.revision > 1:
        return ReleaseState.TAMPERED
    return _BY_STATUS.get(view.status, ReleaseState.INSTALLED)


def is_drifted(pod: PodView | None) -> bool:
    """Tell whether somebody changed the pod's spec after the launch; a running job is never corrected.

    The API server counts changes of a pod's spec in ``metadata.generation`` (Kubernetes 1.33); a graceful
    deletion counts as one, too.
    """
    return pod is not None and pod.deleted is None and pod.generation > 1
