"""Asks the ports for a diagnosis: what they cannot answer becomes a reason in words, and time is short."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from launcher.core.views import Presence, Seen
from launcher.errors import LauncherError
from launcher.usecases.ports import World

__all__ = ["Collector"]

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
