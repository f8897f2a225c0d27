"""Only one parent of a site acts: a parent asks its Lease before it changes anything in the cluster.

The port ``Acting`` over Leases, and a world whose ports ask it; :mod:`launcher.core.leader` decides who acts.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from launcher.core import foreign
from launcher.core.leader import Answer, SiteLease, claimed, decide, is_held, released
from launcher.errors import Conflict, LauncherError, StoodDown, Unavailable
from launcher.logs import logger
from launcher.usecases.leader_ports import Acting, SiteLeases
from launcher.usecases.ports import Clock, World

__all__ = ["WRITES", "Holder", "LeaseActing", "guarded"]

_LOG = logger(__name__)
# Three renewals may fail before the Lease has run out (45 s).
_EVERY = 15.0
# Seconds for which an answer counts. Whoever takes the Lease from somebody waits for so long before it acts.
_AS_OF = 2.0
# Seconds until one that may not write the Lease asks for the right again.
_DENIED_FOR = 60.0
# Writers that change the Lease between our question and our word.
_TRIES = 5


@dataclass
class Holder:
    """This process, as a holder of Leases: one for all its use cases.

    Attributes:
        name: which no other process has, nor this one after a restart.
        acted: the Leases that it has held.
    """

    name: str
    acted: set[tuple[str, str]] = field(default_factory=set)


class LeaseActing:
    """The port ``Acting`` over one Lease: two requests every fifteen seconds, however many jobs there are.

    While jobs are made or removed it is two every two seconds at most, and of one that did not answer one.

    Args:
        leases: the port.
        clock: the API server's time.
        holder: this process.
        site: name of the parent's site, for people.
        where: name and namespace of the Lease.
    """

    def __init__(
        self, leases: SiteLeases, clock: Clock, holder: Holder, site: str, where: tuple[str, str]
    ) -> None:
        self._leases, self._clock, self._holder = leases, clock, holder
        self._site, self._where = site, where
        self._asking = threading.Lock()
        self._change = threading.Condition()
        self._until = float("-inf")
        # Why nobody could tell, which is the answer for the same two seconds: a hundred threads that asked
        # one after the other would make FLARE's launch wait for a hundred timeouts.
        self._silence: Unavailable | None = None
        self._is_denied = self._is_renewing = False
        self._over = threading.Event()
        # What another parent that acts is called here; empty = none does.
        self._other = ""
        self._turn = 0

    @property
    def is_acting(self) -> bool:
        """Whether no other parent is known to act, without asking."""
        return not self._other

    @property
    def turn(self) -> int:
        """A number that is another one after every time that this parent acts again."""
        return self._turn

    def check(self) -> None:
        """Return if this parent acts, as of the last two seconds; see the port."""
        with self._asking:
            if self._clock.monotonic() >= self._until:
                self._ask()
            elif (why := self._silence) is not None:
                raise self._unknown(why)

    def hold(self) -> None:
        """Block while another parent is known to act; see the port."""
        with suppress(LauncherError):  # whoever changes something asks once more
            self.check()
        self._wait_for(lambda: self.is_acting)

    def again(self, turn: int) -> int:
        """Block until :attr:`turn` is another one, and return it."""
        self._wait_for(lambda: self._turn != turn)
        return self._turn

    def stop(self) -> None:
        """Leave the Lease to whoever comes next: the process ends."""
        self._over.set()
        if self._where not in self._holder.acted or not self.is_acting:
            return
        with suppress(LauncherError), self._asking:
            lease = self._leases.read(*self._where)
            if lease.holder == self._holder.name:
                self._leases.write(*self._where, released(lease))

    def _wait_for(self, has_come: Callable[[], bool]) -> None:
        with self._change:
            self._change.wait_for(has_come)

    def _ask(self) -> None:
        """Renew or take the Lease, or learn whose it is.

        Raises:
            StoodDown: another parent's.
            Unavailable: nobody can tell.
        """
        try:
            self._claim_some_time()
        except StoodDown:
            raise
        except Unavailable as error:
            self._silence, self._until = error, self._clock.monotonic() + _AS_OF
            raise self._unknown(error) from error
        except LauncherError as error:  # no right, a quota of Leases, a webhook
            self._do_without(error)
        finally:
            self._begin_renewing()

    def _claim_some_time(self) -> None:
        for _ in range(_TRIES):
            with suppress(Conflict):  # somebody has changed it meanwhile: as it is now
                return self._claim()
        raise Unavailable(f"lease {self._where[1]}/{self._where[0]} is changed by somebody again and again")

    def _unknown(self, why: Unavailable) -> Unavailable:
        """Return the error of a question without an answer: who was stood down before that still is."""
        if self._other:
            return StoodDown(f"{self._other}; {why.message}", cure=why.cure, retry_after=_EVERY)
        return Unavailable(why.message, cure=why.cure, reason=why.reason, retry_after=why.retry_after)

    def _do_without(self, error: LauncherError) -> None:
        """Act like a parent of a site without a Lease: what it may change the API server says itself."""
        if not self._is_denied:
            words = "two parents of site %s at once would both act (optional, `fljob rbac`): %s"
            _LOG.info(words, self._site, error.message)
        self._silence, self._is_denied = None, True
        self._until = self._clock.monotonic() + _DENIED_FOR
        self._act()

    def _claim(self) -> None:
        asked, lease = self._clock.monotonic(), self._leases.read(*self._where)
        now = self._clock.now()
        answer = decide(lease, self._holder.name, now, has_acted=self._where in self._holder.acted)
        if answer is Answer.STAND_DOWN:
            raise self._stand_down(lease)
        self._leases.write(*self._where, claimed(lease, self._holder.name, now))
        self._holder.acted.add(self._where)
        if answer is Answer.TAKE and is_held(lease, now):
            _LOG.warning("this parent acts for site %s now, instead of %s", self._site, _shown(lease))
            self._clock.sleep(_AS_OF)  # that one may still rely on what it was told last
            return self._claim()  # and a third one may have come meanwhile
        self._until, self._silence, self._is_denied = asked + _AS_OF, None, False
        self._act()
        return None

    def _act(self) -> None:
        if self.is_acting:
            return
        with self._change:
            self._other = ""
            self._turn += 1
            self._change.notify_all()
        _LOG.warning("this parent acts for site %s again", self._site)

    def _stand_down(self, lease: SiteLease) -> StoodDown:
        name, namespace = self._where
        words = f"another parent of site {self._site} acts: {_shown(lease)}"
        if self.is_acting:
            _LOG.error("%s; this one leaves all jobs alone until that one is gone", words)
        self._other, self._until, self._is_denied = words, float("-inf"), False
        return StoodDown(
            words,
            cure=f"run one parent for a site; who acts stands in lease {name} -n {namespace}",
            retry_after=_EVERY,
        )

    def _begin_renewing(self) -> None:
        if not self._is_renewing and not self._is_denied:
            self._is_renewing = True
            threading.Thread(target=self._renew, name="fljob-leader", daemon=True).start()

    def _renew(self) -> None:
        """Renew the Lease, or look whether that of the other parent has run out, while the process lasts."""
        while not self._over.wait(_EVERY):
            try:
                with self._asking:
                    if not self._is_denied or self._clock.monotonic() >= self._until:
                        self._ask()
            except LauncherError as error:
                _LOG.debug("lease=%s not renewed: %s", self._where[0], error.message)
            except Exception:  # noqa: BLE001 - without this thread the Lease runs out, and who is held stays so
                _LOG.exception("lease=%s not renewed", self._where[0])


def _shown(lease: SiteLease) -> str:
    since = f" since {lease.acquired:%Y-%m-%d %H:%M:%S} UTC" if lease.acquired else ""
    return f"{foreign.name(lease.holder)}{since}"


# What each port changes in the cluster; all else is read, or is a Lease of the process's own.
WRITES = {
    "releases": ("install", "uninstall", "note_pod", "note_ledger"),
    "pods": ("delete",),
    "secrets": ("put", "own", "put_shared", "delete", "delete_shared"),
}


class _Guarded:
    """A port of which some methods ask first."""

    def __init__(self, port: object, writes: tuple[str, ...], check: Callable[[], None]) -> None:
        self._port, self._writes, self._check = port, writes, check

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if name not in self._writes:
            return found

        def checked(*args: Any, **kwargs: Any) -> Any:
            self._check()
            return found(*args, **kwargs)

        return checked


def guarded(world: World, acting: Acting) -> World:
    """Return the world in which nothing is changed while another parent acts.

    Every change raises ``StoodDown`` then; reading goes on.
    """
    ports: dict[str, Any] = {
        name: _Guarded(getattr(world, name), writes, acting.check) for name, writes in WRITES.items()
    }
    return replace(world, acting=acting, **ports)
