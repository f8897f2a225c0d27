"""Trying again, behind the caller's back, to create a release that was refused for a cause that heals.

Quota is the common one: FLARE's own launcher ends the job, Tekton and Argo requeue it. All refused jobs of a
namespace take turns, so that a hundred of them ask the API server as often as one does; the one that gets
through lets the next try at once, since more may fit.

A job that waits for room may wait long, one that met a webhook's restart may not: the turns of 25 jobs that
wait for a quota take six minutes, and ``timeouts.heal`` is five. So there are two rows, tried alternately.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable

from launcher.core.catalogue import CATALOGUE, Limit
from launcher.core.jobref import JobRef
from launcher.core.lifecycle.state import Cleanup
from launcher.core.pending.refusal import Refusal, refusal_of
from launcher.errors import Cancelled, LauncherError
from launcher.usecases.ports import Clock

__all__ = ["Installer", "Turns"]

_LOG = logging.getLogger(__name__)
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 15.0
_SLICE = 0.25
_STOP_WITHIN = 30.0

Attempt = Callable[[threading.Event], JobRef]
Left = Callable[[], Cleanup | None]


def _hurries(refusal: Refusal | None) -> bool:
    """Return whether the cause of a refusal is a moment's, and not room that others must make first."""
    return refusal is not None and CATALOGUE[refusal.code].limit is not Limit.RESOURCES


class Turns:
    """Who may try next in a namespace, and when: one try at a time, from the two rows alternately.

    Args:
        clock: monotonic time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # In a hurry or not -> who waits; and which of the two rows is next.
        self._rows: dict[bool, deque[object]] = {True: deque(), False: deque()}
        self._turn = True
        self._trying: object | None = None
        self._changed = threading.Condition()
        self._pause = _FIRST_PAUSE
        self._next_at = 0.0

    def join(self, who: object, refusal: Refusal) -> None:
        """Queue up at the end of the row for this refusal; the first one of all counts as a try."""
        with self._changed:
            if not any(self._rows.values()):
                self._pause = _FIRST_PAUSE
                self._next_at = self._clock.monotonic() + self._pause
            self._rows[_hurries(refusal)].append(who)

    def tell_room(self) -> None:
        """Say that somebody got through without waiting: the next try is due now."""
        with self._changed:
            self._pause, self._next_at = _FIRST_PAUSE, self._clock.monotonic()
            self._changed.notify_all()

    def leave(self, who: object) -> None:
        """Leave the queue."""
        with self._changed:
            self._remove(who)
            self._changed.notify_all()

    def _remove(self, who: object) -> None:
        if self._trying is who:
            self._trying = None
        for row in self._rows.values():
            if who in row:
                row.remove(who)

    def next(self) -> object:
        """Return whose turn it is, or who is trying right now; somebody waits."""
        with self._changed:
            if self._trying is not None:
                return self._trying
            return (self._rows[self._turn] or self._rows[not self._turn])[0]

    def wait(self, who: object, stop: threading.Event) -> bool:
        """Block until it is the turn of ``who``; return False when ``stop`` is set first."""
        with self._changed:
            while not stop.is_set():
                left = self._next_at - self._clock.monotonic()
                if left <= 0 and self.next() is who:
                    self._trying = who
                    return True
                self._changed.wait(min(_SLICE, max(left, 0.01)))
            return False

    def tried(self, who: object, refusal: Refusal | None) -> None:
        """Say how a try ended, None = accepted: the next one is due at once then, else after a growing pause.

        A row goes on when the cause of all that wait in it has gone: a webhook that answers again lets the
        quota speak, and each of them has to hear that before its own clock is up.
        """
        with self._changed:
            hurried, hurries = who in self._rows[True], _hurries(refusal)
            self._remove(who)
            self._rows[hurries].append(who)
            healed = hurried and not hurries and bool(self._rows[True])
            goes_on = refusal is None or healed
            self._turn = hurried if goes_on else not hurried
            self._pause = _FIRST_PAUSE if goes_on else min(2 * self._pause, _LONGEST_PAUSE)
            self._next_at = self._clock.monotonic() + (0.0 if refusal is None else self._pause)
            self._changed.notify_all()


class Installer:
    """One job whose release was refused and is tried again until it is accepted, hopeless or stopped.

    Args:
        job: its names.
        attempt: installs the release once; nothing is left of a try that raises, or ``left`` says what.
        refusal: how the first try was refused.
        turns: shared by all jobs of the namespace.
        left: tells what the tries that failed could not take back.
    """

    def __init__(self, job: JobRef, attempt: Attempt, refusal: Refusal, turns: Turns, left: Left) -> None:
        self._attempt = attempt
        self._left = left
        self._turns = turns
        self._lock = threading.Lock()
        self._job = job
        self._refusal: Refusal | None = refusal
        self._stop = threading.Event()
        turns.join(self, refusal)
        self._thread = threading.Thread(target=self._run, name=f"fljob-install-{job.release}", daemon=True)
        self._thread.start()

    @property
    def state(self) -> tuple[JobRef, Refusal | None]:
        """The job, and why it has no release yet; None once it has one."""
        with self._lock:
            return self._job, self._refusal

    @property
    def left(self) -> Cleanup | None:
        """What is there to take away: all of an accepted job, of a refused one only what its tries left.

        A job of the same names may be another process's by now.
        """
        if self._thread.is_alive() or self.state[1] is None:
            return Cleanup.REMOVE
        return self._left()

    def give_up(self) -> None:
        """Begin no further try; one that is under way is cancelled and takes back what it made."""
        self._stop.set()

    def stop(self) -> None:
        """Give up, and wait until a try that is under way has ended, 30 s at most."""
        self.give_up()
        self._thread.join(_STOP_WITHIN)

    def _run(self) -> None:
        try:
            while self._turns.wait(self, self._stop):
                go_on = self._try()
                self._turns.tried(self, self.state[1])
                if not go_on:
                    return
        finally:
            self._turns.leave(self)

    def _try(self) -> bool:
        """Try once and return whether trying again can help."""
        try:
            job = self._attempt(self._stop)
        except Cancelled:
            return False
        except LauncherError as error:
            refusal = refusal_of(error)
            with self._lock:
                self._refusal = refusal
            return refusal.may_heal
        with self._lock:
            self._job, self._refusal = job, None
        _LOG.info("release=%s pod=%s launched at last", job.release, job.pod_name)
        return False
