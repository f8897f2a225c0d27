"""The lines of `fljob list --watch` and `fljob top`: as wide and as high as the terminal, never more.

What has no room beside a job stands below it, so that nothing but the end of a sentence is ever missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import click
from rich.cells import cell_len, set_cell_size

from launcher.cli.job_cells import asks, cause, decides, left, short_ids
from launcher.cli.jobs_table import STATE_COLOURS
from launcher.core import foreign
from launcher.core.report.bundle import age

__all__ = ["Room", "crop", "job_lines"]

Row = Mapping[str, Any]

_GAP = "  "
_MORE = "..."
# Where there is no room beside a job these go below it, first to last, and those of the second line away.
_BELOW = ("ASKS", "NODE")
_DROPPED = ("POD", "RELEASE", "STUDY", "NAMESPACE", "AGE", "SITE", "LEFT")
# Columns whose texts change all the time stay as wide as their longest text.
_AT_LEAST = {"STATE": 10, "LEFT": 4, "AGE": 4}
_LONGEST = {"JOB": 40, "SITE": 20, "STUDY": 20, "NODE": 40, "RELEASE": 53, "POD": 63, "NAMESPACE": 30}
_NARROWEST_WHY = 24
# How pressing a job is: where there is no room for all, the last ones go first.
_STATES = ("UNKNOWN", "STARTING", "FAILED", "RUNNING", "TERMINATED", "SUCCEEDED")


@dataclass(frozen=True)
class Room:
    """What there is room for.

    Attributes:
        width: columns of the terminal.
        height: lines that the jobs may take; None = as many as it takes.
        namespaces: with the namespace of each job.
        wide: with the names of release and pod, and job ids in full, where there is room.
    """

    width: int
    height: int | None = None
    namespaces: bool = False
    wide: bool = False


def job_lines(rows: Sequence[Row], now: datetime, room: Room, *, pressing_first: bool = False) -> list[str]:
    """Return the lines of the jobs with their heads, with colours, each at most as wide as the terminal.

    Args:
        rows: the jobs as JSON.
        now: the time now.
        room: what there is room for.
        pressing_first: in the order of what somebody has to do about them, else in the order given.
    """
    jobs = sorted(rows, key=partial(_pressing, now=now)) if pressing_first else list(rows)
    table = _Table(jobs, now, room)
    blocks = [table.block(number) for number in range(len(jobs))]
    if room.height is None or 1 + sum(map(len, blocks)) <= room.height:
        return [table.head(), *(line for block in blocks for line in block)]
    shown, free = set[int](), room.height - 2  # the heads, and what is said of the rest
    for number in sorted(range(len(jobs)), key=lambda number: _pressing(jobs[number], now)):
        free -= len(blocks[number])
        if free < 0:
            break
        shown.add(number)
    rest = _counted(job["state"] for number, job in enumerate(jobs) if number not in shown)
    lines = [table.head(), *(line for number in sorted(shown) for line in blocks[number])]
    return [*lines, crop(f"and {len(jobs) - len(shown)} more: {rest}", room.width)][: room.height]


def _pressing(row: Row, now: datetime) -> tuple[int, float]:
    pending, state = row["pending"], row["state"]
    rank = _STATES.index(state) if state in _STATES else 0
    if pending and pending["deadline"]:
        return rank, (datetime.fromisoformat(pending["deadline"]) - now).total_seconds()
    launched = datetime.fromisoformat(row["launched"]) if row["launched"] else now
    # The newest first; after those whose time is limited, of which none has a century.
    return rank, 1e10 - launched.timestamp()


def _counted(states: Iterable[str]) -> str:
    given = list(states)
    return ", ".join(f"{given.count(state)} {state}" for state in dict.fromkeys(given))


def crop(text: str, width: int) -> str:
    """Return the beginning of a text that has ``width`` columns, and says so where it was cut."""
    if cell_len(text) <= width:
        return text
    if width <= len(_MORE):
        return set_cell_size(text, max(0, width))
    return f"{set_cell_size(text, width - len(_MORE)).rstrip()}{_MORE}"


class _Table:
    """Columns and widths that fit all jobs, but for those of pods that are no job's."""

    def __init__(self, jobs: Sequence[Row], now: datetime, room: Room) -> None:
        self._room, deciding = room, [job for job in jobs if decides(job)] or jobs
        ids = {} if room.wide else short_ids(job["jobId"] for job in deciding)
        cells = _columns(now, ids, room)
        self._cells = {
            name: [_bounded(name, cell(job)) for job in jobs]
            for name, cell in cells.items()
            if name != "STUDY" or any(job["study"] for job in deciding)
        }
        self._why = [cause(job, now) for job in jobs]
        counted = [number for number, job in enumerate(jobs) if decides(job)] or range(len(jobs))
        self._widths = {
            name: max([_AT_LEAST.get(name, 0), cell_len(name), *(cell_len(texts[n]) for n in counted)])
            for name, texts in self._cells.items()
        }
        self._states = [job["state"] for job in jobs]
        self._below: list[str] = []
        longest = max((self._why[n].least for n in counted), default=0)
        self._has_why = self._used() + len(_GAP) + max(_NARROWEST_WHY, longest) <= room.width
        if not self._has_why:
            self._make_room()

    def _used(self) -> int:
        shown = [name for name in self._cells if name not in self._below]
        return sum(self._widths[name] for name in shown) + len(_GAP) * (len(shown) - 1)

    def _make_room(self) -> None:
        for name in ("POD", "RELEASE", *_BELOW):
            if self._used() > self._room.width and name in self._cells:
                if name in _BELOW:
                    self._below.append(name)
                else:
                    del self._cells[name]
        for name in _DROPPED:
            if self._used() > self._room.width:
                self._cells.pop(name, None)

    def head(self) -> str:
        """Return the line of titles."""
        names = {name: name for name in self._cells if name not in self._below}
        line = self._joined(names) + (f"{_GAP}WHY" if self._has_why else "")
        return click.style(crop(line.rstrip(), self._room.width), bold=True)

    def block(self, number: int) -> list[str]:
        """Return the lines of one job: one, and below it what has no room there."""
        width, why = self._room.width, self._why[number]
        line = self._joined({n: texts[number] for n, texts in self._cells.items() if n not in self._below})
        if self._has_why:
            return [
                self._coloured(f"{line}{_GAP}{why.within(width - self._used() - len(_GAP))}".rstrip(), number)
            ]
        first = self._coloured(crop(line.rstrip(), width), number)
        beside = _GAP.join(filter(None, (self._cells[name][number] for name in reversed(self._below))))
        space = width - len(_GAP)
        shared = space - cell_len(beside) - len(_GAP)
        if why and beside and shared >= why.wanted:
            below = [f"{why.within(shared)}{_GAP}{beside}"]
        else:
            below = [text for text in (why.within(space) if why else "", beside) if text]
        return [first, *(crop(f"{_GAP}{text}", width) for text in below)]

    def _joined(self, texts: Mapping[str, str]) -> str:
        return _GAP.join(set_cell_size(text, self._widths[name]) for name, text in texts.items())

    def _coloured(self, line: str, number: int) -> str:
        state = self._states[number]
        before = [n for n in self._cells if n not in self._below]
        start = sum(self._widths[n] + len(_GAP) for n in before[: before.index("STATE")])
        head = set_cell_size(line, start) if cell_len(line) > start else line
        rest = line[len(head) :]
        if not rest.startswith(state):
            return line
        return f"{head}{click.style(state, fg=STATE_COLOURS.get(state, 'white'))}{rest[len(state) :]}"


