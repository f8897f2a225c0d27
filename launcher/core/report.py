"""The one JSON shape of a job, for ``fljob status``, ``fljob list`` and whoever reads them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from launcher.core.catalogue import CATALOGUE
from launcher.core.jobref import JobRef
from launcher.core.lifecycle import Track
from launcher.core.views import ReleaseView

__all__ = ["describe", "report", "verdict_line"]


def report(
    job: JobRef, release: ReleaseView | None, track: Track, *, now: float, wall: datetime
) -> dict[str, Any]:
    """Return a job as JSON; the keys are stable.

    Args:
        job: its names.
        release: its Helm release, None when it is gone.
        track: everything known about its pod.
        now: monotonic seconds at which ``track`` was made.
        wall: wall clock time of the same moment.
    """
    pod = track.pod
    return {
        "release": job.release,
        "namespace": job.namespace,
        "jobId": job.job_id,
        "site": job.site,
        "role": job.role,
        "study": job.study,
        "state": track.state.value,
        "helm": None if release is None else {"status": release.status, "revision": release.revision},
        "pod": None
        if pod is None
        else {"name": pod.name, "uid": pod.uid, "node": pod.node, "phase": pod.phase},
        "pending": _pending(track, now, wall),
        "outcome": _outcome(track),
    }


def _pending(track: Track, now: float, wall: datetime) -> dict[str, Any] | None:
    verdict = track.verdict
    if verdict is None or track.outcome is not None:
        return None
    return {
        "action": verdict.action.value,
        "code": verdict.code.value,
        "detail": verdict.detail,
        "since": _moment(verdict.since, now, wall),
        "deadline": None if verdict.deadline is None else _moment(verdict.deadline, now, wall),
    }


def _outcome(track: Track) -> dict[str, Any] | None:
    outcome = track.outcome
    if outcome is None:
        return None
    return {
        "code": outcome.code.value,
        "returnCode": int(outcome.return_code),
        "exitCode": outcome.exit_code,
        "detail": outcome.detail,
    }


def _moment(monotonic: float, now: float, wall: datetime) -> str:
    return (wall + timedelta(seconds=monotonic - now)).isoformat(timespec="seconds")


def describe(track: Track, now: float) -> str:
    """Return one line about a job that has not ended: state, cause and the time that is left."""
    if track.stale_since is not None:
        return f"{track.state.value}  (cluster cannot be asked: {track.why_stale})"
    if track.verdict is None:
        return track.state.value
    verdict = track.verdict
    left = "no limit" if verdict.deadline is None else f"{max(0.0, verdict.deadline - now):.0f} s left"
    return f"{track.state.value}  {verdict.action.value} {verdict.code.value} ({left}): {verdict.detail}"


def verdict_line(described: Mapping[str, Any]) -> str:
    """Return how a job ended, and what can be done about it, from its JSON."""
    outcome = described["outcome"]
    if outcome is None:
        return str(described["state"])
    entry = next(entry for code, entry in CATALOGUE.items() if code.value == outcome["code"])
    line = (
        f"{described['state']}  {outcome['code']}: {outcome['detail']} (return code {outcome['returnCode']})"
    )
    return line if described["state"] == "SUCCEEDED" else f"{line}\n  cure: {entry.cure}"
