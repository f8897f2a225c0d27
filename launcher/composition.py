"""Wiring for both entry points: the adapters of a site, the use cases over them, the values templates.

Imports are late: printing values needs neither Kubernetes nor Helm, a job pod needs none.
"""

from __future__ import annotations

import atexit
import os
import socket
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from launcher.core.spec.jobspec import JobSpec
from launcher.core.spec.site import SiteConfig
from launcher.errors import LauncherError
from launcher.logs import logger

if TYPE_CHECKING:
    from pathlib import Path

    from launcher.core.jobref import JobRef
    from launcher.core.lifecycle.ledger_note import LedgerNote
    from launcher.core.lifecycle.state import Track
    from launcher.core.pending.clocks import WaitPolicy
    from launcher.core.releases import StorageDriver
    from launcher.core.report.bundle import Bundle
    from launcher.core.views import Seen
    from launcher.edges import kube as kube_edges
    from launcher.edges.helm import HelmReleases, Records
    from launcher.edges.kubeconfig import ClientConfigLoader
    from launcher.usecases.handle import OnFailure
    from launcher.usecases.leader import Holder
    from launcher.usecases.ports import World
    from launcher.usecases.service import Service
    from launcher.usecases.telling.metrics import Metrics

__all__ = [
    "BundleTarget",
    "ParentOf",
    "bundle_writer",
    "cluster_of",
    "helm_edge",
    "make_service",
    "manifests",
    "parent_holder",
    "render_values",
    "wait_policy",
    "write_refused_bundle",
]

_LOG = logger(__name__)


def render_values(spec: JobSpec, site: SiteConfig) -> dict[str, Any]:
    """Return the chart values of a job."""
    from launcher.core.values.build import build_values  # noqa: PLC0415 - jinja2 costs 0.1 s
    from launcher.edges.charts.site_chart import chart_of  # noqa: PLC0415
    from launcher.edges.disk.chart_files import chart_definitions  # noqa: PLC0415
    from launcher.edges.disk.site_files import values_templates  # noqa: PLC0415

    return build_values(spec, site, values_templates(site), chart_definitions(chart_of(site)))


def manifests(spec: JobSpec, site: SiteConfig) -> str:
    """Return the manifests of a job as helm prints them, without a cluster: what a launch would install."""
    values = render_values(spec, site)
    return helm_edge(site).template(spec.release, spec.namespace, values)


def cluster_of(site: SiteConfig) -> ClientConfigLoader:
    """Return what resolves the cluster of a site, for both adapters of one service."""
    from launcher.edges.kubeconfig import ClientConfigLoader  # noqa: PLC0415

    return ClientConfigLoader(site.kubeconfig, site.context, pass_env=site.pass_env)


def helm_edge(
    site: SiteConfig,
    cluster: ClientConfigLoader | None = None,
    records: Records | None = None,
    metrics: Metrics | None = None,
) -> HelmReleases:
    """Return the Helm adapter of a site; ``cluster`` is shared with the client, which reads ``records``."""
    from launcher.edges.charts.site_chart import chart_or_later  # noqa: PLC0415
    from launcher.edges.helm import HelmReleases  # noqa: PLC0415

    return HelmReleases(
        chart=chart_or_later(site),
        helm=site.helm,
        loader=cluster or cluster_of(site),
        storage_driver=site.storage_driver,
        installs=site.helm_installs,
        removals=site.helm_removals,
        records=records,
        instruments=metrics,
    )


def make_service(site: SiteConfig, world: World | None = None, *, parent: ParentOf | None = None) -> Service:
    """Return the use cases of a site.

    Args:
        site: its configuration.
        world: the ports; None = helm and the cluster of the site.
        parent: it changes nothing while another parent of its site acts; None = for a person, who does.
    """
    from launcher.usecases.service import Service  # noqa: PLC0415

    world = world or _world_of(site, parent)
    return Service(world, wait_policy(site), partial(render_values, site=site))


def wait_policy(site: SiteConfig) -> WaitPolicy:
    """Return the clocks of a site."""
    from launcher.core.pending.clocks import WaitPolicy  # noqa: PLC0415

    may_grow = site.autoscaler != "none"
    return WaitPolicy(site.policy, site.pending_timeout, site.timeout, site.timeouts, may_grow)


@dataclass(frozen=True)
class ParentOf:
    """A parent of FLARE.

    Attributes:
        site: its name in the federation.
        federation: federation mark of its kit.
        holder: this process as a holder of Leases.
        metrics: count its jobs and what is done for them; None = nothing does.
    """

    site: str
    federation: str
    holder: Holder
    metrics: Metrics | None = None


def parent_holder() -> Holder:
    """Return this process as a holder of Leases; ask once in a process."""
    from launcher.usecases.leader import Holder  # noqa: PLC0415

    return Holder(f"{socket.gethostname()}_{os.getpid()}_{uuid.uuid4().hex[:8]}")


