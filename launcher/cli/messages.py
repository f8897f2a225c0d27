"""What reaches the user beside the answers: our own warnings as sentences, those of libraries not at all."""

from __future__ import annotations

import logging
import os
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from launcher.cli.width import say
from launcher.core import foreign
from launcher.core.redaction import by_shape

__all__ = ["has_screen", "may_colour", "own_messages_only", "silence", "trace"]

_OURS = "launcher"
_DUMB = frozenset({"", "dumb", "unknown"})


def may_colour() -> bool | None:
    """Return False where colours are not wanted (https://no-color.org) or not known; None = on terminals."""
    is_dumb = os.environ.get("TERM", "") in _DUMB
    return False if is_dumb or os.environ.get("NO_COLOR") else None


def has_screen() -> bool:
    """Return whether stdout is a terminal on which what was printed can be painted over."""
    return sys.stdout.isatty() and os.environ.get("TERM", "") not in _DUMB


class _Echo(logging.Handler):
    """Prints a record as a sentence on stderr."""

    def emit(self, record: logging.LogRecord) -> None:
        say(foreign.lines(self.format(record)), err=True)


@contextmanager
def own_messages_only() -> Iterator[None]:
    """Print what our loggers warn of, and nothing of libraries (urllib3: "Retrying (Retry(total=2, ...").

    Python's own options (``-W``, PYTHONWARNINGS) still show the warnings of Python.
    """
    root, ours = logging.getLogger(), logging.getLogger(_OURS)
    # Without any handler Python prints all warnings, those of libraries, too.
    silent, echo = logging.NullHandler(), _Echo(logging.WARNING)
    root.addHandler(silent)
    ours.addHandler(echo)
    try:
        with warnings.catch_warnings():
            if not sys.warnoptions:
                warnings.simplefilter("ignore")
            yield
    finally:
        root.removeHandler(silent)
        ours.removeHandler(echo)


@contextmanager
def silence() -> Iterator[None]:
    """Print no warnings of ours either, for whoever shows what they say and paints over the terminal."""
    ours = logging.getLogger(_OURS)
    handlers, ours.handlers = ours.handlers, [logging.NullHandler()]
    try:
        yield
    finally:
        ours.handlers = handlers


def trace(error: BaseException) -> str:
    """Return where an error came from, without credentials, for whoever reports a defect of the launcher."""
    lines = traceback.format_exception(type(error), error, error.__traceback__)
    return foreign.lines(by_shape("".join(lines).rstrip()))
