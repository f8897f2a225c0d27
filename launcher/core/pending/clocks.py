"""Whether to go on waiting for a pod: (time spent, cause, now, policy) -> verdict.

:func:`judge` adds the time since the last observation to the clock of the cause observed then, and decides
about the cause observed now. Every cause has its own clock. It stops while the cluster cannot be read, and it
is not reset when the cause comes back: causes that alternate cannot keep a job waiting forever.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from launcher.core.catalogue import CATALOGUE, Code, Limit
from launcher.core.catalogue.returncodes import ReturnCode
from launcher.core.pending.classify import Cause
from launcher.core.spec.site import PendingPolicy, Timeouts

__all__ = ["Action", "Patience", "Timing", "Verdict", "WaitPolicy", "judge", "left", "pause", "spent"]

_PULL_SIGHTINGS = 2
# Causes of a pull, after which the kubelet backs off.
_PULL_CODES = frozenset(
    code for code, entry in CATALOGUE.items() if entry.limit in (Limit.PULL, Limit.PULL_PERMANENT)
)
# The code of a job that ends because the clock of a cause ran out, where it is not the cause's.
_ENDS_AS: Mapping[Code, Code] = {Code.UNKNOWN_PHASE: Code.NODE_LOST}


class Action(str, enum.Enum):
    """What to do about a pod that is not running."""

    WAIT = "WAIT"
    WAIT_FOR_RESOURCES = "WAIT_FOR_RESOURCES"
    QUEUED = "QUEUED"
    FAIL = "FAIL"


class Timing(str, enum.Enum):
    """How it is known since when a cause has lasted."""

    WATCHED = "watched"  # this process has seen the cause begin
    NOTED = "noted"  # the process that waits for the job has seen it begin, and says so
    CLUSTER = "cluster"  # from time stamps of Kubernetes: approximate
    UNKNOWN = "unknown"  # seen once and without a time stamp: all of the clock may be left, or none


@dataclass(frozen=True)
class WaitPolicy:
    """The pending policy, the length of every clock in seconds, and whether nodes may be added."""

    mode: PendingPolicy = PendingPolicy.GRACEFUL
    pending_timeout: float | None = 120.0
    timeout: float | None = None
    graces: Timeouts = field(default_factory=Timeouts)
    may_grow: bool = True

    def seconds(self, limit: Limit) -> float | None:
        """Return the length of a clock; None = it never fires."""
        if limit is Limit.NOW:
            return 0.0
        if limit is Limit.RESOURCES:
            return self.pending_timeout
        if limit is Limit.NEVER:
            return None
        if limit is Limit.BIND:
            return self.graces.binding
        length: float | None = getattr(self.graces, limit.value)
        return length


@dataclass(frozen=True)
class Patience:
    """The time that each cause has used up; empty before the first observation.

    Attributes:
        spent: seconds of each cause so far; START_TIMEOUT has all seconds since scheduling.
        cause: the cause seen last.
        since: when that cause was first seen, with no other cause since.
        seen_at: when the pod was last observed; None while the clocks are paused.
        sightings: how many resourceVersions of the pod had this cause.
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
        detail: the message of Kubernetes.
        since: monotonic seconds at which the cause was first seen.
        deadline: monotonic seconds at which waiting ends if nothing changes; None = never.
        clock: the setting that bounds the wait, such as ``timeouts.pull``; empty when none does.
        timing: how ``since`` and ``deadline`` are known.
        resources: names of the few resources that the cause is about, sorted; empty when it is about none.
    """

    action: Action
    code: Code
    detail: str
    since: float
    deadline: float | None
    clock: str = ""
    timing: Timing = Timing.WATCHED
    resources: tuple[str, ...] = ()

    def return_code(self, mode: PendingPolicy) -> ReturnCode:
        """Return the return code of a job that this verdict ends; FLARE's own launcher knows only 101."""
        if mode is PendingPolicy.STRICT:
            return ReturnCode.EXECUTION_EXCEPTION
        return CATALOGUE[self.code].return_code


def left(patience: Patience, code: Code, now: float, policy: WaitPolicy) -> float:
    """Return the seconds that a cause has left on its own clock; infinite when it has none."""
    length = policy.seconds(CATALOGUE[code].limit)
    running = patience.cause is not None and patience.cause.code is code and patience.seen_at is not None
    elapsed = max(0.0, now - patience.seen_at) if running and patience.seen_at is not None else 0.0
    return float("inf") if length is None else length - patience.spent.get(code, 0.0) - elapsed


def pause(patience: Patience) -> Patience:
    """Return ``patience`` with its clocks stopped: the time until the next observation does not count."""
    return replace(patience, seen_at=None)


def judge(patience: Patience, cause: Cause, now: float, policy: WaitPolicy) -> tuple[Patience, Verdict]:
    """Add the time since the last observation to the cause seen then, and decide about the cause seen now.

    Args:
        patience: what was spent so far.
        cause: the cause now, from :func:`classify`.
        now: monotonic seconds.
        policy: the clocks; for policy ``strict`` :mod:`launcher.core.lifecycle.strict` decides instead.

    Returns:
        The patience after this observation, and the verdict.
    """
    before = patience.cause
    if cause.is_bare_back_off and before is not None and before.code in _PULL_CODES:
        cause = before  # with its revision: this is no second attempt to pull
    used = spent(patience, now)
    same = patience.cause is not None and patience.cause.code is cause.code
    revised = same and patience.cause is not None and patience.cause.revision != cause.revision
    grown = Patience(
        spent=used,
        cause=cause,
        since=patience.since if same else now,
        seen_at=now,
        sightings=patience.sightings + int(revised) if same else 1,
    )
    return grown, replace(_verdict(grown, cause, now, policy), resources=cause.resources)


def spent(patience: Patience, now: float) -> Mapping[Code, float]:
    """Return the seconds of each cause with those since the last observation, which were the last cause's."""
    before = patience.cause
    used = dict(patience.spent)
    if before is not None and patience.seen_at is not None:
        elapsed = max(0.0, now - patience.seen_at)
        used[before.code] = used.get(before.code, 0.0) + elapsed
        if before.scheduled:
            used[Code.START_TIMEOUT] = used.get(Code.START_TIMEOUT, 0.0) + elapsed
    return used


def _verdict(patience: Patience, cause: Cause, now: float, policy: WaitPolicy) -> Verdict:
    limit = CATALOGUE[cause.code].limit
    clocks: list[tuple[float, Code, str]] = []
    length = policy.seconds(limit)
    if length is not None and limit is not Limit.START:
        end = _ENDS_AS.get(cause.code, cause.code)
        clocks.append((length - patience.spent.get(cause.code, 0.0), end, limit.clock))
    start = policy.seconds(Limit.START)
    # Not for a pod whose node no longer reports: it may have started long ago.
    if start is not None and cause.scheduled and cause.code is not Code.UNKNOWN_PHASE:
        used = patience.spent.get(Code.START_TIMEOUT, 0.0)
        clocks.append((start - used, Code.START_TIMEOUT, Limit.START.clock))
    if not clocks:
        return Verdict(_action(limit), cause.code, cause.detail, patience.since, None)
    needs_sighting = limit is Limit.PULL_PERMANENT and patience.sightings < _PULL_SIGHTINGS
    # Until an image was missing twice only the start clock can end the wait.
    for least, code, clock in sorted(clocks):
        if least <= 0 and not (needs_sighting and code is cause.code):
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
