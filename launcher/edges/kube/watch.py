"""The latest state of every job pod of a namespace, shared by all handles (port ``PodWatch``)."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

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
    """One list+watch over the job pods of a namespace."""

    def __init__(self, client: KubeClient, namespace: str) -> None:
        super().__init__(
            client,
            client.core.list_namespaced_pod,
            "pods",
            namespace,
            {"label_selector": LABEL_JOB_ID},
            idle_after=_IDLE_AFTER,
        )
        self._pods: dict[str, PodView] = {}
        self._deleted: dict[str, tuple[float, PodView]] = {}

    def pod(self, name: str) -> Seen[PodView]:
        """Return the latest state of a pod; see the port."""
        with self._changed:
            unknown = self._error_if_stale()
            if unknown is not None:
                return Seen.unavailable(unknown.message)
            if name in self._pods:
                return Seen.found(self._pods[name])
            return Seen.absent(self._deleted[name][1] if name in self._deleted else None)

    def _replace(self, items: Sequence[Mapping[str, Any]]) -> None:
        found = {view.name: view for view in map(pod_view, items)}
        for name in self._pods.keys() - found.keys():
            self._keep_deleted(self._pods[name])
        self._pods = found
        self._prune()

    def _apply(self, change: str, item: Mapping[str, Any]) -> None:
        view = pod_view(item)
        if self._is_outdated(view):
            return
        if change == "DELETED":
            # The event carries the last state, which says how the pod ended.
            self._pods.pop(view.name, None)
            self._keep_deleted(view)
        else:
            self._pods[view.name] = view
        self._prune()

    def _is_outdated(self, view: PodView) -> bool:
        """Return whether a newer change was applied before; a uid that was deleted never comes back."""
        gone = self._deleted.get(view.name)
        if gone is not None and gone[1].uid == view.uid:
            return True
        known = self._pods.get(view.name)
        if known is None or known.uid != view.uid:
            return False
        before, now = known.resource_version, view.resource_version
        # Resource versions of one kind are comparable decimal numbers (KEP-5504).
        return before.isdecimal() and now.isdecimal() and int(now) < int(before)

    def _keep_deleted(self, view: PodView) -> None:
        self._deleted[view.name] = (time.monotonic(), view)

    def _prune(self) -> None:
        now = time.monotonic()
        for name, (at, _) in list(self._deleted.items()):
            if name in self._pods or now - at >= _KEEP_DELETED:
                del self._deleted[name]
