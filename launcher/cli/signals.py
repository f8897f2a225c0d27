"""Handlers of SIGINT, SIGTERM and SIGHUP, so that a command can undo what it made."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from types import FrameType
from typing import Any

from launcher.edges.later import is_importing

__all__ = [
    "Stopped",
    "before_exit_at_once",
    "cancelled_by_signals",
    "code_of",
    "sigint_beside_imports",
    "stopped_by_sigterm",
    "stopped_once",
]

_STOPS = (signal.SIGINT, signal.SIGTERM)
# Those that end a process at once, in the middle of what it has to undo.
_ENDS = (signal.SIGTERM, signal.SIGHUP)
_INTERRUPTED = 128 + signal.SIGINT
_IMPORTLIB = "<frozen importlib"
# What is done before the process ends at once.
_before_exit: list[Callable[[], None]] = []


class Stopped(KeyboardInterrupt):
    """SIGTERM, or SIGHUP of a terminal that has gone, handled as Ctrl-C is.

    Attributes:
        code: exit code of a process that ends of it.
    """

    def __init__(self, number: int = signal.SIGTERM) -> None:
        super().__init__()
        self.code = 128 + number


def code_of(interrupt: KeyboardInterrupt) -> int:
    """Return the exit code of a process that ends of a signal, as shells have it: 128 plus its number."""
    return interrupt.code if isinstance(interrupt, Stopped) else _INTERRUPTED


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


def _exit_at_once(*_: object, code: int = _INTERRUPTED) -> None:
    for act in reversed(_before_exit):
        with suppress(Exception):
            act()
    with suppress(OSError):
        os.write(2, b"interrupted\n")
    os._exit(code)


@contextmanager
def stopped_by_sigterm() -> Iterator[None]:
    """Raise ``Stopped`` in the main thread when SIGTERM or SIGHUP comes; heed none that follows in here."""

    def stop(number: int, _: object) -> None:
        for one in before:
            signal.signal(one, _heed_none)
        raise Stopped(number)

    before = _heeded(_ENDS)
    with _handled(before, stop):
        yield


@contextmanager
def _handled(
    after: Mapping[signal.Signals, Any], handler: Callable[[int, FrameType | None], Any]
) -> Iterator[None]:
    """Handle signals in this context; ``after`` has what handles each after it, which may change in it."""
    for one in after:
        signal.signal(one, handler)
    try:
        yield
    finally:
        for one, last in after.items():
            signal.signal(one, last)


def _heeded(numbers: Iterable[signal.Signals]) -> dict[signal.Signals, Any]:
    """Return the handlers of these signals, but of those that are ignored: by nohup, or a shell's ``&``."""
    found = {number: signal.getsignal(number) for number in numbers}
    return {number: handler for number, handler in found.items() if handler is not signal.SIG_IGN}


@contextmanager
def stopped_once() -> Iterator[None]:
    """Raise in the main thread when SIGINT or SIGTERM (``Stopped``) comes; heed none that follows in here.

    Who is impatient presses Ctrl-C twice: the second one would come while a terminal is given back. After
    this a further one ends the process at once, with the exit code of the first.
    """
    before = _heeded(_STOPS)
    after: dict[signal.Signals, Any] = dict(before)

    def stop(number: int, frame: FrameType | None) -> None:
        for one in before:
            signal.signal(one, _heed_none)
            after[one] = partial(_exit_at_once, code=128 + number)
        if number == signal.SIGTERM:
            raise Stopped
        earlier = before[signal.SIGINT]
        if callable(earlier):
            earlier(number, frame)
        raise KeyboardInterrupt

    with _handled(after, stop):
        yield


def _heed_none(*_: object) -> None:
    """Stand for SIG_IGN: of a signal that came a moment before that, Python prints that it was ignored."""


@contextmanager
def cancelled_by_signals() -> Iterator[threading.Event]:
    """Yield an event that SIGINT, SIGTERM and SIGHUP set, in place of their usual effect."""
    cancel = threading.Event()
    with _handled(_heeded((signal.SIGINT, *_ENDS)), lambda *_: cancel.set()):
        yield cancel