def _world_of(site: SiteConfig, parent: ParentOf | None) -> World:
    from launcher.edges.clock import SystemClock  # noqa: PLC0415
    from launcher.edges.later import LatePort, Later  # noqa: PLC0415
    from launcher.usecases.dated_releases import DatedReleases  # noqa: PLC0415
    from launcher.usecases.ports import World  # noqa: PLC0415
    from launcher.usecases.telling.metrics import Unmeasured, careful  # noqa: PLC0415
    from launcher.usecases.telling.tellers import tellers  # noqa: PLC0415
    from launcher.usecases.watching import LeaseWatching  # noqa: PLC0415
    from launcher.usecases.whole_releases import WholeReleases  # noqa: PLC0415

    cluster = cluster_of(site)
    cluster.current()  # raises what there is to say of the kubeconfig
    metrics = careful(parent.metrics) if parent and parent.metrics else Unmeasured()
    kube = Later(partial(_kube_edges, cluster, site.storage_driver, metrics))
    pods: Any = LatePort(lambda: kube.value().pods)
    secrets: Any = LatePort(lambda: kube.value().secrets)
    objects: Any = LatePort(lambda: kube.value().objects)
    clock = SystemClock(lambda: kube.value().client.server_time())  # noqa: PLW0108 - asked late
    records: Any = LatePort(lambda: kube.value().records)
    helm = helm_edge(site, cluster, records, metrics)
    dated = DatedReleases(helm, lambda *names: records.made(*names), clock)  # noqa: PLW0108 - asked late
    leases: Any = LatePort(lambda: kube.value().leases)
    watching = LeaseWatching(leases, clock, *_this_process())
    atexit.register(watching.stop)
    releases = WholeReleases(dated, helm.objects, objects, clock)
    installed: Any = LatePort(lambda: objects, manifests=helm.manifests)
    more: dict[str, Any] = {"installed": installed, "metrics": metrics}
    events: Any = LatePort(lambda: kube.value().job_events) if site.events else None
    more |= (told := tellers(releases, events, clock))
    world = World(releases, pods, secrets, clock, watching, **more)
    world = world if parent is None else _acting(world, leases, site.namespace, parent)
    for port in told.values():
        atexit.register(port.stop)  # before the Lease is let go, which was registered first
    return world


def _acting(world: World, leases: Any, namespace: str, parent: ParentOf) -> World:
    from launcher.core.leader import lease_name  # noqa: PLC0415
    from launcher.usecases.leader import LeaseActing, guarded  # noqa: PLC0415

    where = (lease_name(parent.site, parent.federation), namespace)
    acting = LeaseActing(leases, world.clock, parent.holder, parent.site, where)
    atexit.register(acting.stop)
    for port in (world.metrics, world.announced, world.notes):
        port.leads(lambda: acting.is_acting)
    return guarded(world, acting)


def _this_process() -> tuple[str, str]:
    """Return a name for the Leases of this process that no other has, and who that is."""
    return f"fljob-watcher-{uuid.uuid4().hex[:16]}", f"{socket.gethostname()}_{os.getpid()}"


class _KubeEdges(NamedTuple):
    client: kube_edges.KubeClient
    pods: kube_edges.KubePods
    secrets: kube_edges.KubeSecrets
    objects: kube_edges.KubeObjects
    records: kube_edges.KubeRecords
    leases: kube_edges.KubeLeases
    job_events: kube_edges.KubeJobEvents


def _kube_edges(cluster: ClientConfigLoader, driver: StorageDriver, metrics: Metrics) -> _KubeEdges:
    from launcher.edges import kube  # noqa: PLC0415 - costs 0.15 s

    client = kube.KubeClient(loader=cluster, instruments=metrics)
    pods = kube.KubePods(client)
    # A thread that wakes up while the interpreter shuts down aborts it ("FATAL: exception not
    # rethrown", exit code 134): once in a hundred runs of `fljob status` beside three others.
    atexit.register(pods.stop)
    objects = kube.KubeObjects(client)
    records = kube.KubeRecords(client, driver, objects)
    more = (kube.KubeLeases(client), kube.KubeJobEvents(client))
    return _KubeEdges(client, pods, kube.KubeSecrets(client), objects, records, *more)


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
        submitter: name, organisation and role of who submitted the job, empty where that is not known.
    """

    folder: Path
    report: Callable[[str], None]
    known: tuple[str, ...] = field(default=(), repr=False)
    force: bool = False
    where: str = "-o"
    root: Path | None = None
    submitter: tuple[str, str, str] = ("", "", "")

    def write(self, bundle: Bundle) -> None:
        """Write a bundle and report its cause; raises as ``write_bundle``."""
        from launcher.edges.disk.bundle import write_bundle  # noqa: PLC0415

        write_bundle(self.folder, bundle.files, force=self.force, where=self.where, root=self.root)
        self.report(bundle.cause)


def bundle_writer(world: World, target: BundleTarget) -> OnFailure:
    """Return a callback that writes the diagnosis of a failed job, before anything of it is removed."""

    def write(job: JobRef, track: Track, note: LedgerNote) -> None:
        from launcher.usecases.diagnose import collect  # noqa: PLC0415 - only jobs that fail need it

        target.write(collect(world, job, track, note, known=target.known, submitter=target.submitter))

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
        bundle = refused_bundle(ref_of_spec(spec), error, values, at, mode=site.policy, known=target.known)
        target.write(bundle)
    except Exception as failed:  # noqa: BLE001 - the caller is about to report why the launch was refused
        _LOG.warning("release=%s has no diagnosis: %s", spec.release, failed)


def _values_of(spec: JobSpec, site: SiteConfig) -> Seen[Mapping[str, Any]]:
    from launcher.core.views import Seen  # noqa: PLC0415

    try:
        return Seen.found(render_values(spec, site))
    except LauncherError as error:
        return Seen.unavailable(" ".join(str(error).split()))
