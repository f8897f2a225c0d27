"""How wide the output may be; sentences and tables that stay within it."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TextIO

import click

__all__ = ["command", "folded", "hanging", "output_width", "say", "table", "table_line"]

# Beside a title that takes more of the line a text is hard to read, and stands below it.
_NARROWEST = 20
_UNKNOWN = 80
_DEEPER = " " * 4
_GAP = "  "
# A command or a setting in a sentence. One that is longer is rather two backquotes in a text of others.
_SPAN = re.compile(r"`[^`\n]{1,200}`")
# Stands for a blank at which no line ends; no text that is shown has it.
_KEPT = "\0"


def output_width(stream: TextIO | None = None) -> int | None:
    """Return the columns of a terminal, or of ``COLUMNS``; None for a program: each text in one line.

    Args:
        stream: which may be one; None = stdout.
    """
    with suppress(KeyError, ValueError):
        if (named := int(os.environ["COLUMNS"])) > 0:
            return named
    with suppress(OSError, ValueError):  # no terminal; closed
        return os.get_terminal_size((stream or sys.stdout).fileno()).columns or _UNKNOWN
    return None


def hanging(title: str, text: str, width: int | None) -> str:
    """Return a text beside its title, broken between words so that it stays beside it; below it without room.

    Args:
        title: what the first line begins with, with the gap to the text.
        text: words; a single one that is too long is not broken, so it can be copied, and a command neither.
        width: columns of the terminal; None = one line.
    """
    if width is None or _cells((title + text).rstrip()) <= width:
        return f"{title}{text}"
    beside = _cells(title)
    if width - beside >= _NARROWEST:
        return _wrapped(title, text, " " * beside, width)
    parts = [_wrapped("", title, _DEEPER, width)] if title.strip() else []
    return "\n".join([*parts, *([_wrapped(_DEEPER, text, _DEEPER, width)] if text else [])])


def folded(text: str, width: int | None) -> str:
    """Return lines broken between words; the rest of one stands deeper than it.

    What is in backquotes, or a :func:`command`, is not broken: a shell that gets a half of it runs that half.
    """
    if width is None:
        return text.replace(_KEPT, " ")
    return "\n".join(_wrapped("", line, _indent(line) + _DEEPER, width) for line in text.split("\n"))


def command(text: str) -> str:
    """Return a command for :func:`folded` and :func:`say`, which keep it in one line, so it can be copied."""
    return text.replace(" ", _KEPT)


def say(text: object, *, err: bool = False, color: bool | None = None) -> None:
    """Print sentences: as they are, on a terminal folded to its width."""
    width = output_width(sys.stderr if err else sys.stdout)
    click.echo(folded(str(text), width), err=err, color=color)


def table(rows: Sequence[Sequence[str]], width: int | None) -> list[str]:
    """Return the lines of a table of cells, the last of which is a text; see :func:`table_line`."""
    sizes = [max(map(_cells, column)) for column in zip(*rows, strict=True)][:-1]
    if width is not None:  # one long name is no reason to move what belongs beside the others
        sizes[0] = min(sizes[0], max(0, width - len(_GAP) - sum(sizes[1:2])))
    return [table_line(row, sizes, width) for row in rows]


def table_line(cells: Sequence[str], sizes: Sequence[int], width: int | None) -> str:
    """Return a line of a table; the cells that have no room in it follow as a text.

    Args:
        cells: of all columns; the last is a text.
        sizes: columns of the terminal for each but the last.
        width: of the terminal; None = one line.
    """
    padded = [cell + " " * (size - _cells(cell)) + _GAP for cell, size in zip(cells, sizes, strict=False)]
    kept = len(padded)
    while width is not None and kept > 1 and _cells("".join(padded[:kept])) - len(_GAP) > width:
        kept -= 1
    return hanging(
        "".join(padded[:kept]), _GAP.join(filter(None, map(str.strip, cells[kept:]))), width
    ).rstrip()


def _wrapped(first: str, text: str, deeper: str, width: int) -> str:
    """Return words in lines that are too long only where one of the words is: it gives up its indentation.

    rich would cut such a word; textwrap does not know that a character may take two columns.
    """
    text = _SPAN.sub(lambda span: command(span[0]), text)
    lines, line, used, blanks = [], first, _cells(first), ""
    for word in text.split(" "):
        if not word:
            blanks += " "
            continue
        size = _cells(word)
        if line.strip() and used + len(blanks) + size > width:
            lines.append(line.rstrip())
            line, used, blanks = deeper, len(deeper), ""
        if not line.strip():
            line = (line + blanks)[: max(0, width - size)]
            used, blanks = len(line), ""
        line, used, blanks = f"{line}{blanks}{word}", used + len(blanks) + size, " "
    return "\n".join([*lines, line]).replace(_KEPT, " ")


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" "))]


def _cells(text: str) -> int:
    """Return how many columns of a terminal a text takes, which may have colours."""
    text = click.unstyle(text)
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # noqa: PLC0415 - few texts need it

    return cell_len(text)
