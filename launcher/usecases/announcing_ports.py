"""The ports by which a job's cause gets onto its pod, as Events of Kubernetes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from launcher.core.jobref import JobRef
from launcher.core.report.pod_events import JobEvent

__all__ = ["Announcements", "JobEvents", "Unannounced"]


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
