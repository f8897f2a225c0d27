"""Reading YAML and JSON from disk: syntax errors with line and column, no key twice, nothing unreadable."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from launcher.errors import InvalidInput, NotFound

__all__ = ["parse_json", "read_text", "read_yaml"]

# Configuration and job meta are kilobytes; something larger is the wrong file.
_LARGEST = 4 * 1024 * 1024


class _Loader(yaml.SafeLoader):
    """A SafeLoader that refuses a key twice; PyYAML would silently keep the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        seen: set[Any] = set()
        for key_node, _ in node.value:
            if isinstance(key_node, yaml.ScalarNode) and key_node.tag != "tag:yaml.org,2002:merge":
                if key_node.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"key {key_node.value!r} occurs twice", key_node.start_mark
                    )
                seen.add(key_node.value)
        return super().construct_mapping(node, deep)


def read_text(path: Path) -> str:
    """Return the text of a file.

    Raises:
        NotFound: there is no such file.
        InvalidInput: it cannot be read as text.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise InvalidInput(
                f"is larger than {_LARGEST} bytes", where=str(path), cure="this is the wrong file"
            )
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise NotFound(f"{path}: there is no such file", cure="check the path") from error
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"is not UTF-8 text: {error.reason}", where=str(path), cure="save it as UTF-8"
        ) from error
    except OSError as error:
        cure = "make it readable for this user, or name another file"
        raise InvalidInput(f"cannot be read: {error.strerror}", where=str(path), cure=cure) from error


def read_yaml(path: Path) -> Any:
    """Return a parsed YAML file (None for an empty one).

    Raises:
        NotFound: there is no such file.
        InvalidInput: a syntax error, with line and column.
    """
    text = read_text(path)
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise InvalidInput(f"{error.problem}", where=where, cure="correct the YAML there") from error
    except (yaml.YAMLError, ValueError) as error:
        raise InvalidInput(f"is not YAML: {error}", where=str(path), cure="correct the file") from error


def parse_json(text: str, source: str) -> Any:
    """Return parsed JSON.

    Raises:
        InvalidInput: a syntax error or a key twice, with line and column.
    """
    try:
        return json.loads(text, object_pairs_hook=lambda pairs: _once(pairs, source))
    except json.JSONDecodeError as error:
        where = f"{source}:{error.lineno}:{error.colno}"
        raise InvalidInput(error.msg, where=where, cure="correct the JSON there") from error
    except RecursionError as error:
        raise InvalidInput("is nested too deeply", where=source, cure="this is no job meta") from error


def _once(pairs: list[tuple[str, Any]], source: str) -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise InvalidInput(f"key {key!r} occurs twice", where=source, cure="keep one of them")
        found[key] = value
    return found
