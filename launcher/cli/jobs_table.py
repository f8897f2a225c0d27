"""The table that `fljob list` prints: as many columns as the terminal has room for, each in one line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import click
from rich.cells import cell_len

from launcher.cli.job_cells import Why, cause, decides
from launcher.cli.width import folded, output_width
from launcher.core import foreign
from launcher.core.catalogue import Code
from launcher.core.report.bundle import age

__all__ = ["STATE_COLOURS", "jobs_table", "make_table"]

Row = Mapping[str, Any]
Cells = Mapping[str, Sequence[str]]

STATE_COLOURS = {
    "RUNNING": "cyan",
    "SUCCEEDED": "green",
    "FAILED": "red",
    "STARTING": "yellow",
    "TERMINATED": "magenta",
}
_GAP = "  "
# Where there is no room, these go, first to last; the name and the state of a job always stay.
_DROPPED = ("POD", "NODE", "SITE", "STUDY", "JOB", "AGE", "NAMESPACE")
# Characters of a cell: an annotation may have thousands of them. JSON has what the table cuts.
_LONGEST = 67  # pod/NAME
_LONGEST_OF = {"JOB": 40, "SITE": 40, "STUDY": 40}
_LONGEST_WHY = 160


def _why(row: Row, now: datetime) -> str:
    why = row["outcome"] or row["pending"]
    if row["foreign"] or not why:
        return str(row["foreign"]["kind"]) if row["foreign"] else ""
    # How far a download is shows whether anything is wrong.
    said = cause(row, now) if why["code"] == Code.PULLING.value else Why(why["code"])
    return said.within(_LONGEST_WHY)


def _pod(row: Row, key: str) -> str:
    return str((row["pod"] or {}).get(key, ""))


def _columns(now: datetime, *, namespaces: bool, wide: bool) -> dict[str, Callable[[Row], str]]:
    """Return what stands in each column; a pod without a release has its own name for one."""
    columns: dict[str, Callable[[Row], str]] = {
        "NAMESPACE": lambda row: row["namespace"],
        "RELEASE": lambda row: row["release"] or f"pod/{_pod(row, 'name')}",
        "JOB": lambda row: row["jobId"],
        "SITE": lambda row: row["site"],
        "STUDY": lambda row: row["study"],
        "STATE": lambda row: row["state"],
        "AGE": lambda row: age(datetime.fromisoformat(row["launched"]), now) if row["launched"] else "",
        "NODE": lambda row: _pod(row, "node"),
        "POD": lambda row: _pod(row, "name"),
        "WHY": lambda row: _why(row, now),
    }
    hidden = {"NAMESPACE"} if not namespaces else set()
    hidden |= {"POD"} if not wide else set()
    return {name: cell for name, cell in columns.items() if name not in hidden}


def make_table(
    rows: Iterable[Row],
    now: datetime,
    *,
    width: int | None = None,
    namespaces: bool = False,
    wide: bool = False,
) -> list[str]:
    """Return the lines of the table, with colours.

    Args:
        rows: the jobs as JSON.
        now: the time now, for their age.
        width: columns of the terminal; None = as many as it takes.
        namespaces: with the column NAMESPACE.
        wide: with every column, whatever the width.
    """
    jobs = list(rows)
    columns = _columns(now, namespaces=namespaces, wide=wide)
    cells = {name: [_cell(name, cell(job)) for job in jobs] for name, cell in columns.items()}
    widths = _widths(cells, range(len(jobs)))
    below: Sequence[str] = ()
    if not wide:
        deciding = [number for number, job in enumerate(jobs) if decides(job)] or range(len(jobs))
        if not any(cells["STUDY"][number] for number in deciding):
            del cells["STUDY"]
        if width is not None:
            below = _fit(cells, widths := _widths(cells, deciding), width)
    return list(_lines(cells, below, widths))


def _cell(column: str, text: str) -> str:
    return text if column == "WHY" else foreign.head(text, _LONGEST_OF.get(column, _LONGEST))


def _widths(cells: Cells, rows: Sequence[int]) -> dict[str, int]:
    """Return the width of each column; the text of a row that is not among ``rows`` may be wider."""
    return {name: max(map(cell_len, (name, *(texts[row] for row in rows)))) for name, texts in cells.items()}


def _fit(cells: dict[str, list[str]], widths: Mapping[str, int], width: int) -> Sequence[str]:
    """Take columns out until the others have room; return WHY if it has to stand below the lines."""

    def is_too_wide() -> bool:
        return sum(widths[name] for name in cells) + len(_GAP) * (len(cells) - 1) > width

    for name in _DROPPED:
        if is_too_wide():
            cells.pop(name, None)
    return cells.pop("WHY") if is_too_wide() else ()


def _lines(cells: Cells, below: Sequence[str], widths: Mapping[str, int]) -> Iterable[str]:
    heads = {name: name for name in cells}
    yield _line({name: click.style(name, bold=True) for name in cells}, heads, widths)
    for number in range(len(cells["RELEASE"])):
        texts = {name: column[number] for name, column in cells.items()}
        state = texts["STATE"]
        styled = texts | {"STATE": click.style(state, fg=STATE_COLOURS.get(state, "white"))}
        yield _line(styled, texts, widths)
        if below and below[number]:
            yield f"{_GAP}{below[number]}"


def _line(styled: Mapping[str, str], texts: Mapping[str, str], widths: Mapping[str, int]) -> str:
    padded = [styled[name] + " " * (widths[name] - cell_len(text)) for name, text in texts.items()]
    return _GAP.join(padded).rstrip()


def jobs_table(rows: Iterable[Row], now: datetime, *, namespaces: bool, wide: bool) -> None:
    """Print the table; colour, and a width, only on a terminal (COLUMNS is obeyed everywhere).

    What has no room even so, such as a long name, is folded and not cut: people copy it.
    """
    width = None if wide else output_width()
    for line in make_table(rows, now, width=width, namespaces=namespaces, wide=wide):
        click.echo(folded(line, width))
