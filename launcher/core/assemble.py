"""Job meta + study + site + the launch request -> one JobSpec."""

from __future__ import annotations

from dataclasses import dataclass

from launcher.core.jobspec import EnvVar, JobSpec, Role
from launcher.core.meta import JobMeta
from launcher.core.site import SiteConfig
from launcher.core.study import Study

__all__ = ["Request", "build_jobspec"]


@dataclass(frozen=True, kw_only=True)
class Request:
    """One launch: what is neither in the meta, nor the study's, nor the site's to decide.

    Attributes:
        job_id: FLARE's job id; letters, digits, ``.``, ``_``, ``-``, the first one a letter or digit.
        site: name of the site (``server`` for the server).
        role: client or server job process.
        study: name of the study, empty for none.
        command: entry point; empty = the job's or site's Python.
        args: arguments.
        env: literal environment of the launcher.
        secret_env: environment of the launcher by reference to Secret keys.
        startup_secret: Secret with the startup kit, empty for none.
        attempt: from 1.
    """

    job_id: str
    site: str
    role: Role = Role.CLIENT
    study: str = ""
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env: tuple[EnvVar, ...] = ()
    secret_env: tuple[EnvVar, ...] = ()
    startup_secret: str = ""
    attempt: int = 1


def build_jobspec(request: Request, meta: JobMeta, study: Study, site: SiteConfig) -> JobSpec:
    """Return the one frozen value that everything behind this module reads."""
    raise NotImplementedError
