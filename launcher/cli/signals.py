"""Handlers of SIGINT and SIGTERM, so that a command can undo what it made."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from launcher.edges.later import is_importing

__all__ = ["Stopped", "cancelled_by_signals", "sigint_beside_imports", "stopped_by_sigterm"]

_IMPORTLIB = "<frozen importlib"


class Stopped(KeyboardInterrupt):
    """SIGTERM, handled as Ctrl-C is."""


@contextmanager
def sigint_beside_imports(*, is_last: bool) -> Iterator[None]:
    """Let SIGINT end the process at once while anything is imported; else it raises as ever.

    What is raised in an import may be lost, or stop another thread that imports (``is_importing``). A helm
    that runs then is ended by the death of its parent. Whoever ignores SIGINT, or has a handler, keeps it.

    Args:
        is_last: nothing but the end of the process comes after this; SIGINT ends it at once then, too.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, _interrupted)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, _exit_at_once if is_last else signal.default_int_handler)


def _interrupted(number: int, frame: FrameType | None) -> None:
    if is_importing() or _imports(frame):
        _exit_at_once()
    signal.default_int_handler(number, frame)


def _imports(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith(_IMPORTLIB):
            return True
        frame = frame.f_back
    return False


def _exit_at_once(*_: object) -> None:
    with suppress(OSError):
        os.write(2, b"interrupted\n")
    os._exit(130)


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
