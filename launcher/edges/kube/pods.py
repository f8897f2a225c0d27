"""Pods, their events and logs; one shared watch per namespace (port ``Pods``)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from launcher.core.names import LABEL_JOB_ID
from launcher.core.views import NodeView, PodEvent, PodView, Seen
from launcher.edges.kube.client import KubeClient
from launcher.edges.kube.errors import TRANSPORT, translate
from launcher.edges.kube.events import KubeEventWatch, latest_claim_events
from launcher.edges.kube.listwatch import ListWatch
from launcher.edges.kube.translate import node_view, pod_view
from launcher.edges.kube.watch import KubePodWatch
from launcher.errors import Conflict, Denied, LauncherError, NotFound

__all__ = ["KubePods"]

W = TypeVar("W", bound=ListWatch)
_PAGE = 500
# Seconds. Allocatable changes with the node only; a missing right is seldom granted.
_NODES_TTL, _DENIED_TTL = 60.0, 600.0
# Seconds: four requests a minute and namespace, and only while a claim is unbound.
_CLAIMS_TTL = 15.0
_ABOUT_CLAIMS = "involvedObject.kind=PersistentVolumeClaim"
# Connect and read, in seconds: the kubelet of a dead node does not answer, and a removal may wait for it.
_LOG_TIMEOUT = (5.0, 15.0)


class KubePods:
    """Job pods of any namespace."""

    def __init__(self, client: KubeClient) -> None:
        self._client = client
        self._watches: dict[tuple[Any, str], Any] = {}
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
        return Seen(seen.presence, None if seen.value is None else pod_view(seen.value), seen.why)

    def raw(self, name: str, namespace: str) -> Seen[Mapping[str, Any]]:
        """Read one pod from the API server and return its JSON; raises like :meth:`get`."""
        try:
            raw = self._client.call(
                f"get pod {namespace}/{name}", self._client.core.read_namespaced_pod, name, namespace
            )
        except NotFound:
            return Seen.absent()
        except Denied:
            raise
        except LauncherError as error:
            return Seen.unavailable(error.message)
        return Seen.found(raw)

    def list(self, namespace: str) -> tuple[PodView, ...]:
        """Return the job pods of a namespace, page by page."""
        action = f"list pods in namespace {namespace}"
        method = self._client.core.list_namespaced_pod
        items, _ = self._client.list_all(action, method, namespace, label_selector=LABEL_JOB_ID)
        return tuple(map(pod_view, items))

    def watch(self, namespace: str) -> KubePodWatch:
        """Return the shared watch of ``namespace``, started on first use; it was listed once or failed."""
        return self._shared(KubePodWatch, namespace)

    def events(self, namespace: str, uid: str) -> tuple[PodEvent, ...]:
        """Return the events of one pod uid, oldest first, from a watch that all pending pods share."""
        return self._shared(KubeEventWatch, namespace).of(uid)

    def nodes(self) -> tuple[NodeView, ...]:
        """Return all nodes, at most a minute old; empty when they may not or cannot be listed."""
        with self._nodes_lock:
            until, known = self._cached_nodes
            if time.monotonic() < until:
                return known
            try:
                answer = self._client.call("list nodes", self._client.core.list_node, limit=_PAGE)
                more = (answer.get("metadata") or {}).get("continue")
                # The largest node may be on a later page, and one message is not worth listing a big cluster.
                found = () if more else tuple(map(node_view, answer.get("items") or ()))
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

    def _shared(self, kind: Callable[[KubeClient, str], W], namespace: str) -> W:
        with self._lock:
            watch = self._watches.get((kind, namespace))
            if watch is None or not watch.alive:
                watch = self._watches[kind, namespace] = kind(self._client, namespace)
                watch.start()
        watch.ready()
        return watch

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

        ``limit_bytes`` cuts the answer: the kubelet counts from the first of the last ``tail`` lines.
        """
        options: dict[str, Any] = {"follow": follow, "previous": previous}
        if not follow:
            options["_request_timeout"] = _LOG_TIMEOUT
        if tail is not None:
            options["tail_lines"] = tail
        if limit_bytes is not None:
            options["limit_bytes"] = limit_bytes
        if container or (container := self._main_container(name, namespace)):
            options["container"] = container
        action = f"read the log of pod {namespace}/{name}"
        response = self._client.stream(
            action, self._client.core.read_namespaced_pod_log, name, namespace, **options
        )
        try:
            yield from _lines(response)
        except TRANSPORT as error:
            raise translate(error, action) from error
        finally:
            response.close()

    def _main_container(self, name: str, namespace: str) -> str:
        seen = self.get(name, namespace)
        if seen.value is None:
            raise NotFound(f"there is no pod {namespace}/{name}: {seen.why or 'it was deleted'}")
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


def _lines(response: Any) -> Iterator[str]:
    rest = b""
    for chunk in (
        response.stream(amt=None, decode_content=True) if not response.chunked else response.read_chunked()
    ):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line.decode("utf-8", "replace")
    if rest:
        yield rest.decode("utf-8", "replace")
