"""Kubeconfig files: read, checked for types, and merged as kubectl merges them.

The first file that has a cluster, user or context of a name, or a current context, decides it. Relative paths
are relative to the file they stand in. Files that are missing are skipped.
"""

from __future__ import annotations

import functools
import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from launcher.core import foreign
from launcher.core.foreign import quoted
from launcher.edges.disk.documents import read_yaml
from launcher.edges.disk.go_yaml import first_document
from launcher.errors import InvalidInput, Reason

__all__ = ["Kubeconfig", "load", "unusable"]

Entry = Mapping[str, Any]

# Section -> the key of an entry, and the type of each field that the launcher or kubectl reads.
_SECTIONS: Mapping[str, tuple[str, Mapping[str, type]]] = {
    "clusters": (
        "cluster",
        {
            "server": str,
            "tls-server-name": str,
            "insecure-skip-tls-verify": bool,
            "certificate-authority": str,
            "certificate-authority-data": str,
            "proxy-url": str,
            "disable-compression": bool,
            "extensions": list,
        },
    ),
    "contexts": ("context", {"cluster": str, "user": str, "namespace": str, "extensions": list}),
    "users": (
        "user",
        {
            "client-certificate": str,
            "client-certificate-data": str,
            "client-key": str,
            "client-key-data": str,
            "token": str,
            "tokenFile": str,
            "as": str,
            "as-uid": str,
            "as-groups": list,
            "as-user-extra": dict,
            "username": str,
            "password": str,
            "auth-provider": dict,
            "exec": dict,
            "extensions": list,
        },
    ),
}
_KIND = {"apiVersion": "v1", "kind": "Config"}  # each may be left out
_LONGEST = 200  # of what is wrong with a file
_TYPE_NAMES = {str: "a text", bool: "true or false", list: "a list", dict: "a mapping"}
_PATHS = ("certificate-authority", "client-certificate", "client-key", "tokenFile")


@dataclass(frozen=True)
class Kubeconfig:
    """What one or several kubeconfig files say; fields without a value are left out."""

    clusters: Mapping[str, Entry] = field(default_factory=dict)
    contexts: Mapping[str, Entry] = field(default_factory=dict)
    users: Mapping[str, Entry] = field(default_factory=dict, repr=False)
    current_context: str = ""

    @property
    def is_empty(self) -> bool:
        """True when nothing is configured."""
        return not (self.clusters or self.contexts or self.users or self.current_context)

    def under(self, first: Kubeconfig) -> Kubeconfig:
        """Return the two merged; what ``first`` has is kept."""
        return Kubeconfig(
            clusters={**self.clusters, **first.clusters},
            contexts={**self.contexts, **first.contexts},
            users={**self.users, **first.users},
            current_context=first.current_context or self.current_context,
        )


def unusable(source: str, why: str, *, cure: str = "", reason: Reason | None = None) -> InvalidInput:
    """Return the error for a kubeconfig that cannot be used; ``source`` names its files."""
    return InvalidInput(
        f"{source or 'the environment'} cannot be used: {why}",
        where="kubeconfig",
        cure=cure or "look at it with `kubectl config view` and `kubectl config get-contexts`",
        reason=reason or Reason.KUBECONFIG_INVALID,
    )


def load(paths: Iterable[Path]) -> Kubeconfig:
    """Return the files merged.

    Raises:
        InvalidInput: a file cannot be read, or is no kubeconfig.
    """
    merged = Kubeconfig()
    for path in paths:
        merged = _read(path).under(merged)
    return merged


def _read(path: Path) -> Kubeconfig:
    try:
        state = os.stat(path)  # noqa: PTH116 - `exists` hides why a path cannot be looked at
    except (FileNotFoundError, ValueError):
        return Kubeconfig()
    except OSError as error:
        raise unusable(str(path), str(error.strerror), reason=Reason.KUBECONFIG_BAD) from error
    return _parsed(path) if stat.S_ISREG(state.st_mode) else _parsed_once(path, state.st_dev, state.st_ino)


@functools.cache
def _parsed_once(path: Path, _device: int, _inode: int) -> Kubeconfig:
    """Return what a pipe holds (`--kubeconfig <(...)`), also to whoever asks after it was read."""
    return _parsed(path)


def _parsed(path: Path) -> Kubeconfig:
    try:
        document = read_yaml(path, load=first_document, secret=True)
    except InvalidInput as error:
        why = foreign.said(error.message.removeprefix(f"{error.where}: "), _LONGEST)
        source = error.where or str(path)
        raise unusable(source, why, cure=error.cure, reason=Reason.KUBECONFIG_BAD) from error
    if document is None:
        return Kubeconfig()
    if not isinstance(document, Mapping):
        raise unusable(str(path), "it is no kubeconfig", reason=Reason.KUBECONFIG_BAD)
    for key, wanted in _KIND.items():
        if document.get(key) not in (None, "", wanted):
            why = f"{key} is {quoted(document[key])} and not {wanted}"
            raise unusable(str(path), why, reason=Reason.KUBECONFIG_BAD)
    current = document.get("current-context") or ""
    if not isinstance(current, str):
        raise unusable(str(path), "current-context must be a text", reason=Reason.KUBECONFIG_BAD)
    sections = {name: _entries(document.get(name), name, path) for name in _SECTIONS}
    return Kubeconfig(**sections, current_context=current)


def _entries(section: object, name: str, path: Path) -> dict[str, Entry]:
    key, types = _SECTIONS[name]
    if section is None:
        return {}
    if not isinstance(section, list):
        raise unusable(str(path), f"{name} must be a list", reason=Reason.KUBECONFIG_BAD)
    found: dict[str, Entry] = {}
    for number, item in enumerate(section):
        where = f"{name}[{number}]"
        if not isinstance(item, Mapping) or not isinstance(item.get("name"), str):
            raise unusable(str(path), f"{where} must have a name", reason=Reason.KUBECONFIG_BAD)
        if item["name"] in found:
            raise unusable(
                str(path), f"{name} has {quoted(item['name'])} twice", reason=Reason.KUBECONFIG_BAD
            )
        found[item["name"]] = _entry(item.get(key), types, f"{where}.{key}", path)
    return found


def _entry(entry: object, types: Mapping[str, type], where: str, path: Path) -> Entry:
    if entry is None:
        return {}
    if not isinstance(entry, Mapping):
        raise unusable(str(path), f"{where} must be a mapping", reason=Reason.KUBECONFIG_BAD)
    found = {name: entry[name] for name in types if not _is_unset(entry.get(name))}
    for name, value in found.items():
        if not isinstance(value, types[name]):
            wanted = _TYPE_NAMES[types[name]]
            raise unusable(str(path), f"{where}.{name} must be {wanted}", reason=Reason.KUBECONFIG_BAD)
    folder = Path(os.path.abspath(path)).parent  # noqa: PTH100 - kubectl does not follow links here
    for name in set(_PATHS) & found.keys():
        found[name] = str(folder / found[name])
    program = found.get("exec", {}).get("command")
    if isinstance(program, str) and os.sep in program:
        found["exec"] = {**found["exec"], "command": str(folder / program)}
    return found


def _is_unset(value: object) -> bool:
    return value is None or value is False or value in ("", [], {})  # a number is of the wrong type
