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
from launcher.edges.kube.events import KubeEventWatch, newest_of_claims
from launcher.edges.kube.listwatch import ListWatch
from launcher.edges.kube.translate import node_view, pod_view
from launcher.edges.kube.watch import KubePodWatch
from launcher.errors import Conflict, Denied, LauncherError, NotFound

__all__ = ["KubePods"]

W = TypeVar("W", bound=ListWatch)
_PAGE = 500
# Allocatable changes when somebody changes a node; a right that is missing is not granted often.
_NODES_FRESH, _DENIED = 60.0, 600.0
# Four requests a minute and namespace, and only while a claim is unbound.
_CLAIMS_FRESH = 15.0
_ABOUT_CLAIMS = "involvedObject.kind=PersistentVolumeClaim"
# Connect and read, in seconds: the kubelet of a dead node does not answer, and a removal may be waiting.
_LOG_TIMEOUT = (5.0, 15.0)


class KubePods:
    """Job pods of any namespace."""

    def __init__(self, client: KubeClient) -> None:
        self._client = client
        self._watches: dict[tuple[Any, str], Any] = {}
        self._lock = threading.Lock()
        self._node_lock = threading.Lock()
        self._known_nodes: tuple[float, tuple[NodeView, ...]] = (0.0, ())
        self._claim_lock = threading.Lock()
        self._known_claims: dict[str, tuple[float, Mapping[str, PodEvent]]] = {}

    def get(self, name: str, namespace: str) -> Seen[PodView]:
        """Ask the API server for one pod.

        Raises:
            Denied: the right to get pods is missing; waiting would not help.
        """
        seen = self.raw(name, namespace)
        return Seen(seen.presence, None if seen.value is None else pod_view(seen.value), seen.why)

    def raw(self, name: str, namespace: str) -> Seen[Mapping[str, Any]]:
        """Ask the API server for one pod and return its JSON as it is; raises like :meth:`get`."""
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
        asked = f"list pods in namespace {namespace}"
        method = self._client.core.list_namespaced_pod
        items, _ = self._client.list_all(asked, method, namespace, label_selector=LABEL_JOB_ID)
        return tuple(map(pod_view, items))

    def watch(self, namespace: str) -> KubePodWatch:
        """Return the shared watch of ``namespace``, started on first use and listed once or known to fail."""
        return self._shared(KubePodWatch, namespace)

    def events(self, namespace: str, uid: str) -> tuple[PodEvent, ...]:
        """Return the events of one pod uid, oldest first, from a watch that all pending pods share."""
        return self._shared(KubeEventWatch, namespace).of(uid)

    def nodes(self) -> tuple[NodeView, ...]:
        """Return all nodes, at most a minute old; empty when they may not or cannot be listed."""
        with self._node_lock:
            until, known = self._known_nodes
            if time.monotonic() < until:
                return known
            try:
                answer = self._client.call("list nodes", self._client.core.list_node, limit=_PAGE)
                more = (answer.get("metadata") or {}).get("continue")
                # The largest node may be on a later page, and a big cluster is not listed for one sentence.
                found = () if more else tuple(map(node_view, answer.get("items") or ()))
                pause = _NODES_FRESH
            except LauncherError as error:
                found = ()
                pause = _DENIED if isinstance(error, Denied) else _NODES_FRESH
            self._known_nodes = (time.monotonic() + pause, found)
            return found

    def claim_events(self, namespace: str) -> Mapping[str, PodEvent]:
        """Return the newest telling event of each claim, some seconds old; empty when nobody may ask."""
        until, known = self._known_claims.get(namespace, (0.0, {}))
        # Whoever comes while another asks goes on with what is known: it only makes a sentence better.
        if time.monotonic() < until or not self._claim_lock.acquire(blocking=False):
            return known
        try:
            pause = _CLAIMS_FRESH
            try:
                asked = f"list events of claims in namespace {namespace}"
                method = self._client.core.list_namespaced_event
                items, _ = self._client.list_all(asked, method, namespace, field_selector=_ABOUT_CLAIMS)
                found = newest_of_claims(items)
            except LauncherError as error:
                found, pause = {}, _DENIED if isinstance(error, Denied) else pause
            self._known_claims[namespace] = (time.monotonic() + pause, found)
            return found
        finally:
            self._claim_lock.release()

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

        ``limit_bytes`` ends the answer there: the kubelet counts from the first of the last ``tail`` lines.
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
        asked = f"read the log of pod {namespace}/{name}"
        response = self._client.stream(
            asked, self._client.core.read_namespaced_pod_log, name, namespace, **options
        )
        try:
            yield from _lines(response)
        except TRANSPORT as error:
            raise translate(error, asked) from error
        finally:
            response.close()

    def _main_container(self, name: str, namespace: str) -> str:
        seen = self.get(name, namespace)
        if seen.value is None:
            raise NotFound(f"there is no pod {namespace}/{name}: {seen.why or 'it was deleted'}")
        return seen.value.main.name if seen.value.main else ""

    def delete(self, name: str, namespace: str, *, uid: str, grace_seconds: int | None = None) -> None:
        """Delete exactly the pod with that uid; its absence, or another pod of the name, is success."""
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
