"""Pods, their events and logs; one shared watch per namespace (port ``Pods``)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

from launcher.core.names import LABEL_JOB_ID
from launcher.core.views import PodEvent, PodView, Seen
from launcher.edges.kube.client import KubeClient
from launcher.edges.kube.errors import TRANSPORT, translate
from launcher.edges.kube.translate import event_view, pod_view
from launcher.edges.kube.watch import KubePodWatch
from launcher.errors import Conflict, Denied, LauncherError, NotFound

__all__ = ["KubePods"]

_PAGE = 500


class KubePods:
    """Job pods of any namespace."""

    def __init__(self, client: KubeClient) -> None:
        self._client = client
        self._watches: dict[str, KubePodWatch] = {}
        self._lock = threading.Lock()

    def get(self, name: str, namespace: str) -> Seen[PodView]:
        """Ask the API server for one pod.

        Raises:
            Denied: the right to get pods is missing; waiting would not help.
        """
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
        return Seen.found(pod_view(raw))

    def list(self, namespace: str) -> tuple[PodView, ...]:
        """Return the job pods of a namespace, page by page."""
        found: list[PodView] = []
        more = ""
        while True:
            answer = self._client.call(
                f"list pods in namespace {namespace}",
                self._client.core.list_namespaced_pod,
                namespace,
                label_selector=LABEL_JOB_ID,
                limit=_PAGE,
                **({"_continue": more} if more else {}),
            )
            found += [pod_view(item) for item in answer.get("items") or ()]
            more = (answer.get("metadata") or {}).get("continue") or ""
            if not more:
                return tuple(found)

    def watch(self, namespace: str) -> KubePodWatch:
        """Return the shared watch of ``namespace``, started on first use and listed once or known to fail."""
        with self._lock:
            watch = self._watches.get(namespace)
            if watch is None:
                watch = self._watches[namespace] = KubePodWatch(self._client, namespace)
                watch.start()
        watch.ready()
        return watch

    def stop(self) -> None:
        """Stop all watches."""
        with self._lock:
            for watch in self._watches.values():
                watch.stop()
            self._watches.clear()

    def events(self, namespace: str, uid: str) -> tuple[PodEvent, ...]:
        """Return the events of one pod uid, oldest first."""
        answer = self._client.call(
            f"list events in namespace {namespace}",
            self._client.core.list_namespaced_event,
            namespace,
            field_selector=f"involvedObject.uid={uid}",
            limit=_PAGE,
        )
        views = [event_view(item) for item in answer.get("items") or ()]
        return tuple(sorted(views, key=lambda event: event.last_seen.timestamp() if event.last_seen else 0.0))

    def logs(
        self, name: str, namespace: str, *, follow: bool = False, tail: int | None = None
    ) -> Iterator[str]:
        """Yield log lines of the job container, without line ends."""
        seen = self.get(name, namespace)
        if seen.value is None:
            raise NotFound(f"there is no pod {namespace}/{name}: {seen.why or 'it was deleted'}")
        options: dict[str, Any] = {"follow": follow}
        if tail is not None:
            options["tail_lines"] = tail
        if seen.value.main is not None:
            options["container"] = seen.value.main.name
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
