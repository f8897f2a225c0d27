"""An object of Kubernetes as lines that each say where they stand: `spec.containers[<job>].image: "a:1"`.

Two objects are compared by these lines. Keys are sorted, for their order means nothing; items of a list keep
theirs. Credentials are hidden, and what is hidden still counts: a line is its text and what is behind it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from launcher.core.foreign import clean, line, tree
from launcher.core.manifest_files import without_secrets
from launcher.core.redaction import masked, redacted

__all__ = ["Line", "lines_of", "lines_of_settings"]

# By which key the API server, or a reader, tells items of a list apart; the first that all have counts.
_NAMES = ("name", "mountPath", "key", "containerPort", "topologyKey", "ip")
_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,63}")
_DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"
# No name has such brackets. The job container's own name is the job's id, which hides what follows.
_JOB = "<job>"
# Settings below which anything may stand.
_FREE = frozenset({"values", "security_context"})
# A long value is several lines, so that none is cut and a difference in its middle is seen.
_PIECE = 200
_LONGEST = 1000  # of a line; keys of Kubernetes have 317 characters at most


@dataclass(frozen=True)
class Line:
    """One value of an object.

    Attributes:
        path: where it stands.
        text: how it is shown.
        behind: what it is, for comparisons only: it may be a credential.
    """

    path: str
    text: str
    behind: str = field(repr=False)

    @property
    def shown(self) -> str:
        """The line as a reader sees it."""
        return line(f"{self.path}: {self.text}", _LONGEST)


def lines_of(one: Mapping[str, Any]) -> list[Line]:
    """Return the lines of an object, without what looks like a credential by its name or its form."""
    metadata = one.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, Mapping) else None
    job = annotations.get(_DEFAULT_CONTAINER) if isinstance(annotations, Mapping) else None
    return list(_lines(one, redacted(without_secrets(one), masked), "", job))


def lines_of_settings(settings: Mapping[str, Any]) -> list[Line]:
    """Return the lines of the settings of a site: names of Secrets and variables are no credentials."""
    shown = {
        key: redacted(value, masked) if key in _FREE else tree(value, masked)
        for key, value in settings.items()
    }
    return list(_lines(settings, shown, "", None))


def _lines(value: Any, shown: Any, path: str, job: Any) -> Iterator[Line]:
    """Yield the lines of a value and of what is shown of it, which has the same form unless it is hidden."""
    if isinstance(value, Mapping) and isinstance(shown, Mapping) and value:
        for key in sorted(value, key=str):
            yield from _lines(value[key], shown[key], _below(path, str(key)), job)
    elif isinstance(value, list) and isinstance(shown, list) and value:
        for where, item, visible in zip(_items(value, path, job), value, shown, strict=True):
            yield from _lines(item, visible, where, job)
    elif isinstance(value, str) and isinstance(shown, str) and (pieces := _pieces(value, shown))[1:]:
        for piece, behind in pieces:
            yield Line(f"{path} ...", _text(piece), behind)
    else:
        yield Line(path or ".", _text(shown), _text(value))


def _below(path: str, key: str) -> str:
    if not _PLAIN.fullmatch(key):
        return f"{path}[{_text(key)}]"
    return f"{path}.{key}" if path else key


def _items(value: Sequence[Any], path: str, job: Any) -> list[str]:
    """Return the path of each item of a list: by its name, else by its number; a plain value has neither."""
    if not any(isinstance(item, (Mapping, list)) for item in value):
        return [f"{path}[]"] * len(value)
    for key in _NAMES:
        names = [item.get(key) if isinstance(item, Mapping) else None for item in value]
        if len(set(map(str, names))) == len(names) and all(isinstance(name, (str, int)) for name in names):
            is_job = path.endswith("containers")
            return [f"{path}[{_JOB if is_job and name == job else clean(str(name))}]" for name in names]
    return [f"{path}[{number}]" for number in range(len(value))]


def _pieces(text: str, shown: str) -> list[tuple[str, str]]:
    """Return what is shown of a text in lines, and these in pieces, each with what is behind it.

    A line in which something is hidden is compared as a whole. Where a hidden credential was of several
    lines, nobody can tell which line is which: the text is compared as a whole, and still shown line by line.
    """
    lines, visible = text.splitlines(keepends=True), shown.splitlines(keepends=True)
    behind = lines if len(lines) == len(visible) else [text] * len(visible)
    return [
        (piece, piece if one == whole else whole)
        for one, whole in zip(visible, behind, strict=True)
        for start in range(0, len(one), _PIECE)
        for piece in [one[start : start + _PIECE]]
    ]


def _text(value: Any) -> str:
    return clean(json.dumps(value, ensure_ascii=False, sort_keys=True, default=str))
