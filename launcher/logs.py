"""The loggers of the package: one record is one line, whatever a job, a pod or a library has put into it."""

from __future__ import annotations

import logging
import re
import traceback
from itertools import zip_longest

from launcher.core import foreign
from launcher.core.redaction import by_shape
from launcher.errors import LauncherError

__all__ = ["logger"]


def logger(name: str) -> logging.Logger:
    """Return the logger of a module; what it is given as arguments is shown as :mod:`foreign` text."""
    found = logging.getLogger(name)
    if not any(isinstance(one, _Clean) for one in found.filters):
        found.addFilter(_Clean())
    return found


# "release=%s pod=%s %s": the first two are names.
_PLACE = re.compile(r"(?P<name>\w=)?%(?:%|[-#0 +.0-9]{0,9}[a-zA-Z])")


class _Clean(logging.Filter):
    """Cleans what goes into a record before any handler sees it."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            names = [found["name"] for found in _PLACE.finditer(str(record.msg)) if found[0] != "%%"]
            args = zip_longest(record.args, names[: len(record.args)])
            record.args = tuple(_named(value) if name else _cleaned(value) for value, name in args)
        if record.exc_info and not record.exc_text:
            # Handlers print this text instead of the trace of an error that may quote a credential.
            record.exc_text = foreign.lines(
                by_shape("".join(traceback.format_exception(*record.exc_info)).rstrip())
            )
        return True


def _named(value: object) -> object:
    found = _cleaned(value)
    return foreign.name(found) if isinstance(found, str) else found


def _cleaned(value: object) -> object:
    if value is None or isinstance(value, (int, float)):
        return value
    # What a LauncherError says is clean, and the line of its cure is its own; FLARE gets the same words.
    ours = value if isinstance(value, LauncherError) else getattr(value, "__cause__", None)
    if isinstance(ours, LauncherError) and str(value) == str(ours):
        return value
    return foreign.line(by_shape(str(value)) if isinstance(value, Exception) else str(value))