def _bounded(name: str, text: str) -> str:
    return foreign.head(text, _LONGEST.get(name, 40))


def _columns(now: datetime, ids: Mapping[str, str], room: Room) -> dict[str, Callable[[Row], str]]:
    def pod(row: Row, key: str) -> str:
        return str((row["pod"] or {}).get(key, ""))

    def job(row: Row) -> str:
        known = row["jobId"] or row["release"] or f"pod/{pod(row, 'name')}"
        return str(ids.get(known, known))

    def old(row: Row) -> str:
        return age(datetime.fromisoformat(row["launched"]), now) if row["launched"] else ""

    columns: dict[str, Callable[[Row], str]] = {
        "NAMESPACE": lambda row: str(row["namespace"]),
        "JOB": job,
        "SITE": lambda row: str(row["site"]),
        "STUDY": lambda row: str(row["study"]),
        "STATE": lambda row: str(row["state"]),
        "LEFT": lambda row: left(row["pending"], now),
        "AGE": old,
        "NODE": lambda row: pod(row, "node"),
        "ASKS": asks,
        "RELEASE": lambda row: str(row["release"]),
        "POD": lambda row: pod(row, "name"),
    }
    hidden = set() if room.namespaces else {"NAMESPACE"}
    hidden |= set() if room.wide else {"RELEASE", "POD"}
    return {name: cell for name, cell in columns.items() if name not in hidden}
