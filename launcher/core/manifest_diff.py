"""In what the manifests of two sides differ, study by study and object by object."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from launcher.core.line_matching import differing
from launcher.core.manifest_lines import Line, lines_of, lines_of_settings

__all__ = ["Change", "Difference", "ObjectChange", "Side", "State", "StudyChange", "changes_of", "compare"]

Objects = Sequence[Mapping[str, Any]]
_ANOTHER = " (another value)"


class State(str, enum.Enum):
    """What became of a study or an object."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    FAILED = "failed"


@dataclass(frozen=True)
class Side:
    """What one side has.

    Attributes:
        objects: study -> its manifests.
        failed: study -> why it has none.
        settings: of the site: not all that they decide is in a manifest.
    """

    objects: Mapping[str, Objects]
    failed: Mapping[str, str]
    settings: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Change:
    """A line that is on one side only; ``sign`` is ``-`` for the first and ``+`` for the second one."""

    sign: str
    path: str
    text: str

    @property
    def shown(self) -> str:
        """The line of a diff."""
        return f"{self.sign}{Line(self.path, self.text, '').shown}"


@dataclass(frozen=True)
class ObjectChange:
    """An object that is not the same on both sides."""

    kind: str
    name: str
    state: State
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class StudyChange:
    """Studies of which the same is to be said.

    Attributes:
        studies: their names.
        state: what became of them.
        objects: those that are not the same.
        errors: why a side has none, in the order of the sides; only of a state that is FAILED.
    """

    studies: tuple[str, ...]
    state: State
    objects: tuple[ObjectChange, ...] = ()
    errors: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Number of lines that differ."""
        return sum(len(one.changes) for one in self.objects)


@dataclass(frozen=True)
class Difference:
    """In what two sides differ: settings of the site and studies; and the studies in which they do not."""

    studies: tuple[StudyChange, ...]
    same: tuple[str, ...]
    settings: tuple[Change, ...] = ()

    @property
    def is_same(self) -> bool:
        """Whether nothing differs."""
        return not (self.studies or self.settings)

    @property
    def has_failed(self) -> bool:
        """Whether some study could not be compared."""
        return any(one.state is State.FAILED for one in self.studies)


def compare(before: Side, after: Side) -> Difference:
    """Return in what two sides differ; studies with the same difference are one entry."""
    names = [*before.objects, *before.failed, *after.objects, *after.failed]
    found: dict[StudyChange, list[str]] = {}
    same = []
    for study in dict.fromkeys(names):
        change = _of_study(before, after, study)
        if change is None:
            same.append(study)
        else:
            found.setdefault(change, []).append(study)
    settings = _changes(lines_of_settings(before.settings), lines_of_settings(after.settings))
    studies = (replace(change, studies=tuple(names)) for change, names in found.items())
    return Difference(tuple(studies), tuple(same), tuple(settings))


def _of_study(before: Side, after: Side, study: str) -> StudyChange | None:
    """Return the change of a study, without its name; None for none."""
    sides = (before, after)
    if any(study in side.failed for side in sides):
        return StudyChange((), State.FAILED, errors=tuple(side.failed.get(study, "") for side in sides))
    objects = tuple(_of_objects(before.objects.get(study, ()), after.objects.get(study, ())))
    if study not in before.objects:
        return StudyChange((), State.ADDED, objects)
    if study not in after.objects:
        return StudyChange((), State.REMOVED, objects)
    return StudyChange((), State.CHANGED, objects) if objects else None


def _of_objects(before: Objects, after: Objects) -> Iterator[ObjectChange]:
    old, new = _by_name(before), _by_name(after)
    pairs = {key: (old.get(key), new.get(key)) for key in dict.fromkeys((*old, *new))}
    for key, other in _renamed(pairs).items():
        pairs[other] = (pairs.pop(key)[0], pairs[other][1])
    for (kind, name), (one, two) in sorted(pairs.items()):
        changes = tuple(_changes(lines_of(one) if one else [], lines_of(two) if two else []))
        if changes or one is None or two is None:
            state = State.ADDED if one is None else State.REMOVED if two is None else State.CHANGED
            yield ObjectChange(kind, name, state, changes)


def _renamed(pairs: Mapping[tuple[str, str], tuple[Any, Any]]) -> dict[tuple[str, str], tuple[str, str]]:
    """Return old -> new key of objects that have another name, where each side has one such of their kind."""
    gone = [key for key, (_, new) in pairs.items() if new is None]
    made = [key for key, (old, _) in pairs.items() if old is None]
    found = {}
    for kind in {key[0] for key in gone}:
        left, right = ([key for key in keys if key[0] == kind] for keys in (gone, made))
        if len(left) == len(right) == 1:
            found[left[0]] = right[0]
    return found


def _by_name(objects: Objects) -> dict[tuple[str, str], Mapping[str, Any]]:
    """Return objects by kind and name; of several that have both the same, a number tells them apart."""
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for one in objects:
        metadata = one.get("metadata")
        name = str(metadata.get("name") if isinstance(metadata, Mapping) else None)
        key, number = (str(one.get("kind")), name), 1
        while key in found:
            number += 1
            key = (key[0], f"{name} ({number})")
        found[key] = one
    return found


def changes_of(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    """Yield the lines in which two objects differ, without credentials."""
    return _changes(lines_of(before), lines_of(after))


def _changes(before: Sequence[Line], after: Sequence[Line]) -> Iterator[Change]:
    """Yield the lines of one side only, those of the first side before those that replace them."""
    for start, end, to_start, to_end in differing(before, after):
        old, new = before[start:end], after[to_start:to_end]
        seen = {(one.path, one.text) for one in old}
        moved = {(one.path, one.text, one.behind) for one in old}
        for one in old:
            yield Change("-", one.path, one.text)
        for one in new:
            # What is hidden looks the same on both sides.
            is_hidden = (one.path, one.text) in seen and (one.path, one.text, one.behind) not in moved
            mark = _ANOTHER if is_hidden else ""
            yield Change("+", one.path, f"{one.text}{mark}")
