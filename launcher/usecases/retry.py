"""Retrying, in the background, to create a release that was refused for a cause that heals.

Quota is the common one: FLARE's own launcher ends the job, Tekton and Argo requeue it. All refused jobs of a
namespace take turns, so that a hundred of them ask the API server as often as one does; when one gets
through, the next tries at once, since more may fit.

A job that waits for a quota may wait long, one that met a webhook's restart may not: the turns of 25 jobs
that wait for a quota take six minutes, and ``timeouts.heal`` is five. So there are two queues, served
alternately.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from launcher.core.catalogue import CATALOGUE, Limit
from launcher.core.jobref import JobRef
from launcher.core.lifecycle.state import Cleanup
from launcher.core.pending.refusal import Refusal, refusal_of
from launcher.errors import Cancelled, LauncherError
from launcher.logs import logger
from launcher.usecases.ports import Clock

__all__ = ["Installer", "Turns"]

_LOG = logger(__name__)
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 15.0
_SLICE = 0.25
_STOP_WITHIN = 30.0

Attempt = Callable[[threading.Event], JobRef]
Left = Callable[[], Cleanup | None]


def _is_transient(refusal: Refusal | None) -> bool:
    """Return whether the cause of a refusal passes by itself; resources must be freed by others first."""
    return refusal is not None and CATALOGUE[refusal.code].limit is not Limit.RESOURCES


class Turns:
    """Who may try next in a namespace, and when: one try at a time, from the two queues alternately.

    Args:
        clock: monotonic time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # Refused for a transient cause or not -> who waits; and which of the two queues is next.
        self._queues: dict[bool, deque[object]] = {True: deque(), False: deque()}
        self._turn = True
        self._trying: object | None = None
        self._changed = threading.Condition()
        self._pause = _FIRST_PAUSE
        self._next_at = 0.0

    def join(self, who: object, refusal: Refusal) -> None:
        """Join the end of the queue for this refusal; the first one of all counts as a try."""
        with self._changed:
            if not any(self._queues.values()):
                self._pause = _FIRST_PAUSE
                self._next_at = self._clock.monotonic() + self._pause
            self._queues[_is_transient(refusal)].append(who)

    def retry_now(self) -> None:
        """Make the next try due now: a launch that did not wait got through."""
        with self._changed:
            self._pause, self._next_at = _FIRST_PAUSE, self._clock.monotonic()
            self._changed.notify_all()

    def leave(self, who: object) -> None:
        """Leave both queues."""
        with self._changed:
            self._remove(who)
            self._changed.notify_all()

    def _remove(self, who: object) -> None:
        if self._trying is who:
            self._trying = None
        for queue in self._queues.values():
            if who in queue:
                queue.remove(who)

    def next(self) -> object:
        """Return whose turn it is, or who is trying right now; somebody waits."""
        with self._changed:
            if self._trying is not None:
                return self._trying
            return (self._queues[self._turn] or self._queues[not self._turn])[0]

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
        """Note how a try ended, None = accepted: the next is due at once then, else after a growing pause.

        The queue of transient causes keeps its turn when their cause has gone: a webhook that answers again
        lets the quota refuse, and each job that waits there has to learn that before its own clock is up.
        """
        with self._changed:
            was_transient, is_transient = who in self._queues[True], _is_transient(refusal)
            self._remove(who)
            self._queues[is_transient].append(who)
            healed = was_transient and not is_transient and bool(self._queues[True])
            keeps_turn = refusal is None or healed
            self._turn = was_transient if keeps_turn else not was_transient
            self._pause = _FIRST_PAUSE if keeps_turn else min(2 * self._pause, _LONGEST_PAUSE)
            self._next_at = self._clock.monotonic() + (0.0 if refusal is None else self._pause)
            self._changed.notify_all()


class Installer:
    """One job whose release was refused and is tried again until it is accepted, hopeless or stopped.

    Args:
        job: its names.
        attempt: installs the release once; nothing is left of a try that raises, or ``left`` says what.
        refusal: how the first try was refused.
        turns: shared by all jobs of the namespace.
        left: returns what the tries that failed could not undo.
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
        """What is there to remove: all of an accepted job, of a refused one only what its tries left.

        A job of the same names may be another process's by now.
        """
        if self._thread.is_alive() or self.state[1] is None:
            return Cleanup.REMOVE
        return self._left()

    def give_up(self) -> None:
        """Begin no further try; one that is under way is cancelled and undoes what it made."""
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
