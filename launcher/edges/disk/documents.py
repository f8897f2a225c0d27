"""Reading YAML and JSON: errors with line and column; duplicate keys and oversized documents are refused."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from launcher.core.checks import refuse_endless
from launcher.errors import InvalidInput

__all__ = [
    "exists",
    "is_file",
    "is_folder",
    "parse_json",
    "parse_manifests",
    "read_stdin",
    "read_text",
    "read_yaml",
]

# Bytes. Configuration and job meta are kilobytes; something larger is the wrong file.
_LARGEST = 4 * 1024 * 1024
# What PyYAML raises on tags that do not fit their text (`!!int ""`, `!!bool x`, `!!timestamp x`).
_YAML_ERRORS = (yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError, RecursionError)


class _Loader(yaml.SafeLoader):
    """A SafeLoader that refuses duplicate keys; PyYAML silently keeps the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT002
        seen: set[Any] = set()
        for key_node, _ in node.value:
            if isinstance(key_node, yaml.ScalarNode) and key_node.tag != "tag:yaml.org,2002:merge":
                if key_node.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"key {key_node.value!r} occurs twice", key_node.start_mark
                    )
                seen.add(key_node.value)
        return super().construct_mapping(node, deep)


def exists(path: Path) -> bool:
    """Return whether ``path`` exists; True where that cannot be read, so that reading it reports why."""
    return _checked(path.exists, if_unreadable=True)


def is_folder(path: Path) -> bool:
    """Return whether ``path`` is a folder; False where that cannot be read (a name of 300 letters)."""
    return _checked(path.is_dir, if_unreadable=False)


def is_file(path: Path) -> bool:
    """Return whether ``path`` is a file; False where that cannot be read (a name of 300 letters)."""
    return _checked(path.is_file, if_unreadable=False)


def _checked(check: Callable[[], bool], *, if_unreadable: bool) -> bool:
    """Return the result of ``check``; ValueError: a null byte in the path."""
    try:
        return check()
    except (OSError, ValueError):
        return if_unreadable


def read_text(path: Path) -> str:
    """Return the text of a file.

    Raises:
        InvalidInput: there is no such file.
        InvalidInput: it cannot be read as text.
    """
    try:
        with path.open("rb") as file:
            return _decode(file.read(_LARGEST + 1), str(path))
    except FileNotFoundError as error:
        raise InvalidInput(f"{path}: there is no such file", cure="check the path") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        cure = "make it readable for this user, or name another file"
        raise InvalidInput(f"cannot be read: {reason}", where=str(path), cure=cure) from error


def read_stdin() -> str:
    """Return the text on standard input.

    Raises:
        InvalidInput: it is too large or not text.
    """
    return _decode(sys.stdin.buffer.read(_LARGEST + 1), "standard input")


def _decode(data: bytes, source: str) -> str:
    if len(data) > _LARGEST:
        raise InvalidInput(f"is larger than {_LARGEST} bytes", where=source, cure="this is the wrong file")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InvalidInput("is not UTF-8 text", where=f"{source}:{line}", cure="save it as UTF-8") from error


def read_yaml(path: Path) -> Any:
    """Return a parsed YAML file (None for an empty one).

    Raises:
        InvalidInput: there is no such file.
        InvalidInput: a syntax error, with line and column.
    """
    text = read_text(path)
    try:
        parsed = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise InvalidInput(f"{error.problem}", where=where, cure="correct the YAML there") from error
    except _YAML_ERRORS as error:
        raise InvalidInput(f"is not YAML: {error}", where=str(path), cure="correct the file") from error
    refuse_endless(parsed, str(path))
    return parsed


def parse_manifests(text: str) -> list[dict[str, Any]]:
    """Return the objects that helm printed."""
    return [parsed for parsed in yaml.safe_load_all(text) if parsed]


def parse_json(text: str, source: str) -> Any:
    """Return parsed JSON.

    Raises:
        InvalidInput: a syntax error, with line and column, or a duplicate key.
    """
    try:
        parsed = json.loads(text, object_pairs_hook=lambda pairs: _unique_keys(pairs, source))
    except json.JSONDecodeError as error:
        where = f"{source}:{error.lineno}:{error.colno}"
        raise InvalidInput(error.msg, where=where, cure="correct the JSON there") from error
    except (RecursionError, ValueError) as error:
        # ValueError: a number of more than 4300 digits.
        raise InvalidInput(f"is not JSON: {error}", where=source, cure="this is no job meta") from error
    refuse_endless(parsed, source)
    return parsed


def _unique_keys(pairs: list[tuple[str, Any]], source: str) -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise InvalidInput(f"key {key!r} occurs twice", where=source, cure="keep one of them")
        found[key] = value
    return found
