"""Handlers of SIGINT and SIGTERM, so that a command can undo what it made."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
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

_STOPS = (signal.SIGINT, signal.SIGTERM)
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
    What ``stopped_once`` has left behind goes here, unless nothing comes after this.

    Args:
        is_last: nothing but the end of the process comes after this; SIGINT ends it at once then, too.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    before = {number: signal.getsignal(number) for number in _STOPS}
    signal.signal(signal.SIGINT, _interrupted)
    try:
        yield
    finally:
        if not is_last:
            for number, handler in before.items():
                signal.signal(number, handler)
        elif signal.getsignal(signal.SIGINT) is _interrupted:
            signal.signal(signal.SIGINT, _exit_at_once)


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


def _exit_at_once(*_: object, code: int = 130) -> None:
    for act in reversed(_before_exit):
        with suppress(Exception):
            act()
    with suppress(OSError):
        os.write(2, b"interrupted\n")
    os._exit(code)


@contextmanager
def stopped_by_sigterm() -> Iterator[None]:
    """Raise ``Stopped`` in the main thread when SIGTERM comes; heed none that follows in here."""

    def stop(*_: object) -> None:
        signal.signal(signal.SIGTERM, _heed_none)
        raise Stopped

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def stopped_once() -> Iterator[None]:
    """Raise in the main thread when SIGINT or SIGTERM (``Stopped``) comes; heed none that follows in here.

    Who is impatient presses Ctrl-C twice: the second one would come while a terminal is given back. After
    this a further one ends the process at once, with the exit code of the first.
    """
    before = {number: signal.getsignal(number) for number in _STOPS}
    heeded = [number for number, handler in before.items() if handler is not signal.SIG_IGN]
    after = dict(before)

    def stop(number: int, frame: FrameType | None) -> None:
        for one in heeded:
            signal.signal(one, _heed_none)
            after[one] = partial(_exit_at_once, code=128 + number)
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
            signal.signal(one, after[one])


def _heed_none(*_: object) -> None:
    """Stand for SIG_IGN: of a signal that came a moment before that, Python prints that it was ignored."""


@contextmanager
def cancelled_by_signals() -> Iterator[threading.Event]:
    """Yield an event that SIGINT and SIGTERM set, in place of their usual effect."""
    cancel = threading.Event()
    before = {number: signal.getsignal(number) for number in _STOPS}
    for number in before:
        signal.signal(number, lambda *_: cancel.set())
    try:
        yield cancel
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
