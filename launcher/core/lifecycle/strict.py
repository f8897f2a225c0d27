"""FLARE 2.9.0's own verdicts, for ``policy: strict``: (patience, pod, events, time) -> patience, verdict.

FLARE decides by the phase of the pod. While that is Pending, one clock measures a shortage of CPU, memory or
GPU: it starts when the shortage is first seen, stops while pod or events cannot be read, is reset as soon as
the pod waits for anything else, and ends at ``pending_timeout``. Some reasons end the wait at once,
everything else waits forever. ``tests/contract/flare/test_strict.py`` drives FLARE's handle and this module
with the same sequences and names the differences. Code and detail of a verdict are ours; action and return
code FLARE's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from launcher.core.catalogue import CATALOGUE, Code, Limit
from launcher.core.catalogue.returncodes import PASS_THROUGH, ReturnCode
from launcher.core.ending import job_end
from launcher.core.ending.outcome import Outcome, make_outcome
from launcher.core.pending.classify import Cause, classify
from launcher.core.pending.clocks import Action, Patience, Verdict, WaitPolicy
from launcher.core.pending.containers import waiting_code
from launcher.core.pending.events import event_code, failure_code
from launcher.core.pending.scheduler import scheduling_code
from launcher.core.spec.site import PendingPolicy
from launcher.core.views import ContainerState, PodEvent, PodView, Presence, Seen, age_seconds

__all__ = [
    "end_as_flare",
    "given_up",
    "judge_as_flare",
    "lost_as_flare",
    "pause_as_flare",
    "refused",
    "unseen",
]

# Waiting reasons of any container, and reasons of Warning events, that FLARE does not wait for.
_FATAL_WAITING = frozenset(
    {
        "CrashLoopBackOff",
        "CreateContainerConfigError",
        "CreateContainerError",
        "ErrImageNeverPull",
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "RunContainerError",
    }
)
_FATAL_EVENTS = frozenset(
    {
        "BackOff",
        "Failed",
        "FailedAttachVolume",
        "FailedCreatePodSandBox",
        "FailedMount",
        "FailedScheduling",
        "FailedSync",
        "InspectFailed",
        "InvalidImageName",
        "NetworkNotReady",
    }
)
# Seconds for which an event of a scheduled pod counts; those of an unscheduled one count forever.
_EVENT_AGE = 60.0
# '1 Insufficient cpu.', '2 Insufficient nvidia.com/gpu': the text after "preemption:" counts as well.
_INSUFFICIENT = re.compile(r"\binsufficient\s+([a-z0-9./_-]+)", re.IGNORECASE)
# FLARE's own launcher does not pass 104 on.
_PASS_THROUGH = PASS_THROUGH - {ReturnCode.INFRASTRUCTURE_ERROR}


def judge_as_flare(
    patience: Patience,
    pod: PodView,
    events: Seen[tuple[PodEvent, ...]],
    *,
    now: float,
    wall: datetime,
    policy: WaitPolicy,
) -> tuple[Patience, Verdict]:
    """Decide about a pod that neither runs nor has ended.

    Args:
        patience: what was spent so far.
        pod: the pod as seen now, with a phase.
        events: its events, oldest first.
        now: monotonic seconds.
        wall: wall clock time, aware; only the age of an event is measured with it.
        policy: ``pending_timeout``.
    """
    action, code, detail = _classified(pod, events.value or (), wall)
    if action is Action.FAIL:
        return patience, Verdict(action, code, detail, patience.since if patience.cause else now, now)
    if action is Action.WAIT_FOR_RESOURCES:
        seen = classify(pod, events.value or ())
        resources = () if seen is None else seen.resources
        cause = Cause(code, detail, scheduled=False, resources=resources, revision=pod.resource_version)
        grown, verdict = _judge_shortage(patience, cause, now, policy)
        return grown, replace(verdict, resources=resources)
    # FLARE reads the events of an unscheduled pod, since here its condition shows no cause.
    unread = pod.phase == "Pending" and not _is_scheduled(pod) and events.presence is Presence.UNAVAILABLE
    return pause_as_flare(patience, now) if unread else Patience(), Verdict(action, code, detail, now, None)


def pause_as_flare(patience: Patience, now: float) -> Patience:
    """Stop the clock at ``now``: the time before counts, the time until the next observation does not."""
    if patience.cause is None or patience.seen_at is None:
        return patience
    return replace(patience, spent=_spent(patience, patience.cause.code, now), seen_at=None)


def unseen(why: str, now: float) -> Verdict:
    """Return the verdict about a pod that was never seen."""
    return Verdict(Action.WAIT, Code.CREATING, why, now, None)


def refused(code: Code, detail: str, now: float) -> Verdict:
    """Return the verdict about a pod that could not be created: FLARE does not retry."""
    return Verdict(Action.FAIL, code, detail, now, now)


def given_up(verdict: Verdict) -> Outcome:
    """Return the outcome of a verdict that ends the wait; always 101 (EXECUTION_EXCEPTION)."""
    detail = f"{CATALOGUE[verdict.code].summary} {verdict.detail}".strip()
    return Outcome(verdict.code, verdict.return_code(PendingPolicy.STRICT), detail, clock=verdict.clock)


def end_as_flare(pod: PodView) -> Outcome | None:
    """Return how the job ended, or None while the pod's phase does not say so.

    FLARE reports 0 for phase Succeeded, and for Failed the exit code of the job container if that is 101,
    102 or 103, else 9: out of memory, evicted, killed and 104 all look like an abort.
    """
    if pod.phase not in ("Succeeded", "Failed"):
        return None
    ours = job_end.ended(pod)
    succeeded = pod.phase == "Succeeded"
    if ours is None or ours.succeeded is not succeeded:
        # FLARE reads the phase, which all containers of the pod decide; our outcome is the job container's.
        detail = "" if succeeded else "the job container ended well, another container of the pod failed"
        ours = make_outcome(Code.SUCCESS if succeeded else Code.POD_FAILED, detail, exit_code=_exit_code(pod))
    code = _exit_code(pod)
    failed = ReturnCode(code) if code in _PASS_THROUGH else ReturnCode.ABORTED
    return replace(ours, return_code=ReturnCode.OK if succeeded else failed)


def lost_as_flare(found: Outcome, last: PodView | None) -> Outcome:
    """Return FLARE's outcome of a pod that does not exist any more: 9, unless its last phase was seen.

    Args:
        found: our own outcome.
        last: the pod as last seen.
    """
    finished = end_as_flare(last) if last is not None else None
    if finished is not None:
        return finished
    code = Code.DELETED_EXTERNALLY if found.succeeded else found.code
    return replace(found, code=code, return_code=ReturnCode.ABORTED)


def _exit_code(pod: PodView) -> int | None:
    return pod.main.exit_code if pod.main and pod.main.state is ContainerState.TERMINATED else None


def _spent(patience: Patience, code: Code, now: float) -> dict[Code, float]:
    """Return the seconds of the only clock, under the code of the current cause."""
    before = sum(patience.spent.values())
    return {code: before + (0.0 if patience.seen_at is None else max(0.0, now - patience.seen_at))}


def _judge_shortage(
    patience: Patience, cause: Cause, now: float, policy: WaitPolicy
) -> tuple[Patience, Verdict]:
    spent = _spent(patience, cause.code, now)
    since = now if patience.cause is None else patience.since
    grown = Patience(spent, cause, since, now, patience.sightings + 1)
    if policy.pending_timeout is None:
        return grown, Verdict(Action.WAIT_FOR_RESOURCES, cause.code, cause.detail, since, None)
    left = policy.pending_timeout - spent[cause.code]
    action = Action.FAIL if left <= 0 else Action.WAIT_FOR_RESOURCES
    clock = Limit.RESOURCES.clock
    return grown, Verdict(action, cause.code, cause.detail, since, now + max(left, 0.0), clock)


def _classified(pod: PodView, events: Iterable[PodEvent], wall: datetime) -> tuple[Action, Code, str]:
    if pod.phase == "Unknown":
        return Action.FAIL, Code.UNKNOWN_PHASE, pod.message
    cause = classify(pod, tuple(events)) or Cause(Code.CREATING, "not all containers run", scheduled=True)
    found = None
    if pod.phase == "Pending" and _is_scheduled(pod):
        found = _fatal_waiting(pod) or _recent_event(events, wall, cause)
    elif pod.phase == "Pending":
        found = _unscheduled_condition(pod) or _unscheduled_event(events, cause)
    waits = Action.QUEUED if cause.code is Code.SCHEDULING_GATED else Action.WAIT
    return found or (waits, cause.code, cause.detail)


def _is_scheduled(pod: PodView) -> bool:
    """Return whether FLARE takes the pod for scheduled: by the condition, not by ``spec.nodeName``."""
    return any(c.type == "PodScheduled" and c.status == "True" for c in pod.conditions)


def _is_shortage(text: str) -> bool:
    names = (name.lower().rstrip(".") for name in _INSUFFICIENT.findall(text))
    return any(name in ("cpu", "memory") or "gpu" in name for name in names)


def _unscheduled_condition(pod: PodView) -> tuple[Action, Code, str] | None:
    for condition in pod.conditions:
        if condition.type != "PodScheduled" or condition.status != "False":
            continue
        if _is_shortage(f"{condition.reason} {condition.message}"):
            return Action.WAIT_FOR_RESOURCES, scheduling_code(condition.message), condition.message
        if condition.reason == "Unschedulable":
            return Action.FAIL, scheduling_code(condition.message), condition.message
    return None


def _fatal_waiting(pod: PodView) -> tuple[Action, Code, str] | None:
    for container in pod.containers:
        if container.state is ContainerState.WAITING and container.reason in _FATAL_WAITING:
            detail = f"container {container.name}: {container.reason}: {container.message}".rstrip(": ")
            return Action.FAIL, waiting_code(container.reason, container.message), detail
    return None


def _warnings(events: Iterable[PodEvent]) -> Iterable[PodEvent]:
    """Return the warnings, newest first; those without a time come last."""
    warnings = [event for event in events if event.type == "Warning"]
    return sorted(warnings, key=lambda e: e.last_seen.timestamp() if e.last_seen else 0.0, reverse=True)


def _text(event: PodEvent) -> str:
    return f"{event.reason}: {event.message}"


def _recent_event(
    events: Iterable[PodEvent], wall: datetime, cause: Cause
) -> tuple[Action, Code, str] | None:
    for event in _warnings(events):
        fatal = event.reason in _FATAL_EVENTS and event.reason != "FailedScheduling"
        if fatal and age_seconds(event.last_seen, wall) <= _EVENT_AGE:
            codes = (event_code(one) or failure_code(one) for one in (event, *_warnings(events)))
            return Action.FAIL, next(filter(None, codes), cause.code), _text(event)
    return None


def _unscheduled_event(events: Iterable[PodEvent], cause: Cause) -> tuple[Action, Code, str] | None:
    for event in _warnings(events):
        scheduling = event.reason == "FailedScheduling"
        code = scheduling_code(event.message) if scheduling else event_code(event) or cause.code
        if _is_shortage(f"{event.reason} {event.message}"):
            return Action.WAIT_FOR_RESOURCES, code, _text(event)
        if event.reason in _FATAL_EVENTS:
            return Action.FAIL, code, _text(event)
    return None
