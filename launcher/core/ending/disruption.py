"""Jobs whose pod was disrupted: by a drain, a preemption, a lost node, a deletion.

Each of them sends SIGTERM, and a process that handles it exits with any code, such as 1 or 130. So the
disruption is how the job ended, unless the process had exited before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from launcher.core.catalogue import Code
from launcher.core.ending.outcome import Outcome, make_outcome
from launcher.core.views import Condition, ContainerView, PodEvent, PodView

__all__ = [
    "SIGKILL",
    "SIGNALS",
    "SIGTERM",
    "deleted_externally",
    "outcome_by_conditions",
    "outcome_by_events",
    "outcome_if_disrupted",
    "was_deleted",
]

# Exit codes of a container that a signal ended.
SIGKILL, SIGTERM = 137, 143
SIGNALS = (SIGKILL, SIGTERM)

_DISRUPTIONS: Mapping[str, Code] = {
    "PreemptionByScheduler": Code.PREEMPTED,
    "DeletionByTaintManager": Code.NODE_LOST,
    "DeletionByPodGC": Code.NODE_LOST,
    "EvictionByEvictionAPI": Code.DRAINED,
    "DeletionByDeviceTaintManager": Code.DEVICE_TAINTED,
    "TerminationByKubelet": Code.NODE_SHUTDOWN,
}
# 'The node was low on resource: memory. ...', 'Pod was preempted by Kubelet to accommodate a critical pod.',
# 'Pod was terminated in response to imminent node shutdown.'
_BY_KUBELET: tuple[tuple[str, Code], ...] = (
    ("was low on resource", Code.EVICTED),
    ("preempted by Kubelet", Code.PREEMPTED),
)
# Events about the end of a pod; they can still be read when the pod is gone.
_LAST_EVENTS: Mapping[str, Code] = {
    "Preempted": Code.PREEMPTED,
    "TaintManagerEviction": Code.NODE_LOST,
    "DeviceTaintManagerEviction": Code.DEVICE_TAINTED,
    "NodeNotReady": Code.NODE_LOST,
    "NodeShutdown": Code.NODE_SHUTDOWN,
    "Evicted": Code.EVICTED,
}


def outcome_by_conditions(pod: PodView, finished: datetime | None = None) -> Outcome | None:
    """Return the outcome by the pod's conditions, None when there is no disruption.

    Args:
        pod: the pod.
        finished: when the job container exited; a later condition is not the reason. None = any counts.
    """
    exit_code = pod.main.exit_code if pod.main else None
    queue = _condition(pod, "TerminationTarget", finished)  # Kueue's own, set before it deletes the pod
    if queue is not None:
        detail = f"{queue.reason}: {queue.message}"
        return make_outcome(Code.QUEUE_PREEMPTED, detail, exit_code=exit_code)
    condition = _condition(pod, "DisruptionTarget", finished)
    if condition is None:
        return None
    return make_outcome(
        _disruption_code(condition),
        f"{condition.reason}: {condition.message}",
        exit_code=exit_code,
    )


def _disruption_code(condition: Condition) -> Code:
    if condition.reason == "TerminationByKubelet":
        for words, code in _BY_KUBELET:
            if words in condition.message:
                return code
    return _DISRUPTIONS.get(condition.reason, Code.DELETED_EXTERNALLY)


def _condition(pod: PodView, kind: str, finished: datetime | None) -> Condition | None:
    condition = pod.condition(kind)
    if condition is None or condition.status != "True":
        return None
    # Times are whole seconds. Within the same second the condition came first: a process exits after SIGTERM.
    late = finished is not None and condition.since is not None and condition.since > finished
    return None if late else condition


def outcome_by_events(events: Iterable[PodEvent]) -> Outcome | None:
    """Return the outcome by the last events of a pod, oldest first; None when there is no disruption."""
    last = next((event for event in reversed(tuple(events)) if event.reason in _LAST_EVENTS), None)
    return None if last is None else make_outcome(_LAST_EVENTS[last.reason], f"{last.reason}: {last.message}")


def outcome_if_disrupted(pod: PodView, main: ContainerView) -> Outcome | None:
    """Return the outcome of a job whose pod was disrupted; None for one that ended by itself."""
    signalled = main.exit_code in SIGNALS
    # The condition is set before the pod is deleted, and the deletion may fail. Only a kubelet that shuts
    # down deletes nothing.
    if not signalled and pod.deleted is None and not pod.has_reason("TerminationByKubelet"):
        return None
    disruption = outcome_by_conditions(pod, None if signalled else main.finished_at)
    if disruption is None:
        return deleted_externally(pod, main.exit_code) if was_deleted(pod, main) else None
    if signalled:
        return disruption
    detail = f"{disruption.detail}; the job process then ended with exit code {main.exit_code}"
    return replace(disruption, detail=detail)


def was_deleted(pod: PodView, container: ContainerView) -> bool:
    """Return whether a container ended because somebody deleted its pod.

    With the exit code of a signal it did. With any other it did if it ended after the request to delete, one
    grace period before ``deletionTimestamp``.
    """
    if pod.deleted is None or container.exit_code in SIGNALS:
        return pod.deleted is not None
    if pod.grace_seconds is None or container.finished_at is None:
        return False
    return (pod.deleted - container.finished_at).total_seconds() <= pod.grace_seconds


def deleted_externally(pod: PodView, exit_code: int | None = None) -> Outcome:
    """Return the outcome of a pod that somebody deleted, when nothing shows why."""
    detail = f"pod {pod.name} was deleted by somebody else"
    return make_outcome(Code.DELETED_EXTERNALLY, detail, exit_code=exit_code)
