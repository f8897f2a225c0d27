"""What a parent notes of a job whose creation is refused: all that the next parent needs to go on trying.

No credential is among it, only the names under which the job's own Secret has them. Whoever can write into
the workspace can write a note, so it is read as text of others: what is not as it must be costs its own job.
"""

from __future__ import annotations

import json
import math
import posixpath
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from launcher.core.catalogue import Code
from launcher.core.checks import invalid, refuse_endless, require_mapping
from launcher.core.flare.submitter import KEYS
from launcher.core.foreign import line
from launcher.errors import InvalidInput

__all__ = ["LONGEST", "RefusedNote", "note_from_text", "note_to_text"]

# Bytes of a note: a job's meta with the settings of a thousand sites.
LONGEST = 1 << 20
_VERSION = 1
# What a launch, and the history after it, read of a job's meta.
_OF_META = ("name", "job_id", "study", "launcher_spec", "resource_spec", *KEYS)
_MODULE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}(?:\.[A-Za-z_][A-Za-z0-9_]{0,99}){0,19}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_LONGEST_TEXT, _MOST, _LONGEST_DETAIL = 4096, 100, 1000
_WHERE = "note of a refused job"


@dataclass(frozen=True, kw_only=True)
class RefusedNote:
    """A job of a FLARE parent that has no release yet.

    Attributes:
        job_id: FLARE's job id, verbatim.
        site: identity name of the site.
        role: ``client`` or ``server``.
        federation: federation mark of the parent.
        study: name of the study, empty for none.
        custom: custom folder of the app, relative to the workspace; empty = none.
        module: Python module of the job process.
        flags: (flag, value) of each argument, in order.
        options: values of ``--set``; None = no such flag.
        variables: names of the environment variables whose values the Secret of the job has.
        meta: what a launch reads of the job's meta.
        launched: when FLARE launched the job, by the API server's clock.
        code: why the last try was refused.
        detail: what the API server or Helm said, without credentials.
        spent: seconds that each cause has lasted so far.
    """

    job_id: str
    site: str
    role: str
    federation: str
    study: str
    custom: str
    module: str
    flags: tuple[tuple[str, str], ...]
    options: tuple[str, ...] | None
    variables: tuple[str, ...]
    meta: Mapping[str, Any]
    launched: datetime
    code: Code = Code.CREATE_FAILED
    detail: str = ""
    spent: Mapping[Code, float]

    def refused(self, code: Code, detail: str, spent: Mapping[Code, float]) -> RefusedNote:
        """Return the note after one more try."""
        return replace(self, code=code, detail=line(detail, _LONGEST_DETAIL), spent=dict(spent))


def note_to_text(note: RefusedNote) -> str:
    """Return the content of the file.

    Raises:
        ValueError: the job's meta is no JSON, or the note is longer than anybody reads.
    """
    content = asdict(replace(note, meta={}))
    content["meta"] = {key: note.meta[key] for key in _OF_META if key in note.meta}
    content |= {"version": _VERSION, "launched": note.launched.isoformat(), "code": note.code.value}
    content["spent"] = {code.value: seconds for code, seconds in note.spent.items()}
    try:
        text = json.dumps(content)
    except (TypeError, RecursionError) as error:
        raise ValueError(f"the job's meta cannot be written: {error}") from error
    if len(text) >= LONGEST:
        raise ValueError(f"it is longer than {LONGEST} bytes")
    return text


def note_from_text(text: str) -> RefusedNote:
    """Return the note that a file holds.

    Raises:
        InvalidInput: it is something else.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"is no JSON: {error}", where=_WHERE) from error
    refuse_endless(content, _WHERE)
    content = {**require_mapping(content, _WHERE)}
    version = content.pop("version", None)
    if version != _VERSION or isinstance(version, bool):
        raise invalid(_WHERE, version, f"must have version {_VERSION}")
    if content.keys() != _READERS.keys():
        raise invalid(_WHERE, sorted(map(str, content)), f"must have the keys {', '.join(sorted(_READERS))}")
    found: dict[str, Any] = {}
    for key, read in _READERS.items():
        try:
            found[key] = read(content[key])
        except (TypeError, ValueError, OverflowError) as error:
            raise invalid(f"{_WHERE}: {key}", content[key], "must be what a parent has written") from error
    return RefusedNote(**found)


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT or "\0" in value:
        raise TypeError
    return value


def _detail(value: Any) -> str:
    return line(_text(value), _LONGEST_DETAIL)


def _filled(value: Any) -> str:
    if not _text(value).strip():
        raise ValueError
    return _text(value)


def _like(pattern: re.Pattern[str]) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if pattern.fullmatch(_text(value)) is None:
            raise ValueError
        return _text(value)

    return read


def _below(value: Any) -> str:
    """Read a path that stays below the workspace."""
    path = _text(value)
    if path and (posixpath.isabs(path) or ".." in path.split("/")):
        raise ValueError
    return path


def _list(read: Callable[[Any], Any]) -> Callable[[Any], tuple[Any, ...]]:
    def read_all(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list) or len(value) > _MOST:
            raise TypeError
        return tuple(read(one) for one in value)

    return read_all


def _flag(value: Any) -> tuple[str, str]:
    name, given = _list(_text)(value)
    return name, given


def _options(value: Any) -> tuple[str, ...] | None:
    return None if value is None else _list(_text)(value)


def _moment(value: Any) -> datetime:
    moment = datetime.fromisoformat(_text(value))
    if moment.tzinfo is None:
        raise ValueError
    return moment


def _spent(value: Any) -> dict[Code, float]:
    if not isinstance(value, dict):
        raise TypeError
    return {Code(code): _seconds(seconds) for code, seconds in value.items()}


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError
    if not math.isfinite(value) or value < 0:
        raise ValueError
    return float(value)


def _meta(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError
    return value


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "job_id": _filled,
    "site": _filled,
    "role": _filled,
    "federation": _filled,
    "study": _text,
    "custom": _below,
    "module": _like(_MODULE),
    "flags": _list(_flag),
    "options": _options,
    "variables": _list(_like(_VARIABLE)),
    "meta": _meta,
    "launched": _moment,
    "code": Code,
    "detail": _detail,
    "spent": _spent,
}
