"""What a plan asks of the API server; nothing is created (port ``Planning``)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from launcher.core.pending.nodes import effective_requests
from launcher.core.plan.images import Login
from launcher.core.plan.views import Cluster, Found, PlannedPod, Reference
from launcher.core.rights import Right
from launcher.core.views import ObjectRef, PodView, Seen
from launcher.edges.kube.access import KubeAccess
from launcher.edges.kube.client import KubeClient
from launcher.edges.kube.errors import looked
from launcher.edges.kube.objects import KubeObjects
from launcher.edges.kube.planned_pod import planned_pod
from launcher.edges.kube.pull_secret import logins_of
from launcher.edges.kube.translate import node_view, pod_view
from launcher.edges.kube.untyped import as_map, as_maps, as_text
from launcher.errors import Denied, LauncherError, NotFound

__all__ = ["KubePlanning"]

_ENDED = ("Succeeded", "Failed")


class KubePlanning:
    """Questions to one API server."""

    def __init__(self, client: KubeClient) -> None:
        self._client = client
        self._objects = KubeObjects(client)
        self._access = KubeAccess(client)

    def try_out(self, ref: ObjectRef, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return an object as the API server would store it; raises what it would say to a creation."""
        return self._objects.try_out(ref, body)

    def pod(self, raw: Any, namespace: str) -> PlannedPod:
        """Return what a plan looks at of a pod's JSON."""
        return planned_pod(raw, namespace)

    def missing(self, rights: Iterable[Right], namespace: str) -> tuple[Right, ...]:
        """Return those of the rights that we do not have; raises a LauncherError."""
        allowed = self._access.allowed
        return tuple(one for one in rights if not allowed(one.group, one.resource, one.verb, namespace))

    def look(self, reference: Reference, namespace: str) -> Seen[Found]:
        """Return whether an object is there, and which keys it has; a missing right is "could not ask"."""
        use = reference.use
        ref = ObjectRef(use.api_version, use.kind, reference.name, namespace if use.is_namespaced else "")
        try:
            return looked(lambda: _found(self._objects.read(ref)))
        except Denied as error:
            return Seen.unavailable(error.message, error.cure)

    def logins(self, secrets: Iterable[str], namespace: str) -> tuple[Login, ...]:
        """Return the logins of registry Secrets; one that is not there, or may not be read, has none."""
        refs = (ObjectRef("v1", "Secret", name, namespace) for name in secrets)
        return tuple(one for ref in refs for one in self._logins(ref))

    def _logins(self, ref: ObjectRef) -> tuple[Login, ...]:
        try:
            return logins_of(self._objects.read(ref))
        except (NotFound, Denied):
            return ()

    def cluster(self) -> Cluster:
        """Return the nodes, and what the pods on them ask for, as far as both may be listed."""
        core = self._client.core
        try:
            nodes, _ = self._client.list_all("list nodes", lambda _, **more: core.list_node(**more), "")
        except LauncherError as error:
            return Cluster(why=error.message)
        views = tuple(map(node_view, nodes))
        images = frozenset(_images(nodes))
        try:
            pods, _ = self._client.list_all(
                "list pods in all namespaces", lambda _, **more: core.list_pod_for_all_namespaces(**more), ""
            )
        except LauncherError as error:
            return Cluster(nodes=views, why_not_used=error.message, images=images)
        return Cluster(nodes=views, used=_used(map(pod_view, pods)), images=images)


def _images(nodes: Iterable[Any]) -> Iterator[str]:
    for node in nodes:
        for one in as_maps(as_map(as_map(node).get("status")).get("images")):
            names = one.get("names")
            yield from (name for name in (names if isinstance(names, list) else ()) if isinstance(name, str))


def _found(raw: Mapping[str, Any]) -> Found:
    keys = {str(key) for part in ("data", "binaryData") for key in as_map(raw.get(part))}
    return Found(frozenset(keys), as_text(as_map(raw.get("status")).get("phase")))


def _used(pods: Iterable[PodView]) -> dict[str, dict[str, Decimal]]:
    """Return what pods that have not ended ask for, by node; ``pods`` is their number."""
    used: dict[str, dict[str, Decimal]] = {}
    for pod in pods:
        if not pod.node or pod.phase in _ENDED:
            continue
        sums = used.setdefault(pod.node, {"pods": Decimal(0)})
        sums["pods"] += 1
        for name, amount in effective_requests(pod).items():
            sums[name] = sums.get(name, Decimal(0)) + amount
    return used
