"""Standard streams that are closed, that are full, or whose reader has gone."""

from __future__ import annotations

import io
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, cast

from launcher.cli.width import say
from launcher.errors import InvalidInput

__all__ = ["Lost", "flush", "give_up", "goes_on", "read_or_not", "usable", "written"]


@contextmanager
def usable() -> Iterator[None]:
    """Let a command print, whatever its streams are: closed ones, as by ``>&-``, are /dev/null.

    What the encoding of stdout does not have (PYTHONIOENCODING=ascii) is escaped, as on stderr. What cannot
    be written to stderr is dropped: a launch does not end because nobody reads its warnings.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            # The lowest number that is free, which is that of the stream unless somebody took it.
            null = os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, os.fdopen(null, "w" if number else "r", encoding="utf-8"))
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")
    before, own = sys.stderr, sys.__stderr__
    if own is not None and before is own:  # not what somebody else put there
        file = _Dropping(own.fileno(), "w", closefd=False)
        buffer = cast("BinaryIO", file)  # as Python's own is without a buffer
        sys.stderr = io.TextIOWrapper(buffer, own.encoding, own.errors, write_through=True)
    try:
        yield
    finally:
        sys.stderr = before


class _Dropping(io.FileIO):
    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError:
            return memoryview(data).nbytes


class Lost(Exception):
    """Stdout cannot be written. No OSError: click makes exit code 1 of some of those."""

    def __init__(self, error: OSError) -> None:
        super().__init__(str(error))
        self.error = error


@contextmanager
def written() -> Iterator[None]:
    """Raise ``Lost`` when what is printed in this context cannot be written."""
    try:
        yield
    except OSError as error:
        if not _is_of_stdout(error):
            raise
        raise Lost(error) from error


def flush() -> None:
    """Write what waits to be written to stdout."""
    sys.stdout.flush()


def _is_of_stdout(error: OSError) -> bool:
    """Return whether writing stdout raised an error.

    Told by who raised it: a stream without a buffer (PYTHONUNBUFFERED) keeps nothing that it could not write.
    """
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    # `click.echo` is there, which prints all there is.
    return frame.f_globals.get("__name__") in {"click.utils", __name__}


def give_up(lost: Lost) -> InvalidInput | None:
    """Let stdout end in /dev/null; return what is wrong with it.

    None: its reader has closed the pipe, which is no error (`fljob list | head -1`).
    """
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)
    if isinstance(lost.error, BrokenPipeError):
        return None
    # 'No space left on device' of /dev/full, 'Input/output error' of a terminal that has gone
    return InvalidInput(f"cannot write the output: {lost.error.strerror or lost.error}")


@contextmanager
def read_or_not() -> Iterator[None]:
    """Go on where the reader of what is printed in this context has gone: the exit code is an answer, too.

    `fljob diff ... | head -1` would else say "the same" of what is not. A full disk is still an error.
    """
    try:
        with written():
            yield
    except Lost as lost:
        if give_up(lost):
            raise


@contextmanager
def goes_on() -> Iterator[None]:
    """Give up stdout when what is printed in this context cannot be written, and go on after it."""
    try:
        with written():
            yield
    except Lost as lost:
        if error := give_up(lost):
            say(f"warning: {error.message}", err=True)
