"""Whether to go on waiting for a pod: (time spent, cause, now, policy) -> verdict.

:func:`judge` charges the time since the last look to the cause seen then and decides about the cause seen
now. A cause has a clock of its own, which stops while the cluster cannot be asked and never restarts when
the cause comes back, so two causes that take turns cannot keep a job waiting for ever.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from launcher.core.catalogue import CATALOGUE, Code, Limit
from launcher.core.catalogue.returncodes import ReturnCode
from launcher.core.pending.classify import Cause
from launcher.core.spec.site import PendingPolicy, Timeouts

__all__ = ["Action", "Patience", "Timing", "Verdict", "WaitPolicy", "judge", "left", "pause"]

_PULL_SIGHTINGS = 2
_PULL_CODES = frozenset(
    {Code.IMAGE_NOT_FOUND, Code.IMAGE_AUTH, Code.IMAGE_PLATFORM, Code.IMAGE_PULL_TRANSIENT}
)
# How a cause is called once its clock has run out, where that says more.
_ENDS_AS: Mapping[Code, Code] = {Code.UNKNOWN_PHASE: Code.NODE_LOST}


class Action(str, enum.Enum):
    """What to do about a pod that is not running."""

    WAIT = "WAIT"
    WAIT_FOR_RESOURCES = "WAIT_FOR_RESOURCES"
    QUEUED = "QUEUED"
    FAIL = "FAIL"


class Timing(str, enum.Enum):
    """From what it is known since when a cause has lasted."""

    WATCHED = "watched"  # from its first sight in this process
    CLUSTER = "cluster"  # from the time stamps of Kubernetes: about
    UNKNOWN = "unknown"  # from nothing: looked at only once, so that all of the clock may be left, or none


@dataclass(frozen=True)
class WaitPolicy:
    """How patient to be: the column of the catalogue and the length of every clock, in seconds."""

    column: PendingPolicy = PendingPolicy.GRACEFUL
    pending_timeout: float | None = 120.0
    timeout: float | None = None
    graces: Timeouts = field(default_factory=Timeouts)

    def seconds(self, limit: Limit) -> float | None:
        """Return the length of a clock; None = it never fires."""
        if limit is Limit.NOW:
            return 0.0
        if limit is Limit.RESOURCES:
            return self.pending_timeout
        if limit is Limit.NEVER:
            return None
        length: float | None = getattr(self.graces, limit.value)
        return length


@dataclass(frozen=True)
class Patience:
    """How much waiting each cause has used up; empty when the pod has not been looked at.

    Attributes:
        spent: seconds charged to each cause so far; START_TIMEOUT collects all time since scheduling.
        cause: the cause seen last.
        since: when that cause was seen first without another in between.
        seen_at: when the pod was looked at last; None while the clock is paused.
        sightings: how many different states of the pod showed this cause.
    """

    spent: Mapping[Code, float] = field(default_factory=dict)
    cause: Cause | None = None
    since: float = 0.0
    seen_at: float | None = None
    sightings: int = 0


@dataclass(frozen=True)
class Verdict:
    """What to do about a pod that is not running, and why.

    Attributes:
        action: wait or fail.
        code: the cause, or the clock that ran out.
        detail: the words of Kubernetes.
        since: monotonic seconds of the first sight of the cause.
        deadline: monotonic seconds at which waiting ends if nothing changes; None = never.
        clock: the setting that bounds the wait, such as ``timeouts.pull``; empty when none does.
        timing: what ``since`` and ``deadline`` were measured with.
    """

    action: Action
    code: Code
    detail: str
    since: float
    deadline: float | None
    clock: str = ""
    timing: Timing = Timing.WATCHED

    def return_code(self, column: PendingPolicy) -> ReturnCode:
        """Return what FLARE is told when this verdict ends the job; FLARE's own launcher knows only 101."""
        if column is PendingPolicy.STRICT:
            return ReturnCode.EXECUTION_EXCEPTION
        return CATALOGUE[self.code].return_code


