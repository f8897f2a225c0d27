"""Pods, their events and logs; one shared watch per namespace (port ``Pods``)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, TypeVar

from launcher.core.admission import LimitRangeView
from launcher.core.names import LABEL_JOB_ID
from launcher.core.views import NodeView, PodEvent, PodView, Presence, Seen
from launcher.edges.kube.client import KubeClient
from launcher.edges.kube.errors import looked
from launcher.edges.kube.events import KubeEventWatch, latest_claim_events
from launcher.edges.kube.listwatch import ListWatch, no_list
from launcher.edges.kube.logs import FollowedLog, no_pod, read_log
from launcher.edges.kube.translate import limit_range_view, node_view, pod_view
from launcher.edges.kube.untyped import as_map, as_maps, as_text
from launcher.edges.kube.watch import KubePodWatch
from launcher.errors import Conflict, Denied, LauncherError, NotFound, Unavailable

__all__ = ["KubePods"]

W = TypeVar("W", bound=ListWatch)
_PAGE = 500
# Seconds. Allocatable changes with the node only; a missing right is seldom granted.
_NODES_TTL, _DENIED_TTL = 60.0, 600.0
# Seconds: four requests a minute and namespace, and only while a claim is unbound.
_CLAIMS_TTL = 15.0
_ABOUT_CLAIMS = "involvedObject.kind=PersistentVolumeClaim"


class KubePods:
    """Job pods of any namespace."""

    def __init__(self, client: KubeClient) -> None:
        self._client = client
        self._watches: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()
        self._nodes_lock = threading.Lock()
        self._cached_nodes: tuple[float, tuple[NodeView, ...]] = (0.0, ())
        self._claims_lock = threading.Lock()
        self._cached_claims: dict[str, tuple[float, Mapping[str, PodEvent]]] = {}

    def get(self, name: str, namespace: str) -> Seen[PodView]:
        """Read one pod from the API server.

        Raises:
            Denied: the right to get pods is missing.
        """
        seen = self.raw(name, namespace)
        view = None if seen.value is None else pod_view(seen.value, namespace)
        return Seen(seen.presence, view, seen.why, seen.cure)

    def raw(self, name: str, namespace: str) -> Seen[Mapping[str, Any]]:
        """Read one pod from the API server and return its JSON; raises like :meth:`get`."""
        action, read = f"get pod {namespace}/{name}", self._client.core.read_namespaced_pod
        seen = looked(lambda: self._client.call(action, read, name, namespace))
        if seen.value is None:
            return seen
        if not as_map(seen.value.get("metadata")).get("uid"):
            # Such as `{}`, from whoever stands before the API server: it does not say that there is none.
            return Seen.unavailable(f"cannot get pod {namespace}/{name}: the answer is no pod")
        return seen

    def list(self, namespace: str) -> tuple[PodView, ...]:
        """Return the job pods of a namespace, page by page; without a namespace those of all."""
        action = f"list pods in {f'namespace {namespace}' if namespace else 'all namespaces'}"
        items, revision = self._client.list_all(action, self._list, namespace, label_selector=LABEL_JOB_ID)
        if not revision:
            raise no_list(action)
        return tuple(pod_view(item, namespace) for item in items)

    def _list(self, namespace: str, **more: Any) -> Any:
        core = self._client.core
        if not namespace:
            return core.list_pod_for_all_namespaces(**more)
        return core.list_namespaced_pod(namespace, **more)

    def has_namespace(self, namespace: str) -> bool:
        """Return False only when the API server says that there is no such namespace."""
        try:
            self._client.call(f"get namespace {namespace}", self._client.core.read_namespace, namespace)
        except NotFound:
            return False
        except LauncherError:
            return True  # such as a missing right: a parent may not read namespaces
        return True

    def namespaces(self) -> tuple[str, ...]:
        """Return the names of all namespaces."""
        answer = self._client.call("list namespaces", self._client.core.list_namespace)
        found = (as_text(as_map(one.get("metadata")).get("name")) for one in as_maps(answer.get("items")))
        return tuple(name for name in found if name)

    def watch(self, namespace: str) -> KubePodWatch:
        """Return the shared watch of ``namespace`` (empty = of all), which was listed once or failed."""
        return self._shared("pods", namespace, partial(KubePodWatch, self._client, namespace))

    def watching(self, namespace: str) -> KubePodWatch | None:
        """Return the shared watch of ``namespace`` if somebody has started it, else None."""
        watch: KubePodWatch | None = self._watches.get(("pods", namespace))
        return watch if watch is not None and watch.alive else None

    def events(self, namespace: str, uid: str) -> tuple[PodEvent, ...]:
        """Return the events of one pod uid, oldest first, from a watch that all pending pods share."""
        return self._shared("events", namespace, partial(self._event_watch, namespace, uid)).of(uid)

    def nodes(self) -> tuple[NodeView, ...]:
        """Return all nodes, at most a minute old; empty when they may not or cannot be listed."""
        with self._nodes_lock:
            until, known = self._cached_nodes
            if time.monotonic() < until:
                return known
            try:
                answer = self._client.call("list nodes", self._client.core.list_node, limit=_PAGE)
                more = as_map(answer.get("metadata")).get("continue")
                # The largest node may be on a later page, and one message is not worth listing a big cluster.
                found = () if more else tuple(map(node_view, as_maps(answer.get("items"))))
                pause = _NODES_TTL
            except LauncherError as error:
                found = ()
                pause = _DENIED_TTL if isinstance(error, Denied) else _NODES_TTL
            self._cached_nodes = (time.monotonic() + pause, found)
            return found

    def claim_events(self, namespace: str) -> Mapping[str, PodEvent]:
        """Return the latest event of trouble with each claim, cached for 15 s; empty without the right."""
        until, known = self._cached_claims.get(namespace, (0.0, {}))
        # While another thread refreshes it, the old value will do: it only makes a message better.
        if time.monotonic() < until or not self._claims_lock.acquire(blocking=False):
            return known
        try:
            pause = _CLAIMS_TTL
            try:
                action = f"list events of claims in namespace {namespace}"
                method = self._client.core.list_namespaced_event
                items, _ = self._client.list_all(action, method, namespace, field_selector=_ABOUT_CLAIMS)
                found = latest_claim_events(items)
            except LauncherError as error:
                found, pause = {}, _DENIED_TTL if isinstance(error, Denied) else pause
            self._cached_claims[namespace] = (time.monotonic() + pause, found)
            return found
        finally:
            self._claims_lock.release()

    def limit_ranges(self, namespace: str) -> tuple[LimitRangeView, ...]:
        """Return the LimitRanges of a namespace, empty without the right: no Role has to grant it."""
        try:
            action = f"list limit ranges in namespace {namespace}"
            items, _ = self._client.list_all(action, self._client.core.list_namespaced_limit_range, namespace)
        except LauncherError:
            return ()
        return tuple(map(limit_range_view, items))

    def _shared(self, kind: str, namespace: str, make: Callable[[], W]) -> W:
        with self._lock:
            watch: W | None = self._watches.get((kind, namespace))
            if watch is None or not watch.alive:
                watch = self._watches[kind, namespace] = make()
                watch.start()
        watch.ready()
        return watch

    def _event_watch(self, namespace: str, first: str) -> KubeEventWatch:
        def is_job(uid: str) -> bool:
            watch = self._watches.get(("pods", namespace))
            return watch is not None and watch.knows(uid)

        made = KubeEventWatch(self._client, namespace, is_job, partial(self._tell, namespace))
        made.ask(first)  # before its first list
        return made

    def _tell(self, namespace: str, pod: str) -> None:
        for space, name in ((namespace, pod), ("", f"{namespace}/{pod}")):
            watch = self.watching(space)
            if watch is not None:
                watch.tell(name)

    def stop(self) -> None:
        """Stop all watches."""
        with self._lock:
            for watch in self._watches.values():
                watch.stop()
            self._watches.clear()

    def logs(
        self,
        name: str,
        namespace: str,
        *,
        follow: bool = False,
        tail: int | None = None,
        container: str = "",
        previous: bool = False,
        limit_bytes: int | None = None,
    ) -> Iterator[str]:
        """Yield log lines, without line ends, of a container (empty = the job's) or of its previous run.

        ``limit_bytes`` cuts the answer: the kubelet counts from the first of the last ``tail`` lines. What is
        followed goes on until the container has ended, over every cut of the connection.
        """
        if follow:
            log = FollowedLog(self._client, self.get, name, namespace, container=container, tail=tail)
            yield from log.lines()
            return
        query: dict[str, Any] = {"follow": False, "previous": previous}
        if tail is not None:
            query["tailLines"] = tail
        if limit_bytes is not None:
            query["limitBytes"] = limit_bytes
        if container or (container := self._main_container(name, namespace)):
            query["container"] = container
        yield from read_log(self._client, name, namespace, query)

    def _main_container(self, name: str, namespace: str) -> str:
        seen = self.get(name, namespace)
        if seen.presence is Presence.UNAVAILABLE:
            raise Unavailable(f"cannot see pod {namespace}/{name}: {seen.why}", cure=seen.cure)
        if seen.value is None:
            raise no_pod(name, namespace)
        return seen.value.main.name if seen.value.main else ""

    def delete(self, name: str, namespace: str, *, uid: str, grace_seconds: int | None = None) -> None:
        """Delete the pod with that uid; success, too, when it is gone or another pod has its name."""
        body: dict[str, Any] = {"preconditions": {"uid": uid}}
        if grace_seconds is not None:
            body["gracePeriodSeconds"] = grace_seconds
        try:
            self._client.call(
                f"delete pod {namespace}/{name}",
                self._client.core.delete_namespaced_pod,
                name,
                namespace,
                body=body,
            )
        except (NotFound, Conflict):
            return  # 409: "Precondition failed: UID in precondition: ..., UID in object meta: ..."
