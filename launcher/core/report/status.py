"""The JSON of a job that ``fljob status`` and ``fljob list`` print, and texts made from it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from launcher.core import foreign
from launcher.core.catalogue import CATALOGUE, Code
from launcher.core.drift import Drift
from launcher.core.jobref import JobRef, unreadable
from launcher.core.lifecycle.ledger_note import LedgerNote, note_in
from launcher.core.lifecycle.state import Track
from launcher.core.moments import moment
from launcher.core.ownership import CONFIRMED, Ownership
from launcher.core.pending.clocks import Timing, Verdict
from launcher.core.pending.nodes import effective_requests
from launcher.core.quantities import amount_text
from launcher.core.releases import release_state
from launcher.core.report.drift import summary
from launcher.core.report.pull_errors import named_once
from launcher.core.report.usage import causes_text
from launcher.core.views import PodView, ReleaseView

__all__ = ["cause_and_cure", "cause_line", "cause_rows", "describe", "pull_of", "report", "verdict_line"]


_A_SECOND = 1.0
# Of a clock that is not this process's own nobody may be left who looks at it.
_OTHERS = (Timing.CLUSTER.value, Timing.NOTED.value)
# Whoever may create a pod can let it ask for any number of things that no node has.
_MOST_RESOURCES = 20
_MOST_CAUSES = 8
_PULLS = "pulling image "
_AFTER = "whoever waits for the job ends it; if nobody does, mend the cause, or `fljob terminate` it"


def report(
    job: JobRef,
    release: ReleaseView | None,
    track: Track,
    *,
    now: float,
    wall: datetime,
    ownership: Ownership = CONFIRMED,
    drift: Drift | None = None,
    note: LedgerNote | None = None,
) -> dict[str, Any]:
    """Return a job as JSON; the keys are stable.

    Args:
        job: its names.
        release: its Helm release, None when it is gone.
        track: everything known about its pod.
        now: monotonic seconds at which ``track`` was made.
        wall: wall clock time of the same moment.
        ownership: whose it is.
        drift: what has become of its objects; None = nobody has looked, or there is nothing to compare with.
        note: what this process has measured; None = what the release says that another has.
    """
    found = {
        **_names(job),
        "foreign": _foreign(ownership),
        "state": track.state.value,
        "launched": _launched(release, track.pod),
        "helm": _helm(release, wall),
        "pod": None if track.pod is None else _pod(track.pod),
        "drift": summary(drift),
        "pending": _pending(track, now, wall),
        "outcome": _outcome(track),
        "ledger": _ledger(note or _noted(release), track, wall),
        "unreadable": list(unreadable(track.pod)),
    }
    return dict(foreign.tree(found, foreign.line))


def _names(job: JobRef) -> dict[str, str]:
    return {
        "release": job.release,
        "namespace": job.namespace,
        "jobId": job.job_id,
        "site": job.site,
        "role": job.role,
        "study": job.study,
    }


def _noted(release: ReleaseView | None) -> LedgerNote | None:
    return None if release is None else note_in(release.revisions)


def _ledger(note: LedgerNote | None, track: Track, wall: datetime) -> dict[str, Any] | None:
    """Return where the time went until now, as whoever waits for the job has measured it."""
    if note is None:
        return None
    # Who waited for it may be gone for longer than the job.
    finished = None if track.outcome is None else track.finished_at
    counted = note.at(finished or wall)
    return {
        "launched": note.launched.isoformat(timespec="milliseconds"),
        "until": counted.until.isoformat(timespec="milliseconds"),
        "cause": note.cause,
        "seconds": {cause: round(seconds, 3) for cause, seconds in counted.seconds.items()},
    }


def _launched(release: ReleaseView | None, pod: PodView | None) -> str | None:
    """Return when the pod was made, of a pod that is gone when its release was."""
    moment = pod.created if pod is not None else release.updated if release is not None else None
    return None if moment is None else moment.isoformat(timespec="seconds")


def _pod(pod: PodView) -> dict[str, Any]:
    return {
        "name": pod.name,
        "uid": pod.uid,
        "node": pod.node,
        "phase": pod.phase,
        "requests": _requests(pod),
    }


def _requests(pod: PodView) -> dict[str, str]:
    """Return what the containers ask for together, as people write it."""
    asked = sorted(effective_requests(pod).items())[:_MOST_RESOURCES]
    return {name: amount_text(name, amount) for name, amount in asked}


def _foreign(ownership: Ownership) -> dict[str, Any] | None:
    if not ownership.is_foreign:
        return None
    return {"kind": ownership.owner.value, "detail": ownership.sentence}


def _helm(release: ReleaseView | None, wall: datetime) -> dict[str, Any] | None:
    if release is None:
        return None
    summary = release_state(release, wall).value
    return {"status": release.status, "revision": release.revision, "summary": summary}


def _pending(track: Track, now: float, wall: datetime) -> dict[str, Any] | None:
    verdict = track.verdict
    if verdict is None or track.outcome is not None:
        return None
    return {
        "action": verdict.action.value,
        "code": verdict.code.value,
        "summary": CATALOGUE[verdict.code].summary,
        "detail": _detail(verdict, now),
        "cure": CATALOGUE[verdict.code].cure,
        "clock": verdict.clock,
        "since": moment(verdict.since, now, wall),
        "deadline": None if verdict.deadline is None else moment(verdict.deadline, now, wall),
        "expired": verdict.deadline is not None and verdict.deadline - now < _A_SECOND,
        "timing": verdict.timing.value,
        "resources": list(verdict.resources),
    }


def _outcome(track: Track) -> dict[str, Any] | None:
    outcome = track.outcome
    if outcome is None:
        return None
    return {
        "code": outcome.code.value,
        "returnCode": int(outcome.return_code),
        "exitCode": outcome.exit_code,
        "summary": CATALOGUE[outcome.code].summary,
        "detail": outcome.detail,
        "cure": outcome.cure or CATALOGUE[outcome.code].cure,
    }


def describe(track: Track, now: float) -> str:
    """Return a short text about a job that has not ended: state, cause, remaining time, cure."""
    if track.stale_since is not None:
        return f"{track.state.value}  (cluster cannot be asked: {foreign.line(track.why_stale)})"
    if track.verdict is None:
        return track.state.value
    verdict = track.verdict
    entry = CATALOGUE[verdict.code]
    left = "no limit" if verdict.deadline is None else _left(verdict.deadline - now, verdict.timing)
    left = f"{verdict.clock}: {left}" if verdict.clock else left
    sentence = _sentence(entry.summary, foreign.line(_detail(verdict, now)))
    head = f"{track.state.value}  {verdict.action.value} {verdict.code.value} ({left})"
    return f"{head}: {sentence}\n  cure: {entry.cure}"


def _detail(verdict: Verdict, now: float) -> str:
    """Return the detail of a verdict, with the seconds of what is a matter of time alone."""
    if verdict.code is not Code.PULLING:
        return verdict.detail
    return f"{verdict.detail} for {max(0.0, now - verdict.since):.0f} s"


def pull_of(pending: Mapping[str, Any], now: datetime) -> tuple[str, float] | None:
    """Return which image is downloaded and for how many seconds, from the JSON about a pending job.

    Args:
        pending: ``pending`` of what :func:`report` returned, which may be older than ``now``.
        now: the time now.

    Returns:
        None while no image is downloaded.
    """
    if pending["code"] != Code.PULLING.value:
        return None
    said = str(pending["detail"])
    image = (said.partition(_PULLS)[2] or said).rpartition(" for ")[0]
    return image, max(0.0, (now - datetime.fromisoformat(pending["since"])).total_seconds())


def verdict_line(described: Mapping[str, Any]) -> str:
    """Return how a job ended and its cure as text, from its JSON."""
    outcome = described["outcome"]
    if outcome is None:
        return str(described["state"])
    sentence = _sentence(outcome["summary"], outcome["detail"])
    line = f"{described['state']}  {outcome['code']}: {sentence} (return code {outcome['returnCode']})"
    return line if outcome["code"] == Code.SUCCESS.value else f"{line}\n  cure: {outcome['cure']}"


def cause_rows(described: Mapping[str, Any], wall: datetime) -> dict[str, str]:
    """Return why a job is in its state, as text by title, from its JSON.

    Args:
        described: what :func:`report` returned.
        wall: the time now, for the remaining time of a clock.
    """
    why, ledger = described["outcome"] or described["pending"], described["ledger"]
    spent = {"time": causes_text(ledger["seconds"], most=_MOST_CAUSES)} if ledger else {}
    if why is None:
        return spent
    rows = {"cause": f"{why['code']}: {why['summary']}", "detail": _without(why["summary"], why["detail"])}
    if described["outcome"] is None:
        rows["action"] = why["action"]
        rows["until"] = _until(why, wall)
        rows["next"] = _AFTER if why["expired"] and why["timing"] in _OTHERS else ""
    if why["code"] != Code.SUCCESS.value:
        rows["cure"] = why["cure"]
    rows |= spent
    return {title: text for title, text in rows.items() if text}


def cause_line(described: Mapping[str, Any]) -> str:
    """Return why a job is in its state, in one line: code, summary, detail, cure."""
    cause, cure = cause_and_cure(described)
    return f"{cause} Cure: {cure}" if cure else cause


def cause_and_cure(described: Mapping[str, Any]) -> tuple[str, str]:
    """Return why a job is in its state (code, summary, detail), and its cure, which may be empty."""
    why = described["outcome"] or described["pending"]
    if why is None:
        return _WITHOUT_CAUSE.get(described["state"], (described["state"], ""))
    sentence = f"{why['code']}: {_sentence(why['summary'], why['detail'])}"
    return " ".join(sentence.split()), " ".join(why["cure"].split())


_WITHOUT_CAUSE: Mapping[str, tuple[str, str]] = {
    "RUNNING": ("Running: the job runs.", ""),
    "STARTING": ("Starting: the pod has not been looked at yet.", "ask again in a moment"),
    "UNKNOWN": ("Unknown: Kubernetes or helm could not be asked.", "read missing.txt"),
}


def _until(why: Mapping[str, Any], wall: datetime) -> str:
    deadline, clock = why["deadline"], why["clock"]
    if deadline is None:
        return f"no limit ({clock})" if clock else "no limit"
    left = _left((datetime.fromisoformat(deadline) - wall).total_seconds(), Timing(why["timing"]))
    return f"{deadline} ({clock}{': ' if clock else ''}{left})"


def _left(seconds: float, timing: Timing) -> str:
    if timing is Timing.NOTED and seconds < _A_SECOND:
        return "run out by the clock of who waited for the job"
    if timing is Timing.CLUSTER and seconds < _A_SECOND:
        return "run out by the cluster's clock"
    return _LEFT[timing].format(f"{max(0.0, seconds):.0f}")


_LEFT: Mapping[Timing, str] = {
    Timing.WATCHED: "{} s left",
    Timing.NOTED: "{} s left",
    Timing.CLUSTER: "about {} s left by the cluster's clock",
    Timing.UNKNOWN: "at most {} s left",
}


def _sentence(summary: str, detail: str) -> str:
    """Return both as one text; the summary is not repeated when the detail begins with it."""
    return f"{summary} {_without(summary, detail)}".rstrip()


def _without(summary: str, detail: str) -> str:
    return named_once(detail.removeprefix(summary).strip())
