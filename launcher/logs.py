"""The loggers of the package: one record is one line, whatever a job, a pod or a library has put into it."""

from __future__ import annotations

import logging
import traceback

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


class _Clean(logging.Filter):
    """Cleans what goes into a record before any handler sees it."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(map(_cleaned, record.args))
        if record.exc_info and not record.exc_text:
            # Handlers print this text instead of the trace of an error that may quote a credential.
            record.exc_text = foreign.lines(
                by_shape("".join(traceback.format_exception(*record.exc_info)).rstrip())
            )
        return True


def _cleaned(value: object) -> object:
    if value is None or isinstance(value, (int, float)):
        return value
    # What a LauncherError says is clean, and the line of its cure is its own; FLARE gets the same words.
    ours = value if isinstance(value, LauncherError) else getattr(value, "__cause__", None)
    if isinstance(ours, LauncherError) and str(value) == str(ours):
        return value
    return foreign.line(by_shape(str(value)) if isinstance(value, Exception) else str(value))
