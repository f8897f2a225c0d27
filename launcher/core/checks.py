"""Checks of parsed YAML and JSON, and the one form of their errors: where, value, rule, cure."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from launcher.errors import InvalidInput

__all__ = ["as_json", "invalid", "key_path", "require_known", "require_mapping", "require_text", "show"]

_SHOWN = 80


def show(value: Any) -> str:
    """Return ``value`` as it looks in YAML or JSON, cut to a readable length; a lone surrogate is escaped."""
    text = json.dumps(value, ensure_ascii=False, default=repr)
    text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def key_path(where: str, key: Any) -> str:
    """Return the key path of ``key`` under ``where``: ``file: a`` under a file, ``file: a.b`` under a key."""
    return f"{where}{'.' if ': ' in where else ': '}{key}" if where else str(key)


def invalid(where: str, value: Any, rule: str, *, cure: str = "") -> InvalidInput:
    """Return the error "<where>: <rule>, not <value>"; ``rule`` starts with "must"."""
    return InvalidInput(f"{rule}, not {show(value)}", where=where, cure=cure)


def require_mapping(value: Any, where: str, *, cure: str = "") -> Mapping[str, Any]:
    """Return ``value`` if it is a mapping.

    Raises:
        InvalidInput: it is not.
    """
    if not isinstance(value, Mapping):
        raise invalid(where, value, "must be a mapping", cure=cure or "write `key: value` pairs there")
    return value


def require_text(value: Any, where: str, *, cure: str = "") -> str:
    """Return ``value`` if it is text with at least one visible character.

    Raises:
        InvalidInput: it is not.
    """
    if not isinstance(value, str) or not value.strip():
        raise invalid(where, value, "must be a non-empty string", cure=cure or "set it or remove the key")
    return value


def require_known(entry: Mapping[str, Any], known: Collection[str], where: str) -> None:
    """Refuse unknown keys, which are almost always typing mistakes.

    Raises:
        InvalidInput: ``entry`` has a key outside ``known``.
    """
    for key in entry:
        if key not in known:
            raise InvalidInput(
                f"unknown key {show(key)}",
                where=where,
                cure=f"remove it; known keys: {', '.join(sorted(known))}",
            )


def as_json(value: Any, where: str, *, prune: bool = False) -> Any:
    """Return a deep copy of ``value`` that consists of JSON types only.

    Args:
        value: a parsed YAML or JSON value.
        where: file and key path of it.
        prune: leave out null entries of mappings, which the API server reads as absent. Without it null
            is refused: Helm reads a null value as "delete the chart's default".

    Raises:
        InvalidInput: a null, a key that is not text (YAML reads ``on:`` as true), or a type that JSON
            does not have (YAML reads ``2026-01-01`` as a date).
    """
    if isinstance(value, Mapping):
        return {
            key: as_json(item, key_path(where, key), prune=prune)
            for key, item in value.items()
            if _is_key(key, where) and not (prune and item is None)
        }
    if isinstance(value, (list, tuple)):
        return [as_json(item, f"{where}[{index}]", prune=prune) for index, item in enumerate(value)]
    if value is None:
        raise InvalidInput("null is refused", where=where, cure="give it a value or remove the key")
    if isinstance(value, str):
        return _utf8(value, where)
    if isinstance(value, (bool, int)):
        return value
    if isinstance(value, float) and abs(value) != float("inf") and value == value:  # noqa: PLR0124 - not NaN
        return value
    raise invalid(
        where, value, "must be text, a number, true, false, a list or a mapping", cure="put it in quotes"
    )


def _utf8(value: str, where: str) -> str:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise invalid(where, value, "must be valid Unicode", cure="remove the lone surrogate") from None
    return str.__str__(value)  # an enum member becomes its text


def _is_key(key: Any, where: str) -> bool:
    if not isinstance(key, str):
        raise invalid(where, key, "must have text as keys", cure="put the key in quotes")
    return True
