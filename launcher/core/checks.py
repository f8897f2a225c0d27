"""Checks of parsed YAML and JSON, and the one form of their errors: where, value, rule, cure."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from launcher.core.foreign import head, name
from launcher.errors import InvalidInput

__all__ = [
    "DEEPEST",
    "as_json",
    "invalid",
    "key_path",
    "refuse_dense",
    "refuse_endless",
    "require_known",
    "require_mapping",
    "require_text",
    "require_unicode",
    "show",
]

_SHOWN = 80
# YAML aliases repeat what they point to: nine lines can stand for a billion items, or for themselves.
_MOST_ITEMS = 200_000
# PyYAML reads 40,000 in a second, and `1:1:1:...` as one number in time that grows with the square.
_MOST_MARKS = 40_000
_MARKS = ",:\n"
# Nothing of Kubernetes, Helm or FLARE goes deeper than twenty.
DEEPEST = 100
# Python prints no longer number (sys.int_info, 4300 digits), and reads one in YAML's hexadecimal.
_LONGEST_NUMBER_BITS = 14_000


def show(value: Any) -> str:
    """Return ``value`` as it looks in YAML or JSON, cut to a readable length; a lone surrogate is escaped."""
    text = json.dumps(value, ensure_ascii=False, default=repr)
    text = text.encode("utf-8", "backslashreplace").decode()
    return head(text, _SHOWN)


def key_path(where: str, key: Any) -> str:
    """Return the key path of ``key`` under ``where``: ``file: a`` under a file, ``file: a.b`` under a key."""
    key = name(str(key))
    return f"{where}{'.' if ': ' in where else ': '}{key}" if where else key


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


def refuse_dense(text: str, source: str) -> None:
    """Refuse YAML that takes seconds to be read, before it is.

    Raises:
        InvalidInput: it has too many lines and items.
    """
    if sum(map(text.count, _MARKS)) > _MOST_MARKS:
        raise InvalidInput(
            f"has more than {_MOST_MARKS} lines, keys and items", where=source, cure="this is the wrong file"
        )


def refuse_endless(parsed: Any, source: str) -> None:
    """Refuse what nobody can walk through: parsed YAML or JSON without end.

    Raises:
        InvalidInput: aliases contain themselves or multiply beyond any use, lists and mappings are nested
            more than a hundred levels deep, or a number has thousands of digits.
    """
    items, queue = 0, [parsed]
    while queue:
        value = queue.pop()
        if isinstance(value, int) and value.bit_length() > _LONGEST_NUMBER_BITS:
            raise InvalidInput(
                "has a number of more than 4000 digits", where=source, cure="correct the number"
            )
        below = _below(value)
        items += len(below)
        if items > _MOST_ITEMS:
            cure = "write out what the aliases (*name) stand for"
            raise InvalidInput(f"has more than {_MOST_ITEMS} items", where=source, cure=cure)
        queue.extend(below)
    level, depth = [parsed], 0
    while level:
        level, depth = [one for value in level for one in _below(value)], depth + 1
        if depth > DEEPEST and level:
            cure = "write it flatter"
            raise InvalidInput(f"is nested more than {DEEPEST} levels deep", where=source, cure=cure)


def _below(value: Any) -> Collection[Any]:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, (list, tuple)) else ()


def as_json(value: Any, where: str, *, prune: bool = False, keep_null: bool = False) -> Any:
    """Return a deep copy of ``value`` that consists of JSON types only.

    Args:
        value: a parsed YAML or JSON value.
        where: file and key path of it.
        prune: leave out null entries of mappings, which the API server reads as absent.
        keep_null: keep null entries of mappings outside of lists: in chart values null leaves a default out.

    Raises:
        InvalidInput: a null that is neither left out nor kept, a key that is not text (YAML reads ``on:`` as
            true), or a type that JSON does not have (YAML reads ``2026-01-01`` as a date).
    """
    if isinstance(value, Mapping):
        return {
            key: item
            if item is None and keep_null
            else as_json(item, key_path(where, key), prune=prune, keep_null=keep_null)
            for key, item in value.items()
            if _is_key(key, where) and (keep_null or not prune or item is not None)
        }
    if isinstance(value, (list, tuple)):
        return [as_json(item, f"{where}[{index}]", prune=prune) for index, item in enumerate(value)]
    if value is None:
        raise InvalidInput("null is refused", where=where, cure="give it a value or remove the key")
    if isinstance(value, str):
        return require_unicode(value, where)
    if isinstance(value, (bool, int)):
        return value
    if isinstance(value, float) and abs(value) != float("inf") and value == value:  # noqa: PLR0124 - not NaN
        return value
    raise invalid(
        where, value, "must be text, a number, true, false, a list or a mapping", cure="put it in quotes"
    )


def require_unicode(value: str, where: str) -> str:
    """Return ``value`` if an encoding can write it.

    Raises:
        InvalidInput: it has a lone surrogate, which the escapes of YAML and JSON can make.
    """
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise invalid(where, value, "must be valid Unicode", cure="remove the lone surrogate") from None
    return str.__str__(value)  # an enum member becomes its text


def _is_key(key: Any, where: str) -> bool:
    if not isinstance(key, str):
        raise invalid(where, key, "must have text as keys", cure="put the key in quotes")
    return True
