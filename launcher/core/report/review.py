"""A difference of manifests as people read it: text, JSON, and a comment of a pull request.

What stands in a manifest is of others, so nothing of it is outside of a code block that it cannot end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from launcher.core.foreign import line, tree
from launcher.core.manifest_diff import Change, Difference, ObjectChange, State, StudyChange
from launcher.core.report.attention import look_at

__all__ = ["LONGEST_COMMENT", "as_json", "as_markdown", "as_text", "changes_json", "fenced"]

# Characters; GitHub takes 65,536 in a comment, GitLab a million.
LONGEST_COMMENT = 60_000
_ROOM_FOR_HEAD = 400
# So that names alone never fill a comment.
_MOST_GROUPS, _MOST_NAMES, _MOST_OBJECTS, _LONGEST_NAME = 25, 8, 4, 80
_TABLE = ("| study | what | lines |", "|---|---|---|")
# Longer runs of backticks are counted: a fence is longer than the longest.
_RUN = re.compile(r"`{20,1000}")
_UNSAFE = re.compile(r"[`|]")
_NO_STUDY = "no study"
_SETTINGS, _WHERE = "settings of the site", "fljob.yaml, launcher arguments, values templates"
_SIDES = ("before", "after")


def as_json(found: Difference) -> dict[str, Any]:
    """Return the difference as JSON, without anything that a terminal would obey."""
    shown: dict[str, Any] = tree(
        {
            "same": found.is_same,
            "failed": found.has_failed,
            "settings": changes_json(found.settings),
            "unchanged": list(found.same),
            "studies": [_study_json(one) for one in found.studies],
        }
    )
    return shown


def _study_json(one: StudyChange) -> dict[str, Any]:
    errors = {"errors": dict(zip(_SIDES, one.errors, strict=True))} if one.errors else {}
    return {
        "studies": list(one.studies),
        "state": one.state.value,
        **errors,
        "objects": [
            {
                "kind": thing.kind,
                "name": thing.name,
                "state": thing.state.value,
                "changes": changes_json(thing.changes),
            }
            for thing in one.objects
        ],
    }


def changes_json(changes: Sequence[Change]) -> list[dict[str, str]]:
    """Return lines of a difference as JSON."""
    return [{"sign": one.sign, "path": one.path, "value": one.text} for one in changes]


def as_text(found: Difference) -> str:
    """Return the difference as a diff whose every line says where it stands."""
    if found.is_same:
        return f"no difference in {_count(len(found.same), 'study', 'studies')}\n"
    parts = []
    for one in _entries(found):
        parts += [f"{_named(one.studies)}: {one.state.value}", *_lines(one), ""]
    if found.same:
        parts.append(f"unchanged: {_named(found.same)}")
    return "\n".join(parts).rstrip("\n") + "\n"


def _entries(found: Difference) -> list[StudyChange]:
    """Return what differs, the settings of the site first."""
    thing = ObjectChange("Settings", _WHERE, State.CHANGED, found.settings)
    settings = [StudyChange((_SETTINGS,), State.CHANGED, (thing,))] if found.settings else []
    return [*settings, *found.studies]


def _lines(one: StudyChange) -> Iterator[str]:
    for side, error in zip(_SIDES, one.errors, strict=False):
        if error:
            yield line(f"{side}: {error}")
    for thing in one.objects:
        yield from _heads(thing)
        yield from (change.shown for change in thing.changes)


def _heads(thing: ObjectChange) -> tuple[str, str]:
    name = line(f"{thing.kind}/{thing.name}", 200)
    gone, made = thing.state is State.REMOVED, thing.state is State.ADDED
    return f"--- {'nothing' if made else name}", f"+++ {'nothing' if gone else name}"


def as_markdown(found: Difference, longest: int = LONGEST_COMMENT) -> str:
    """Return the difference as a comment of at most ``longest`` characters.

    Where it is longer each group of studies has its share, so that a long one hides no other, and the first
    lines say how much is missing.
    """
    number = sum(len(one.studies) for one in found.studies)
    total = _count(number + len(found.same), "study", "studies")
    if found.is_same:
        return f"### fljob diff: no difference\n\n{total} compared.\n"
    failed = ", some cannot be rendered" if found.has_failed else ""
    settings = f"; the {_SETTINGS} change" if found.settings else ""
    entries = _entries(found)
    blocks, more = [_Block(one) for one in entries[:_MOST_GROUPS]], entries[_MOST_GROUPS:]
    row = (
        [f"| {len(more)} more groups of studies | not shown | {sum(one.size for one in more)} |"]
        if more
        else []
    )
    table = [*_TABLE, *(block.row for block in blocks), *row, ""]
    table += _first(entries, longest // 6)
    room = longest - _ROOM_FOR_HEAD - _length(table) - sum(block.frame for block in blocks)
    kept = _shares([block.lines for block in blocks], room)
    missing = sum(one.size for one in more)
    missing += sum(len(block.lines) - len(lines) for block, lines in zip(blocks, kept, strict=True))
    parts = [f"### fljob diff: {number} of {total} change{failed}{settings}", ""]
    if missing:
        words = _count(missing, "line is", "lines are")
        parts += [
            f"**{words} not shown: this comment is not all of it.** `fljob diff` prints every line.",
            "",
        ]
    parts += table
    for block, lines in zip(blocks, kept, strict=True):
        parts += block.shown(lines)
    return "\n".join(parts)


def _first(entries: Sequence[StudyChange], room: int) -> list[str]:
    """Return what a reviewer should see first, in a code block; of many lines those that find room."""
    # A study that goes takes no protection from anybody.
    stay = [one for one in entries if one.state is not State.REMOVED]
    groups = [(one.studies, [line for thing in one.objects for line in thing.changes]) for one in stay]
    lines: list[str] = []
    before: tuple[str, tuple[str, ...]] = ("", ())
    for one in look_at(groups):
        if (one.why, one.where) != before:
            before = one.why, one.where
            lines.append(line(f"# {one.why} ({', '.join(_few(_words(one.where), _MOST_NAMES))})", 300))
        lines.append(one.shown)
    return fenced("#### Look at these lines first", lines, room) if lines else []


class _Block:
    """Studies with the same difference: their row of the table, and their code block."""

    def __init__(self, one: StudyChange) -> None:
        self.lines = [_RUN.sub(_counted, text) for text in _lines(one)]
        # A fence that no line of the block can end: longer than any run of backticks in it.
        longest = max((len(run) for text in self.lines for run in re.findall("`+", text)), default=0)
        self._fence = "`" * max(3, longest + 1)
        self._head = f"{_code(one.studies)}: {one.state.value}"
        self.row = f"| {_code(one.studies)} | {_what(one)} | {one.size} |"
        self.frame = _length(self.shown([])) + len(_more(10**9)) + 1

    def shown(self, lines: Sequence[str]) -> list[str]:
        """Return the block with those of its lines that find room."""
        cut = [_more(len(self.lines) - len(lines))] if len(lines) < len(self.lines) else []
        return [self._head, "", f"{self._fence}diff", *lines, *cut, self._fence, ""]


def fenced(head: str, shown: Iterable[str], room: int = LONGEST_COMMENT // 4) -> list[str]:
    """Return lines of others in a code block of a comment, below a head; what has no room is counted.

    Args:
        head: a line of our own.
        shown: the lines.
        room: characters that they may take.
    """
    lines = [_RUN.sub(_counted, text) for text in shown]
    kept = _within(lines, room)
    longest = max((len(run) for text in kept for run in re.findall("`+", text)), default=0)
    fence, cut = "`" * max(3, longest + 1), len(lines) - len(kept)
    return [head, "", f"{fence}diff", *kept, *([_more(cut)] if cut else []), fence, ""]


def _counted(run: re.Match[str]) -> str:
    return f"[{len(run[0])} backticks]"


def _more(number: int) -> str:
    return f"... {_count(number, 'more line', 'more lines')} ..."


def _what(one: StudyChange) -> str:
    """Return what became of a study, and of which kinds of its objects."""
    if one.state is State.FAILED:
        return "**cannot be rendered**"
    objects = [f"{_code([thing.kind])} {thing.state.value}" for thing in one.objects]
    shown = ", ".join(_few(objects, _MOST_OBJECTS))
    return shown if one.state is State.CHANGED else one.state.value


def _shares(groups: Sequence[Sequence[str]], room: int) -> list[list[str]]:
    """Return the lines of each group that find room; small groups leave theirs to the others."""
    kept: dict[int, list[str]] = {}
    order = sorted(range(len(groups)), key=lambda at: _length(groups[at]))
    for done, at in enumerate(order):
        kept[at] = _within(groups[at], max(room, 0) // (len(order) - done))
        room -= _length(kept[at])
    return [kept[at] for at in range(len(groups))]


def _within(lines: Sequence[str], room: int) -> list[str]:
    found = []
    for one in lines:
        room -= len(one) + 1
        if room < 0:
            break
        found.append(one)
    return found


def _length(lines: Sequence[str]) -> int:
    return sum(len(one) + 1 for one in lines)


def _code(names: Sequence[str]) -> str:
    """Return names as code: no sign of theirs is one of Markdown, of a table, or a mention."""
    return ", ".join(_few([f"`{_UNSAFE.sub(chr(39), one)}`" for one in _words(names)], _MOST_NAMES))


def _named(names: Sequence[str]) -> str:
    return ", ".join(_words(names))


def _words(names: Sequence[str]) -> list[str]:
    return [line(name, _LONGEST_NAME) or _NO_STUDY for name in names]


def _few(names: list[str], most: int) -> list[str]:
    more = len(names) - most
    return names if more <= 0 else [*names[:most], f"{more} more"]


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
