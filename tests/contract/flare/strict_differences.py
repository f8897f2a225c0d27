"""What policy strict does not do as FLARE 2.9.0 does: one list, each entry with its reason.

An entry does not excuse a case. It says how to read the recording (or what FLARE says of it) our way, and then
the two have to agree again, look by look.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from launcher.core.catalogue.returncodes import ReturnCode
from tests.contract.flare.strict_case import UID, Case, Json, Look
from tests.contract.flare.strict_side import Told, flare

__all__ = ["DIFFERENCES", "Difference", "expected"]

Trace = tuple[Told, ...]


@dataclass(frozen=True)
class Difference:
    """One deliberate difference.

    Attributes:
        name: what ours does.
        why: the reason.
        applies: whether it plays a part in this recording, given what FLARE says of it.
        read: the recording as ours reads it.
        tell: what FLARE says, in our words.
    """

    name: str
    why: str
    applies: Callable[[Case, Trace], bool]
    read: Callable[[Case], Case] = lambda case: case
    tell: Callable[[Trace], Trace] = lambda told: told


def _looked_at(case: Case, told: Trace) -> tuple[Look, ...]:
    return case.looks[: len(told)]


def _asked(case: Case, told: Trace) -> Iterator[Json]:
    """Yield the events that FLARE read."""
    for look, one in zip(case.looks, told, strict=False):
        if one.asked and look.events_error is None:
            yield from look.events


def _each_event(case: Case, change: Callable[[Json], Json | None]) -> Case:
    looks = []
    for look in case.looks:
        changed = (change(event) for event in look.events)
        looks.append(replace(look, events=tuple(event for event in changed if event is not None)))
    return replace(case, looks=tuple(looks))


_CONFIRMED = 5.0


def _confirmed_absences(case: Case) -> Case:
    """Read the first five seconds of a row of absences as "could not ask"."""
    since: float | None = None
    looks = []
    for look in case.looks:
        if look.error is None and not look.terminate:
            since = None
        elif look.error == 404 and since is None:
            since = look.at
        fresh = look.error == 404 and since is not None and look.at - since < _CONFIRMED
        looks.append(replace(look, error=500) if fresh else look)
    return replace(case, looks=tuple(looks))


def _is_foreign(look: Look) -> bool:
    return look.pod is not None and look.pod["metadata"]["uid"] != UID


def _each_look(case: Case, applies: Callable[[Look], bool], **changes: Any) -> Case:
    looks = (replace(look, **changes) if applies(look) else look for look in case.looks)
    return replace(case, looks=tuple(looks))


def _are_forbidden(look: Look) -> bool:
    return look.events_error == 403


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
        applies=lambda case, told: any(map(_is_foreign, _looked_at(case, told))),
        read=lambda case: _each_look(case, _is_foreign, pod=None, error=404),
    ),
    Difference(
        "an absence has to last five seconds",
        "one shared list+watch answers for all jobs; it can be older than the pod. The end and its code are "
        "FLARE's, up to five seconds later; until then the pod is one that could not be read.",
        applies=lambda case, told: any(look.error == 404 for look in _looked_at(case, told)),
        read=_confirmed_absences,
    ),
    Difference(
        "events are read by uid",
        "an earlier pod of the same name (a relaunched job) must not end this one.",
        applies=lambda case, told: any(_mine(event) is None for event in _asked(case, told)),
        read=lambda case: _each_event(case, _mine),
    ),
    Difference(
        "events that may not be read stop no clock",
        "a right that is missing stays missing: a clock that waited for it would never run out.",
        applies=lambda case, told: any(
            one.asked and _are_forbidden(look) for look, one in zip(case.looks, told, strict=False)
        ),
        read=lambda case: _each_look(case, _are_forbidden, events=(), events_error=None),
    ),
    Difference(
        "the newest time of an event counts",
        "FLARE takes eventTime, which is the first occurrence; a failure that goes on is not an old one.",
        applies=lambda case, told: any(
            _times(event)[0] != max(_times(event)) for event in _asked(case, told) if _times(event)
        ),
        read=lambda case: _each_event(case, _newest_time),
    ),
    Difference(
        "the release of a job that succeeded is removed",
        "FLARE leaves Completed pods behind; nothing of them runs.",
        applies=lambda _, told: told[-1].ended and told[-1].code == ReturnCode.OK,
        tell=lambda told: (*told[:-1], replace(told[-1], removes=True)),
    ),
    Difference(
        "the first end stays",
        "FLARE's parent terminates jobs that have ended by themselves; FLARE's handle then says 9.",
        applies=lambda case, told: any(one.ended for one in told[:-1]),
        read=lambda case: replace(case, looks=tuple(look for look in case.looks if not look.terminate)),
    ),
)


def expected(
    case: Case, entries: tuple[Difference, ...] = DIFFERENCES, run: Callable[[Case], Trace] = flare
) -> tuple[Trace, tuple[Difference, ...]]:
    """Return what FLARE says of a recording, read our way as far as an entry demands it, and those entries."""
    used: tuple[Difference, ...] = ()
    while True:
        read = case
        for entry in used:
            read = entry.read(read)
        told = run(read)
        new = next((e for e in entries if e not in used and e.applies(read, told)), None)
        if new is None:
            break
        # In the order of the list: what one entry reads as an absence has to last five seconds, too.
        used = tuple(entry for entry in entries if entry in used or entry is new)
    for entry in used:
        told = entry.tell(told)
    return told, used
