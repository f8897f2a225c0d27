"""Who set a field of an object: ``metadata.managedFields``, which the API server keeps.

An entry is a manager, an operation and the fields that it has set last; who sets a field to another value
takes it from the others. What a webhook changes while an object is made is in no entry of its own: the field
stays that of whoever makes the object. Who *removes* a field is written nowhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from launcher.core.foreign import line, name

__all__ = ["Entry", "Part", "Path", "entries_of", "is_creation", "moment", "owners"]

# A key of a mapping, or an item of a list by the key that tells it apart and its value.
Part = str | tuple[str, Any]
Path = tuple[Part, ...]
# Of Helm 3.22 and 4.3 (ManagedFieldsManager).
_HELM = "helm"
# Webhooks have 30 s, and the two stamps are not of the same moment.
_MAKING = timedelta(seconds=30)
_LONGEST = 128  # of a manager, by the API server's own rule
_MOST = 200  # entries; each Update and each subresource of a manager has one


@dataclass(frozen=True)
class Entry:
    """An entry of managedFields; ``time`` is when it was changed last, None where it does not say."""

    manager: str
    operation: str
    subresource: str
    time: datetime | None
    fields: Mapping[str, Any] = field(repr=False, compare=False)

    @property
    def text(self) -> str:
        """How a reader is told who it was."""
        how = f"{self.operation} of {self.subresource}" if self.subresource else self.operation
        when = f" at {self.time.strftime('%Y-%m-%dT%H:%M:%SZ')}" if self.time else ""
        return f"{self.manager} ({how}){when}"


def entries_of(one: Mapping[str, Any]) -> tuple[Entry, ...]:
    """Return the entries of an object, none for what is no entry; it raises nothing."""
    metadata = one.get("metadata")
    found = metadata.get("managedFields") if isinstance(metadata, Mapping) else None
    items = found[:_MOST] if isinstance(found, list) else []
    return tuple(_entry(item) for item in items if isinstance(item, Mapping))


def _entry(item: Mapping[str, Any]) -> Entry:
    fields = item.get("fieldsV1")
    return Entry(
        manager=line(str(item.get("manager") or ""), _LONGEST) or "nobody",
        operation=name(str(item.get("operation") or "")),
        subresource=name(str(item.get("subresource") or "")),
        time=moment(item.get("time")),
        fields=fields if isinstance(fields, Mapping) else {},
    )


def moment(value: Any) -> datetime | None:
    """Return the time of a stamp in whole seconds, as managedFields and creationTimestamp have them."""
    try:
        return datetime.strptime(str(value), "%Y-%m-%dT%H:%M:%S%z")
    except (ValueError, OverflowError):
        return None


def is_creation(entry: Entry, one: Mapping[str, Any]) -> bool:
    """Return whether an entry is that of the request which made the object.

    That is Helm's, of the time of the creation: an upgrade, or somebody who calls himself helm, comes later.
    Of an object that Helm has no entry of, the oldest manager's.
    """
    if entry.subresource:
        return False
    known = entries_of(one)
    makers = {_HELM} if any(other.manager == _HELM for other in known) else _oldest(known)
    metadata = one.get("metadata")
    made = moment(metadata.get("creationTimestamp")) if isinstance(metadata, Mapping) else None
    is_early = entry.time is not None and made is not None and entry.time - made <= _MAKING
    return is_early and entry.manager in makers


def _oldest(entries: Sequence[Entry]) -> set[str]:
    first = min((entry.time for entry in entries if entry.time), default=None)
    return {entry.manager for entry in entries if entry.time == first}


def owners(one: Mapping[str, Any], path: Path) -> tuple[Entry, ...]:
    """Return the entries that have set a field, or all of what it is a part of, the newest first."""
    found = [entry for entry in entries_of(one) if _has(entry.fields, path)]
    return tuple(sorted(found, key=lambda entry: entry.time.timestamp() if entry.time else 0.0, reverse=True))


def _has(fields: Mapping[str, Any], path: Path) -> bool:
    node: Any = fields
    for number, part in enumerate(path):
        if not isinstance(node, Mapping):
            return False
        if number and not node:
            return True  # set as a whole, such as `f:nodeSelector: {}`
        node = next(_children(node, part), None)
    return isinstance(node, Mapping)


def _children(node: Mapping[str, Any], part: Part) -> Iterator[Any]:
    if isinstance(part, str):
        if f"f:{part}" in node:
            yield node[f"f:{part}"]
        return
    for key, below in node.items():
        if str(key).startswith("k:") and _is_item(key[2:], part):
            yield below


def _is_item(text: str, part: tuple[str, Any]) -> bool:
    try:
        keys = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(keys, Mapping) and keys.get(part[0]) == part[1]
