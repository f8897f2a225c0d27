"""Composition root of the FLARE door: settings and workspace in, values and use cases out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from launcher.core.assemble import build_jobspec
from launcher.core.jobspec import JobSpec, Role
from launcher.core.meta import parse_meta
from launcher.core.site import SiteConfig
from launcher.errors import InvalidInput, LauncherError, StudyFormats
from launcher.flare.arguments import FLARE_PYTHON
from launcher.flare.context import FlareJob

if TYPE_CHECKING:
    from launcher.edges.helm import HelmReleases
    from launcher.service import Service

__all__ = ["helm_edge", "job_spec", "make_service", "render_values", "site_config"]

_CONFIG = "local/fljob.yaml"
_RUNTIME = "local/study_runtime.yaml"
_PORTABLE = ("['num_of_gpus']", "['num_of_cpus']", "['memory']")


@contextmanager
def _refused_as(kind: type[Exception]) -> Iterator[None]:
    """Raise our errors as the type that FLARE raises at the same place."""
    try:
        yield
    except StudyFormats as error:
        raise RuntimeError(str(error)) from error
    except InvalidInput as error:
        raise (ValueError if _is_portable(error.where) else kind)(str(error)) from error
    except LauncherError as error:
        raise kind(str(error)) from error


def _is_portable(where: str) -> bool:
    """Tell whether a mistake is in the amounts that hold for every launcher: FLARE reads those elsewhere."""
    return "resource_spec[" in where and where.endswith(_PORTABLE)


def site_config(settings: Mapping[str, Any], workspace: str, site: str, role: Role) -> SiteConfig:
    """Return the site's configuration: constructor arguments over ``local/fljob.yaml`` over FLARE's defaults.

    Raises:
        ValueError: a mistake in ``fljob.yaml``.
    """
    # pydantic is needed here and not in a job pod, where no job is launched.
    from launcher.edges.config import load_config  # noqa: PLC0415

    path = Path(workspace) / _CONFIG
    with _refused_as(ValueError):
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
    from launcher.edges.files import load_study  # noqa: PLC0415

    with _refused_as(RuntimeError):
        parsed = parse_meta(meta, job.site)
    with _refused_as(ValueError):
        study = load_study(site, job.study)
    request = job.request(site.role, site.workspace_mount_path)
    with _refused_as(ValueError if parsed.image or study.image else RuntimeError):
        return build_jobspec(request, parsed, study, site)


def render_values(spec: JobSpec, site: SiteConfig) -> dict[str, Any]:
    """Return the chart values of a job."""
    from launcher.core.values import build_values  # noqa: PLC0415 - jinja2 costs 0.1 s
    from launcher.edges.files import values_templates  # noqa: PLC0415

    return build_values(spec, site, values_templates(site))


def helm_edge(site: SiteConfig) -> HelmReleases:
    """Return the Helm edge of a site."""
    from launcher.edges.files import chart_dir  # noqa: PLC0415
    from launcher.edges.helm import HelmReleases  # noqa: PLC0415

    return HelmReleases(
        chart=chart_dir(site), helm=site.helm, kubeconfig=site.kubeconfig, context=site.context
    )


def make_service(site: SiteConfig) -> Service:
    """Return the use cases over the real world."""
    from launcher.core.patience import WaitPolicy  # noqa: PLC0415
    from launcher.edges.clock import SystemClock  # noqa: PLC0415
    from launcher.edges.kube import KubeClient, KubePods, KubeSecrets  # noqa: PLC0415 - costs 0.6 s
    from launcher.removal import World  # noqa: PLC0415
    from launcher.service import Service  # noqa: PLC0415

    client = KubeClient(site.kubeconfig, site.context)
    world = World(helm_edge(site), KubePods(client), KubeSecrets(client), SystemClock())
    return Service(world, WaitPolicy(site.policy, site.pending_timeout, site.timeout, site.timeouts))
