"""One frame of a live table: what is looked at, how many jobs there are, what is wrong, and the jobs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from textwrap import wrap
from typing import Any

import click
from rich.cells import cell_len

from launcher.cli.job_cells import OVER, cause, lasting, left
from launcher.cli.live_table import Room, crop, job_lines
from launcher.core import foreign
from launcher.core.catalogue import Code
from launcher.core.report.bundle import age

__all__ = ["Frame", "frame_lines"]

Row = Mapping[str, Any]

_STATES = ("STARTING", "RUNNING", "FAILED", "SUCCEEDED", "TERMINATED", "UNKNOWN")
# Ends that nobody has to do anything about.
_FINE = frozenset({Code.SUCCESS.value, Code.TERMINATED.value})
# Lines of a terminal from which there is room for causes, and how much of it they may take.
_HIGH_ENOUGH, _SHARE = 12, 3
_LINES_OF_A_CAUSE = 2
# Below this many lines there are none between title, causes and jobs.
_LOW, _BLANK_LINES = 18, 2
# Heads and the first job, and what is said of the other jobs and causes.
_LINES_OF_THE_REST = 5
_INDENT = "  "
# Of why the jobs cannot be seen: characters, lines, and columns in which words can be broken into lines.
_LONGEST_WHY, _MOST_OF_WHY, _NARROWEST = 400, 3, 20


@dataclass(frozen=True)
class Frame:
    """What is shown at one moment.

    Attributes:
        where: what is looked at, such as ``namespace fl``.
        rows: the jobs as JSON.
        now: the time now.
        as_of: when the jobs were right.
        why: why nobody can tell whether they still are; empty while they are.
        summary: with the causes, and what would help, above the jobs; pressing jobs first.
        hint: how it ends, where there is room.
    """

    where: str
    rows: Sequence[Row]
    now: datetime
    as_of: datetime
    why: str = ""
    summary: bool = False
    hint: str = ""


def frame_lines(frame: Frame, room: Room) -> list[str]:
    """Return the lines of a frame, with colours, no more and none wider than the terminal has room for."""
    lines = [_title(frame, room.width)]
    if frame.why:
        lines += _lost(frame, room.width)
    if not frame.rows:
        return [*lines, crop("no jobs; one that is launched appears here", room.width)]
    table = job_lines(frame.rows, frame.now, replace(room, height=None), pressing_first=frame.summary)
    gap = [""] if room.height is None or room.height >= _LOW else []
    if frame.summary and (causes := _causes(frame, room, len(lines), len(table))):
        lines += [*gap, *causes]
    lines += gap
    if room.height is not None and len(lines) + len(table) > room.height:
        height = max(2, room.height - len(lines))
        table = job_lines(frame.rows, frame.now, replace(room, height=height), pressing_first=frame.summary)
    return [*lines, *table][: room.height]


def _title(frame: Frame, width: int) -> str:
    states = [row["state"] for row in frame.rows]
    counts = ", ".join(f"{states.count(state)} {state.lower()}" for state in _STATES if state in states)
    time = f"{frame.now:%H:%M:%S} UTC"
    words = [frame.where, time, counts or "0 jobs"]
    if sum(map(len, words)) + 4 > width:  # the counts are what one looks for
        words = [f"{frame.now:%H:%M:%S}", counts or "0 jobs", frame.where.removeprefix("namespace ")]
    said = crop("  ".join(words), width)
    space = width - cell_len(said)
    hint = f"{frame.hint:>{space}}" if frame.hint and space >= len(frame.hint) + 2 else ""
    return click.style(said, bold=True) + click.style(hint, dim=True)


def _lost(frame: Frame, width: int) -> list[str]:
    """Return how old everything is, and why; what is wrong stands at the end of what a library says."""
    seconds = max(0.0, (frame.now - frame.as_of).total_seconds())
    said = f"as of {lasting(seconds)} ago, trying again: {foreign.line(frame.why, _LONGEST_WHY)}"
    lines = wrap(said, width, max_lines=_MOST_OF_WHY, placeholder=" ...") if width > _NARROWEST else [said]
    return [click.style(crop(line, width), fg="red") for line in lines]


def _causes(frame: Frame, room: Room, above: int, below: int) -> list[str]:
    """Return each cause with the number of its jobs, how long the longest waits, and what would help.

    What helps against the most pressing one is never cut; against the others where there is room.

    Args:
        frame: what is shown.
        room: what there is room for.
        above: lines that stand above them.
        below: lines that all jobs take.
    """
    if room.height is not None and room.height < _HIGH_ENOUGH:
        return []
    found = sorted(_by_code(frame.rows).items(), key=lambda item: (_first_end(item[1]), -len(item[1])))
    if not found:
        return []
    whole = [_cause(code, rows, frame.now, room) for code, rows in found]
    if room.height is None:
        return [line for block in whole for line in block]
    blank = _BLANK_LINES if room.height >= _LOW else 0
    lines = whole[0][: room.height - above - blank - _LINES_OF_THE_REST]
    space = max(room.height // _SHARE, room.height - above - blank - below) - len(lines)
    most = min(len(whole) - 1, max(0, space // _LINES_OF_A_CAUSE))
    space -= most * _LINES_OF_A_CAUSE
    for (code, rows), block in zip(found[1 : most + 1], whole[1:], strict=False):
        more = len(block) - _LINES_OF_A_CAUSE
        lines += block if more <= space else _in_two_lines(code, rows, frame.now, room.width)
        space -= more if more <= space else 0
    if len(found) > most + 1:
        lines.append(crop(f"and {len(found) - most - 1} more causes", room.width))
    return lines


def _cause(code: str, rows: Sequence[Row], now: datetime, room: Room) -> list[str]:
    """Return what is said of a cause, broken into lines: what helps, and the rest on a high terminal."""
    head, cure = _in_two_lines(code, rows, now, room.width)
    if room.width <= _NARROWEST:
        return [head, cure]
    heads = [head]
    if room.height is None or room.height >= _LOW:
        said = wrap(_said(code, rows, now), room.width, subsequent_indent=_INDENT)
        heads = [click.style(crop(line, room.width), fg=_colour(rows)) for line in said]
    cures = wrap(_cure(rows), room.width, initial_indent=_INDENT, subsequent_indent=_INDENT)
    return [*heads, *(crop(line, room.width) for line in cures or [""])]


def _in_two_lines(code: str, rows: Sequence[Row], now: datetime, width: int) -> list[str]:
    head = click.style(crop(_said(code, rows, now), width), fg=_colour(rows))
    return [head, crop(f"{_INDENT}{_cure(rows)}", width)]


def _said(code: str, rows: Sequence[Row], now: datetime) -> str:
    return f"{len(rows)} x {code}{_how_long(rows, now)}"


def _colour(rows: Sequence[Row]) -> str:
    return "yellow" if _is_pending(rows) else "red"


def _cure(rows: Sequence[Row]) -> str:
    return str((rows[0]["outcome"] or rows[0]["pending"])["cure"])


def _by_code(rows: Sequence[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        why = row["outcome"] or row["pending"]
        if why and why["code"] not in _FINE and not row["foreign"]:
            found.setdefault(why["code"], []).append(row)
    return found


def _is_pending(rows: Sequence[Row]) -> bool:
    return any(row["outcome"] is None for row in rows)


def _ends(rows: Sequence[Row]) -> Iterator[str]:
    return (row["pending"]["deadline"] for row in rows if row["pending"] and row["pending"]["deadline"])


def _first_end(rows: Sequence[Row]) -> tuple[bool, datetime]:
    """Return the order of causes: those that end first, first; then those without a clock, then the ends."""
    first = min(map(datetime.fromisoformat, _ends(rows)), default=None)
    latest = datetime.fromisoformat("9999-01-01T00:00:00+00:00")
    return not _is_pending(rows), first or latest


def _how_long(rows: Sequence[Row], now: datetime) -> str:
    pending = [row["pending"] for row in rows if row["pending"]]
    if not pending:
        said = cause(rows[0], now).said
        return f": {said}" if len(rows) == 1 and said else ""
    longest = min(datetime.fromisoformat(one["since"]) for one in pending)
    first = min((one for one in pending if one["deadline"]), key=lambda one: one["deadline"], default=None)
    if first is None:
        return f" for {age(longest, now)}"
    time = left(first, now)
    return f" for {age(longest, now)}, {time}{'' if time == OVER else ' left'} ({first['clock']})"
