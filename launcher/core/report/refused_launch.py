"""The diagnosis bundle of a launch that was refused: what was asked for, and the words of the refusal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from launcher.core.catalogue import CATALOGUE
from launcher.core.catalogue.returncodes import ReturnCode
from launcher.core.ending.outcome import Outcome
from launcher.core.jobref import JobRef
from launcher.core.lifecycle.state import JobState, Track
from launcher.core.pending.refusal import refusal_of
from launcher.core.redaction import cautious, literals
from launcher.core.report.bundle import Bundle, Facts, build
from launcher.core.report.status import report
from launcher.core.spec.site import PendingPolicy
from launcher.core.views import Seen
from launcher.errors import LauncherError

__all__ = ["refused_bundle", "refused_code"]

# Not "there is none": of a job that runs already, or that could not be taken back, the error speaks.
_WHY = "not asked for: the launch was refused"


def refused_code(error: LauncherError, column: PendingPolicy) -> ReturnCode:
    """Return what FLARE is told of a refused launch: 101 (EXECUTION_EXCEPTION) from its own launcher."""
    if column is PendingPolicy.STRICT:
        return ReturnCode.EXECUTION_EXCEPTION
    return CATALOGUE[refusal_of(error).code].return_code


def refused_bundle(
    job: JobRef,
    error: LauncherError,
    values: Seen[Mapping[str, Any]],
    at: datetime,
    *,
    column: PendingPolicy = PendingPolicy.GRACEFUL,
    known: Iterable[str] = (),
) -> Bundle:
    """Return the diagnosis of a job that was never made.

    Args:
        job: its names.
        error: the refusal.
        values: the chart values of the job, or why there are none.
        at: the time now.
        column: the policy, which decides about the return code.
        known: credentials that must not appear.
    """
    refusal = refusal_of(error)
    outcome = Outcome(refusal.code, refused_code(error, column), refusal.detail)
    track = Track(launched=0.0, state=JobState.FAILED, outcome=outcome)
    status = report(job, None, track, now=0.0, wall=at)
    if error.cure:  # nearer to the case than the catalogue's
        status["outcome"]["cure"] = error.cure
    unasked: Seen[Any] = Seen.unavailable(_WHY)
    facts = Facts(
        status=status,
        pod=unasked,
        view=None,
        events=unasked,
        release=unasked,
        logs=(),
        missing={"logs": _WHY},
        at=at,
        values=values,
    )
    return build(facts, cautious([*known, *literals(values.value)]))
