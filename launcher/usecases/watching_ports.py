"""The ports by which processes tell each other which jobs they watch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from launcher.core.watched import LeaseView

__all__ = ["Leases", "Unwatched", "Watching"]


class Leases(Protocol):
    """The Leases by which processes tell that they watch jobs."""

    def put(self, name: str, namespace: str, lease: LeaseView) -> None:
        """Make the Lease say that, whatever there was; raises ``Unavailable`` or ``Denied``."""

    def list(self, namespace: str) -> Mapping[str, LeaseView]:
        """Return those of a namespace (by label): name -> Lease; raises ``Unavailable`` or ``Denied``."""

    def delete(self, name: str, namespace: str) -> None:
        """Delete one with our label; absence is success."""


class Watching(Protocol):
    """Which jobs this process watches, and which others do."""

    def of(self, release: str, namespace: str) -> AbstractContextManager[None]:
        """Tell others, while the context lasts, that this process watches a job."""

    def by_others(self, namespace: str) -> Callable[[str], bool]:
        """Return what tells of a release whether another process watches it, as of the last few seconds.

        Where Leases may not be listed nobody is known to watch.

        Raises:
            Unavailable: the API server could not be asked; so does what is returned.
        """

    def left(self, namespace: str) -> tuple[str, ...]:
        """Return the names of the Leases whose holders are gone for good; none if nobody may list."""

    def forget(self, name: str, namespace: str) -> None:
        """Delete such a Lease; absence is success."""


class Unwatched:
    """The port ``Watching`` where nobody tells anybody."""

    def of(self, release: str, namespace: str) -> AbstractContextManager[None]:
        """Tell nobody."""
        del release, namespace
        return nullcontext()

    def by_others(self, namespace: str) -> Callable[[str], bool]:
        """Know of nobody."""
        del namespace
        return lambda _: False

    def left(self, namespace: str) -> tuple[str, ...]:
        """Know of none."""
        del namespace
        return ()

    def forget(self, name: str, namespace: str) -> None:
        """Do nothing."""
