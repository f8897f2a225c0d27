"""What policy strict does not do as FLARE 2.9.0 does: one list, each entry with its reason.

An entry does not excuse a case. It changes the recording (or FLARE's results) to what ours makes of it, and then
both have to agree after every snapshot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from launcher.core.catalogue.returncodes import ReturnCode
from tests.contract.flare.strict_case import UID, Case, Json, Snapshot
from tests.contract.flare.strict_side import Result, flare

__all__ = ["DIFFERENCES", "Difference", "expected"]

Trace = tuple[Result, ...]


@dataclass(frozen=True)
class Difference:
    """One deliberate difference.

    Attributes:
        name: what ours does.
        why: the reason.
        applies: whether it matters in this recording, given FLARE's results.
        read: changes the recording to what ours reads.
        translate: changes FLARE's results to ours.
    """

    name: str
    why: str
    applies: Callable[[Case, Trace], bool]
    read: Callable[[Case], Case] = lambda case: case
    translate: Callable[[Trace], Trace] = lambda results: results


def _evaluated(case: Case, results: Trace) -> tuple[Snapshot, ...]:
    return case.snapshots[: len(results)]


def _asked(case: Case, results: Trace) -> Iterator[Json]:
    """Yield the events that FLARE read."""
    for snapshot, one in zip(case.snapshots, results, strict=False):
        if one.asked and snapshot.events_error is None:
            yield from snapshot.events


def _each_event(case: Case, change: Callable[[Json], Json | None]) -> Case:
    snapshots = []
    for snapshot in case.snapshots:
        changed = (change(event) for event in snapshot.events)
        snapshots.append(replace(snapshot, events=tuple(event for event in changed if event is not None)))
    return replace(case, snapshots=tuple(snapshots))


_CONFIRMED = 5.0


def _confirmed_absences(case: Case) -> Case:
    """Replace the absences of the first five seconds by failed reads."""
    since: float | None = None
    snapshots = []
    for snapshot in case.snapshots:
        if snapshot.error is None and not snapshot.terminate:
            since = None
        elif snapshot.error == 404 and since is None:
            since = snapshot.at
        fresh = snapshot.error == 404 and since is not None and snapshot.at - since < _CONFIRMED
        snapshots.append(replace(snapshot, error=500) if fresh else snapshot)
    return replace(case, snapshots=tuple(snapshots))


def _is_foreign(snapshot: Snapshot) -> bool:
    return snapshot.pod is not None and snapshot.pod["metadata"]["uid"] != UID


def _each_snapshot(case: Case, applies: Callable[[Snapshot], bool], **changes: Any) -> Case:
    snapshots = (
        replace(snapshot, **changes) if applies(snapshot) else snapshot for snapshot in case.snapshots
    )
    return replace(case, snapshots=tuple(snapshots))


def _are_forbidden(snapshot: Snapshot) -> bool:
    return snapshot.events_error == 403


def _times(event: Json) -> list[str]:
    """Return the time stamps of an event in the order in which FLARE takes the first."""
    places = (
        event.get("eventTime"),
        (event.get("series") or {}).get("lastObservedTime"),
        event.get("lastTimestamp"),
        event.get("firstTimestamp"),
        event["metadata"].get("creationTimestamp"),
    )
    return [text for text in places if text]


def _newest_time(event: Json) -> Json:
    if not _times(event):
        return event
    rest = {
        key: value for key, value in event.items() if key not in ("eventTime", "series", "firstTimestamp")
    }
    return {**rest, "lastTimestamp": max(_times(event))}


def _mine(event: Json) -> Json | None:
    return event if event["involvedObject"]["uid"] == UID else None


DIFFERENCES = (
    Difference(
        "a pod is known by its uid",
        "another pod of the same name is not this job: ours is gone.",
        applies=lambda case, results: any(map(_is_foreign, _evaluated(case, results))),
        read=lambda case: _each_snapshot(case, _is_foreign, pod=None, error=404),
    ),
    Difference(
        "an absence has to last five seconds",
        "one shared list+watch answers for all jobs; it can be older than the pod. The end and its code are "
        "FLARE's, up to five seconds later; until then the pod is one that could not be read.",
        applies=lambda case, results: any(snapshot.error == 404 for snapshot in _evaluated(case, results)),
        read=_confirmed_absences,
    ),
    Difference(
        "events are read by uid",
        "an earlier pod of the same name (a relaunched job) must not end this one.",
        applies=lambda case, results: any(_mine(event) is None for event in _asked(case, results)),
        read=lambda case: _each_event(case, _mine),
    ),
    Difference(
        "events that may not be read stop no clock",
        "a right that is missing stays missing: a clock that waited for it would never run out.",
        applies=lambda case, results: any(
            one.asked and _are_forbidden(snapshot)
            for snapshot, one in zip(case.snapshots, results, strict=False)
        ),
        read=lambda case: _each_snapshot(case, _are_forbidden, events=(), events_error=None),
    ),
    Difference(
        "the newest time of an event counts",
        "FLARE takes eventTime, which is the first occurrence; a failure that goes on is not an old one.",
        applies=lambda case, results: any(
            _times(event)[0] != max(_times(event)) for event in _asked(case, results) if _times(event)
        ),
        read=lambda case: _each_event(case, _newest_time),
    ),
    Difference(
        "the release of a job that succeeded is removed",
        "FLARE leaves Completed pods behind; nothing of them runs.",
        applies=lambda _, results: results[-1].ended and results[-1].code == ReturnCode.OK,
        translate=lambda results: (*results[:-1], replace(results[-1], removes=True)),
    ),
    Difference(
        "the first end stays",
        "FLARE's parent terminates jobs that have ended by themselves; FLARE's handle then says 9.",
        applies=lambda case, results: any(one.ended for one in results[:-1]),
        read=lambda case: replace(
            case, snapshots=tuple(snapshot for snapshot in case.snapshots if not snapshot.terminate)
        ),
    ),
)


def expected(
    case: Case, entries: tuple[Difference, ...] = DIFFERENCES, run: Callable[[Case], Trace] = flare
) -> tuple[Trace, tuple[Difference, ...]]:
    """Return FLARE's results for a recording after the changes of the entries that apply, and these entries."""
    used: tuple[Difference, ...] = ()
    while True:
        read = case
        for entry in used:
            read = entry.read(read)
        results = run(read)
        new = next((e for e in entries if e not in used and e.applies(read, results)), None)
        if new is None:
            break
        # In the order of the list: what one entry reads as an absence has to last five seconds, too.
        used = tuple(entry for entry in entries if entry in used or entry is new)
    for entry in used:
        results = entry.translate(results)
    return results, used
