"""The keyboard beside a screen that is painted over: `q` ends it, and nothing else that is typed disturbs it.

Whatever ends it gives the terminal back as it was: Ctrl-C, SIGTERM, an error, and for a while Ctrl-Z.
"""

from __future__ import annotations

import os
import re
import select
import signal
import sys
import termios
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from launcher.cli.signals import before_exit_at_once

__all__ = ["Keys", "keys", "lent_to_the_shell"]

_QUIT = ("q", "Q")
# Arrows and functions, some of whose sequences have a q: "ESC O q".
_SEQUENCE = re.compile(r"\x1b(?:\[[0-9;?]{0,20}|O)?.", re.DOTALL)
# The cursor, and the screen that was there before: what a process says that ends at once.
_GIVE_BACK = b"\x1b[?25h\x1b[?1049l"


class Keys:
    """The keyboard of a terminal, of which each key is read when it is pressed.

    Attributes:
        are_read: whether they are; not without a terminal in whose foreground this runs.
        has_quit: whether `q` was pressed.
    """

    def __init__(self) -> None:
        self.are_read, self.has_quit = _is_in_foreground(), False
        self._terminal = sys.stdin.fileno() if self.are_read else -1
        self._before = termios.tcgetattr(self._terminal) if self.are_read else None

    def take(self) -> None:
        """Have the terminal hand over each key at once and print none; Ctrl-C and Ctrl-Z stay as they are."""
        if self._before is not None and _is_in_foreground():
            tty.setcbreak(self._terminal, termios.TCSANOW)

    def give_back(self) -> None:
        """Make the terminal what it was."""
        if self._before is not None:
            termios.tcsetattr(self._terminal, termios.TCSANOW, self._before)

    def read(self, stop: int) -> None:
        """Read until `q`, which interrupts the main thread as Ctrl-C does, or until ``stop`` is closed."""
        while True:
            ready, _, _ = select.select([self._terminal, stop], [], [])
            if stop in ready:
                return
            data = b""
            with suppress(OSError):
                data = os.read(self._terminal, 1024)
            if not data:  # it has gone, and SIGHUP ends the process
                return
            if any(key in _SEQUENCE.sub("", data.decode("latin-1")) for key in _QUIT):
                self.has_quit = True
                # Of its own, since it may wait for a lock, from which nothing else wakes it.
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
                return


@contextmanager
def keys(found: Keys) -> Iterator[None]:
    """Read a keyboard until the end, where there is one."""
    if not found.are_read:
        yield
        return

    def give_back_at_once() -> None:
        found.give_back()
        os.write(sys.__stdout__.fileno() if sys.__stdout__ else 1, _GIVE_BACK)

    stop, stopped = os.pipe()
    reader = threading.Thread(target=found.read, args=(stop,), daemon=True)
    try:
        with before_exit_at_once(give_back_at_once):
            found.take()
            reader.start()
            yield
    finally:
        found.give_back()
        os.close(stopped)
        reader.join(1.0)
        os.close(stop)


@contextmanager
def lent_to_the_shell(
    known: Keys, leave: Callable[[], None], come_back: Callable[[], None]
) -> Iterator[None]:
    """Give the terminal back for as long as Ctrl-Z stops this process.

    Args:
        known: its keyboard.
        leave: gives the screen back.
        come_back: takes it again.
    """

    def pause(*_: object) -> None:
        leave()
        known.give_back()
        os.kill(os.getpid(), signal.SIGSTOP)
        known.take()
        come_back()

    before = signal.signal(signal.SIGTSTP, pause)
    try:
        yield
    finally:
        signal.signal(signal.SIGTSTP, before)


def _is_in_foreground() -> bool:
    """Return False also behind `&`: whoever reads a terminal or changes it from there is stopped."""
    try:
        return sys.stdin.isatty() and os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (OSError, ValueError, AttributeError):  # closed, no file at all, the terminal of another session
        return False
