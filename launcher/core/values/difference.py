"""What two jobs of the same id differ in: key paths of their chart values."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from launcher.core.names import ANNOTATION_RETENTION, LABEL_ATTEMPT

__all__ = ["difference"]

# How often the id was launched, and what becomes of the job after its end, do not make it another one.
_NO_MATTER = frozenset({("labels", LABEL_ATTEMPT), ("pod", "annotations", ANNOTATION_RETENTION)})
_NOTHING = object()
_NOT_A_WORD = re.compile(r"[^A-Za-z0-9_-]")


def difference(there: Mapping[str, Any], wanted: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the key paths in which the values of a job differ from those of another one, sorted.

    Never the values themselves: those of an environment are nobody's to show.

    Args:
        there: as Helm has recorded them.
        wanted: as a launch would give them.
    """
    found = _differing(_plain(there), _plain(wanted), ())
    return tuple(sorted(_path_text(path) for path in found if path not in _NO_MATTER))


def _plain(values: Mapping[str, Any]) -> Any:
    return json.loads(json.dumps(values, default=str))


def _differing(one: Any, other: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if one == other:
        return
    first, second = _named(one), _named(other)
    if first is None or second is None:
        yield path
        return
    for name in first.keys() | second.keys():
        yield from _differing(first.get(name, _NOTHING), second.get(name, _NOTHING), (*path, name))


def _named(value: Any) -> Mapping[str, Any] | None:
    """Return what is in a mapping, or in a list whose items have names, by name; None for all else."""
    if isinstance(value, Mapping):
        return value
    if not isinstance(value, Sequence) or isinstance(value, str):
        return None
    names = [one.get("name") if isinstance(one, Mapping) else None for one in value]
    if not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        return None
    return {f"[{name}]": one for name, one in zip(names, value, strict=True)}


def _path_text(path: tuple[str, ...]) -> str:
    parts = (part if part.startswith("[") or not _NOT_A_WORD.search(part) else f'["{part}"]' for part in path)
    return "".join(part if part.startswith("[") else f".{part}" for part in parts).removeprefix(".")
