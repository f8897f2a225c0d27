"""Taking turns: which of the refused jobs of a namespace tries next.

All refused jobs of a namespace take turns, so that a hundred of them ask the API server as often as one does;
when one gets through, the next tries at once, since more may fit.

A job that waits for a quota may wait long, one that met a webhook's restart may not: the turns of 25 jobs
that wait for a quota take six minutes, and ``timeouts.heal`` is five. So there are two queues, served
alternately.
"""

from __future__ import annotations

import threading
from collections import deque

from launcher.core.catalogue import CATALOGUE, Limit
from launcher.core.pending.refusal import Refusal
from launcher.usecases.ports import Clock

__all__ = ["Turns"]

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 15.0
_SLICE = 0.25


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
        self._lock = threading.Lock()
        # Who waits -> how it is woken: of a thousand refused jobs only the next one has to know the time.
        self._bells: dict[object, threading.Condition] = {}
        self._pause = _FIRST_PAUSE
        self._next_at = 0.0

    def join(self, who: object, refusal: Refusal) -> None:
        """Join the end of the queue for this refusal; the first one of all counts as a try."""
        with self._lock:
            if not any(self._queues.values()):
                self._pause = _FIRST_PAUSE
                self._next_at = self._clock.monotonic() + self._pause
            self._queues[_is_transient(refusal)].append(who)

    def retry_now(self) -> None:
        """Make the next try due now: a launch that did not wait got through."""
        with self._lock:
            self._pause, self._next_at = _FIRST_PAUSE, self._clock.monotonic()
            self._wake_next()

    def leave(self, who: object) -> None:
        """Leave both queues."""
        with self._lock:
            self._remove(who)
            self._wake_next()

    def wake(self, who: object) -> None:
        """Let one that waits look whether it was stopped."""
        with self._lock:
            if who in self._bells:
                self._bells[who].notify()

    def _wake_next(self) -> None:
        if any(self._queues.values()):
            bell = self._bells.get(self._next())
            if bell is not None:
                bell.notify()

    def _remove(self, who: object) -> None:
        if self._trying is who:
            self._trying = None
        for queue in self._queues.values():
            if who in queue:
                queue.remove(who)

    def next(self) -> object:
        """Return whose turn it is, or who is trying right now; somebody waits."""
        with self._lock:
            return self._next()

    def _next(self) -> object:
        if self._trying is not None:
            return self._trying
        return (self._queues[self._turn] or self._queues[not self._turn])[0]

    def wait(self, who: object, stop: threading.Event) -> bool:
        """Block until it is the turn of ``who``; return False when ``stop`` is set (see :meth:`wake`)."""
        with self._lock:
            bell = self._bells.setdefault(who, threading.Condition(self._lock))
            try:
                while not stop.is_set():
                    is_next, left = self._next() is who, self._next_at - self._clock.monotonic()
                    if left <= 0 and is_next:
                        self._trying = who
                        return True
                    bell.wait(min(_SLICE, max(left, 0.01)) if is_next else None)
                return False
            finally:
                del self._bells[who]

    def tried(self, who: object, refusal: Refusal | None) -> None:
        """Note how a try ended, None = accepted: the next is due at once then, else after a growing pause.

        The queue of transient causes keeps its turn when their cause has gone: a webhook that answers again
        lets the quota refuse, and each job that waits there has to learn that before its own clock is up.
        """
        with self._lock:
            was_transient, is_transient = who in self._queues[True], _is_transient(refusal)
            self._remove(who)
            self._queues[is_transient].append(who)
            healed = was_transient and not is_transient and bool(self._queues[True])
            keeps_turn = refusal is None or healed
            self._turn = was_transient if keeps_turn else not was_transient
            self._pause = _FIRST_PAUSE if keeps_turn else min(2 * self._pause, _LONGEST_PAUSE)
            self._next_at = self._clock.monotonic() + (0.0 if refusal is None else self._pause)
            self._wake_next()
