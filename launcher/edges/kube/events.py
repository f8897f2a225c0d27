"""The events of the pods of a namespace, by pod uid: one list+watch while some pod is pending.

Events are the costliest kind to list (every pod of the namespace writes them, each lives an hour), so the
watch stops when no pod needs it. The events of a pod are read from its snapshot, without a request. Those of
pods that are no job's are dropped as they come: a namespace may have a hundred thousand. So are those that we
write ourselves, which only repeat what was decided: read as a cause, one would prove itself. Whoever forges
one hides nothing: it takes the place of no other, and what another has said stays.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from launcher.core.measured import Watched
from launcher.core.names import EVENT_SOURCE
from launcher.core.views import PodEvent
from launcher.edges.kube.client import KubeClient
from launcher.edges.kube.listwatch import ListWatch
from launcher.edges.kube.translate import event_view
from launcher.edges.kube.untyped import as_map
from launcher.errors import Denied, Unavailable

__all__ = ["KubeEventWatch", "latest_claim_events"]

_IDLE_AFTER = 30.0
# Kubernetes makes some dozen events of a pod; whoever may create events can make any number.
_MOST_OF_A_POD, _MOST_PODS, _MOST = 100, 5000, 20_000
_LATEST_OF_OTHERS = 500
# Progress of the volume controller and the provisioner; the event's type does not tell it from trouble.
_PROGRESS_REASONS = frozenset({"WaitForFirstConsumer", "WaitForPodScheduled", "Provisioning"})
_BOUND_REASON = "ProvisioningSucceeded"
# The volume controller repeats these every few seconds; an event of the provisioner itself says more.
_UNSPECIFIC_REASONS = frozenset({"ExternalProvisioning", "FailedBinding"})


class KubeEventWatch(ListWatch):
    """One list+watch over the events about pods of a namespace; those of foreign pods are not kept.

    Args:
        client: sends the requests.
        namespace: of the events.
        is_ours: returns whether a pod with a uid is known to be a job's.
        tell: called with the name of a pod of which there is a new event.
    """

    def __init__(
        self,
        client: KubeClient,
        namespace: str,
        is_ours: Callable[[str], bool] = lambda _: False,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        super().__init__(
            client,
            client.core.list_namespaced_event,
            Watched.EVENTS,
            namespace,
            {"field_selector": "involvedObject.kind=Pod"},
            idle_after=_IDLE_AFTER,
        )
        self._is_ours, self._tell = is_ours, tell
        self._asked: dict[str, None] = {}
        self._of: dict[str, dict[str, PodEvent]] = {}
        self._kept = 0
        # An event may come before the pod that it is about is seen.
        self._latest: deque[Mapping[str, Any]] = deque(maxlen=_LATEST_OF_OTHERS)

    def ask(self, uid: str) -> None:
        """Keep the events of a pod from now on."""
        with self._changed:
            if uid in self._asked:
                return
            self._asked[uid] = None
            if len(self._asked) > _MOST_PODS:
                del self._asked[next(iter(self._asked))]
            for item in [one for one in self._latest if _about(one, "uid") == uid]:
                self._keep(uid, item)

    def of(self, uid: str) -> tuple[PodEvent, ...]:
        """Return the events of one pod, oldest first.

        Raises:
            Unavailable: the watch has no fresh snapshot.
            Denied: the right to list or watch events is missing.
        """
        self.ask(uid)
        with self._changed:
            unknown = self._error_if_stale()
            if unknown is not None:
                kind = Denied if isinstance(unknown, Denied) else Unavailable
                raise kind(unknown.message, cure=unknown.cure, reason=unknown.reason)
            found = tuple(self._of.get(uid, {}).values())
        return tuple(sorted(found, key=_order))

    @property
    def kept(self) -> int:
        """How many events are kept."""
        return self._kept + len(self._latest)

    def _keeps(self, item: Mapping[str, Any]) -> bool:
        uid = _about(item, "uid")
        if _is_own(item):
            return False
        if uid in self._asked or self._is_ours(uid):
            return True
        if uid:
            self._latest.append(item)
        return False

    def _replace(self, items: Sequence[Mapping[str, Any]]) -> None:
        self._of, self._kept = {}, 0
        for item in items:
            self._apply("ADDED", item)

    def _apply(self, change: str, item: Mapping[str, Any]) -> str:
        uid = _about(item, "uid")
        if change == "DELETED":  # expired, an hour after it was seen last
            self._drop(uid, _name(item))
        elif self._keeps(item):
            self._keep(uid, item)
            self._tell(_about(item, "name"))
        return ""

    def _keep(self, uid: str, item: Mapping[str, Any]) -> None:
        name, event = _name(item), event_view(item)
        self._drop(uid, name)
        of_pod = self._of.setdefault(uid, {})
        of_pod[name] = event
        self._kept += 1
        if len(of_pod) > _MOST_OF_A_POD:
            self._drop(uid, next(iter(of_pod)))
        while self._kept > _MOST:
            oldest = next(iter(self._of))
            self._drop(oldest, next(iter(self._of[oldest])))

    def _drop(self, uid: str, name: str) -> None:
        of_pod = self._of.get(uid, {})
        if of_pod.pop(name, None) is not None:
            self._kept -= 1
            if not of_pod:
                del self._of[uid]


def latest_claim_events(items: Iterable[Mapping[str, Any]]) -> dict[str, PodEvent]:
    """Return the newest event of trouble with each claim, by the claim's name."""
    of: dict[str, list[PodEvent]] = {}
    for item in items:
        event, name = event_view(item), _about(item, "name")
        if name and event.reason not in _PROGRESS_REASONS:
            of.setdefault(name, []).append(event)
    newest = {name: max(events, key=_rank) for name, events in of.items()}
    return {name: event for name, event in newest.items() if event.reason != _BOUND_REASON}


def _rank(event: PodEvent) -> tuple[bool, tuple[float, bool, float]]:
    return event.reason not in _UNSPECIFIC_REASONS, _order(event)


def _order(event: PodEvent) -> tuple[float, bool, float]:
    """Return what sorts events by their times.

    The scheduler's have microseconds (eventTime 10:00:05.430000Z), the kubelet's are cut to the second
    (lastTimestamp 10:00:05Z). Of one second the kubelet's are the later ones: it learns of a pod from the
    scheduler.
    """
    if event.last_seen is None:
        return 0.0, False, 0.0
    stamp = event.last_seen.timestamp()
    return float(int(stamp)), event.last_seen.microsecond == 0, stamp


def _about(item: Mapping[str, Any], key: str) -> str:
    value = as_map(item.get("involvedObject")).get(key)
    return value if isinstance(value, str) else ""


def _is_own(item: Mapping[str, Any]) -> bool:
    """Return whether we have written an event, or somebody who wants that to be believed."""
    says: Any = item.get("reportingComponent") or as_map(item.get("source")).get("component")
    return bool(says == EVENT_SOURCE)


def _name(item: Mapping[str, Any]) -> str:
    return str(as_map(item.get("metadata")).get("name") or "")
