"""The table that `fljob list` prints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

__all__ = ["jobs_table", "make_table"]

_COLOURS = {
    "RUNNING": "cyan",
    "SUCCEEDED": "green",
    "FAILED": "red",
    "STARTING": "yellow",
    "TERMINATED": "magenta",
}


def make_table(rows: Iterable[Mapping[str, Any]]) -> Table:
    """Return a table with one line per job; a pod without a release has its own name for one."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("RELEASE", "SITE", "STATE", "NODE", "WHY"):
        table.add_column(column, overflow="fold", no_wrap=column == "RELEASE")
    for row in rows:
        why = row["outcome"] or row["pending"]
        state = row["state"]
        name = row["release"] or f"pod/{(row['pod'] or {}).get('name', '')}"
        foreign = row["foreign"]
        table.add_row(
            # Text, since rich reads [brackets] in a str as markup: a site may be called "[/x]".
            Text(name),
            Text(row["site"]),
            Text(state, style=_COLOURS.get(state, "white")),
            Text((row["pod"] or {}).get("node", "")),
            Text(foreign["kind"] if foreign else why["code"] if why else ""),
        )
    return table


def jobs_table(rows: Iterable[Mapping[str, Any]]) -> None:
    """Print the table; colour only on a terminal."""
    Console().print(make_table(rows))
