"""The history of a parent: a line of JSON for each job that is gone, beside the site's configuration.

Bounded: a file of five megabytes, some seven thousand jobs, and the one before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from launcher.core.flare.site_folder import SITE_FOLDER
from launcher.core.report.history import Record, from_line, to_line
from launcher.edges.disk.private_files import append_line, read_file

__all__ = ["FILE", "History", "add", "read"]

FILE = f"{SITE_FOLDER}/history.jsonl"
_MOST = 5_000_000


@dataclass(frozen=True)
class History:
    """What a history holds.

    Attributes:
        records: of jobs, oldest first.
        unreadable: places of lines that hold something else, such as ``history.jsonl: line 7``.
    """

    records: tuple[Record, ...]
    unreadable: tuple[str, ...]


def add(workspace: Path, record: Record) -> None:
    """Add a record to the history of a parent.

    Raises:
        OSError: it cannot be written.
    """
    append_line(workspace, FILE, to_line(record), _MOST)


def read(workspace: Path) -> History:
    """Return the history of a parent, also one that nobody has begun.

    Raises:
        OSError: it cannot be read.
    """
    records: list[Record] = []
    unreadable: list[str] = []
    for name in (f"{FILE}.1", FILE):
        for number, text in _lines(workspace, name):
            found = from_line(text)
            if found is None:
                unreadable.append(f"{name}: line {number}")
            else:
                records.append(found)
    return History(tuple(records), tuple(unreadable))


def _lines(workspace: Path, name: str) -> Iterator[tuple[int, str]]:
    try:
        text = read_file(workspace, name, 2 * _MOST)
    except FileNotFoundError:
        return
    # Only what a writer has ended: somebody may be writing the last line.
    for number, line in enumerate(text.split("\n")[:-1], start=1):
        if line.strip():
            yield number, line
