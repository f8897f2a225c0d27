"""Checks of a site: helm, chart, cluster, rights, registry Secrets."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from launcher import composition
from launcher.cli import wiring
from launcher.cli.commands.doctor.check import Check
from launcher.cli.site_rights import chart_rights, example_job, switched_on
from launcher.core import foreign
from launcher.core.chart_reference import chart_reference, in_registry
from launcher.core.loopback import is_loopback
from launcher.core.rights import LIST_NODES, WATCHING, Right, needed
from launcher.core.spec.site import SiteConfig
from launcher.errors import Denied, InvalidInput, LauncherError, NotFound, ToolMissing, Unavailable

if TYPE_CHECKING:
    from launcher.edges.kube.access import KubeAccess

__all__ = ["access", "secret", "site_checks"]

_OLDEST_HELM = (3, 18)


def site_checks(site: SiteConfig) -> Iterator[Check]:
    """Yield the checks of a site; later ones need what earlier ones check."""
    yield Check("helm", partial(_helm, site))
    yield Check("chart", partial(_chart, site))
    if in_registry(site.chart):
        yield Check("registry", partial(_registry, site))
    yield Check("cluster", partial(_releases, site))
    yield Check("namespace", partial(_namespace, site))
    yield from _rights(site)
    if site.metrics_port is not None:
        yield Check("metrics", partial(_metrics, site))
    for name in site.image_pull_secrets:
        yield Check(f"registry Secret {name}", partial(secret, site, name))


def access(site: SiteConfig) -> KubeAccess:
    """Return the adapter for checks of a namespace."""
    from launcher.edges.kube import KubeClient  # noqa: PLC0415 - costs 0.6 s
    from launcher.edges.kube.access import KubeAccess  # noqa: PLC0415

    return KubeAccess(KubeClient(loader=composition.cluster_of(site)))


def secret(site: SiteConfig, name: str) -> str:
    """Check that a Secret exists."""
    if access(site).has_secret(name, site.namespace):
        return "is there"
    raise NotFound(f"not in namespace {site.namespace}", cure="create it, or correct the name")


def _helm(site: SiteConfig) -> str:
    version: str = wiring.helm(site).version()
    numbers = tuple(int(part) for part in version.lstrip("v").split(".")[:2] if part.isdigit())
    if numbers < _OLDEST_HELM:
        raise ToolMissing(f"{version} is too old", cure="install helm 4.3")
    return version


def _chart(site: SiteConfig) -> str:
    spec = example_job(site)
    text = wiring.helm(site).template(spec.release, spec.namespace, composition.render_values(spec, site))
    which = f"; {site.chart}" if in_registry(site.chart) else ""
    return f"renders, {len(text.splitlines())} lines{which}"


def _metrics(site: SiteConfig) -> str:
    """Check that a parent can serve metrics with what is installed here."""
    if importlib.util.find_spec("prometheus_client") is None:
        raise ToolMissing("prometheus-client is not installed", cure="`pip install prometheus-client`")
    reach = "this machine only" if is_loopback(site.metrics_address) else "whoever reaches that address"
    return f"a FLARE parent serves them at {site.metrics_address} port {site.metrics_port}, for {reach}"


def _registry(site: SiteConfig) -> str:
    """Check that the registry still has what is used: a tag may have moved since it was fetched."""
    from launcher.edges.charts.site_chart import chart_cache  # noqa: PLC0415

    chart = chart_reference(site.chart, "chart")
    try:
        chart_cache(site).check(chart)
    except Unavailable as error:
        return f"not asked, and what was fetched before is used: {error.message}"
    tag = f", which is what tag {chart.tag} names" if chart.tag else ""
    signed = f", signed with {site.chart_key}" if site.chart_key else ""
    return f"{chart.host} has {chart.digest}{tag}{signed}"


def _releases(site: SiteConfig) -> str:
    found = wiring.helm(site).list(site.namespace)
    return f"helm sees {len(found)} job releases in namespace {site.namespace}"


def _namespace(site: SiteConfig) -> str:
    try:
        if access(site).has_namespace(site.namespace):
            return f"{site.namespace} is there"
    except Denied:
        return f"cannot be told without the right to create Secrets in {site.namespace}"
    cure = f"`kubectl create namespace {site.namespace}`, or correct --namespace"
    raise NotFound(f"there is no namespace {site.namespace}", cure=cure)


def _rights(site: SiteConfig) -> Iterator[Check]:
    """Yield one check when all rights are granted, else one for each that is missing."""
    more = frozenset[Right]()
    try:
        more = chart_rights(site)
    except LauncherError as error:
        yield Check("rights for what the chart makes", partial(_fail, error))
    wanted = sorted(needed(site.storage_driver, more))
    try:
        api = access(site)
        if not _is_there(api, site):
            yield Check("nodes", lambda: _nodes(api, site))
            return  # all rights may be granted in a namespace that does not exist, and a line above says that
        user = foreign.name(api.user())
        missing = _lacking(api, site, wanted)
    except LauncherError as error:
        yield Check("rights", partial(_fail, error))
        return
    if not missing:
        whose = f" to {user}" if user else ""
        yield Check("rights", lambda: f"all {len(wanted)} granted in namespace {site.namespace}{whose}")
    driver = "" if site.storage_driver == SiteConfig.storage_driver else f" --driver {site.storage_driver}"
    cure = f"`fljob rbac -n {site.namespace} --service-account NAME{driver} | kubectl apply -f -`"
    yield Check("nodes", lambda: _nodes(api, site))
    for right in missing:
        words = f"{right.verb} {right.resource} is not granted in namespace {site.namespace}"
        yield Check("right", partial(_fail, InvalidInput(words, cure=cure)))
    # Their cure is that of the rights.
    yield Check("leases", lambda: _leases(api, site), only_warns=True)
    if site.events:
        yield Check("events", lambda: _events(api, site), only_warns=True)


def _is_there(api: KubeAccess, site: SiteConfig) -> bool:
    try:
        return api.has_namespace(site.namespace)
    except Denied:
        return True  # as far as anybody can tell


def _lacking(api: KubeAccess, site: SiteConfig, wanted: Iterable[Right]) -> list[Right]:
    return [
        right
        for right in sorted(wanted)
        if not api.allowed(right.group, right.resource, right.verb, site.namespace)
    ]


def _events(api: KubeAccess, site: SiteConfig) -> str:
    """Return that what is decided of a job can be said on its pod; jobs run all the same if not."""
    missing = _lacking(api, site, switched_on(site))
    if not missing:
        return "can be written: `kubectl describe pod` says why a job waits, and what to do"
    verbs = ", ".join(right.verb for right in missing)
    grant = f"`fljob rbac -n {site.namespace} --service-account NAME | kubectl apply -f -`"
    raise InvalidInput(
        f"no right to {verbs} events: `kubectl describe pod` does not say why a job waits",
        cure=f"{grant}, or write `events: false`",
    )


def _leases(api: KubeAccess, site: SiteConfig) -> str:
    """Return that who watches a job can be told by Leases; jobs run all the same if not."""
    missing = _lacking(api, site, WATCHING)
    if not missing:
        return "can be made: of two parents one acts, and `fljob gc` leaves alone what somebody watches"
    verbs = ", ".join(right.verb for right in missing)
    raise InvalidInput(
        f"no right to {verbs} Leases: two parents of the site at once would both act, and `fljob gc` goes by "
        "the age of jobs alone",
        cure=f"`fljob rbac -n {site.namespace} --service-account NAME | kubectl apply -f -`",
    )


def _fail(error: LauncherError) -> str:
    raise error


def _nodes(api: KubeAccess, site: SiteConfig) -> str:
    """Return whether nodes can be listed; it is no failure if not."""
    if api.allowed(LIST_NODES.group, LIST_NODES.resource, LIST_NODES.verb, ""):
        return (
            "can be listed: requests larger than every node are told, and end early with `autoscaler: none`"
        )
    grant = f"`fljob rbac --nodes -n {site.namespace} --service-account NAME`"
    return f"cannot be listed (optional): requests that no node can meet wait for pending_timeout; {grant}"
