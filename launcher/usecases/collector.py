"""Asks the ports for a diagnosis: what they cannot answer becomes a reason in words, and time is short.

And what is known of the job beforehand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from launcher.core.jobref import JobRef
from launcher.core.lifecycle.ledger_note import LedgerNote
from launcher.core.lifecycle.state import Track
from launcher.core.report.history import as_json, record_of
from launcher.core.views import Presence, Seen
from launcher.errors import LauncherError
from launcher.usecases.ports import World

__all__ = ["Collector", "Diagnosed"]

T = TypeVar("T")
# A node that does not answer costs 15 s for each container, and a removal may be waiting for the bundle.
_WITHIN = 30.0
_LATE = f"not asked: collecting has taken {_WITHIN:.0f} s already"


@dataclass
class Collector:
    """Asks the ports; what they cannot answer becomes a reason in words."""

    world: World
    tail: int
    known: tuple[str, ...] = field(repr=False)
    missing: dict[str, str] = field(default_factory=dict)
    # Why the pod of the job's name is not looked at; empty = it is.
    foreign: str = ""
    start: float = field(init=False)

    def __post_init__(self) -> None:
        self.restart_clock()

    def restart_clock(self) -> None:
        """Begin another thirty seconds."""
        self.start = self.world.clock.monotonic()

    def seen(self, question: Callable[[], Seen[T]], absent: str) -> Seen[T]:
        """Return the answer; one without a value says why."""
        if self.world.clock.monotonic() - self.start > _WITHIN:
            return Seen.unavailable(_LATE)
        try:
            answer = question()
        except LauncherError as error:
            return Seen.unavailable(" ".join(str(error).split()))
        return answer if answer.presence is not Presence.ABSENT else replace(answer, why=absent)

    def found(self, question: Callable[[], T]) -> Seen[T]:
        """Return the answer to a question that raises what it cannot answer."""
        return self.seen(lambda: Seen.found(question()), "")


@dataclass(frozen=True)
class Diagnosed:
    """A job that is diagnosed: its names, what is known of it, what was measured, and who submitted it."""

    ref: JobRef
    track: Track
    note: LedgerNote | None
    submitter: tuple[str, str, str] = ("", "", "")

    @property
    def history(self) -> Seen[Mapping[str, Any]]:
        """Its record as the history of a parent has it."""
        outcome = self.track.outcome
        if outcome is None:
            return Seen.unavailable("the job has not ended")
        if self.note is None or self.note.cause:
            return Seen.unavailable("nobody who waited for the job has noted its end")
        record = record_of(self.ref, self.track, outcome, self.note, submitter=self.submitter)
        return Seen.found(as_json(record))
