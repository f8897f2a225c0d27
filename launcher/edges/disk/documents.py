"""Reading YAML and JSON: errors with line and column; duplicate keys and oversized documents are refused."""

from __future__ import annotations

import codecs
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from launcher.core.checks import DEEPEST, invalid, refuse_dense, refuse_endless
from launcher.core.foreign import quoted
from launcher.core.values.plain_yaml import PlainText
from launcher.core.yaml_text import documents
from launcher.edges.disk.yaml_faults import TOO_DEEP, fault, of_python
from launcher.errors import InvalidInput

__all__ = [
    "StrictLoader",
    "exists",
    "is_file",
    "is_folder",
    "load_site",
    "parse_json",
    "parse_manifests",
    "parse_yaml",
    "read_stdin",
    "read_text",
    "read_yaml",
    "read_zipped",
]

# Bytes. Configuration and job meta are kilobytes; something larger is the wrong file.
_LARGEST = 4 * 1024 * 1024
_DEEPEST_IN_ZIP = 2
_UNPACK = "unpack it, and name the folder"
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# What PyYAML raises on tags that do not fit their text (`!!int ""`, `!!bool x`, `!!timestamp x`).
_YAML_ERRORS = (yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError, RecursionError)


class StrictLoader(yaml.SafeLoader):
    """A SafeLoader that refuses duplicate keys, of which PyYAML silently keeps the last one, and depth.

    PyYAML takes seconds for some thousand open brackets before Python's own limit ends it.
    """

    depth = 0

    def fetch_flow_collection_start(self, token: Any) -> None:
        """Refuse depth before the scanner looks ahead: with each open bracket it does so for all of them."""
        if self.flow_level > DEEPEST:
            raise yaml.scanner.ScannerError(None, None, TOO_DEEP, self.get_mark())
        super().fetch_flow_collection_start(token)

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Refuse depth."""
        if self.depth > DEEPEST:
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, TOO_DEEP, mark)
        self.depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT002
        """Refuse a key that occurs twice."""
        seen: set[Any] = set()
        for key_node, _ in node.value:
            if isinstance(key_node, yaml.ScalarNode) and key_node.tag != "tag:yaml.org,2002:merge":
                if key_node.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"key {quoted(key_node.value)} occurs twice", key_node.start_mark
                    )
                seen.add(key_node.value)
        return super().construct_mapping(node, deep)


class SiteLoader(PlainText, StrictLoader):
    """The loader of the launcher's own files: ``12:30`` and ``2026-01-01`` are texts, as for Helm."""


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


def read_zipped(path: Path, names: Sequence[str]) -> tuple[str, str]:
    """Return name and text of the first of these files in a zip, at its top or in the one folder there is.

    Raises:
        InvalidInput: it is no zip, or has none of them.
    """
    import zipfile  # noqa: PLC0415 - hardly any command needs it
    import zlib  # noqa: PLC0415

    try:
        with zipfile.ZipFile(path) as archive:
            members = {name for name in archive.namelist() if name.count("/") < _DEEPEST_IN_ZIP}
            wanted = (f"{above}{name}" for above in ("", *_folders(members)) for name in names)
            found = next((name for name in wanted if name in members), None)
            if found is None:
                cure = "name the zip of a FLARE job folder"
                raise InvalidInput(f"{path}: there is no {names[0]} in this zip", cure=cure)
            with archive.open(found) as file:
                return found, _decode(file.read(_LARGEST + 1), f"{path}: {found}")
    except FileNotFoundError as error:
        raise InvalidInput(f"{path}: there is no such file", cure="check the path") from error
    except (OSError, ValueError, RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
        # RuntimeError: it has a password.
        raise InvalidInput(f"is no zip that can be read: {error}", where=str(path), cure=_UNPACK) from error


def _folders(members: Iterable[str]) -> list[str]:
    return sorted({f"{name.partition('/')[0]}/" for name in members if "/" in name})


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
        # With their mark, as editors and shells of Windows write them, YAML allows both.
        return data.decode("utf-16" if data.startswith(_UTF_16) else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InvalidInput("is not UTF-8 text", where=f"{source}:{line}", cure="save it as UTF-8") from error


def _load(text: str) -> Any:
    return yaml.load(text, Loader=StrictLoader)  # noqa: S506 - a SafeLoader


def load_site(text: str) -> Any:
    """Return parsed YAML of a site; raises what PyYAML does."""
    return yaml.load(text, Loader=SiteLoader)  # noqa: S506 - a SafeLoader


def read_yaml(path: Path, *, load: Callable[[str], Any] = _load, secret: bool = False) -> Any:
    """Return a parsed YAML file (None for an empty one).

    Args:
        path: the file.
        load: parses its text; raises what PyYAML does.
        secret: it has credentials, so that an error quotes nothing of it.

    Raises:
        InvalidInput: there is no such file.
        InvalidInput: too much of it.
        InvalidInput: a syntax error, with line and column.
    """
    return parse_yaml(read_text(path), str(path), load=load, secret=secret)


def parse_yaml(text: str, source: str, *, load: Callable[[str], Any] = _load, secret: bool = False) -> Any:
    """Return parsed YAML (None for an empty text); arguments and errors as of :func:`read_yaml`."""
    refuse_dense(text, source)
    try:
        parsed = load(text)
    except _YAML_ERRORS as error:
        told = fault(error, text, source, secret=secret)
        # A traceback would show the lines around it.
        raise told from (None if secret else error)
    refuse_endless(parsed, source)
    return parsed


def parse_manifests(text: str) -> list[dict[str, Any]]:
    """Return the objects that helm printed.

    Raises:
        InvalidInput: what the chart prints is no YAML, or no objects.
    """
    where, cure = "what the chart prints", "look at it with `helm template`"
    try:
        found = [parsed for parsed in documents(text) if parsed]
    except _YAML_ERRORS as error:
        raise InvalidInput(f"cannot be read: {quoted(str(error))}", where=where, cure=cure) from error
    for one in found:
        refuse_endless(one, where)
        if not isinstance(one, dict):
            raise invalid(where, one, "must be objects", cure=cure)
    return found


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
        why = f"is not JSON: {of_python(error)}"
        raise InvalidInput(why, where=source, cure="this is no job meta") from error
    refuse_endless(parsed, source)
    return parsed


def _unique_keys(pairs: list[tuple[str, Any]], source: str) -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise InvalidInput(f"key {quoted(key)} occurs twice", where=source, cure="keep one of them")
        found[key] = value
    return found
