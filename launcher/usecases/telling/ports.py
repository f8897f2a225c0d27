"""The ports by which others learn of a job: Events on its pod, and a note in Helm's record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from launcher.core.jobref import JobRef
from launcher.core.lifecycle.ledger_note import LedgerNote
from launcher.core.report.pod_events import JobEvent

__all__ = ["Announcements", "JobEvents", "Notes", "Unannounced", "Unnoted"]


class JobEvents(Protocol):
    """The events of the cluster."""

    def put(self, job: JobRef, event: JobEvent) -> None:
        """Write an event on a job's pod, over the one with the same reason and code; one request.

        Raises:
            Denied: there is no right to it.
            Unavailable: nobody answers.
            LauncherError: the API server refuses this event.
        """


class Announcements(Protocol):
    """Where a handle leaves what is to be said of its job. It returns at once, and never raises."""

    def tell(self, job: JobRef, event: JobEvent | None) -> None:
        """Say this of a job, instead of whatever has not been said yet; None = nothing any more."""

    def leads(self, is_acting: Callable[[], bool]) -> None:
        """Learn what tells whether this process acts for its site; one that does not says nothing."""


class Unannounced:
    """The port ``Announcements`` where nothing is said."""

    def tell(self, job: JobRef, event: JobEvent | None) -> None:
        """Say nothing."""

    def leads(self, is_acting: Callable[[], bool]) -> None:
        """Say nothing."""


class Notes(Protocol):
    """Where a handle leaves what it has measured of its job. It returns at once, and never raises."""

    def tell(self, job: JobRef, note: LedgerNote | None) -> None:
        """Note this of a job, instead of whatever has not been noted yet; None = nothing any more."""

    def end(self, job: JobRef, note: LedgerNote) -> None:
        """Note how a job has ended, now; it takes a request, and nothing is noted of the job after it."""

    def leads(self, is_acting: Callable[[], bool]) -> None:
        """Learn what tells whether this process acts for its site; one that does not notes nothing."""


class Unnoted:
    """The port ``Notes`` where nothing is noted."""

    def tell(self, job: JobRef, note: LedgerNote | None) -> None:
        """Note nothing."""

    def end(self, job: JobRef, note: LedgerNote) -> None:
        """Note nothing."""

    def leads(self, is_acting: Callable[[], bool]) -> None:
        """Note nothing."""
