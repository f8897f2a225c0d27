"""The events of the pods of a namespace, by pod uid: one list+watch while some pod is pending.

Events are the costliest kind to list (every pod of the namespace writes them, each lives an hour), so the
watch stops when no pod needs it. The events of a pod are read from its snapshot, without a request.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from launcher.core.views import PodEvent
from launcher.edges.kube.client import KubeClient
from launcher.edges.kube.listwatch import ListWatch
from launcher.edges.kube.translate import event_view
from launcher.errors import Denied, Unavailable

__all__ = ["KubeEventWatch", "latest_claim_events"]

_IDLE_AFTER = 30.0
# Progress of the volume controller and the provisioner; the event's type does not tell it from trouble.
_PROGRESS_REASONS = frozenset({"WaitForFirstConsumer", "WaitForPodScheduled", "Provisioning"})
_BOUND_REASON = "ProvisioningSucceeded"
# The volume controller repeats these every few seconds; an event of the provisioner itself says more.
_UNSPECIFIC_REASONS = frozenset({"ExternalProvisioning", "FailedBinding"})


class KubeEventWatch(ListWatch):
    """One list+watch over the events about pods of a namespace."""

    def __init__(self, client: KubeClient, namespace: str) -> None:
        super().__init__(
            client,
            client.core.list_namespaced_event,
            "events",
            namespace,
            {"field_selector": "involvedObject.kind=Pod"},
            idle_after=_IDLE_AFTER,
        )
        self._of: dict[str, dict[str, PodEvent]] = {}

    def of(self, uid: str) -> tuple[PodEvent, ...]:
        """Return the events of one pod, oldest first.

        Raises:
            Unavailable: the watch has no fresh snapshot.
            Denied: the right to list or watch events is missing.
        """
        with self._changed:
            unknown = self._error_if_stale()
            if unknown is not None:
                kind = Denied if isinstance(unknown, Denied) else Unavailable
                raise kind(unknown.message, cure=unknown.cure, reason=unknown.reason)
            found = tuple(self._of.get(uid, {}).values())
        return tuple(sorted(found, key=_timestamp))

    def _replace(self, items: Sequence[Mapping[str, Any]]) -> None:
        self._of = {}
        for item in items:
            self._apply("ADDED", item)

    def _apply(self, change: str, item: Mapping[str, Any]) -> None:
        uid, name = _pod_uid(item), _name(item)
        if not uid:
            return  # about no pod in particular
        if change == "DELETED":  # expired, an hour after it was seen last
            self._of.get(uid, {}).pop(name, None)
            if not self._of.get(uid):
                self._of.pop(uid, None)
            return
        self._of.setdefault(uid, {})[name] = event_view(item)


def latest_claim_events(items: Iterable[Mapping[str, Any]]) -> dict[str, PodEvent]:
    """Return the newest event of trouble with each claim, by the claim's name."""
    of: dict[str, list[PodEvent]] = {}
    for item in items:
        event, about = event_view(item), item.get("involvedObject")
        name = about.get("name") if isinstance(about, Mapping) else None
        if isinstance(name, str) and event.reason not in _PROGRESS_REASONS:
            of.setdefault(name, []).append(event)
    newest = {name: max(events, key=_rank) for name, events in of.items()}
    return {name: event for name, event in newest.items() if event.reason != _BOUND_REASON}


def _rank(event: PodEvent) -> tuple[bool, float]:
    return event.reason not in _UNSPECIFIC_REASONS, _timestamp(event)


def _timestamp(event: PodEvent) -> float:
    return event.last_seen.timestamp() if event.last_seen else 0.0


def _pod_uid(item: Mapping[str, Any]) -> str:
    about = item.get("involvedObject")
    uid = about.get("uid") if isinstance(about, Mapping) else None
    return uid if isinstance(uid, str) else ""


def _name(item: Mapping[str, Any]) -> str:
    metadata = item.get("metadata")
    return str(metadata.get("name") or "") if isinstance(metadata, Mapping) else ""
