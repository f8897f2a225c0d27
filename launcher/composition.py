"""Wiring for both entry points: the adapters of a site, the use cases over them, the values templates.

Imports are late: printing values needs neither Kubernetes (0.6 s) nor pyhelm3 (0.3 s), a job pod needs none.
"""

from __future__ import annotations

import atexit
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from launcher.core.spec.jobspec import JobSpec
from launcher.core.spec.site import SiteConfig
from launcher.logs import logger

if TYPE_CHECKING:
    from pathlib import Path

    from launcher.core.jobref import JobRef
    from launcher.core.lifecycle.state import Track
    from launcher.core.report.bundle import Bundle
    from launcher.core.views import Seen
    from launcher.edges.helm import HelmReleases
    from launcher.edges.kubeconfig import ClientConfigLoader
    from launcher.errors import LauncherError
    from launcher.usecases.handle import OnFailure
    from launcher.usecases.ports import World
    from launcher.usecases.service import Service

__all__ = [
    "BundleTarget",
    "bundle_writer",
    "cluster_of",
    "helm_edge",
    "make_service",
    "render_values",
    "write_refused_bundle",
]

_LOG = logger(__name__)


def render_values(spec: JobSpec, site: SiteConfig) -> dict[str, Any]:
    """Return the chart values of a job."""
    from launcher.core.values.build import build_values  # noqa: PLC0415 - jinja2 costs 0.1 s
    from launcher.edges.disk.site_files import values_templates  # noqa: PLC0415

    return build_values(spec, site, values_templates(site))


def cluster_of(site: SiteConfig) -> ClientConfigLoader:
    """Return what resolves the cluster of a site, for both adapters of one service."""
    from launcher.edges.kubeconfig import ClientConfigLoader  # noqa: PLC0415

    return ClientConfigLoader(site.kubeconfig, site.context, pass_env=site.pass_env)


def helm_edge(site: SiteConfig, cluster: ClientConfigLoader | None = None) -> HelmReleases:
    """Return the Helm adapter of a site; ``cluster`` is shared with the client."""
    from launcher.edges.disk.site_files import chart_dir  # noqa: PLC0415
    from launcher.edges.helm import HelmReleases  # noqa: PLC0415

    return HelmReleases(
        chart=chart_dir(site),
        helm=site.helm,
        loader=cluster or cluster_of(site),
        storage_driver=site.storage_driver,
    )


def make_service(site: SiteConfig, world: World | None = None) -> Service:
    """Return the use cases of a site on the ports ``world``; None = on helm and the cluster of the site."""
    from launcher.core.pending.clocks import WaitPolicy  # noqa: PLC0415
    from launcher.usecases.service import Service  # noqa: PLC0415

    world = world or _world_of(site)
    policy = WaitPolicy(site.policy, site.pending_timeout, site.timeout, site.timeouts)
    return Service(world, policy, partial(render_values, site=site))


def _world_of(site: SiteConfig) -> World:
    from launcher.edges.clock import SystemClock  # noqa: PLC0415
    from launcher.edges.kube import KubeClient, KubePods, KubeSecrets  # noqa: PLC0415 - costs 0.6 s
    from launcher.usecases.ports import World  # noqa: PLC0415

    cluster = cluster_of(site)
    client = KubeClient(loader=cluster)
    pods = KubePods(client)
    # A thread that wakes up while the interpreter shuts down aborts it ("FATAL: exception not
    # rethrown", exit code 134): once in a hundred runs of `fljob status` beside three others.
    atexit.register(pods.stop)
    return World(helm_edge(site, cluster), pods, KubeSecrets(client), SystemClock())


@dataclass(frozen=True, kw_only=True)
class BundleTarget:
    """Where a diagnosis is written.

    Attributes:
        folder: of the bundle.
        report: called with the one-line cause once it is written.
        known: credentials that must not appear in it.
        force: replace an earlier bundle.
        where: the option that named the folder, for errors.
        root: the folder below which no other may be a symbolic link; None = the parent of ``folder``.
    """

    folder: Path
    report: Callable[[str], None]
    known: tuple[str, ...] = field(default=(), repr=False)
    force: bool = False
    where: str = "-o"
    root: Path | None = None

    def write(self, bundle: Bundle) -> None:
        """Write a bundle and report its cause; raises as ``write_bundle``."""
        from launcher.edges.disk.bundle import write_bundle  # noqa: PLC0415

        write_bundle(self.folder, bundle.files, force=self.force, where=self.where, root=self.root)
        self.report(bundle.cause)


def bundle_writer(world: World, target: BundleTarget) -> OnFailure:
    """Return a callback that writes the diagnosis of a failed job, before anything of it is removed."""

    def write(job: JobRef, track: Track) -> None:
        from launcher.usecases.diagnose import collect  # noqa: PLC0415 - only jobs that fail need it

        target.write(collect(world, job, track, known=target.known))

    return write


def write_refused_bundle(spec: JobSpec, site: SiteConfig, error: LauncherError, target: BundleTarget) -> None:
    """Write the diagnosis of a launch that was refused; a failure to do so is only logged.

    Args:
        spec: the job.
        site: the configuration of its site.
        error: why it was refused.
        target: where the bundle is written.
    """
    from launcher.core.report.refused_launch import refused_bundle  # noqa: PLC0415
    from launcher.core.spec.jobspec import ref_of_spec  # noqa: PLC0415 - only launches that fail need it
    from launcher.edges.clock import SystemClock  # noqa: PLC0415

    try:
        at, values = SystemClock().now(), _values_of(spec, site)
        target.write(
            refused_bundle(ref_of_spec(spec), error, values, at, mode=site.policy, known=target.known)
        )
    except Exception as failed:  # noqa: BLE001 - the caller is about to report why the launch was refused
        _LOG.warning("release=%s has no diagnosis: %s", spec.release, failed)


def _values_of(spec: JobSpec, site: SiteConfig) -> Seen[Mapping[str, Any]]:
    from launcher.core.views import Seen  # noqa: PLC0415
    from launcher.errors import LauncherError  # noqa: PLC0415

    try:
        return Seen.found(render_values(spec, site))
    except LauncherError as error:
        return Seen.unavailable(" ".join(str(error).split()))
