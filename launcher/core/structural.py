"""What of a manifest an object in the cluster does not have: only fields that the manifest sets are compared.

Whatever else the object has are defaults of the API server and additions of others. The same thing written in
another way is no difference: ``1000m`` and ``1``, an empty text and none, items of a list in another order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from launcher.core.managed_fields import Part, Path
from launcher.core.quantities import parse_quantity
from launcher.errors import InvalidInput

__all__ = ["MISSING", "Spot", "added", "at", "differences"]


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"


MISSING: Any = _Missing()
# By which key the API server merges items of a list (x-kubernetes-list-map-keys, patchMergeKey).
_KEYS: Mapping[str, str] = {
    "containers": "name",
    "initContainers": "name",
    "ephemeralContainers": "name",
    "volumes": "name",
    "env": "name",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
    "ports": "containerPort",
    "imagePullSecrets": "name",
    "schedulingGates": "name",
    "resourceClaims": "name",
    "hostAliases": "ip",
    "topologySpreadConstraints": "topologyKey",
}
# Lists without such a key to which others add: each item of the manifest must be one of the object's.
_GROWING = frozenset({"tolerations"})
_AMOUNTS = frozenset({"limits", "requests", "overhead", "hard", "sizeLimit", "storage", "capacity"})
# Of metadata; names are what the object was found by, the rest is the API server's.
_METADATA = ("labels", "annotations")
_NOT_SET = frozenset({"apiVersion", "kind", "metadata", "status"})


@dataclass(frozen=True)
class Spot:
    """A place where an object is not as the manifest: ``found`` is MISSING where it has nothing there."""

    path: Path
    wanted: Any
    found: Any


def differences(manifest: Mapping[str, Any], live: Mapping[str, Any]) -> Iterator[Spot]:
    """Yield where an object is not as its manifest sets it.

    Args:
        manifest: the object as it was installed.
        live: the object as the API server has it.
    """
    for path, wanted, found in _parts(manifest, live):
        yield from _compare(path, wanted, found)


def added(manifest: Mapping[str, Any], live: Mapping[str, Any]) -> Iterator[Spot]:
    """Yield what an object has beyond its manifest, each at the highest place that is not in it."""
    for path, wanted, found in _parts(manifest, live):
        yield from _more(path, wanted, found)


def _parts(manifest: Mapping[str, Any], live: Mapping[str, Any]) -> Iterator[tuple[Path, Any, Any]]:
    meta, found = _map(manifest.get("metadata")), _map(live.get("metadata"))
    for key in _METADATA:
        yield ("metadata", key), _map(meta.get(key)), _map(found.get(key))
    for key in ("finalizers", "ownerReferences"):  # others add them, no manifest of ours has one
        if found.get(key):
            yield ("metadata",), meta, {**meta, key: found[key]}
    for key in dict.fromkeys((*manifest, *live)):
        if key not in _NOT_SET:
            yield (key,), _content(manifest, key), _content(live, key)


def _content(one: Mapping[str, Any], key: str) -> Any:
    return one.get(key, MISSING)


def at(one: Any, path: Path) -> Any:
    """Return what stands at a place of an object, MISSING where there is nothing."""
    for part in path:
        if isinstance(part, str):
            one = one.get(part, MISSING) if isinstance(one, Mapping) else MISSING
        else:
            items = one if isinstance(one, list) else []
            one = next((item for item in items if _map(item).get(part[0]) == part[1]), MISSING)
    return one


def _compare(path: Path, wanted: Any, found: Any) -> Iterator[Spot]:
    if _is_empty(wanted) and (found is MISSING or _is_empty(found)):
        return
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        for key, value in wanted.items():
            yield from _compare((*path, str(key)), value, found.get(key, MISSING))
    elif isinstance(wanted, list) and isinstance(found, list):
        yield from _lists(path, wanted, found)
    elif wanted is not MISSING and not _is_same(path, wanted, found):
        yield Spot(path, wanted, found)


def _lists(path: Path, wanted: Sequence[Any], found: Sequence[Any]) -> Iterator[Spot]:
    key = _key(path[-1], (*wanted, *found))
    if key:
        known = {_map(item).get(key): item for item in found}
        for item in wanted:
            yield from _compare((*path, (key, item[key])), item, known.get(item[key], MISSING))
    elif path[-1] in _GROWING:
        for item in wanted:
            if not any(_is_within(path, item, other) for other in found):
                yield Spot(path, list(wanted), list(found))
                return
    elif len(wanted) != len(found) or not all(
        _is_within(path, one, other) for one, other in zip(wanted, found, strict=True)
    ):
        yield Spot(path, list(wanted), list(found))


def _more(path: Path, wanted: Any, found: Any) -> Iterator[Spot]:
    if wanted is MISSING or _is_empty(wanted):
        if isinstance(found, Mapping) and len(path) > 1 and path[0] == "metadata":
            for key, value in found.items():
                yield Spot((*path, str(key)), MISSING, value)
        elif found is not MISSING and not _is_empty(found):
            yield Spot(path, MISSING, found)
    elif isinstance(wanted, Mapping) and isinstance(found, Mapping):
        for key, value in found.items():
            yield from _more((*path, str(key)), wanted.get(key, MISSING), value)
    elif isinstance(wanted, list) and isinstance(found, list) and (key := _key(path[-1], (*wanted, *found))):
        known = {item[key]: item for item in wanted}
        for item in found:
            yield from _more((*path, (key, item[key])), known.get(item[key], MISSING), item)


def _key(field: Part, items: Sequence[Any]) -> str:
    """Return the key that tells items of a list apart, empty where there is none."""
    key = _KEYS.get(field, "") if isinstance(field, str) else ""
    return key if key and all(isinstance(_map(item).get(key), (str, int)) for item in items) else ""


def _is_within(path: Path, wanted: Any, found: Any) -> bool:
    return next(_compare(path, wanted, found), None) is None


def _is_same(path: Path, wanted: Any, found: Any) -> bool:
    if found is MISSING or isinstance(wanted, (Mapping, list)) or isinstance(found, (Mapping, list)):
        return bool(wanted == found)
    if wanted == found and isinstance(wanted, bool) == isinstance(found, bool):
        return True
    if isinstance(wanted, bool) or isinstance(found, bool):
        return False
    if str(wanted) == str(found):  # a number or its text, of fields that take both
        return True
    return any(part in _AMOUNTS for part in path) and _is_amount(str(wanted), str(found))


def _is_amount(wanted: str, found: str) -> bool:
    try:
        return parse_quantity(wanted) == parse_quantity(found)
    except InvalidInput:
        return False


def _is_empty(value: Any) -> bool:
    """Return whether a value is what the API server leaves out: null, "", {} and []."""
    return value is None or (isinstance(value, (str, Mapping, list)) and not value)


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
