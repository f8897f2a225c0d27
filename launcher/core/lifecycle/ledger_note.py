"""What the process that waits for a job has measured, as an annotation of Helm's record of its release.

Another shell has only the time stamps of Kubernetes, and a pod that is gone tells nothing: it reads here
where the time went, since when the present cause has lasted and until when it may, and how the job has ended.
Who may write Helm's record owns the release; a pod, of which anybody may write each annotation, is not asked.
What cannot be read says nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from launcher.core import untrusted
from launcher.core.catalogue import Code
from launcher.core.catalogue.returncodes import ReturnCode
from launcher.core.ending.outcome import Outcome
from launcher.core.foreign import said
from launcher.core.lifecycle.ledger import Ledger, counted_until
from launcher.core.lifecycle.state import JobState, Track
from launcher.core.lifecycle.step import concluded
from launcher.core.moments import wall_time
from launcher.core.pending.clocks import Timing
from launcher.core.revisions import Revision

__all__ = [
    "LONGEST",
    "LedgerNote",
    "from_text",
    "note_in",
    "note_of",
    "resumed",
    "to_text",
    "with_note",
]

# Characters of the annotation; the API server takes 256 KiB of all together.
LONGEST = 4096
_VERSION = 1
_LONGEST_DETAIL, _LONGEST_CURE = 300, 200
# One cause, called by how much of the nodes may be seen: the account of a parent lists none as a rule.
_BY_NODES = frozenset({Code.INSUFFICIENT_RESOURCES, Code.NODES_TOO_SMALL, Code.IMPOSSIBLE_REQUEST})


@dataclass(frozen=True, kw_only=True)
class LedgerNote:
    """A job as the process that waits for it has seen it last.

    Attributes:
        pod: uid of its pod. Who waits for a job whose release has given way to another's of the same name
            notes its end in the record of that one: it is not believed.
        launched: when it was launched.
        until: up to when its time is counted.
        cause: of the time after that, as in a ledger; empty once the job has ended.
        seconds: where the time went, by cause.
        code: why it does not run; None while it does.
        since: since when.
        deadline: when waiting for that ends; None = never.
        clock: the setting that bounds the wait.
        outcome: how it has ended; None while it has not.
    """

    pod: str
    launched: datetime
    until: datetime
    cause: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)
    code: Code | None = None
    since: datetime | None = None
    deadline: datetime | None = None
    clock: str = ""
    outcome: Outcome | None = None

    def at(self, wall: datetime) -> LedgerNote:
        """Return the note with the time until ``wall`` on the cause that it names."""
        counted = counted_until(resumed(self, 0.0, wall), 0.0)
        return replace(
            self, seconds=counted.seconds, until=max(self.until, wall) if self.cause else self.until
        )


def note_of(uid: str, ledger: Ledger, track: Track, now: float, wall: datetime) -> LedgerNote:
    """Return what is to be noted of a job.

    Args:
        uid: of its pod.
        ledger: where its time went.
        track: everything known about it.
        now: monotonic seconds.
        wall: wall clock time of the same moment.
    """

    def when(monotonic: float) -> datetime:
        return wall_time(monotonic, now, wall)

    verdict = None if track.outcome is not None else track.verdict
    return LedgerNote(
        pod=uid,
        launched=when(ledger.launched),
        until=when(ledger.until),
        cause=ledger.cause,
        seconds=ledger.seconds,
        code=None if verdict is None else verdict.code,
        since=None if verdict is None else when(verdict.since),
        deadline=None if verdict is None or verdict.deadline is None else when(verdict.deadline),
        clock="" if verdict is None else verdict.clock,
        outcome=track.outcome,
    )


def resumed(note: LedgerNote, now: float, wall: datetime) -> Ledger:
    """Return the ledger of a note, for a process that goes on with it.

    Args:
        note: what an earlier process has noted.
        now: monotonic seconds.
        wall: wall clock time of the same moment.
    """
    # The clock of this machine may be behind that of the other one: no second of the sum is lost for it.
    until = now - max(0.0, (wall - note.until).total_seconds())
    lasted = max(0.0, (note.until - note.launched).total_seconds())
    return Ledger(until - lasted, until, note.cause, dict(note.seconds))


def with_note(track: Track, note: LedgerNote | None, now: float, wall: datetime) -> Track:
    """Return what one observation has told, with what the process that waits for the job knows better.

    Its end is the end that was reported, also when what is left of the pod looks like another one; but a job
    that runs has not ended, whoever gave it up: nobody may clean it up for that. Of a cause it knows since
    when it has lasted, as long as it is still the same.

    Args:
        track: what was observed.
        note: what was noted; None = nothing was.
        now: monotonic seconds of the observation.
        wall: wall clock time of the same moment.
    """
    if note is None:
        return track
    if note.outcome is not None:
        if track.outcome is None and track.state is JobState.RUNNING:
            return track
        return concluded(replace(track, verdict=None), note.outcome)
    verdict = track.verdict
    if track.outcome is not None or verdict is None or note.since is None:
        return track
    if verdict.code is not note.code and not {verdict.code, note.code} <= _BY_NODES:
        return track

    def monotonic(moment: datetime) -> float:
        return now + (moment - wall).total_seconds()

    deadline = None if note.deadline is None else monotonic(note.deadline)
    known = replace(verdict, since=monotonic(note.since), deadline=deadline, clock=note.clock)
    return replace(track, verdict=replace(known, timing=Timing.NOTED))


def note_in(revisions: Iterable[Revision]) -> LedgerNote | None:
    """Return what the records of a release hold; None of one that was upgraded by hand: its pod is new."""
    found = tuple(revisions)
    note = from_text(found[0].ledger) if len(found) == 1 and found[0].number == 1 else None
    return note if note is not None and note.pod and note.pod == found[0].pod_uid else None


def to_text(note: LedgerNote) -> str:
    """Return a note as the text of an annotation, of :data:`LONGEST` characters at most."""
    content: dict[str, Any] = {
        "version": _VERSION,
        "pod": note.pod,
        "launched": _stamp(note.launched),
        "until": _stamp(note.until),
        "cause": note.cause,
        "seconds": {cause: round(seconds, 3) for cause, seconds in note.seconds.items()},
    }
    if note.code is not None:
        content |= {"code": note.code.value, "since": _stamp(note.since), "clock": note.clock}
        content |= {"deadline": _stamp(note.deadline)}
    if note.outcome is not None:
        content["outcome"] = _outcome(note.outcome)
    text = json.dumps(content, ensure_ascii=True, separators=(",", ":"))
    return text if len(text) <= LONGEST else ""


def _stamp(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="milliseconds")


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {
        "code": outcome.code.value,
        "returnCode": int(outcome.return_code),
        "exitCode": outcome.exit_code,
        "clock": outcome.clock,
        # What a container or a node has said may hold anything; half of it is enough to know it again.
        "detail": said(outcome.detail, _LONGEST_DETAIL),
        "cure": said(outcome.cure, _LONGEST_CURE),
    }


def from_text(text: str) -> LedgerNote | None:
    """Return the note that a text holds; None when it holds something else, or nothing."""
    if not text or len(text) > LONGEST:
        return None
    try:
        content = json.loads(text)
        return None if content.get("version") != _VERSION else _read(content)
    except untrusted.UNREADABLE:
        return None


def _read(content: Mapping[str, Any]) -> LedgerNote:
    code, ended = content.get("code"), content.get("outcome")
    return LedgerNote(
        pod=untrusted.word(content["pod"]),
        launched=untrusted.moment(content["launched"]),
        until=untrusted.moment(content["until"]),
        cause=untrusted.word(content["cause"]),
        seconds=untrusted.amounts(content["seconds"]),
        code=None if code is None else Code(code),
        since=_moment_or_none(content.get("since")),
        deadline=_moment_or_none(content.get("deadline")),
        clock=untrusted.word(content.get("clock", "")),
        outcome=None if ended is None else _read_outcome(ended),
    )


def _read_outcome(content: Mapping[str, Any]) -> Outcome:
    exit_code = content["exitCode"]
    return Outcome(
        code=Code(content["code"]),
        return_code=ReturnCode(untrusted.whole(content["returnCode"])),
        detail=untrusted.word(content["detail"]),
        exit_code=None if exit_code is None else untrusted.whole(exit_code),
        clock=untrusted.word(content["clock"]),
        cure=untrusted.word(content["cure"]),
    )


def _moment_or_none(value: Any) -> datetime | None:
    return None if value is None else untrusted.moment(value)
