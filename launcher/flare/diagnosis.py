"""Where a FLARE parent writes the diagnosis of a job, and what it says of it in its log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path
from typing import TYPE_CHECKING, Any

from launcher import composition
from launcher.core.flare.site_folder import SITE_FOLDER
from launcher.core.flare.submitter import NOBODY, Submitter
from launcher.core.names import label_value
from launcher.core.spec.jobspec import JobSpec
from launcher.core.spec.site import SiteConfig
from launcher.errors import LauncherError
from launcher.logs import logger

if TYPE_CHECKING:
    from launcher.core.jobref import JobRef
    from launcher.usecases.handle import OnFailure
    from launcher.usecases.ports import World

__all__ = ["failure_writer", "write_refused"]

_LOG = logger(__name__)


def _folder(workspace: str, job_id: str, site: str) -> Path:
    # Not in the run folder: FLARE's server hands it out as the job's result, to whoever submitted the job.
    # A site may be called `/etc` or `..`: what is a label value is the name of a file, too.
    return Path(workspace) / SITE_FOLDER / "diagnosis" / label_value(job_id) / label_value(site)


def _target(
    folder: Path, log: Callable[[str], None], credentials: tuple[str, ...], submitter: Submitter = NOBODY
) -> composition.BundleTarget:
    # The folders below the workspace are in reach of jobs: none of them may be a link.
    root = folder.parents[3]
    where: dict[str, Any] = {"folder": folder, "report": log, "force": True, "root": root}
    return composition.BundleTarget(**where, known=credentials, submitter=astuple(submitter))


def failure_writer(
    world: World,
    workspace: str,
    job: JobRef,
    credentials: tuple[str, ...],
    submitter: Submitter,
) -> OnFailure:
    """Return a callback that writes the diagnosis of a failed job into the site's folder.

    Args:
        world: the ports.
        workspace: root of the parent's workspace.
        job: its names.
        credentials: must not appear.
        submitter: who submitted the job.
    """
    folder = _folder(workspace, job.job_id, job.site)

    def log(cause: str) -> None:
        _LOG.error("job %s failed at site %s: %s; diagnosis in %s", job.job_id, job.site, cause, folder)

    return composition.bundle_writer(world, _target(folder, log, credentials, submitter))


def write_refused(
    spec: JobSpec, site: SiteConfig, error: LauncherError, workspace: str, credentials: tuple[str, ...]
) -> None:
    """Write the diagnosis of a job that was not launched into the same folder; a failure is only logged."""
    folder = _folder(workspace, spec.job_id, spec.site)

    def log(_: str) -> None:
        _LOG.info("job %s: diagnosis in %s", spec.job_id, folder)

    composition.write_refused_bundle(spec, site, error, _target(folder, log, credentials))
