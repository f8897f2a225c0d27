"""The time left to a job that is observed only once, estimated from time stamps of the cluster.

A process that waits for a job measures on its own monotonic clock since its first observation. ``fljob
status`` has observed nothing before: it has only the time stamps of Kubernetes, from the clocks of several
machines, and does not know when the waiting process had to pause its clocks. So the estimate is shown and
never ends a job.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from launcher.core.catalogue import CATALOGUE, Code, Limit
from launcher.core.lifecycle.state import Observation, Track
from launcher.core.lifecycle.step import step
from launcher.core.pending.autoscaler import event_answer
from launcher.core.pending.classify import Cause
from launcher.core.pending.clocks import Patience, Timing, Verdict, WaitPolicy
from launcher.core.pending.events import event_code, failure_code
from launcher.core.spec.site import PendingPolicy
from launcher.core.views import PodEvent, PodView, age_seconds

__all__ = ["dated", "since"]

_TIMEOUT = "timeout"  # FLARE's setting: seconds from launch until Running
# An estimate must not end a job: a clock that has run out still has this much left, in seconds.
_MIN_LEFT = 0.001


def dated(track: Track, seen: Observation, policy: WaitPolicy) -> Track:
    """Return ``track`` with a verdict that counts the time for which its cause has already lasted.

    Nothing else changes. No verdict becomes FAIL: a cause that is older than its clock has no time left.

    Args:
        track: the track after the first observation of a pod.
        seen: that observation.
        policy: how the job is judged.
    """
    cause, pod = track.patience.cause, track.pod
    if track.outcome is not None or track.verdict is None or pod is None:
        return track
    begun = None if cause is None else since(cause, pod, track.events)
    scheduled = _condition_since(pod)
    aged = replace(track, launched=seen.now - _elapsed(pod.created, seen.wall, policy.timeout))
    if cause is not None:
        spent = {cause.code: _elapsed(begun, seen.wall, _length(cause, policy))}
        if cause.scheduled and policy.mode is not PendingPolicy.STRICT:
            length = policy.seconds(Limit.START)
            spent |= {Code.START_TIMEOUT: _elapsed(scheduled, seen.wall, length)}
        first = seen.now - _elapsed(begun, seen.wall, None)
        aged = replace(aged, patience=Patience(spent, cause, first, sightings=1))
    aged = step(aged, seen, policy)
    if aged.verdict is None or aged.outcome is not None:
        return track
    of_clock = {_TIMEOUT: pod.created, Limit.START.clock: scheduled}
    stamp = of_clock.get(aged.verdict.clock, begun)
    timing = Timing.UNKNOWN if stamp is None else Timing.CLUSTER
    verdict = replace(aged.verdict, timing=timing)
    if verdict.deadline is not None and verdict.deadline - seen.now <= 2 * _MIN_LEFT:
        verdict = _run_out(verdict, pod, cause, begun=begun, seen=seen, policy=policy)
    return replace(track, verdict=verdict)


def _run_out(
    verdict: Verdict,
    pod: PodView,
    cause: Cause | None,
    *,
    begun: datetime | None,
    seen: Observation,
    policy: WaitPolicy,
) -> Verdict:
    """Return the verdict with the moment at which the first clock ran out: it stays there from then on."""
    clocks = [(_TIMEOUT, pod.created, policy.timeout)]
    if cause is not None:
        is_strict = policy.mode is PendingPolicy.STRICT
        own = Limit.RESOURCES if is_strict else CATALOGUE[cause.code].limit
        # FLARE's own launcher has a clock for a shortage, and for nothing else.
        if not is_strict or verdict.clock == own.clock:
            clocks.append((own.clock, begun, _length(cause, policy)))
        if cause.scheduled and not is_strict and cause.code is not Code.UNKNOWN_PHASE:
            clocks.append((Limit.START.clock, _condition_since(pod), policy.seconds(Limit.START)))
    over = {
        clock: length - age_seconds(stamp, seen.wall)
        for clock, stamp, length in clocks
        if stamp is not None and length is not None and age_seconds(stamp, seen.wall) > length
    }
    if not over:
        return verdict
    clock = min(over, key=lambda name: over[name])
    return replace(verdict, clock=clock, deadline=seen.now + over[clock], timing=Timing.CLUSTER)


def since(cause: Cause, pod: PodView, events: Iterable[PodEvent]) -> datetime | None:
    """Return since when a pod has had a cause, by the time stamps of the cluster; None = unknown.

    Args:
        cause: what the pod waits for.
        pod: the pod.
        events: its events, as far as they were read.
    """
    if cause.begun is not None:
        return cause.begun
    # A nomination has no time stamp, and may come long after the pod's condition.
    if cause.code is Code.NOMINATED:
        return None
    if cause.code is Code.UNKNOWN_PHASE:
        ready = pod.condition("Ready")
        return ready.since if ready is not None and ready.status != "True" else None
    # lastTransitionTime changes with the status of a condition only (Kubernetes 1.36): a pod that left a
    # queue, or waits for another reason than before, still has that of its creation. The cause's first event
    # is later.
    stamps = (_condition_since(pod), _first(_events_of(cause, tuple(events))))
    return max((stamp for stamp in stamps if stamp is not None), default=None)


def _condition_since(pod: PodView) -> datetime | None:
    condition = pod.condition("PodScheduled")
    return condition.since if condition is not None and condition.since is not None else pod.created


def _events_of(cause: Cause, events: tuple[PodEvent, ...]) -> list[PodEvent]:
    """Return the events of a cause: those that its detail quotes, else those with its code."""
    # Karpenter's have the reason of the scheduler's, and one cause has many texts.
    if cause.code in (Code.SCALING_UP, Code.SCALE_UP_REFUSED):
        return [event for event in events if event_answer(event) is cause.code]
    quoted = [event for event in events if event.reason and cause.detail.startswith(f"{event.reason}: ")]
    if quoted:
        return quoted
    if not cause.scheduled:
        return [event for event in events if event.reason == "FailedScheduling"]
    return [event for event in events if cause.code in (event_code(event), failure_code(event))]


def _first(events: Iterable[PodEvent]) -> datetime | None:
    return min((event.first_seen for event in events if event.first_seen is not None), default=None)


def _length(cause: Cause, policy: WaitPolicy) -> float | None:
    if policy.mode is PendingPolicy.STRICT:  # FLARE's own launcher has one clock
        return policy.pending_timeout
    return policy.seconds(CATALOGUE[cause.code].limit)


def _elapsed(begun: datetime | None, wall: datetime, length: float | None) -> float:
    """Return the seconds since ``begun``, at least 0 and less than ``length``; length None = no limit."""
    seconds = 0.0 if begun is None else max(0.0, age_seconds(begun, wall))
    return seconds if length is None else min(seconds, max(0.0, length - _MIN_LEFT))
