"""Two questions to helm at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["side_by_side"]

S = TypeVar("S")
T = TypeVar("T")

# One caller at a time: a parent whose jobs all end at once must not run twice as many helms.
_ONE = threading.BoundedSemaphore(1)


def side_by_side(one: Callable[[threading.Event | None], S], other: Callable[[], T]) -> tuple[S, T]:
    """Return what both return, in half the time unless somebody else is here: then one after the other.

    Args:
        one: runs in another thread, and stops when the event that it is given is set.
        other: runs in this thread.
    """
    if not _ONE.acquire(blocking=False):
        return one(None), other()
    cancel = threading.Event()
    try:
        with ThreadPoolExecutor(1) as beside:
            first = beside.submit(one, cancel)
            try:
                second = other()
                return first.result(), second
            finally:
                cancel.set()  # after an error or Ctrl-C nobody waits for it
    finally:
        _ONE.release()
