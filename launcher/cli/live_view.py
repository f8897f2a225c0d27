"""What `fljob list --watch` and `fljob top` print for as long as somebody looks: a screen, lines, or JSON."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import click

from launcher.cli.job_cells import cause
from launcher.cli.live_frame import Frame, frame_lines
from launcher.cli.live_table import Room
from launcher.cli.messages import has_screen, silence
from launcher.cli.signals import code_of, stopped_once
from launcher.cli.width import say
from launcher.core import foreign
from launcher.core.lifecycle.state import JobReport
from launcher.usecases.service import Service

__all__ = ["Looking", "look_on"]

_Key = tuple[str, str, str]
Row = dict[str, Any]
Show = Callable[["_Now"], None]


@dataclass(frozen=True, kw_only=True)
class Looking:
    """What is looked at, and how.

    Attributes:
        namespace: of the jobs; empty = all.
        output: ``table``, ``wide`` or ``json``.
        wanted: tells by its JSON whether a job is shown.
        summary: causes above the jobs, and pressing jobs first.
    """

    namespace: str
    output: str
    wanted: Callable[[Mapping[str, Any]], bool]
    summary: bool = False

    @property
    def where(self) -> str:
        """What is looked at, in words."""
        return f"namespace {self.namespace}" if self.namespace else "all namespaces"


@dataclass(frozen=True, kw_only=True)
class _Now:
    """The jobs that are shown, and what has changed since the last round.

    Attributes:
        rows: the jobs as JSON.
        changes: what has become of which, in the words of a watch of Kubernetes.
        wall: the time now.
        as_of: when the jobs were right.
        why: why nobody can tell whether they still are; empty while they are.
        why_before: the same of the last round; None = this is the first one.
        left_out: namespaces in which there is no right to look.
    """

    rows: Mapping[_Key, Row]
    changes: tuple[tuple[str, Row], ...]
    wall: datetime
    as_of: datetime
    why: str
    why_before: str | None
    left_out: tuple[str, ...]

    @property
    def has_turned(self) -> bool:
        """Whether the cluster can be asked again, or no longer."""
        return bool(self.why) != bool(self.why_before)


def look_on(service: Service, how: Looking) -> None:
    """Show the jobs until somebody stops it; what was seen last stays.

    Raises:
        LauncherError: the jobs could not be listed at the beginning.
        click.exceptions.Exit: 130 after Ctrl-C, 143 after SIGTERM; none after `q`.
    """
    open_view = _json if how.output == "json" else _screen if has_screen() else _plain
    try:
        with stopped_once(), silence(), open_view(how) as show:
            for now in _changes(service, how):
                show(now)
    except KeyboardInterrupt as signal:
        raise click.exceptions.Exit(code_of(signal)) from None


def _changes(service: Service, how: Looking) -> Iterator[_Now]:
    known: dict[int, tuple[JobReport, Row]] = {}
    shown: dict[_Key, Row] = {}
    why: str | None = None
    for seen in service.follow_jobs(how.namespace):
        known = {id(one): known.get(id(one)) or (one, service.describe(one)) for one in seen.jobs}
        rows = {_key(row): row for _, row in known.values() if how.wanted(row)}
        yield _Now(
            rows=rows,
            changes=tuple(_compared(shown, rows)),
            wall=service.world.clock.now(),
            as_of=seen.as_of,
            why=seen.why,
            why_before=why,
            left_out=seen.left_out,
        )
        shown, why = rows, seen.why


def _key(row: Mapping[str, Any]) -> _Key:
    return row["namespace"], row["release"], "" if row["release"] else (row["pod"] or {}).get("name", "")


def _compared(before: Mapping[_Key, Row], rows: Mapping[_Key, Row]) -> Iterator[tuple[str, Row]]:
    """Yield what a watch of Kubernetes would say: what has come, is another one now, or has gone."""
    for key, row in rows.items():
        if key not in before:
            yield "ADDED", row
        elif _facts(before[key]) != _facts(row):
            yield "MODIFIED", row
    for key in sorted(before.keys() - rows.keys()):
        yield "DELETED", before[key]


def _facts(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return of a job what does not change by itself: no estimate of a moment, no seconds that go on."""
    pending, ledger = row["pending"], row["ledger"]
    if ledger is not None:
        row = {**row, "ledger": ledger["cause"]}
    if pending is None:
        return dict(row)
    detail = pending["detail"].rpartition(" for ")[0] if pending["code"] == "Pulling" else pending["detail"]
    return {**row, "pending": {**pending, "since": None, "deadline": None, "detail": detail}}


