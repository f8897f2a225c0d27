"""Job meta of FLARE -> the few fields of it that a job may decide."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from launcher.core.jobspec import Resources

__all__ = ["UNSET", "JobMeta", "Unset", "parse_meta"]


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
        pending_timeout: seconds; None = for ever; UNSET = the site's default.
        resources: cpu, memory and GPU; ephemeral storage is added in ``assemble``.
    """

    name: str = ""
    job_id: str = ""
    study: str = ""
    image: str = ""
    python_path: str = ""
    ephemeral_storage: str = ""
    pending_timeout: float | Unset | None = UNSET
    resources: Resources = field(default_factory=Resources)


def parse_meta(meta: Mapping[str, Any], site: str, *, source: str = "meta.json") -> JobMeta:
    """Return what ``meta`` decides for ``site`` (the server's key is ``server``)."""
    raise NotImplementedError
