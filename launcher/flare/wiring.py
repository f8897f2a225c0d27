"""Makes the site's configuration and the job spec from launcher arguments, workspace and FLARE's launch."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from launcher.core.flare.site_folder import LOCAL, SITE_FOLDER
from launcher.core.flare.submitter import NOBODY
from launcher.core.spec.jobspec import JobSpec, Role
from launcher.core.spec.site import SiteConfig
from launcher.errors import InvalidInput, LauncherError, StudyFormats
from launcher.flare.context import FlareJob
from launcher.logs import logger
from launcher.usecases.make_job import Stage, make_job

__all__ = ["Launch", "checked", "job_spec", "site_config"]

_LOG = logger(__name__)
_LOCK, _SHOWN = threading.Lock(), 10
_WARNED: set[tuple[str, str]] = set()
_PORTABLE = ("['num_of_gpus']", "['num_of_cpus']", "['memory']")
# FLARE raises these for mistakes in a job's meta, and in the files of a site.
_KINDS = {Stage.META: RuntimeError, Stage.STUDY: ValueError, Stage.JOB: ValueError}


@dataclass(frozen=True)
class Launch:
    """One validated launch, before anything is created."""

    job: FlareJob
    site: SiteConfig
    spec: JobSpec


def checked(job: FlareJob, meta: Mapping[str, Any], settings: Mapping[str, Any], role: Role) -> Launch:
    """Return a launch with the configuration of the site as it is now.

    Raises:
        RuntimeError, ValueError: the job or the site is wrong.
    """
    site = site_config(settings, job.workspace, job.site, role)
    known = job if site.history_submitter else replace(job, submitter=NOBODY)
    return Launch(known, site, job_spec(job, meta, site))


@contextmanager
def _errors_as(kind: type[Exception], *, meta: str = "") -> Iterator[None]:
    """Raise our errors as the type that FLARE's own launcher raises for the same mistake.

    Args:
        kind: type for mistakes in what is read inside.
        meta: name of the job's meta, if mistakes in it can be found inside, too.
    """
    try:
        yield
    except StudyFormats as error:
        raise RuntimeError(str(error)) from error
    except InvalidInput as error:
        if meta and error.where == meta:
            raise RuntimeError(str(error)) from error
        raise (ValueError if _is_portable(error.where) else kind)(str(error)) from error
    except LauncherError as error:
        raise kind(str(error)) from error


def _is_portable(where: str) -> bool:
    """Return whether a mistake is in the portable amounts, for which FLARE has another error type."""
    return "resource_spec[" in where and where.endswith(_PORTABLE)


def site_config(settings: Mapping[str, Any], workspace: str, site: str, role: Role) -> SiteConfig:
    """Return the site's configuration: constructor arguments over ``fljob.yaml`` over FLARE's defaults.

    Raises:
        ValueError: a mistake in ``fljob.yaml``.
    """
    # pydantic is needed here and not in a job pod, where no job is launched.
    from launcher.edges.disk.parent import site_settings  # noqa: PLC0415
    from launcher.edges.disk.site_folder import exposed  # noqa: PLC0415

    root = Path(workspace)
    with _errors_as(ValueError):
        config = site_settings(settings, root, site, role)
    # FLARE leaves out of the bundle what its own argument names.
    study_data = settings.get("study_data_file") or ""
    ours = replace(config, study_data_file="") if study_data else config
    _warn_once(workspace, exposed(root, ours, study_data=study_data))
    return config


def _warn_once(workspace: str, names: Iterable[str]) -> None:
    """Log files of the site in FLARE's ``local/``, each once in the life of the parent."""
    with _LOCK:
        new = [name for name in names if (workspace, name) not in _WARNED]
        _WARNED.update((workspace, name) for name in new)
    if new:
        more = f" and {len(new) - _SHOWN} more" if len(new) > _SHOWN else ""
        _LOG.warning(
            "FLARE sends what is in %s to every job pod, files of the site too: %s%s; move them to %s "
            "(`fljob kit adopt`), and remove them there",
            Path(workspace, LOCAL),
            ", ".join(new[:_SHOWN]),
            more,
            Path(workspace, SITE_FOLDER),
        )


def job_spec(job: FlareJob, meta: Mapping[str, Any], site: SiteConfig) -> JobSpec:
    """Return the job of one launch.

    Raises:
        RuntimeError: a mistake in the job's meta.
        ValueError: a mistake in the site's study files.
    """
    from launcher.edges.disk.site_files import load_study  # noqa: PLC0415

    request = job.request(site.role, site.workspace_mount_path)
    made = make_job(request, meta, site, load_study, within=_with_flares_errors)
    for warning in made.warnings:
        _LOG.warning("job %s at site %s: %s", job.job_id, job.site, warning)
    return made.spec


def _with_flares_errors(stage: Stage, source: str) -> AbstractContextManager[None]:
    return _errors_as(_KINDS[stage], meta=source if stage is Stage.JOB else "")