@contextmanager
def _json(how: Looking) -> Iterator[Show]:
    del how

    left_out: tuple[str, ...] = ()

    def write(kind: str, now: _Now, **more: Any) -> None:
        click.echo(json.dumps({"type": kind, "time": now.wall.isoformat(timespec="seconds"), **more}))

    def show(now: _Now) -> None:
        nonlocal left_out
        for kind, row in now.changes:
            write(kind, now, job=row)
        if now.why_before is None or now.left_out != left_out:
            left_out = now.left_out
            write("LISTED", now, jobs=len(now.rows), leftOut=[*map(foreign.line, now.left_out)])
        if now.has_turned:
            write("LOST" if now.why else "BACK", now, why=foreign.line(now.why))

    yield show


@contextmanager
def _plain(how: Looking) -> Iterator[Show]:
    words = {"ADDED": "", "MODIFIED": "", "DELETED": "gone"}
    printed: dict[_Key, tuple[str, ...]] = {}
    left_out: set[str] = set()

    def show(now: _Now) -> None:
        for kind, row in now.changes:
            if kind == "DELETED":
                printed.pop(_key(row), None)
            elif printed.get(_key(row)) == (shown := _in_short(row)):
                continue
            else:
                printed[_key(row)] = shown
            name = row["release"] or f"pod/{(row['pod'] or {}).get('name', '')}"
            node = (row["pod"] or {}).get("node", "")
            cells = [
                f"{now.wall:%Y-%m-%dT%H:%M:%SZ}",
                f"{words[kind] or row['state']:10}",
                f"{row['namespace']}/{name}",
                f"on {node}" if node else "",
                cause(row, now.wall).within(160),
            ]
            say("  ".join(filter(None, cells)).rstrip())
        for space in sorted(set(now.left_out) - left_out):
            say(f"namespace {foreign.line(space)} is left out: no right to look there", err=True)
        left_out.update(now.left_out)
        if now.why_before is None and not now.rows:
            say(f"no jobs in {how.where} yet", err=True)
        if now.has_turned:
            lost = f"cannot see the jobs, trying again: {foreign.line(now.why)}"
            say(lost if now.why else "the jobs are seen again", err=True)

    yield show


def _in_short(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Return of a job what is worth a line of its own: the words of a cause change with every try."""
    why = row["outcome"] or row["pending"] or row["foreign"] or {}
    return row["state"], why.get("code", ""), (row["pod"] or {}).get("node", "")


@contextmanager
def _screen(how: Looking) -> Iterator[Show]:
    """Yield what paints a frame over the last one; the last frame stays when the screen is given back."""
    from launcher.cli.live_screen import painted  # noqa: PLC0415 - only for terminals

    last: _Now | None = None

    def lines(height: int, hint: str = "") -> list[str]:
        if last is None:
            return []
        width = shutil.get_terminal_size().columns
        room = Room(width, height, namespaces=not how.namespace, wide=how.output == "wide")
        rows, where = list(last.rows.values()), how.where
        if last.left_out:
            where = f"{where} but {len(last.left_out)} without rights"
        return frame_lines(Frame(where, rows, last.wall, last.as_of, last.why, how.summary, hint), room)

    try:
        with painted(lines) as paint:

            def show(now: _Now) -> None:
                nonlocal last
                last = now
                paint()

            yield show
    finally:
        if last is not None:
            click.echo("\n".join(lines(shutil.get_terminal_size().lines - 1)))
