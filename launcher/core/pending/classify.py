"""Why a pod is not running: (pod, events) -> cause. Nothing is fetched.

A cause is one code of the catalogue and the message of Kubernetes; :mod:`launcher.core.pending.clocks`
decides how long it may last.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from launcher.core.catalogue import Code
from launcher.core.pending.autoscaler import event_answer
from launcher.core.pending.binding import error_code, unannounced
from launcher.core.pending.containers import NOT_A_CAUSE, waiting_code
from launcher.core.pending.events import failed_probe, missing_pull_secret, newest_warning, pull_under_way
from launcher.core.pending.scheduler import clauses, scarce_resources, scheduling_code, unknown_clauses
from launcher.core.syntax import few_resources
from launcher.core.views import ContainerKind, ContainerState, ContainerView, PodEvent, PodView

__all__ = ["Cause", "classify", "is_pending", "needs_events"]

_CRASH_LOOP_RESTARTS = 3
# What a registry answers to somebody whom it does not know.
_WITHOUT_CREDENTIALS = frozenset({Code.IMAGE_AUTH, Code.IMAGE_NOT_FOUND})
# The whole message of ImagePullBackOff before Kubernetes 1.32; since then the pull error follows it
# (kubernetes#127918).
_BARE_BACK_OFF = re.compile(r'Back-off pulling image "[^"]*"')


@dataclass(frozen=True)
class Cause:
    """Why a pod is not running now.

    Attributes:
        code: which cause of the catalogue.
        detail: the message of Kubernetes, with the name of the container where there is one.
        scheduled: whether a node has been found.
        scarce: names of the resources there is too little of.
        resources: those of them that the pod asks for, few enough to be part of a name.
        revision: resourceVersion of the pod; the same cause in another one is another sighting.
        is_bare_back_off: whether the message is a back-off without the pull error; the earlier cause goes on.
        begun: since when it has lasted by the cluster's clock, where an event says so.
    """

    code: Code
    detail: str
    scheduled: bool
    scarce: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    revision: str = ""
    is_bare_back_off: bool = False
    begun: datetime | None = None


def is_pending(pod: PodView) -> bool:
    """Return whether the job container has neither started nor ended."""
    return pod.main is None or pod.main.state not in (ContainerState.RUNNING, ContainerState.TERMINATED)


def needs_events(pod: PodView) -> bool:
    """Return whether the cause is in the events only: there is no condition, or no waiting reason."""
    if not _is_scheduled(pod):
        return pod.condition("PodScheduled") is None
    return pod.main is None or (_first_waiting(pod) is None and pod.main.state is not ContainerState.RUNNING)


def classify(pod: PodView, events: tuple[PodEvent, ...] = ()) -> Cause | None:
    """Return why the pod is not running, or None when its job container has started or ended.

    Args:
        pod: the pod as last seen; malformed content gives a cause, never an exception.
        events: events of this pod's uid, oldest first; empty when they were not needed.
    """
    if pod.phase == "Unknown":  # its kubelet no longer reports: container states are out of date
        return Cause(Code.UNKNOWN_PHASE, pod.message, scheduled=True, revision=pod.resource_version)
    if not is_pending(pod):
        return None
    if not _is_scheduled(pod):
        return _unscheduled(pod, events)
    if pod.phase == "Running" and pod.main is None:
        return None
    return _not_started(pod, events)


def _is_scheduled(pod: PodView) -> bool:
    condition = pod.condition("PodScheduled")
    return bool(pod.node) or (condition is not None and condition.status == "True")


def _unscheduled(pod: PodView, events: tuple[PodEvent, ...]) -> Cause:
    condition = pod.condition("PodScheduled")
    if condition is None:
        refused = [e for e in events if _is_of_scheduler(e)]
        if not refused:
            code, detail = unannounced(pod, events)
            return Cause(code, detail, scheduled=False, revision=pod.resource_version)
        reason, message = "Unschedulable", refused[-1].message
    else:
        reason, message = condition.reason, condition.message
    code = _CONDITIONS.get(reason, scheduling_code)(message)
    detail = _with_unknown_clauses(message) if code is Code.UNSCHEDULABLE else message
    scarce = scarce_resources(message)
    return Cause(
        code,
        detail,
        scheduled=False,
        scarce=scarce,
        resources=few_resources(name for name in scarce if name in _asked_by(pod)),
        revision=pod.resource_version,
    )


def _asked_by(pod: PodView) -> frozenset[str]:
    """Return which resources a pod can lack: what its containers ask for, and its place among the pods."""
    return frozenset({"pods"}.union(*(container.requests for container in pod.containers)))


def _is_of_scheduler(event: PodEvent) -> bool:
    # Karpenter has events of this reason, too.
    return event.reason == "FailedScheduling" and event.type == "Warning" and event_answer(event) is None


def _with_unknown_clauses(message: str) -> str:
    if len(clauses(message)) < 2:  # noqa: PLR2004 - the message is the clause
        return message
    unknown = ", ".join(f"'{clause}'" for clause in unknown_clauses(message))
    return f"{message} (no rule knows {unknown})"


# Reason of the condition PodScheduled -> how its message is read.
_CONDITIONS: Mapping[str, Callable[[str], Code]] = {
    "SchedulingGated": lambda _: Code.SCHEDULING_GATED,
    "SchedulerError": error_code,
}


def _first_waiting(pod: PodView) -> ContainerView | None:
    """Return the first container, in the order the kubelet starts them, with a reason why it waits."""
    waiting = (c for c in pod.containers if c.state is ContainerState.WAITING and c.reason not in NOT_A_CAUSE)
    return min(waiting, key=lambda c: c.kind, default=None)


def _joined(text: str) -> str:
    return f"; {text}" if text else ""


def _last_exit(container: ContainerView) -> str:
    # The launcher makes no job container that restarts: somebody has changed the pod.
    is_job = container.kind is ContainerKind.MAIN
    policy = (
        f"; its restartPolicy is {container.restart_policy}" if is_job and container.restart_policy else ""
    )
    if container.last_exit_code is None:
        return policy
    return f" (last end: {container.last_reason or '?'}, exit code {container.last_exit_code}){policy}"


def _not_started(pod: PodView, events: tuple[PodEvent, ...]) -> Cause:
    revision = pod.resource_version
    container = _first_waiting(pod)
    if container is not None:
        code = waiting_code(container.reason, container.message)
        detail = f"container {container.name}: {container.reason}: {container.message}".rstrip(": ")
        if code is Code.CRASH_LOOP:
            detail += _last_exit(container) + _joined(failed_probe(events, container.name))
        without = missing_pull_secret(events) if code in _WITHOUT_CREDENTIALS else ""
        if without:
            code, detail = Code.IMAGE_PULL_SECRET_MISSING, f"{without}; {detail}"
        if code is Code.CRASH_LOOP and container.restarts < _CRASH_LOOP_RESTARTS:
            code = Code.INITIALIZING
        is_bare_back_off = _BARE_BACK_OFF.fullmatch(container.message) is not None
        return Cause(code, detail, scheduled=True, revision=revision, is_bare_back_off=is_bare_back_off)
    # The events are of this pod's uid; the kubelet's clock that dates them may be behind the API server's.
    warning = newest_warning(events, None)
    if warning is not None:
        event, code = warning
        return Cause(code, f"{event.reason}: {event.message}", scheduled=True, revision=revision)
    pull = pull_under_way(events, pod.created)
    if pull is not None:
        event, image = pull
        whose = f"container {event.container}: " if event.container else ""
        detail = f"{whose}pulling image {image}"
        return Cause(Code.PULLING, detail, scheduled=True, revision=revision, begun=event.last_seen)
    held = _held_by(pod, events)
    if held:
        return Cause(Code.INITIALIZING, held, scheduled=True, revision=revision)
    return Cause(Code.CREATING, _prepared(pod, events), scheduled=True, revision=revision)


def _prepared(pod: PodView, events: tuple[PodEvent, ...]) -> str:
    """Return how far a node is with a pod of which no event tells: they are dropped, or not granted."""
    node, next_one = pod.node or "?", _next_to_start(pod)
    # Kubernetes 1.29, PodReadyToStartContainersCondition: the sandbox and its network are made, after volumes
    ready = pod.condition("PodReadyToStartContainers")
    tells = any(event.reason in ("Pulling", "Pulled") for event in events)
    if tells or ready is None or ready.status != "True" or next_one is None:
        return f"the pod is being prepared on node {node}"
    image = f" {next_one.image}" if next_one.image else ""
    return (
        f"volumes and network are ready on node {node}: container {next_one.name} is about to start, "
        f"or its image{image} is being downloaded, which no event says"
    )


def _next_to_start(pod: PodView) -> ContainerView | None:
    waiting = (c for c in pod.containers if c.state in (ContainerState.WAITING, ContainerState.NONE))
    return min(waiting, key=lambda c: c.kind, default=None)


def _held_by(pod: PodView, events: tuple[PodEvent, ...]) -> str:
    """Return which running container the job container waits for; empty when there is none."""
    running = [c for c in pod.containers if c.state is ContainerState.RUNNING]
    init = next((c.name for c in running if c.kind is ContainerKind.INIT), "")
    if init:
        return f"init container {init} is running"
    # A native sidecar counts as started when its startup probe succeeds; only events tell that it does not.
    probe = failed_probe(events)
    sidecars = ", ".join(c.name for c in running if c.kind is ContainerKind.SIDECAR_INIT)
    return f"sidecar {sidecars} has not started: {probe}" if sidecars and probe else ""
