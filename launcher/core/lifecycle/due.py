"""When to look at a job again although nothing of it changed: (track, now, policy) -> seconds."""

from __future__ import annotations

from collections.abc import Iterator

from launcher.core.lifecycle.state import JobState, Track
from launcher.core.lifecycle.step import DEAD_NODE, GONE_AFTER, grace_of
from launcher.core.pending.clocks import WaitPolicy

__all__ = ["next_look"]

# A change of its pod wakes a handle at once. What else there is to see comes from elsewhere: nodes and claims
# of a pod that is pending, and of any pod whether the watch still lives.
_PENDING, _LONGEST = 5.0, 15.0
# A clock that has run out and may not end the wait yet (an image that is missing for the first time).
_OVERDUE = 0.5
# The sleep of a thread may end a little too early.
_SHORTEST = 0.01


def next_look(track: Track, now: float, policy: WaitPolicy) -> float:
    """Return after how many seconds a job has to be looked at again, if nothing changes before.

    Args:
        track: what is known after the last look.
        now: monotonic seconds.
        policy: its clocks.
    """
    left = [_OVERDUE if end <= now else max(end - now, _SHORTEST) for end in _ends(track, policy)]
    return min((*left, _LONGEST if track.verdict is None else _PENDING))


def _ends(track: Track, policy: WaitPolicy) -> Iterator[float]:
    """Yield the moments at which a clock of the job changes what is known about it."""
    if track.verdict is not None and track.verdict.deadline is not None:
        yield track.verdict.deadline
    if track.absent_since is not None:
        yield track.absent_since + GONE_AFTER
    if track.deleting_since is not None and track.pod is not None:
        yield track.deleting_since + grace_of(track.pod) + DEAD_NODE
    if track.stale_since is not None and track.state is not JobState.UNKNOWN:
        yield track.stale_since + policy.graces.api
