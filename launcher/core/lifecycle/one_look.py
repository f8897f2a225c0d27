"""The clocks of a job that was looked at only once: how much of them is left by the cluster's time stamps.

Whoever waits for a job measures from its own first sight, on a clock that never steps; nothing here decides
about a job. ``fljob status`` sees it for the first time, however long it has been waiting, and can only tell
from what Kubernetes wrote down, on clocks of several machines, and pauses of the waiting process are unknown.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from launcher.core.catalogue import CATALOGUE, Code, Limit
from launcher.core.lifecycle.state import Observation, Track
from launcher.core.lifecycle.step import step
from launcher.core.pending.classify import Cause
from launcher.core.pending.clocks import Patience, Timing, WaitPolicy
from launcher.core.pending.events import event_code, failure_code
from launcher.core.spec.site import PendingPolicy
from launcher.core.views import PodEvent, PodView, age_seconds

__all__ = ["dated", "since"]

_TIMEOUT = "timeout"  # FLARE's setting: seconds from launch until Running
# One look must not condemn: a clock that has run out still has this much left, in seconds.
_LEAST = 0.001


def dated(track: Track, seen: Observation, policy: WaitPolicy) -> Track:
    """Return the track of one look with the verdict that shows how long its cause has lasted already.

    Nothing else of it changes, and no verdict becomes FAIL: the clock of a cause that is older than it has
    nothing left.

    Args:
        track: after one look at a pod that was never looked at before.
        seen: the same look.
        policy: how the job is judged.
    """
    cause, pod = track.patience.cause, track.pod
    if track.outcome is not None or track.verdict is None or pod is None:
        return track
    begun = None if cause is None else since(cause, pod, track.events)
    scheduled = _condition_since(pod)
    again = replace(track, launched=seen.now - _lasted(pod.created, seen.wall, policy.timeout))
    if cause is not None:
        spent = {cause.code: _lasted(begun, seen.wall, _length(cause, policy))}
        if cause.scheduled and policy.column is not PendingPolicy.STRICT:
            length = policy.seconds(Limit.START)
            spent |= {Code.START_TIMEOUT: _lasted(scheduled, seen.wall, length)}
        first = seen.now - _lasted(begun, seen.wall, None)
        again = replace(again, patience=Patience(spent, cause, first, sightings=1))
    again = step(again, seen, policy)
    if again.verdict is None or again.outcome is not None:
        return track
    of_clock = {_TIMEOUT: pod.created, Limit.START.clock: scheduled}
    stamp = of_clock.get(again.verdict.clock, begun)
    timing = Timing.UNKNOWN if stamp is None else Timing.CLUSTER
    return replace(track, verdict=replace(again.verdict, timing=timing))


def since(cause: Cause, pod: PodView, events: Iterable[PodEvent]) -> datetime | None:
    """Return since when a pod has had a cause, as far as the cluster wrote that down; None = nothing tells.

    Args:
        cause: what the pod waits for.
        pod: the pod.
        events: its events, if they were asked for.
    """
    # A nomination has no time stamp, and it comes long after the condition that it is a part of.
    if cause.code is Code.NOMINATED:
        return None
    if cause.code is Code.UNKNOWN_PHASE:
        ready = pod.condition("Ready")
        return ready.since if ready is not None and ready.status != "True" else None
    # A condition's lastTransitionTime changes with its status only (Kubernetes 1.36): a pod that left a queue
    # or waits for another reason than before has that of its creation. The first event of the cause is later.
    stamps = (_condition_since(pod), _first(_telling(cause, tuple(events))))
    return max((stamp for stamp in stamps if stamp is not None), default=None)


def _condition_since(pod: PodView) -> datetime | None:
    condition = pod.condition("PodScheduled")
    return condition.since if condition is not None and condition.since is not None else pod.created


def _telling(cause: Cause, events: tuple[PodEvent, ...]) -> list[PodEvent]:
    """Return the events that tell of a cause: those it quotes, else those with its code."""
    quoted = [event for event in events if event.reason and cause.detail.startswith(f"{event.reason}: ")]
    if quoted:
        return quoted
    if not cause.scheduled:
        return [event for event in events if event.reason == "FailedScheduling"]
    return [event for event in events if cause.code in (event_code(event), failure_code(event))]


def _first(events: Iterable[PodEvent]) -> datetime | None:
    return min((event.first_seen for event in events if event.first_seen is not None), default=None)


def _length(cause: Cause, policy: WaitPolicy) -> float | None:
    if policy.column is PendingPolicy.STRICT:  # FLARE's own launcher has one clock
        return policy.pending_timeout
    return policy.seconds(CATALOGUE[cause.code].limit)


def _lasted(begun: datetime | None, wall: datetime, length: float | None) -> float:
    """Return the seconds since a moment, at least 0 and less than ``length``; None = no limit."""
    seconds = 0.0 if begun is None else max(0.0, age_seconds(begun, wall))
    return seconds if length is None else min(seconds, max(0.0, length - _LEAST))
