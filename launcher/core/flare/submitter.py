"""Who submitted a job, as FLARE's server has written it into the job's meta."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from launcher.core import untrusted
from launcher.core.foreign import line

__all__ = ["KEYS", "NOBODY", "Submitter", "anonymous", "submitter_in", "submitter_line", "submitter_of"]

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


def submitter_line(job_id: str, submitter: Submitter) -> str:
    """Return a line, with its end, that says who submitted a job."""
    return json.dumps({"job": job_id, **asdict(submitter)}) + "\n"


def submitter_in(text: str, job_id: str) -> Submitter | None:
    """Return who submitted a job, as the last line about it says; None when there is none.

    Args:
        text: such lines; whoever can write into a workspace can change them.
        job_id: of the job.
    """
    wanted = json.dumps(job_id)
    # A line without an end may still be written.
    for candidate in reversed(text.split("\n")[:-1]):
        if wanted not in candidate:
            continue
        try:
            content = json.loads(candidate)
            if content["job"] == job_id:
                return Submitter(*(untrusted.word(content[one.name]) for one in fields(Submitter)))
        except untrusted.UNREADABLE:
            continue
    return None
