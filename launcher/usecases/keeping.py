"""Keeping a job whose creation is refused for whoever comes after this process.

Its Secret stays between the tries, since nobody else has its credentials; what else the next process needs
the caller notes. Both go when the job has its release, or when nobody tries any more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from launcher.core.catalogue import Code
from launcher.core.pending.classify import Cause
from launcher.core.pending.clocks import Patience, spent
from launcher.core.pending.refusal import Refusal
from launcher.core.spec.jobspec import ref_of_spec
from launcher.logs import logger
from launcher.usecases.launch import Launch

__all__ = ["KEEPS_NOTHING", "Before", "Journal", "Keeper", "Keeping", "age_of"]

_LOG = logger(__name__)


@dataclass(frozen=True)
class Before:
    """What an earlier process has noted of a job: why it has no release, and how long that has lasted.

    Attributes:
        refusal: how its last try was refused.
        spent: seconds that each cause has lasted; the time without a process does not count.
        age: seconds since its launch.
    """

    refusal: Refusal
    spent: Mapping[Code, float] = field(default_factory=dict)
    age: float = 0.0


class Journal(Protocol):
    """Where the caller notes a refused job. No method may raise."""

    @property
    def before(self) -> Before | None:
        """What an earlier process has noted of this job, None for a job that is new."""

    def refused(self, refusal: Refusal, spent: Mapping[Code, float]) -> None:
        """Note why a try was refused, and how long each cause has lasted."""

    def over(self) -> None:
        """Forget the job: it has its release, or nobody tries any more."""


def age_of(journal: Journal | None) -> float:
    """Return the seconds since the launch of a job, 0 for one that is new."""
    before = None if journal is None else journal.before
    return 0.0 if before is None else before.age


class Keeper(Protocol):
    """What is kept of a refused job while it is tried again."""

    @property
    def patience(self) -> Patience:
        """The time that each cause has used up before this process."""

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Tell others, while the context lasts, that what is kept is watched."""

    def refused(self, refusal: Refusal) -> None:
        """Learn how a try was refused."""

    def over(self, *, is_accepted: bool) -> None:
        """Let go: the job has its release, or nobody tries any more."""


class _KeepsNothing:
    patience = Patience()

    @contextmanager
    def watched(self) -> Iterator[None]:
        yield

    def refused(self, refusal: Refusal) -> None:
        """Nobody asks for it."""

    def over(self, *, is_accepted: bool) -> None:
        """There is nothing to let go."""


KEEPS_NOTHING: Keeper = _KeepsNothing()


class Keeping:
    """Keeps one job.

    Args:
        launch: of the job, which leaves its Secret between the tries.
        journal: of the caller.
    """

    def __init__(self, launch: Launch, journal: Journal) -> None:
        before = journal.before
        self._launch, self._journal, self._clock = launch, journal, launch.world.clock
        self.patience = Patience() if before is None else Patience(spent=dict(before.spent))
        self._so_far = self.patience

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Tell others that the job and its Secret are watched: no release shields that one."""
        job, watching = ref_of_spec(self._launch.spec), self._launch.world.watching
        with watching.of(job.release, job.namespace), watching.of(job.credential_secret, job.namespace):
            yield

    def refused(self, refusal: Refusal) -> None:
        """Note how a try was refused, with the time since the one before it."""
        now = self._clock.monotonic()
        cause = Cause(refusal.code, refusal.detail, scheduled=False)
        self._so_far = Patience(spent=spent(self._so_far, now), cause=cause, since=now, seen_at=now)
        self._journal.refused(refusal, self._so_far.spent)

    def over(self, *, is_accepted: bool) -> None:
        """Delete the Secret of a job that has no release, and the note of any."""
        if not is_accepted:
            self._launch.forget()
        self._journal.over()
