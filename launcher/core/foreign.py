r"""Text that others wrote, made fit to be shown: from a job, an image, a pod, an event, a library.

A control character moves the cursor, a line end forges a second line, a bidi character turns a sentence
around, and a message of a megabyte hides everything else. Each is replaced by the escape that stands for it
(``\x1b``), so that a reader sees what was there. What is clean stays as it is, so that a text may pass more
than once.
"""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from launcher.core.redaction import masked

__all__ = [
    "LONGEST",
    "MOST_WARNINGS",
    "clean",
    "few",
    "head",
    "line",
    "lines",
    "name",
    "quoted",
    "said",
    "shallow",
    "tree",
    "word",
]

# Characters of one message. Kubelet and runtime have written 120,000 (the volume names of an image).
LONGEST = 4096
MOST_WARNINGS = 20
_MORE = "..."
_LONGEST_NAME = 253  # of an object of Kubernetes
_SHOWN_NAME = 100  # of it, or of any other name or value, in a sentence about something else
_MOST_SAID = 2**20
_DEEPEST = 60  # levels of lists and mappings
# What comes after a cut; as a rule the end of a message says what was wrong with its beginning.
_END = 1024
# Controls (C0, DEL, C1), bidi and other invisible formatting, tags, line and paragraph separators, and
# surrogates, which no encoding writes. Not the joiners U+200C and U+200D: words and emoji need them.
_INVISIBLE = (
    "\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f"
)
_IN_A_LINE = re.compile(f"[\x00-\x1f{_INVISIBLE}]")
_IN_LINES = re.compile(f"[\x00-\x08\x0b-\x1f{_INVISIBLE}]")


def line(text: str, longest: int = LONGEST) -> str:
    """Return ``text`` as one line of at most ``longest`` characters."""
    return _bounded(clean(_bounded(text, longest)), longest)


def said(text: str, longest: int = LONGEST) -> str:
    """Return what a program, a server or a library said as :func:`line`, without credentials.

    They are masked in the whole text before it is cut, since half a credential is recognised by nobody; and
    once more in one line, for one that a line end has split.
    """
    return line(masked(" ".join(masked(text[:_MOST_SAID]).split())), longest)


def head(text: str, longest: int) -> str:
    """Return the first ``longest`` characters; where there are more, the last of them say so."""
    return text if len(text) <= longest else f"{text[: longest - len(_MORE)]}{_MORE}"


def name(text: str) -> str:
    """Return a name as a sentence has it: whoever may create a pod chooses one that hides the rest."""
    return head(line(text, _LONGEST_NAME), _SHOWN_NAME)


def quoted(value: object) -> str:
    """Return a name or value in quotes, as a sentence has it."""
    return repr(head(value, _SHOWN_NAME)) if isinstance(value, str) else head(repr(value), _SHOWN_NAME)


def word(text: str) -> str:
    """Return a name as one word of a shell command that people are shown, and may paste.

    No object of Kubernetes has a name that begins with a dash; as a word it would be an option.
    """
    return "NAME" if text.startswith("-") else shlex.quote(line(text, _LONGEST_NAME))


def clean(text: str) -> str:
    """Return ``text`` as one line, however long."""
    return text if text.isprintable() else _IN_A_LINE.sub(_escape, text)


def lines(text: str) -> str:
    """Return ``text`` with its line ends and tabs, however long: a log, a file."""
    return text if text.isprintable() else _IN_LINES.sub(_escape, text)


def tree(value: Any, show: Callable[[str], str] = lines) -> Any:
    """Return a copy of JSON whose texts, keys included, went through ``show``: a function of this module."""
    if isinstance(value, str):
        return show(value)
    if isinstance(value, Mapping):
        return {show(key) if isinstance(key, str) else key: tree(item, show) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [tree(item, show) for item in value]
    return value


def shallow(value: Any, deepest: int = _DEEPEST) -> Any:
    """Return a copy of JSON without what is nested deeper than anything that Kubernetes keeps."""
    if not isinstance(value, (Mapping, list)):
        return value
    if deepest == 0:
        return _MORE
    if isinstance(value, Mapping):
        return {key: shallow(item, deepest - 1) for key, item in value.items()}
    return [shallow(item, deepest - 1) for item in value]


def few(sentences: Iterable[str], most: int = MOST_WARNINGS) -> tuple[str, ...]:
    """Return the first ``most`` of these, each one line; if there are more, a last one says so."""
    found = [line(one) for one in itertools.islice(sentences, most + 1)]
    return tuple(found) if len(found) <= most else (*found[:most], "there is more of this kind")


def _escape(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")


def _bounded(text: str, longest: int) -> str:
    """Cut the middle out, at blanks where there are some: half a word may be half a credential."""
    if len(text) <= longest:
        return text
    end = min(_END, longest // 4)
    mark = f" {_MORE} {len(text)} characters in all {_MORE} "
    head, tail = text[: longest - end - len(mark)], text[-end:]
    at = head.rfind(" ", len(head) // 2)
    head = head if at < 0 else head[:at]
    at = tail.find(" ", 0, end // 2)
    return f"{head}{mark}{tail if at < 0 else tail[at + 1 :]}"
