"""A program on a terminal of its own, in whose foreground it runs: what it paints, what is typed, what it leaves."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["ENTER", "LEAVE", "Terminal"]

# The screen of its own, and back.
ENTER, LEAVE = "\x1b[?1049h", "\x1b[?1049l"
_SHOWN, _HIDDEN = "\x1b[?25h", "\x1b[?25l"
_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
WITHIN = 120.0


class Terminal:
    """A program that believes that a person looks on.

    Args:
        command: its words.
        env: its environment.
        size: columns and lines.
        stdin: where it reads, when that is not the terminal.
    """

    def __init__(
        self, command: list[str], env: Mapping[str, str], size: tuple[int, int] = (80, 24), stdin: str = ""
    ) -> None:
        self._ours, self._theirs = pty.openpty()
        self.resize(*size)
        self.before = self.modes()
        name = os.ttyname(self._theirs)
        # The leader of a session gets the first terminal that it opens for its own.
        words = [
            "sh",
            "-c",
            'out=$0 in=$1; shift; exec "$@" 3<>"$out" <"$in" >&3 2>&3 3>&-',
            name,
            stdin or name,
        ]
        drop = ("COLUMNS", "LINES", "NO_COLOR")
        known = {key: value for key, value in env.items() if key not in drop}
        self.process = subprocess.Popen(
            [*words, *command], env={**known, "TERM": "xterm-256color"}, start_new_session=True
        )
        self._sent = bytearray()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            while data := os.read(self._ours, 65536):
                self._sent.extend(data)

    @property
    def sent(self) -> str:
        """All that it has written."""
        return self._sent.decode(errors="replace")

    @property
    def frame(self) -> str:
        """The last whole frame of its screen, without colours."""
        frames = self.sent.rpartition(ENTER)[2].partition(LEAVE)[0].split("\x1b[H")
        whole = frames[-2] if len(frames) > 2 else ""
        return "\n".join(line.rstrip() for line in _ESCAPE.sub("", whole).split("\r\n"))

    @property
    def after(self) -> str:
        """What it has written after its screen, without colours."""
        return _ESCAPE.sub("", self.sent.rpartition(LEAVE)[2]).replace("\r\n", "\n")

    @property
    def has_screen(self) -> bool:
        """Whether its screen is shown."""
        return self.sent.rfind(ENTER) > self.sent.rfind(LEAVE)

    @property
    def has_cursor(self) -> bool:
        """Whether the cursor is."""
        return self.sent.rfind(_SHOWN) >= self.sent.rfind(_HIDDEN)

    def modes(self) -> list[Any]:
        """Return what the terminal does with what is typed."""
        return termios.tcgetattr(self._theirs)

    def echoes(self) -> bool:
        """Return whether it prints what is typed."""
        return bool(self.modes()[3] & termios.ECHO)

    def resize(self, columns: int, lines: int) -> None:
        """Make it another size."""
        fcntl.ioctl(self._theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self._ours, text.encode())

    def until(self, is_it: Callable[[Terminal], object]) -> None:
        """Wait until it holds.

        Raises:
            AssertionError: it does not, in two minutes.
        """
        end = time.monotonic() + WITHIN
        while not is_it(self):
            assert time.monotonic() < end, self.sent[-3000:]
            time.sleep(0.05)

    def showing(self, *words: str) -> str:
        """Return the first frame that has all these words.

        Raises:
            AssertionError: there is none in two minutes.
        """
        frames = []
        self.until(lambda one: frames.append(one.frame) or all(word in frames[-1] for word in words))
        return frames[-1]

    def until_stopped(self) -> None:
        """Wait until it is, as by Ctrl-Z."""
        self.until(lambda _: os.waitpid(self.process.pid, os.WUNTRACED | os.WNOHANG)[0])

    def end(self) -> int:
        """Wait until it has ended and everything is read; return its exit code."""
        code = self.process.wait(WITHIN)
        mark = -1
        while mark != len(self._sent) or self._unread():
            mark = len(self._sent)
            time.sleep(0.2)
        return code

    def _unread(self) -> int:
        """Return how much the reader has still to take: on a busy machine it comes late."""
        return int.from_bytes(fcntl.ioctl(self._ours, termios.FIONREAD, bytes(4)), sys.byteorder)

    def close(self) -> None:
        """Take it away, whatever it does."""
        with self.process, contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        os.close(self._theirs)
        self._reader.join(10)
        os.close(self._ours)
