"""What a site tells FLARE's server of a job: why it waits, or how it ended. No text of the pod is among it.

Whoever submitted a job sees of FLARE 2.9 only its status; the cause stays in the log of a parent at a site. A
verdict is a code of the catalogue, a clock and, of a job that waits, one sentence of
Kubernetes without credentials; what a job process wrote, such as its termination message, stays at its site.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from launcher.core.catalogue import CATALOGUE, Code
from launcher.core.catalogue.returncodes import ReturnCode
from launcher.core.checks import invalid, require_mapping
from launcher.core.ending.outcome import Outcome
from launcher.core.foreign import line
from launcher.core.lifecycle.state import JobState, Track
from launcher.core.moments import moment
from launcher.core.pending.clocks import Verdict
from launcher.core.redaction import Mask
from launcher.errors import InvalidInput

__all__ = [
    "META_KEY",
    "MOST_JOBS",
    "SiteVerdict",
    "from_message",
    "from_meta",
    "is_news",
    "refused",
    "to_message",
    "to_meta",
    "told_of",
    "verdict_of",
    "with_told",
]

# Of the meta at the server: whose verdicts these are, for a clone takes the meta along; what the sites say.
META_KEY, _OF_JOB, _SITES = "fljob", "job_id", "sites"
MOST_JOBS = 100
_VERSION = 1
_LONGEST_DETAIL, _LONGEST_WORD = 300, 64
# A deadline moves while a clock stands still: what the server has is then at most so old.
_REPEATED = 60.0
_A_SECOND = timedelta(seconds=1)
_WHERE = "verdict of a site"
_KNOWN = {code.value: code for code in Code}


@dataclass(frozen=True)
class SiteVerdict:
    """What one site says of one job.

    Attributes:
        state: of the job at the site, a word of :class:`JobState`; a later fljob may have others.
        code: why it waits, or how it ended: a code of the catalogue, or of a later one; empty while it runs.
        detail: what Kubernetes says of one that waits, without credentials.
        clock: the setting that bounds the wait, or whose time ran out; empty when none does.
        since: when the cause began, ISO 8601; empty of one that runs or has ended.
        deadline: when the clock runs out; empty = never.
        return_code: of a job that has ended, as FLARE's parent gets it.
        exit_code: of its container, when that ended by itself.
    """

    state: str
    code: str = ""
    detail: str = ""
    clock: str = ""
    since: str = ""
    deadline: str = ""
    return_code: int | None = None
    exit_code: int | None = None

    @property
    def known(self) -> Code | None:
        """The code as one of our catalogue; None of a job that runs, and of a code of a later fljob."""
        return _KNOWN.get(self.code)

    @property
    def is_final(self) -> bool:
        """Whether nothing follows it."""
        return self.return_code is not None


def verdict_of(track: Track, now: float, wall: datetime, mask: Mask) -> SiteVerdict:
    """Return what a site tells of a job.

    Args:
        track: everything known about it.
        now: monotonic seconds.
        wall: wall clock time of the same moment.
        mask: hides the job's credentials.
    """
    if track.outcome is not None:
        return _ended(track.state, track.outcome)
    if track.verdict is not None:
        return _waiting(track.state, track.verdict, now, wall, mask)
    return SiteVerdict(track.state.value)


def refused(code: Code, detail: str, return_code: ReturnCode, mask: Mask) -> SiteVerdict:
    """Return what a site tells of a job whose creation was refused for good."""
    failed = JobState.FAILED.value
    return SiteVerdict(failed, code.value, _sentence(detail, mask), return_code=int(return_code))


def _ended(state: JobState, outcome: Outcome) -> SiteVerdict:
    return SiteVerdict(
        state.value,
        outcome.code.value,
        clock=outcome.clock,
        return_code=int(outcome.return_code),
        exit_code=outcome.exit_code,
    )


def _waiting(state: JobState, verdict: Verdict, now: float, wall: datetime, mask: Mask) -> SiteVerdict:
    return SiteVerdict(
        state.value,
        verdict.code.value,
        _sentence(verdict.detail, mask),
        verdict.clock,
        moment(verdict.since, now, wall),
        "" if verdict.deadline is None else moment(verdict.deadline, now, wall),
    )


def _sentence(text: str, mask: Mask) -> str:
    return line(mask(text), _LONGEST_DETAIL)


def is_news(before: SiteVerdict | None, after: SiteVerdict, age: float) -> bool:
    """Tell whether the server should hear of it.

    Words that only count something, such as "0/3 nodes are available", are no news.

    Args:
        before: what it has heard, None = nothing.
        after: what there is to tell.
        age: seconds since it has heard.
    """
    if before is None or _key(before) != _key(after):
        return True
    return age >= _REPEATED and _has_moved(before.deadline, after.deadline)


def _key(verdict: SiteVerdict) -> tuple[object, ...]:
    return verdict.state, verdict.code, verdict.clock, bool(verdict.deadline), verdict.return_code


def _has_moved(before: str, after: str) -> bool:
    if not before or not after:
        return before != after
    return abs(datetime.fromisoformat(before) - datetime.fromisoformat(after)) > _A_SECOND


def to_message(verdicts: Mapping[str, SiteVerdict]) -> dict[str, Any]:
    """Return the message that a site sends of these jobs, by id; what there is to say only."""
    jobs = {job: _short(verdict) for job, verdict in verdicts.items()}
    return {"version": _VERSION, "jobs": jobs}


def from_message(content: Any) -> dict[str, SiteVerdict]:
    """Return the verdicts of a message, by job; a registered site may send anything.

    Raises:
        InvalidInput: it is no such message.
    """
    jobs = require_mapping(require_mapping(content, _WHERE).get("jobs"), _WHERE)
    if len(jobs) > MOST_JOBS:
        raise invalid(_WHERE, len(jobs), f"must be of {MOST_JOBS} jobs at most")
    return {_text(job, 200, "job"): _read(one) for job, one in jobs.items()}


def to_meta(verdict: SiteVerdict, told: datetime) -> dict[str, Any]:
    """Return what the meta of a job has of a site: the verdict in words, for who reads it without our tools.

    Args:
        verdict: of the site.
        told: when the server heard it.
    """
    known = verdict.known
    summary = {} if known is None else {"summary": CATALOGUE[known].summary}
    return {**_short(verdict), **summary, "told": told.isoformat(timespec="seconds")}


def told_of(meta: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the meta of a job has of it, by site; nothing of a clone whose sites have not told yet."""
    content = meta.get(META_KEY)
    if not isinstance(content, Mapping) or content.get(_OF_JOB) != meta.get(_OF_JOB):
        return {}
    sites = content.get(_SITES)
    return dict(sites) if isinstance(sites, Mapping) else {}


