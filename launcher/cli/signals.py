"""Handlers of SIGINT and SIGTERM, so that a command can undo what it made."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from launcher.edges.later import is_importing

__all__ = [
    "Stopped",
    "before_exit_at_once",
    "cancelled_by_signals",
    "sigint_beside_imports",
    "stopped_by_sigterm",
    "stopped_once",
]

_IMPORTLIB = "<frozen importlib"
# What is done before the process ends at once.
_before_exit: list[Callable[[], None]] = []


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


@contextmanager
def before_exit_at_once(act: Callable[[], None]) -> Iterator[None]:
    """Have something done also where SIGINT ends the process at once, and no ``finally`` is reached."""
    _before_exit.append(act)
    try:
        yield
    finally:
        _before_exit.remove(act)


def _exit_at_once(*_: object) -> None:
    for act in reversed(_before_exit):
        with suppress(Exception):
            act()
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
def stopped_once() -> Iterator[None]:
    """Raise in the main thread when SIGINT or SIGTERM (``Stopped``) comes, and heed none that follows.

    Who is impatient presses Ctrl-C twice: the second one would come while a terminal is given back.
    """
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    heeded = [number for number, handler in before.items() if handler is not signal.SIG_IGN]

    def stop(number: int, frame: FrameType | None) -> None:
        for one in heeded:
            signal.signal(one, signal.SIG_IGN)
        if number == signal.SIGTERM:
            raise Stopped
        earlier = before[signal.SIGINT]
        if callable(earlier):
            earlier(number, frame)
        raise KeyboardInterrupt

    for one in heeded:
        signal.signal(one, stop)
    try:
        yield
    finally:
        for one in heeded:
            signal.signal(one, before[one])


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
