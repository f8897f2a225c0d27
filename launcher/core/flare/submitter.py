"""Who submitted a job, as FLARE's server has written it into the job's meta."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from launcher.core.foreign import line

__all__ = ["KEYS", "NOBODY", "Submitter", "anonymous", "submitter_of"]

# FLARE 2.9.0 (`JobMetaKey`): the server writes them when a job is submitted or cloned, over whatever the job
# says, and hands the whole meta to each site that runs the job.
KEYS = ("submitter_name", "submitter_org", "submitter_role")
_LONGEST = 200


@dataclass(frozen=True)
class Submitter:
    """A user of FLARE; a text is empty where the meta has none.

    Attributes:
        name: as the user's certificate has it, often an e-mail address.
        org: organisation.
        role: such as ``lead``.
    """

    name: str = ""
    org: str = ""
    role: str = ""


NOBODY = Submitter()


def submitter_of(meta: Mapping[str, Any]) -> Submitter:
    """Return whom a job's meta names, each text as one line; what is no text is left out."""
    found = (meta.get(key) for key in KEYS)
    return Submitter(*(line(text, _LONGEST) if isinstance(text, str) else "" for text in found))


def anonymous(meta: Mapping[str, Any]) -> dict[str, Any]:
    """Return a job's meta without whoever submitted it."""
    return {key: value for key, value in meta.items() if key not in KEYS}
