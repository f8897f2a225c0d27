"""The ports by which the parents of a site learn which of them acts."""

from __future__ import annotations

import threading
from typing import Protocol

from launcher.core.leader import SiteLease

__all__ = ["Acting", "Alone", "SiteLeases"]


class SiteLeases(Protocol):
    """The Leases that say which parent of a site acts; every method raises ``Unavailable`` or ``Denied``."""

    def read(self, name: str, namespace: str) -> SiteLease:
        """Return the Lease, without a version if there is none."""

    def write(self, name: str, namespace: str, lease: SiteLease) -> None:
        """Write the Lease of that version, or the first one.

        Raises:
            Conflict: it has another version by now.
        """


class Acting(Protocol):
    """Whether this process may change what belongs to jobs of its site."""

    @property
    def is_acting(self) -> bool:
        """Whether no other is known to act, without asking."""

    @property
    def turn(self) -> int:
        """A number that is another one after every time that this process acts again."""

    def check(self) -> None:
        """Return if this process acts, as of the last seconds.

        Raises:
            StoodDown: another one does.
            Unavailable: nobody can tell.
        """

    def hold(self) -> None:
        """Block while another is known to act; return, too, while nobody can tell."""

    def again(self, turn: int) -> int:
        """Block until :attr:`turn` is another one, and return it; it may be for ever."""


class Alone:
    """The port ``Acting`` of a process that acts whoever else does: a person at a command line."""

    is_acting, turn = True, 0

    def check(self) -> None:
        """Act."""

    def hold(self) -> None:
        """Act."""

    def again(self, turn: int) -> int:
        """Wait for what never comes."""
        threading.Event().wait()
        return turn
