"""Which of the jobs that nobody removes may go, and which their retention keeps yet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from launcher.core.ending.kept import age_since_end, time_left
from launcher.core.lifecycle.state import JobReport
from launcher.core.pending.clocks import Timing
from launcher.core.releases import release_state
from launcher.core.views import age_seconds
from launcher.usecases.ports import World

__all__ = ["kept", "outdated"]

# Seconds that a pending job stays after its clock has run out: somebody else's may be longer.
_GRACE = 600.0
_AT_ONCE = 1.0


def outdated(
    world: World, reports: Sequence[JobReport], older_than: float, watched: Callable[[str], bool]
) -> list[JobReport]:
    """Return the jobs that ended, or wait in vain, since a certain time; none of somebody else.

    Args:
        world: the ports.
        reports: all jobs of a namespace.
        older_than: seconds, for the jobs of which no retention says anything.
        watched: tells of a release whether a process watches it, which then takes it away itself.
    """
    left = _time_left(world, reports)
    return [
        one
        for one in reports
        if not one.ownership.is_foreign
        and _may_go(one, world, older_than, left)
        and not watched(one.job.release)
    ]


# Clocks that somebody else may have stopped looking at.
_BY_OTHERS = (Timing.CLUSTER, Timing.NOTED)


def kept(world: World, reports: Iterable[JobReport]) -> Callable[[JobReport], bool]:
    """Return what tells of one of these jobs whether it has ended and its retention keeps it."""
    left = _time_left(world, reports)

    def stays(one: JobReport) -> bool:
        return one.track.pod is not None and left.get(one.track.pod.uid, 0.0) > 0

    return stays


def _time_left(world: World, reports: Iterable[JobReport]) -> Mapping[str, float]:
    """Return uid of a pod -> seconds that its retention keeps an ended job yet."""
    return time_left((one.track.pod for one in reports if one.track.pod), world.clock.now())


def _may_go(found: JobReport, world: World, older_than: float, left: Mapping[str, float]) -> bool:
    view, now, pod = found.release, world.clock.now(), found.track.pod
    if release_state(view, now).is_busy:
        return False
    if found.track.outcome is None:
        return _is_given_up(found, world.clock.monotonic(), older_than)
    if pod is None:
        return max(0.0, age_seconds(view.updated if view else None, now)) >= older_than
    return left[pod.uid] <= 0 if pod.uid in left else age_since_end(pod, now) >= older_than


def _is_given_up(found: JobReport, now: float, older_than: float) -> bool:
    """Return whether a job is pending of which any waiting process would have taken the end by now.

    A pod in ImagePullBackOff stays for ever when whoever launched it is gone. The clocks of the caller, and
    time stamps of the cluster: other clocks, or a process that paused its own, get ten minutes.
    """
    verdict = found.track.verdict
    if verdict is None or verdict.deadline is None or verdict.timing not in _BY_OTHERS:
        return False
    over = verdict.deadline <= now + _AT_ONCE
    return over and now - verdict.since >= max(older_than, _GRACE)
