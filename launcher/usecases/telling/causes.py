"""Telling the log why a job does not run yet."""

from __future__ import annotations

import logging

from launcher.core.catalogue import Code
from launcher.core.jobref import JobRef
from launcher.core.lifecycle.state import Track
from launcher.core.redaction import by_shape
from launcher.core.report.metrics import UNCLASSIFIED
from launcher.logs import logger

__all__ = ["log_cause"]

_LOG = logger(__name__)
_ON_ITS_WAY = frozenset({Code.CREATING, Code.INITIALIZING})


def log_cause(job: JobRef, track: Track, logged: Code | None) -> Code | None:
    """Log why a job is pending, once per cause; return the cause that was logged last."""
    verdict = track.verdict
    if verdict is None or track.outcome is not None or verdict.code is logged:
        return logged
    level = logging.WARNING if verdict.code in UNCLASSIFIED else logging.INFO
    if verdict.code not in _ON_ITS_WAY:
        clock = verdict.clock or "no limit"
        words = "release=%s pending: %s (%s): %s"
        _LOG.log(level, words, job.release, verdict.code.value, clock, by_shape(verdict.detail))
    return verdict.code