def left(patience: Patience, code: Code, now: float, policy: WaitPolicy) -> float:
    """Return the seconds that a cause has left on its own clock; infinite when it has none."""
    length = policy.seconds(CATALOGUE[code].limit)
    running = patience.cause is not None and patience.cause.code is code and patience.seen_at is not None
    elapsed = max(0.0, now - patience.seen_at) if running and patience.seen_at is not None else 0.0
    return float("inf") if length is None else length - patience.spent.get(code, 0.0) - elapsed


def pause(patience: Patience) -> Patience:
    """Stop the clocks: the time until the next look is charged to nobody."""
    return replace(patience, seen_at=None)


def judge(patience: Patience, cause: Cause, now: float, policy: WaitPolicy) -> tuple[Patience, Verdict]:
    """Charge the time since the last look to the cause seen then, and decide about the cause seen now.

    Args:
        patience: what was spent so far.
        cause: what :func:`classify` says now.
        now: monotonic seconds.
        policy: the clocks; its column plays no part, ``strict`` has judges of its own.
    """
    before = patience.cause
    if cause.is_echo and before is not None and before.code in _PULL_CODES:
        cause = before  # with its revision: the image was not looked for again
    spent = _charged(patience, now)
    same = patience.cause is not None and patience.cause.code is cause.code
    revised = same and patience.cause is not None and patience.cause.revision != cause.revision
    grown = Patience(
        spent=spent,
        cause=cause,
        since=patience.since if same else now,
        seen_at=now,
        sightings=patience.sightings + int(revised) if same else 1,
    )
    return grown, _graceful(grown, cause, now, policy)


def _charged(patience: Patience, now: float) -> Mapping[Code, float]:
    before = patience.cause
    spent = dict(patience.spent)
    if before is not None and patience.seen_at is not None:
        elapsed = max(0.0, now - patience.seen_at)
        spent[before.code] = spent.get(before.code, 0.0) + elapsed
        if before.scheduled:
            spent[Code.START_TIMEOUT] = spent.get(Code.START_TIMEOUT, 0.0) + elapsed
    return spent


def _graceful(patience: Patience, cause: Cause, now: float, policy: WaitPolicy) -> Verdict:
    limit = CATALOGUE[cause.code].limit
    clocks: list[tuple[float, Code, str]] = []
    length = policy.seconds(limit)
    if length is not None and limit is not Limit.START:
        end = _ENDS_AS.get(cause.code, cause.code)
        clocks.append((length - patience.spent.get(cause.code, 0.0), end, limit.clock))
    start = policy.seconds(Limit.START)
    # a pod whose node is silent may have started long ago
    if start is not None and cause.scheduled and cause.code is not Code.UNKNOWN_PHASE:
        spent = patience.spent.get(Code.START_TIMEOUT, 0.0)
        clocks.append((start - spent, Code.START_TIMEOUT, Limit.START.clock))
    if not clocks:
        return Verdict(_action(limit), cause.code, cause.detail, patience.since, None)
    unproven = limit is Limit.PULL_PERMANENT and patience.sightings < _PULL_SIGHTINGS
    # An image that was looked for only once is not given up for that; the start clock runs all the same.
    for least, code, clock in sorted(clocks):
        if least <= 0 and not (unproven and code is cause.code):
            return Verdict(Action.FAIL, code, cause.detail, patience.since, now, clock)
    least, _, clock = min(clocks)
    return Verdict(_action(limit), cause.code, cause.detail, patience.since, now + max(least, 0.0), clock)


def _action(limit: Limit) -> Action:
    return _ACTIONS.get(limit, Action.WAIT)


_ACTIONS: Mapping[Limit, Action] = {
    Limit.RESOURCES: Action.WAIT_FOR_RESOURCES,
    Limit.IMPOSSIBLE: Action.WAIT_FOR_RESOURCES,
    Limit.SCALE_UP: Action.WAIT_FOR_RESOURCES,
    Limit.NO_SCALE_UP: Action.WAIT_FOR_RESOURCES,
    Limit.VICTIMS: Action.WAIT_FOR_RESOURCES,
    Limit.QUEUE: Action.QUEUED,
}
