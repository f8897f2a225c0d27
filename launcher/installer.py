"""Trying again, behind the caller's back, to create a release that was refused for a cause that heals.

Quota is the common one: FLARE's own launcher ends the job, Tekton and Argo requeue it. All refused jobs of a
namespace take turns, so that a hundred of them ask the API server as often as one does; the one that gets
through lets the next try at once, since more may fit.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable

from launcher.core.jobref import JobRef
from launcher.core.refusal import Refusal, refusal_of
from launcher.core.track import Cleanup
from launcher.errors import Cancelled, LauncherError
from launcher.ports import Clock

__all__ = ["Installer", "Turns"]

_LOG = logging.getLogger(__name__)
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 15.0
_SLICE = 0.25
_STOP_WITHIN = 30.0

Attempt = Callable[[threading.Event], JobRef]
Left = Callable[[], Cleanup | None]


class Turns:
    """Who may try next in a namespace, and when.

    Args:
        clock: monotonic time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._queue: deque[object] = deque()
        self._changed = threading.Condition()
        self._pause = _FIRST_PAUSE
        self._next_at = 0.0

    def join(self, who: object) -> None:
        """Queue up at the end; the first refusal of a row counts as a try."""
        with self._changed:
            if not self._queue:
                self._pause = _FIRST_PAUSE
                self._next_at = self._clock.monotonic() + self._pause
            self._queue.append(who)

    def tell_room(self) -> None:
        """Say that somebody got through without waiting: the next try is due now."""
        with self._changed:
            self._pause, self._next_at = _FIRST_PAUSE, self._clock.monotonic()
            self._changed.notify_all()

    def leave(self, who: object) -> None:
        """Leave the queue."""
        with self._changed:
            if who in self._queue:
                self._queue.remove(who)
            self._changed.notify_all()

    def wait(self, who: object, stop: threading.Event) -> bool:
        """Block until it is the turn of ``who``; return False when ``stop`` is set first."""
        with self._changed:
            while not stop.is_set():
                left = self._next_at - self._clock.monotonic()
                if left <= 0 and self._queue[0] is who:
                    return True
                self._changed.wait(min(_SLICE, max(left, 0.01)))
            return False

    def tried(self, who: object, *, accepted: bool) -> None:
        """Say how a try ended: the next one is due at once after a success, else after a growing pause."""
        with self._changed:
            if who in self._queue:
                self._queue.remove(who)
                self._queue.append(who)
            self._pause = _FIRST_PAUSE if accepted else min(2 * self._pause, _LONGEST_PAUSE)
            self._next_at = self._clock.monotonic() + (0.0 if accepted else self._pause)
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
        self._turns.join(self)
        try:
            while self._turns.wait(self, self._stop):
                go_on = self._try()
                self._turns.tried(self, accepted=self._refusal is None)
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
