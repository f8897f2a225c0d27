"""How many helm processes run at once: slots that are handed on in the order in which they were asked for.

A helm needs a quarter of a second of a core and 60 MB. Without a bound, a thousand jobs that end together are
fifty of them, and none gets ahead. A ``threading.Semaphore`` lets who comes last go first.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Slots"]

# How often a waiter looks whether it was cancelled.
_TICK = 0.05


class Slots:
    """So many at once, the others in a queue; safe to use from any number of threads.

    Args:
        size: how many.
    """

    def __init__(self, size: int) -> None:
        self._free = size
        self._queue: deque[threading.Event] = deque()
        self._lock = threading.Lock()

    @contextmanager
    def one(self, cancel: threading.Event | None = None) -> Iterator[bool]:
        """Hold a slot; yield False, without one, when ``cancel`` was set before it was this caller's turn."""
        held = self._take(cancel)
        try:
            yield held
        finally:
            if held:
                self._hand_on()

    def _take(self, cancel: threading.Event | None) -> bool:
        with self._lock:
            if self._free:
                self._free -= 1
                return True
            turn = threading.Event()
            self._queue.append(turn)
        try:
            while not turn.wait(None if cancel is None else _TICK):
                if cancel is not None and cancel.is_set():
                    self._leave(turn)
                    return False
        except BaseException:  # Ctrl-C in this thread
            self._leave(turn)
            raise
        return True

    def _leave(self, turn: threading.Event) -> None:
        with self._lock:
            if not turn.is_set():
                self._queue.remove(turn)
                return
        self._hand_on()  # its turn came at the same moment

    def _hand_on(self) -> None:
        with self._lock:
            if self._queue:
                self._queue.popleft().set()
            else:
                self._free += 1
