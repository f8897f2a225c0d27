"""The diagnosis bundle of a refused launch: the values of the job, and why it was refused."""

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

# Not "there is none": the job may run already, or may not have been removed; then the error says so.
_NOT_READ = "not asked for: the launch was refused"


def refused_code(error: LauncherError, mode: PendingPolicy) -> ReturnCode:
    """Return the return code of a refused launch; FLARE's own launcher knows only 101."""
    if mode is PendingPolicy.STRICT:
        return ReturnCode.EXECUTION_EXCEPTION
    return CATALOGUE[refusal_of(error).code].return_code


def refused_bundle(
    job: JobRef,
    error: LauncherError,
    values: Seen[Mapping[str, Any]],
    at: datetime,
    *,
    mode: PendingPolicy = PendingPolicy.GRACEFUL,
    known: Iterable[str] = (),
) -> Bundle:
    """Return the diagnosis bundle of a job that was never created.

    Args:
        job: its names.
        error: why it was refused.
        values: the chart values of the job, or why there are none.
        at: the time now.
        mode: the policy, which decides about the return code.
        known: credentials that must not appear.
    """
    refusal = refusal_of(error)
    outcome = Outcome(refusal.code, refused_code(error, mode), refusal.detail)
    track = Track(launched=0.0, state=JobState.FAILED, outcome=outcome)
    status = report(job, None, track, now=0.0, wall=at)
    if error.cure:  # more specific than the catalogue's
        status["outcome"]["cure"] = error.cure
    unasked: Seen[Any] = Seen.unavailable(_NOT_READ)
    facts = Facts(
        status=status,
        pod=unasked,
        view=None,
        events=unasked,
        release=unasked,
        logs=(),
        missing={"logs": _NOT_READ},
        at=at,
        values=values,
    )
    return build(facts, cautious([*known, *literals(values.value)]))
