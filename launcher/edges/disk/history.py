"""The history of a parent: a line of JSON for each job that is gone, beside the site's configuration.

Bounded: a file of five megabytes, some six thousand jobs, and the one before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from launcher.core.flare.site_folder import SITE_FOLDER
from launcher.core.report.history import Record, from_line, to_line
from launcher.edges.disk.private_files import append_line, read_end

__all__ = ["FILE", "History", "add", "read"]

FILE = f"{SITE_FOLDER}/history.jsonl"
_MOST = 5_000_000


@dataclass(frozen=True)
class History:
    """What a history holds.

    Attributes:
        records: of jobs, oldest first.
        unreadable: places of lines that hold something else, such as ``history.jsonl: line 7``.
        left_out: what else of it could not be read, and why.
    """

    records: tuple[Record, ...]
    unreadable: tuple[str, ...]
    left_out: tuple[str, ...] = ()


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
    earlier, recent = f"{FILE}.1", _part(workspace, FILE)
    try:
        before = _part(workspace, earlier)
    except OSError as error:  # what came after it is there all the same
        before = History((), (), (f"{earlier}: {error.strerror or error}",))
    return History(
        before.records + recent.records,
        before.unreadable + recent.unreadable,
        before.left_out + recent.left_out,
    )


def _part(workspace: Path, name: str) -> History:
    """Return what one file holds; of one that somebody else has made longer than a parent does, its end."""
    try:
        text, is_whole = read_end(workspace, name, 2 * _MOST)
    except FileNotFoundError:
        return History((), ())
    records: list[Record] = []
    unreadable: list[str] = []
    # Only what a writer has ended: somebody may be writing the last line.
    for number, line in enumerate(text.split("\n")[:-1], start=1):
        found = from_line(line)
        if found is not None:
            records.append(found)
        elif line.strip():
            unreadable.append(f"{name}: line {number}{'' if is_whole else ' of its end'}")
    left_out = () if is_whole else (f"{name}: all but its last {2 * _MOST} bytes",)
    return History(tuple(records), tuple(unreadable), left_out)