def with_told(job_id: str, sites: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is to be written into the meta of a job."""
    return {META_KEY: {_OF_JOB: job_id, _SITES: dict(sites)}}


def from_meta(meta: Mapping[str, Any]) -> dict[str, SiteVerdict]:
    """Return the verdicts of a job's meta, by site; what is no verdict is left out."""
    found = {}
    for site, one in told_of(meta).items():
        try:
            found[_text(site, 200, "site")] = _read(one)
        except InvalidInput:
            continue
    return found


def _short(verdict: SiteVerdict) -> dict[str, Any]:
    return {key: value for key, value in asdict(verdict).items() if value not in ("", None)}


def _read(content: Any) -> SiteVerdict:
    given = require_mapping(content, _WHERE)
    return SiteVerdict(**{key: read(given.get(key), key) for key, read in _READERS.items()})


def _text(value: Any, most: int, key: str) -> str:
    if not isinstance(value, str):
        raise invalid(f"{_WHERE}: {key}", value, "must be text")
    return line(value, most)


def _word(value: Any, key: str) -> str:
    return _text("" if value is None else value, _LONGEST_WORD, key)


def _detail(value: Any, key: str) -> str:
    return _text("" if value is None else value, _LONGEST_DETAIL, key)


def _moment(value: Any, key: str) -> str:
    text = _word(value, key)
    try:
        return text and datetime.fromisoformat(text).isoformat(timespec="seconds")
    except ValueError as error:
        raise invalid(f"{_WHERE}: {key}", value, "must be a time as of ISO 8601") from error


def _number(value: Any, key: str) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 31):
        return value
    raise invalid(f"{_WHERE}: {key}", value, "must be a return code")


_READERS: Mapping[str, Callable[[Any, str], Any]] = {
    "state": _word,
    "code": _word,
    "detail": _detail,
    "clock": _word,
    "since": _moment,
    "deadline": _moment,
    "return_code": _number,
    "exit_code": _number,
}
