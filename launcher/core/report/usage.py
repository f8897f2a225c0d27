"""What jobs that are gone have used, summed by study, site, code or job."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from launcher.core.catalogue import Code
from launcher.core.lifecycle.ledger import RUNNING
from launcher.core.moments import UNITS, seconds_of
from launcher.core.report.history import Record

__all__ = ["KEYS", "Use", "causes_text", "once", "seconds_text", "since_of", "summed", "to_json"]

# What jobs can be summed by -> the value of a record. FLARE calls the study of a job without one "default".
KEYS: Mapping[str, Callable[[Record], str]] = {
    "study": lambda record: record.study or "default",
    "site": lambda record: record.site,
    "code": lambda record: record.code,
    "job": lambda record: record.job,
    "submitter": lambda record: record.submitter or "unknown",
}

# Seconds: two parents that have seen the same launch give it times that are a little apart.
_SAME_LAUNCH = 5.0


@dataclass(frozen=True)
class Use:
    """What the jobs of one key have used.

    Attributes:
        key: the study, site, code or job.
        jobs: how many ended; each job process of a job at a site counts.
        failed: how many of them not well.
        seconds: where their time went, by cause.
        records: of the jobs, in the order of the history.
    """

    key: str
    jobs: int
    failed: int
    seconds: Mapping[str, float]
    records: tuple[Record, ...] = ()

    @property
    def running(self) -> float:
        """Seconds in which their containers ran."""
        return self.seconds.get(RUNNING, 0.0)

    @property
    def waiting(self) -> Mapping[str, float]:
        """Seconds in which they did not, by cause, the longest first."""
        found = ((cause, seconds) for cause, seconds in self.seconds.items() if cause != RUNNING)
        return dict(sorted(found, key=lambda item: (-item[1], item[0])))


def summed(records: Iterable[Record], by: str, since: datetime | None) -> list[Use]:
    """Return the sums by a key of :data:`KEYS`, the longest time first.

    Args:
        records: of jobs; one that is there twice counts once: two parents may have seen its end.
        by: the key.
        since: leave out jobs that ended before; None = none.
    """
    found: dict[str, list[Record]] = {}
    for one in once(records):
        if since is None or one.ended >= since:
            found.setdefault(KEYS[by](one), []).append(one)
    uses = [_use(key, ones) for key, ones in found.items()]
    return sorted(uses, key=lambda use: (-sum(use.seconds.values()), use.key))


def once(records: Iterable[Record]) -> Iterator[Record]:
    """Return each job once: two parents of a site may have seen its end."""
    found: dict[tuple[str, str], Record] = {}
    for one in sorted(records, key=lambda record: (record.launched, record.ended)):
        known = found.get((one.release, one.namespace))
        if known is None or (one.launched - known.launched).total_seconds() > _SAME_LAUNCH:
            found[one.release, one.namespace] = one
            yield one


def _use(key: str, records: list[Record]) -> Use:
    seconds: dict[str, float] = {}
    for one in records:
        for cause, lasted in one.seconds.items():
            seconds[cause] = seconds.get(cause, 0.0) + lasted
    failed = sum(one.code != Code.SUCCESS.value for one in records)
    return Use(key, len(records), failed, seconds, tuple(records))


def seconds_text(seconds: float) -> str:
    """Return a time as people say it, in its two largest units: ``3h 12m``, ``41s``."""
    rest, words = round(seconds), []
    for size, unit in UNITS:
        if rest >= size:
            words.append(f"{rest // size}{unit}")
            rest %= size
    words.append(f"{rest}s")
    return " ".join(word for word in words[:2] if word != "0s") or "0s"


def causes_text(seconds: Mapping[str, float], most: int = 3) -> str:
    """Return the longest causes with their times; those of less than a second are left out."""
    said = [f"{cause} {seconds_text(lasted)}" for cause, lasted in seconds.items() if lasted >= 1.0]
    more = f", {len(said) - most} more" if len(said) > most else ""
    return ", ".join(said[:most]) + more


def since_of(
    text: str, now: datetime, local: Callable[[datetime], datetime] | None = None
) -> datetime | None:
    """Return the moment that ``24h``, ``7d``, ``2026-11-29`` or a time of ISO 8601 means; None = it is none.

    Args:
        text: what somebody wrote; a date is its beginning, and what names no zone is local.
        now: what an age counts from; what is before 1970 is that year, and far in the future none.
        local: returns a local time with its zone, which may be another one in summer; None = that of ``now``.
    """
    age = seconds_of(text)
    if age is not None:
        return datetime.fromtimestamp(max(0.0, now.timestamp() - age), now.tzinfo)
    try:
        # Python 3.10 does not read the Z with which Kubernetes ends every time.
        found = datetime.fromisoformat(re.sub("[Zz]$", "+00:00", text))
    except ValueError:
        return None
    first = datetime.fromtimestamp(0, now.tzinfo)
    if not first.year <= found.year <= now.year + 1:  # in some zone it may be no date any more
        return first if found.year < first.year else None
    if found.tzinfo is None:
        found = found.replace(tzinfo=now.tzinfo) if local is None else local(found)
    return max(first, found)


def to_json(use: Use, by: str) -> dict[str, Any]:
    """Return the sums as JSON; times in seconds. By ``job`` they have the records of its processes, too."""
    waiting = {cause: round(seconds, 3) for cause, seconds in use.waiting.items()}
    records = {"records": [_record_json(one) for one in use.records]} if by == "job" else {}
    return {
        "key": use.key,
        "jobs": use.jobs,
        "failed": use.failed,
        "runningSeconds": round(use.running, 3),
        "waitingSeconds": waiting,
        **records,
    }


def _record_json(one: Record) -> dict[str, Any]:
    """Return who ran what, where and with which end."""
    return {
        "release": one.release,
        "namespace": one.namespace,
        "site": one.site,
        "role": one.role,
        "study": one.study,
        "submitter": {"name": one.submitter, "org": one.submitter_org, "role": one.submitter_role},
        "image": one.image,
        "digest": one.digest,
        "digestOf": one.digest_of,
        "requests": dict(one.resources),
        "node": one.node,
        "launched": one.launched.isoformat(timespec="seconds"),
        "ended": one.ended.isoformat(timespec="seconds"),
        "code": one.code,
        "returnCode": one.return_code,
        "exitCode": one.exit_code,
        "clock": one.clock,
        "seconds": dict(one.seconds),
    }
