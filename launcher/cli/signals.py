"""Handlers of SIGINT and SIGTERM, so that a command can undo what it made."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Stopped", "cancelled_by_signals", "stopped_by_sigterm"]


class Stopped(KeyboardInterrupt):
    """SIGTERM, handled as Ctrl-C is."""


@contextmanager
def stopped_by_sigterm() -> Iterator[None]:
    """Raise ``Stopped`` in the main thread when SIGTERM comes."""

    def stop(*_: object) -> None:
        raise Stopped

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def cancelled_by_signals() -> Iterator[threading.Event]:
    """Yield an event that SIGINT and SIGTERM set, in place of their usual effect."""
    cancel = threading.Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, lambda *_: cancel.set())
    try:
        yield cancel
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
