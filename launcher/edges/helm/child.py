"""One run of helm: in its own session, with a chosen environment and a deadline; its children end with it.

pyhelm3 runs helm through a shell, so cancelling it kills the shell and leaves helm running; and it passes the
whole environment of the parent on. Both are replaced here.

When the launcher is killed, helm should stop installing. Linux can signal a child when its parent dies
(PR_SET_PDEATHSIG), but setting that between fork and exec means running Python in a forked copy of a
threaded process (FLARE's parent also holds gRPC, whose fork handlers may hang). util-linux's ``setpriv`` sets
it after the exec and then becomes helm. Where it is not installed, as in an image without a shell, a Python
of a few lines does the same; it costs some twenty milliseconds more.
"""

from __future__ import annotations

import contextlib
import enum
import math
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from launcher.core.redaction import HIDDEN
from launcher.edges.helm.redaction import redact
from launcher.logs import logger

__all__ = ["ChildFailed", "Ended", "HelmProcess"]

_LOG = logger(__name__)
# How often a running helm is checked for a cancel, or, without one, for an exit that left its pipes open.
# A look costs a quarter of a millisecond of CPU, and a helm among others may run for seconds.
_TICK_SECONDS, _LONG_TICK_SECONDS = 0.05, 0.5
# On SIGTERM helm marks the release as failed, which is one request; it is not waited for any longer.
_TERM_SECONDS = 0.2
_DRAIN_SECONDS = 0.2
_EXIT_POLL_SECONDS = 0.005
# A credential program may wait for somebody who logs in: its time is not helm's, and whoever waits learns for
# what. In all it is no more than this.
_NOTICE_SECONDS, _PROGRAM_SECONDS = 10.0, 300.0


# setpriv --pdeathsig TERM, for images that have none; 1 is PR_SET_PDEATHSIG.
_SETPRIV = f"""
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, {int(signal.SIGTERM)}, 0, 0, 0)
try:
    os.execv(sys.argv[1], sys.argv[1:])
except OSError as error:
    sys.exit(f"setpriv: failed to execute {{sys.argv[1]}}: {{error.strerror}}")
"""


class Ended(enum.Enum):
    """How a run of helm ended."""

    EXITED = "exited"
    CANCELLED = "cancelled"
    NOT_STARTED = "cancelled before it was started"
    TIMED_OUT = "timed out"


class ChildFailed(Exception):
    """Helm ended in another way than with exit code 0.

    Attributes:
        ended: how.
        returncode: as of ``subprocess``; negative for a signal.
        text: what helm wrote to stderr, redacted.
        program: the credential program that it may have waited for, empty = none.
    """

    def __init__(self, ended: Ended, returncode: int, text: str, program: str = "") -> None:
        super().__init__(f"helm {ended.value} (exit code {returncode}): {text}")
        self.ended = ended
        self.returncode = returncode
        self.text = text
        self.program = program


