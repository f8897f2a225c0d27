"""What is said of a job in Events of Kubernetes on its pod: why it waits, how it failed, that it is gone.

:func:`event_now` decides, from what was said last and what is known now. A cause that stays is said once:
words that only count something, such as "0/3 nodes are available", and seconds that pass are no news.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime

from launcher.core.catalogue import CATALOGUE, Code
from launcher.core.ending.outcome import Outcome
from launcher.core.foreign import said
from launcher.core.lifecycle.state import JobState, Track
from launcher.core.moments import moment
from launcher.core.pending.clocks import Verdict

__all__ = ["LONGEST_MESSAGE", "EventReason", "JobEvent", "event_now", "removed"]

# Bytes: of an event of events.k8s.io/v1, and of what client-go's recorders write.
LONGEST_MESSAGE = 1024
_LONGEST_DETAIL = 500  # characters of what others wrote, fewer where their bytes leave no room for the cure
# The kubelet says these itself, and they pass.
_ON_ITS_WAY = frozenset({Code.CREATING, Code.INITIALIZING, Code.PULLING})
# Somebody else has taken it in hand: it goes on by itself, as a rule.
_IN_HAND = frozenset({Code.SCHEDULING_GATED, Code.SCALING_UP, Code.NOMINATED, Code.BINDING})


class EventReason(str, enum.Enum):
    """Reasons of our events."""

    PENDING = "FljobPending"
    FAILED = "FljobFailed"
    REMOVED = "FljobRemoved"


@dataclass(frozen=True)
class JobEvent:
    """One event.

    Attributes:
        reason: what was decided.
        code: why, a code of the catalogue.
        message: code, clock, one sentence and the cure; one line of :data:`LONGEST_MESSAGE` bytes at most.
        at: when it was decided.
        is_warning: whether somebody should look at it.
    """

    reason: EventReason
    code: Code
    message: str
    at: datetime
    is_warning: bool = False


def event_now(before: JobEvent | None, track: Track, now: float, wall: datetime) -> JobEvent | None:
    """Return what is to be said of a job: ``before`` itself while that holds, None of one that runs.

    Args:
        before: what was said last.
        track: everything known about the job.
        now: monotonic seconds.
        wall: wall clock time of the same moment.
    """
    if track.outcome is not None:
        return _ended(before, track.state, track.outcome, wall)
    verdict = track.verdict
    if verdict is None:
        return None if track.ran else before
    if verdict.code in _ON_ITS_WAY or _says(before, EventReason.PENDING, verdict.code):
        return before
    return _pending(verdict, now, wall)


def removed(track: Track, wall: datetime) -> JobEvent | None:
    """Return what is said of a job whose release, pod and Secret are gone; None while it has not ended.

    None, too, of a release that somebody else has uninstalled, who says so. It tells the end once more: of
    two events in a hurry the later one is written.
    """
    outcome = track.outcome
    if outcome is None or outcome.code is Code.RELEASE_UNINSTALLED:
        return None
    message = _end(outcome, "Release, pod and per-job Secret are removed. ")
    return JobEvent(EventReason.REMOVED, outcome.code, message, wall)


def _ended(before: JobEvent | None, state: JobState, outcome: Outcome, wall: datetime) -> JobEvent | None:
    if state is not JobState.FAILED:
        return None
    if _says(before, EventReason.FAILED, outcome.code):
        return before
    return JobEvent(EventReason.FAILED, outcome.code, _end(outcome), wall, is_warning=True)


def _says(event: JobEvent | None, reason: EventReason, code: Code) -> bool:
    return event is not None and (event.reason, event.code) == (reason, code)


def _pending(verdict: Verdict, now: float, wall: datetime) -> JobEvent:
    entry = CATALOGUE[verdict.code]
    clock = verdict.clock or "no clock"
    if verdict.deadline is None:
        until = f"{clock}: no limit" if verdict.clock else "no limit"
    else:
        until = f"{clock} runs out at {moment(max(verdict.deadline, now), now, wall)}"
    words = _sentence(f"{verdict.code.value} ({until})", entry.summary, verdict.detail, entry.cure)
    return JobEvent(EventReason.PENDING, verdict.code, words, wall, is_warning=verdict.code not in _IN_HAND)


def _end(outcome: Outcome, before: str = "") -> str:
    entry = CATALOGUE[outcome.code]
    clock = f"{outcome.clock} ran out, " if outcome.clock else ""
    head = f"{before}{outcome.code.value} ({clock}return code {int(outcome.return_code)})"
    is_failure = outcome.code not in (Code.SUCCESS, Code.TERMINATED)
    cure = (outcome.cure or entry.cure) if is_failure else ""
    return _sentence(head, entry.summary, outcome.detail, cure)


def _sentence(head: str, summary: str, detail: str, cure: str) -> str:
    """Return one line; what others wrote is cut where it is long, and its credentials are hidden."""
    helps = said(cure, _LONGEST_DETAIL)  # a cure may quote what it is about
    first, last = f"{head}: {summary} ", f" Cure: {helps}" if helps else ""
    told = said(detail.removeprefix(summary).strip(), _LONGEST_DETAIL).rstrip(".")
    if told.lower() in summary.lower():
        return _bounded(f"{first.rstrip()}{last}", LONGEST_MESSAGE)
    room = LONGEST_MESSAGE - len(f"{first}.{last}".encode())
    return _bounded(f"{first}{_bounded(told, room)}.{last}", LONGEST_MESSAGE)


def _bounded(text: str, most: int) -> str:
    return text.encode(errors="replace")[: max(0, most)].decode(errors="ignore")
