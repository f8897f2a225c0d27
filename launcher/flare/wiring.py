"""Makes the site's configuration and the job spec from launcher arguments, workspace and FLARE's launch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from launcher.core.flare.kit import SITE
from launcher.core.flare.meta import parse_meta
from launcher.core.spec.assemble import all_warnings, build_jobspec
from launcher.core.spec.jobspec import JobSpec, Role
from launcher.core.spec.site import SiteConfig
from launcher.errors import InvalidInput, LauncherError, StudyFormats
from launcher.flare.arguments import FLARE_PYTHON
from launcher.flare.context import FlareJob
from launcher.logs import logger

__all__ = ["job_spec", "site_config"]

_LOG = logger(__name__)
_RUNTIME = "local/study_runtime.yaml"
_PORTABLE = ("['num_of_gpus']", "['num_of_cpus']", "['memory']")


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
    """Return the site's configuration: constructor arguments over ``local/fljob.yaml`` over FLARE's defaults.

    Raises:
        ValueError: a mistake in ``fljob.yaml``.
    """
    # pydantic is needed here and not in a job pod, where no job is launched.
    from launcher.edges.disk.config import load_config  # noqa: PLC0415

    path = Path(workspace) / SITE
    with _errors_as(ValueError):
        config = load_config(path) if path.is_file() else SiteConfig(default_python_path=FLARE_PYTHON)
    runtime = Path(workspace) / _RUNTIME
    if runtime.exists():
        config = replace(config, study_runtime_file=str(runtime))
    return replace(config, **{**settings, "site": site, "role": role})


def job_spec(job: FlareJob, meta: Mapping[str, Any], site: SiteConfig) -> JobSpec:
    """Return the job of one launch.

    Raises:
        RuntimeError: a mistake in the job's meta.
        ValueError: a mistake in the site's study files.
    """
    from launcher.edges.disk.site_files import load_study  # noqa: PLC0415

    with _errors_as(RuntimeError):
        parsed = parse_meta(meta, job.site)
    with _errors_as(ValueError):
        study = load_study(site, job.study)
    request = job.request(site.role, site.workspace_mount_path)
    with _errors_as(ValueError, meta=parsed.source):
        spec = build_jobspec(request, parsed, study, site)
    for warning in all_warnings(parsed, study, spec):
        _LOG.warning("job %s at site %s: %s", job.job_id, job.site, warning)
    return spec