@dataclass(frozen=True, kw_only=True)
class HelmProcess:
    """How to run helm once.

    Attributes:
        executable: absolute path of helm.
        env: the whole environment of the child; kept out of ``repr``.
        kubeconfig: its KUBECONFIG, which is never on a disk; empty = what ``env`` says.
        secrets: credentials of that kubeconfig, hidden wherever helm writes them.
        program: the credential program of that kubeconfig, empty = none.
        deadline_seconds: helm is stopped after that, later while its credential program runs.
        cancel: set by another thread to stop helm.
        die_with_parent: send helm SIGTERM when the thread that started it dies.
    """

    executable: str
    env: Mapping[str, str] = field(repr=False)
    kubeconfig: bytes = field(default=b"", repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    program: str = ""
    deadline_seconds: float
    cancel: threading.Event | None = None
    die_with_parent: bool = True

    def run(self, args: Sequence[str], stdin: bytes | None = None) -> bytes:
        """Run helm with ``args`` and return its stdout; raises as :meth:`both`."""
        return self.both(args, stdin)[0]

    def both(self, args: Sequence[str], stdin: bytes | None = None) -> tuple[bytes, bytes]:
        """Run helm with ``args`` and return its stdout and its stderr.

        Raises:
            ChildFailed: non-zero exit code, cancelled, or past the deadline; helm and its children are gone.
            OSError: helm could not be started.
        """
        if self.cancel is not None and self.cancel.is_set():
            raise ChildFailed(Ended.NOT_STARTED, 0, "")
        with (
            _memory_file("helm-stdin", stdin or b"") as stdin_file,
            _memory_file("helm-kubeconfig", self.kubeconfig) as config_file,
        ):
            # S603: a fixed program and an argument list, no shell.
            process = subprocess.Popen(  # noqa: S603
                [*self._prefix(), self.executable, *args],
                stdin=stdin_file,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=self._env(config_file),
                pass_fds=(config_file.fileno(),) if self.kubeconfig else (),
                start_new_session=True,
            )
        try:
            ended, stdout, stderr = self._supervise(process)
        except BaseException:  # Ctrl-C in this thread
            _stop(process)
            raise
        if ended is Ended.EXITED and process.returncode == 0:
            return stdout, stderr
        raise ChildFailed(ended, process.returncode, self._redacted(stderr), self.program)

    def _env(self, config_file: BinaryIO) -> dict[str, str]:
        env = dict(self.env)
        if self.kubeconfig:
            # Each process that opens it, a credential program too, reads it from its beginning.
            env["KUBECONFIG"] = f"/proc/self/fd/{config_file.fileno()}"
        return env

    def _redacted(self, stderr: bytes) -> str:
        text = stderr.decode(errors="replace")
        for secret in self.secrets:
            text = text.replace(secret, HIDDEN)
        return redact(text, self.env)

    def _supervise(self, process: subprocess.Popen[bytes]) -> tuple[Ended, bytes, bytes]:
        begin = time.monotonic()
        end, notice = begin + self.deadline_seconds, begin + _NOTICE_SECONDS
        tick = _LONG_TICK_SECONDS if self.cancel is None else _TICK_SECONDS
        while True:
            left = max(0.0, end - time.monotonic())
            with contextlib.suppress(subprocess.TimeoutExpired):
                return (Ended.EXITED, *process.communicate(timeout=min(tick, left)))
            if self.cancel is not None and self.cancel.is_set():
                return (Ended.CANCELLED, *_stop(process))
            now = time.monotonic()
            if self.program and now >= min(notice, end) and _has_children(process.pid):
                if now >= notice:
                    notice = math.inf
                    _LOG.warning("helm waits for the credential program %s", self.program)
                end = min(now + self.deadline_seconds, begin + _PROGRAM_SECONDS)
            if now >= end:
                return (Ended.TIMED_OUT, *_stop(process))
            if _has_exited(process):  # a grandchild (credential plugin) holds the pipes open
                return (Ended.EXITED, *_stop(process))

    def _prefix(self) -> tuple[str, ...]:
        if not self.die_with_parent:
            return ()
        setpriv = shutil.which("setpriv", path=self.env.get("PATH"))
        # The setpriv of busybox, a link to busybox, does not know the option.
        if setpriv is not None and os.path.basename(os.path.realpath(setpriv)) == "setpriv":  # noqa: PTH119
            return (setpriv, "--pdeathsig", "TERM")
        return (sys.executable, "-I", "-S", "-c", _SETPRIV) if sys.executable else ()


def _memory_file(name: str, content: bytes) -> BinaryIO:
    """Return an in-memory file with ``content``.

    Not a pipe: ``communicate`` drops the rest of its input when it is called again after a timeout (seen with
    Python 3.11 and one megabyte of values), and helm would wait for it for ever.
    """
    file = os.fdopen(os.memfd_create(name), "w+b")
    os.fchmod(file.fileno(), 0o600)  # helm warns of a kubeconfig that others may read
    file.write(content)
    file.flush()
    file.seek(0)
    return file


def _has_exited(process: subprocess.Popen[bytes]) -> bool:
    """Return whether the child has ended, without reaping it: its process group id must not be reused yet."""
    if process.returncode is not None:
        return True
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _has_children(pid: int) -> bool:
    """Return whether a process runs another one; False where that cannot be told."""
    try:
        tasks = list(os.scandir(f"/proc/{pid}/task"))
    except OSError:
        return False
    for task in tasks:
        with contextlib.suppress(OSError):
            if Path(task.path, "children").read_bytes().strip():
                return True
    return False


def _stop(process: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
    """Send SIGTERM, then SIGKILL, to helm and everything it started; return its output."""
    if process.returncode is None:
        _signal_group(process, signal.SIGTERM)
        end = time.monotonic() + _TERM_SECONDS
        while not _has_exited(process) and time.monotonic() < end:
            time.sleep(_EXIT_POLL_SECONDS)
        _signal_group(process, signal.SIGKILL)
    try:
        return process.communicate(timeout=_DRAIN_SECONDS)
    except subprocess.TimeoutExpired as still_open:  # a process that left the group holds a pipe
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
        return still_open.output or b"", still_open.stderr or b""


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):
        # No process left, or (EPERM) only processes of another user.
        process.send_signal(number)
