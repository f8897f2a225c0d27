"""What a job asks for at one site, whatever format it was written in."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from launcher.core.spec.jobspec import Resources

__all__ = ["UNSET", "JobMeta", "Unset"]


class Unset(enum.Enum):
    """The job says nothing, which is not the same as null."""

    UNSET = "unset"


UNSET = Unset.UNSET


@dataclass(frozen=True, kw_only=True)
class JobMeta:
    """What a job's meta decides at one site.

    Attributes:
        name: display name of the job, empty when it has none.
        job_id: FLARE's job id when the meta carries one, else empty.
        study: study of the job when the meta carries one, else empty.
        image: image reference, empty = not given.
        python_path: interpreter, empty = the site's default.
        ephemeral_storage: quantity text, empty = the site's default.
        pending_timeout: seconds, a hundred years at most; None = for ever; UNSET = the site's default.
        grace_period: whole seconds between SIGTERM and SIGKILL; None = not given.
        resources: cpu, memory and GPU; ephemeral storage is added in ``assemble``.
        warnings: sentences about keys that nobody reads.
        source: name of the file, for errors.
        places: resource name, ``pending_timeout`` or ``grace_period`` -> file and key path of it, for errors.
    """

    name: str = ""
    job_id: str = ""
    study: str = ""
    image: str = ""
    python_path: str = ""
    ephemeral_storage: str = ""
    pending_timeout: float | Unset | None = UNSET
    grace_period: int | None = None
    resources: Resources = field(default_factory=Resources)
    warnings: tuple[str, ...] = ()
    source: str = "meta.json"
    places: Mapping[str, str] = field(default_factory=dict, compare=False)
