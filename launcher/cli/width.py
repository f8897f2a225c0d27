"""How wide the output may be, and long texts in it."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap

__all__ = ["hanging", "output_width"]

# Beside a title that takes most of the line a text is easier to read when the terminal breaks it.
_NARROWEST = 20


def output_width() -> int | None:
    """Return the columns of the terminal, or of ``COLUMNS``; None for a program: each text in one line."""
    if not sys.stdout.isatty() and not os.environ.get("COLUMNS"):
        return None
    return shutil.get_terminal_size().columns


def hanging(title: str, text: str, width: int | None) -> str:
    """Return a text beside its title, broken between words so that it stays beside it.

    Args:
        title: what the first line begins with, with the gap to the text.
        text: words; a single one that is too long is not broken, so it can be copied.
        width: columns of the terminal; None = one line.
    """
    if width is None or width - len(title) < _NARROWEST:
        return f"{title}{text}"
    lines = textwrap.wrap(
        text,
        width,
        initial_indent=title,
        subsequent_indent=" " * len(title),
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(lines) or title
