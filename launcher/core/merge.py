"""The merge rule of chart values, and FLARE's merge of lists by the names of their items."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from launcher.core.chart_defaults import EMPTY, FIELDS, Path, below, left_out
from launcher.core.checks import as_json, key_path, show
from launcher.errors import InvalidInput

__all__ = ["merge", "merge_by_name", "named_items"]


def merge(
    base: Mapping[str, Any], over: Mapping[str, Any], where: str, *, any_null: bool = False
) -> dict[str, Any]:
    """Return chart values ``base`` with ``over`` on top: maps merge, the rest replaces, null leaves out.

    Null leaves out what ``base`` has there, and stays where the chart has a default, for Helm to leave that
    out as well. Neither argument is changed, and the result shares nothing with them.

    Args:
        base: the lower layer.
        over: the upper layer.
        where: file of the upper layer, for errors.
        any_null: take a null where there is nothing to leave out, and keep it: for a manifest, in which
            Kubernetes reads null as not given, and for a chart whose defaults are not known here.

    Raises:
        InvalidInput: ``over`` has a null that leaves nothing out or is in a list, or a map where ``base`` has
            something else or the reverse (Helm warns and drops one of the two).
    """
    return _merge(base, as_json(over, where, keep_null=True), (where, ()), any_null)


def _merge(
    base: Mapping[str, Any], over: Mapping[str, Any], place: tuple[str, Path], any_null: bool
) -> dict[str, Any]:
    where, above = place
    result = copy.deepcopy(dict(base))
    for key, value in over.items():
        at, path = key_path(where, key), (*above, key)
        lower = result.get(key)
        if value is None:
            _leave_out(result, path, at, any_null)
        elif isinstance(value, dict) and (lower is None or isinstance(lower, dict)):
            result[key] = _merge(lower or {}, value, (at, path), any_null)
        elif lower is not None and isinstance(lower, dict) != isinstance(value, dict):
            cure = "use the form of the chart's values.yaml"
            raise InvalidInput(f"{show(value)} cannot replace {show(lower)}", where=at, cure=cure)
        else:
            result[key] = value
    return result


def _leave_out(result: dict[str, Any], path: Path, where: str, any_null: bool) -> None:
    key, default = path[-1], left_out(path)
    if not (key in result or any_null or below(path, FIELDS) or below(path, EMPTY)):
        cure = "remove the key; null leaves out a default of the chart, or what a weaker layer says"
        raise InvalidInput("null leaves nothing out here", where=where, cure=cure)
    result.pop(key, None)
    if default != {} or any_null:
        result[key] = default or None


def named_items(value: Any, where: str) -> list[dict[str, Any]]:
    """Return a checked copy of a Kubernetes list whose items are mappings with a name; None is empty.

    Raises:
        InvalidInput: not a list, an item is no mapping or has no name.
    """
    if value is None:
        return []
    if not isinstance(value, (list, tuple)):
        cure = "write a list of `- name: ...` items"
        raise InvalidInput(f"must be a list, not {show(value)}", where=where, cure=cure)
    items = [as_json(item, f"{where}[{index}]", prune=True) for index, item in enumerate(value)]
    for index, item in enumerate(items):
        if not isinstance(item, dict):
            cure = "write `- name: ...`"
            raise InvalidInput(f"must be a mapping, not {show(item)}", where=f"{where}[{index}]", cure=cure)
        if not isinstance(item.get("name"), str) or not item["name"]:
            cure = "give the item a name"
            raise InvalidInput(f"has no name: {show(item)}", where=f"{where}[{index}]", cure=cure)
    return items


def merge_by_name(
    base: Sequence[Mapping[str, Any]], over: Iterable[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return ``base`` with the items of ``over`` in place of those of the same name, new ones appended.

    This is how FLARE merges a job into a pod template. A name occurs once in the result: the kubelet lets
    the last of several win, while server-side apply (Helm 4) refuses a list with two of the same name.
    """
    result: dict[str, dict[str, Any]] = {}
    for item in (*base, *over):
        result[item["name"]] = copy.deepcopy(dict(item))
    return list(result.values())
