"""The latest state of every job pod of a namespace, or of all, shared by all handles (port ``PodWatch``)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from launcher.core.measured import Watched
from launcher.core.names import LABEL_JOB_ID
from launcher.core.views import PodView, Seen
from launcher.edges.kube.client import KubeClient
from launcher.edges.kube.listwatch import ListWatch
from launcher.edges.kube.translate import pod_view

__all__ = ["KubePodWatch"]

# Seconds for which the last state of a deleted pod is kept for handles that read late.
_KEEP_DELETED = 120.0
_IDLE_AFTER = 300.0


class KubePodWatch(ListWatch):
    """One list+watch over the job pods of a namespace, or, without one, of all.

    Args:
        client: sends the requests.
        namespace: of the pods; empty = all, whose pods have the name ``NAMESPACE/NAME`` here.
    """

    def __init__(self, client: KubeClient, namespace: str) -> None:
        core = client.core
        super().__init__(
            client,
            core.list_namespaced_pod if namespace else _of_all(core.list_pod_for_all_namespaces),
            Watched.PODS,
            namespace,
            {"label_selector": LABEL_JOB_ID},
            idle_after=_IDLE_AFTER,
        )
        self._pods: dict[str, PodView] = {}
        self._deleted: dict[str, tuple[float, PodView]] = {}
        self._uids: set[str] = set()

    def knows(self, uid: str) -> bool:
        """Return whether a pod with that uid is or was among the job pods of the snapshot."""
        return uid in self._uids

    def pod(self, name: str) -> Seen[PodView]:
        """Return the latest state of a pod; see the port."""
        with self._changed:
            unknown = self._error_if_stale()
            if unknown is not None:
                return Seen.unavailable(unknown.message, unknown.cure)
            if name in self._pods:
                return Seen.found(self._pods[name])
            return Seen.absent(self._deleted[name][1] if name in self._deleted else None)

    def all(self) -> Seen[tuple[PodView, ...]]:
        """Return all pods, as last seen; see the port."""
        with self._changed:
            unknown = self._error_if_stale()
            if unknown is not None:
                return Seen.unavailable(unknown.message, unknown.cure)
            return Seen.found(tuple(self._pods.values()))

    def tell(self, name: str) -> None:
        """Wake who waits for a pod that is known: there is something new about it elsewhere."""
        with self._changed:
            if name in self._pods:
                self._waiters.wake(name)

    def _replace(self, items: Sequence[Mapping[str, Any]]) -> None:
        found = {self._key(view): view for view in (pod_view(item, self._namespace) for item in items)}
        for name in self._pods.keys() - found.keys():
            self._keep_deleted(name, self._pods[name])
        for name in self._deleted.keys() & found.keys():
            del self._deleted[name]
        self._pods = found
        gone = (view for _, view in self._deleted.values())
        self._uids = {view.uid for view in (*found.values(), *gone)}
        self._prune()

    def _apply(self, change: str, item: Mapping[str, Any]) -> str:
        view = pod_view(item, self._namespace)
        name = self._key(view)
        if self._is_outdated(name, view):
            return ""
        self._forget(name)
        if change == "DELETED":
            # The event carries the last state, which says how the pod ended.
            self._keep_deleted(name, view)
        else:
            self._pods[name] = view
        self._uids.add(view.uid)
        self._prune()
        return name

    def _key(self, view: PodView) -> str:
        return view.name if self._namespace else f"{view.namespace}/{view.name}"

    def _forget(self, name: str) -> None:
        """Drop what is known under a name, also of an earlier pod; not by looking through all of them."""
        for known in (self._pods.pop(name, None), self._deleted.pop(name, (0.0, None))[1]):
            if known is not None:
                self._uids.discard(known.uid)

    def _is_outdated(self, name: str, view: PodView) -> bool:
        """Return whether a newer change was applied before; a uid that was deleted never comes back."""
        gone = self._deleted.get(name)
        if gone is not None and gone[1].uid == view.uid:
            return True
        known = self._pods.get(name)
        if known is None or known.uid != view.uid:
            return False
        before, now = known.resource_version, view.resource_version
        # Resource versions of one kind are comparable decimal numbers (KEP-5504).
        return before.isdecimal() and now.isdecimal() and int(now) < int(before)

    def _keep_deleted(self, name: str, view: PodView) -> None:
        self._deleted.pop(name, None)  # so that the oldest comes first
        self._deleted[name] = (time.monotonic(), view)

    def _prune(self) -> None:
        now = time.monotonic()
        while self._deleted:
            name, (at, _) = next(iter(self._deleted.items()))
            if now - at < _KEEP_DELETED:
                return
            self._forget(name)
            self._waiters.forget(name)


def _of_all(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return the method of the client that lists in all namespaces, as one that takes a namespace."""
    return lambda _namespace, **query: method(**query)
