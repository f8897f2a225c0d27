"""What goes to helm and comes from it: names, labels and values in, views of its JSON out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import yaml

from launcher.core.foreign import line, quoted, shallow
from launcher.core.views import ObjectRef, ReleaseView
from launcher.core.yaml_text import documents
from launcher.errors import InvalidInput

__all__ = [
    "UNREADABLE",
    "check_labels",
    "check_names",
    "manifests_of",
    "release_of_list",
    "release_of_status",
    "time_of",
    "values_json",
]

# What parsing helm's output raises: no JSON (ValueError), or other JSON than expected.
UNREADABLE = (ValueError, TypeError, AttributeError)
# Helm also allows dots, which the launcher never uses; a leading dash would be read as an option.
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_RELEASE_MAX = 53
_NAMESPACE_MAX = 63
_LONGEST_NAME = 253  # of an object of Kubernetes
_LABEL_KEY = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?")
_LABEL_VALUE = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?")
_TIME = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)[T ](?P<clock>\d\d:\d\d:\d\d)(?:\.(?P<fraction>\d+))?\s?"
    r"(?P<zone>Z|[+-]\d\d:?\d\d)"
)
_MICROSECOND_DIGITS = 6
# "my-chart-2-0.1.0-rc.1": the first dash before a version of three numbers ends the name.
_VERSION = re.compile(r"-v?\d{1,9}\.\d{1,9}\.\d{1,9}(?=[-+]|$)")
_TOO_BIG = 2**63
# Helm reads JSON as YAML, which has no surrogate pairs: of "\ud83d\ude00" it says "found invalid Unicode
# character escape code". An escaped backslash is matched so that it is skipped.
_PAIR = re.compile(r"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\\\")


def check_names(release: str, namespace: str) -> None:
    """Refuse names that helm would refuse, read as an option or replace by a default.

    Raises:
        InvalidInput: with the rule.
    """
    for what, text, limit in (("release", release, _RELEASE_MAX), ("namespace", namespace, _NAMESPACE_MAX)):
        if len(text) > limit or not _NAME.fullmatch(text):
            raise InvalidInput(
                f"{quoted(text)} is not a {what} name",
                cure=f"use lower case letters, digits and inner dashes, 1 to {limit} characters",
            )


def check_labels(labels: Mapping[str, str]) -> None:
    """Refuse labels that ``--labels k=v,k=v`` would parse as something else.

    Raises:
        InvalidInput: with the label.
    """
    for key, value in labels.items():
        if not _LABEL_KEY.fullmatch(key) or not _LABEL_VALUE.fullmatch(value):
            raise InvalidInput(
                f"{quoted(value)} is not a label value, or {quoted(key)} not a label key",
                where=f"labels: {key}",
                cure="use letters, digits, dots, dashes and underscores, at most 63 characters",
            )


def values_json(values: Mapping[str, Any]) -> bytes:
    """Return the values as the JSON that helm reads from stdin.

    Raises:
        InvalidInput: something in them has no JSON form (a path, a date, NaN).
    """
    try:
        return _PAIR.sub(_unescaped, json.dumps(values, allow_nan=False)).encode()
    except (TypeError, ValueError) as error:
        raise InvalidInput(
            f"{error}", where="values", cure="use text, numbers, true/false, lists and maps only"
        ) from error


def _unescaped(match: re.Match[str]) -> str:
    return match[0] if match[0] == r"\\" else str(json.loads(f'"{match[0]}"'))


def release_of_status(status: Mapping[str, Any]) -> ReleaseView:
    """Return the view of ``helm status --output json``, values included."""
    status, info = _mapping(status), _mapping(_mapping(status).get("info"))
    row = {**status, "status": info.get("status", ""), "revision": status.get("version")}
    view = _release_of({**row, "updated": info.get("last_deployed")})
    return replace(view, values=shallow(_mapping(status.get("config"))))


def release_of_list(row: Mapping[str, Any]) -> ReleaseView:
    """Return the view of one element of ``helm list --output json``, whose revision is a string.

    It was selected by a label of ours; its chart is printed as ``<name>-<version>``.
    """
    row = _mapping(row)
    chart = line(str(row.get("chart", "")), _LONGEST_NAME)
    version = _VERSION.search(chart, 1)
    return replace(_release_of(row), chart=chart[: version.start()] if version else chart, labelled=True)


def _release_of(row: Mapping[str, Any]) -> ReleaseView:
    return ReleaseView(
        name=line(str(row.get("name", "")), _LONGEST_NAME),
        namespace=line(str(row.get("namespace", "")), _LONGEST_NAME),
        status=line(str(row.get("status", "")), _LONGEST_NAME),
        revision=_number(row.get("revision")),
        updated=time_of(row.get("updated")),
    )


def manifests_of(text: str, namespace: str) -> tuple[tuple[ObjectRef, Mapping[str, Any]], ...]:
    """Return the manifests of a release with what each names.

    Raises:
        ValueError: they are none.
    """
    found = []
    try:
        printed = documents(text, quick=True)
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(f"{error}") from error
    for one in map(_mapping, printed):
        metadata = _mapping(one.get("metadata"))
        version, kind, name = one.get("apiVersion"), one.get("kind"), metadata.get("name")
        if all(isinstance(text, str) and text for text in (version, kind, name)):
            where = metadata.get("namespace") or namespace
            found.append((ObjectRef(str(version), str(kind), str(name), str(where)), one))
    return tuple(found)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _number(value: Any) -> int:
    """Return a revision, 0 for what is none."""
    if isinstance(value, int):
        return value if 0 <= value < _TOO_BIG else 0
    is_number = (
        isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < len(str(_TOO_BIG))
    )
    return int(value) if is_number else 0


def time_of(text: object) -> datetime | None:
    """Return the time in ``2026-11-24T11:14:08.196044437Z`` or ``2026-11-24 11:14:08.196 +0000 UTC``."""
    match = _TIME.match(text) if isinstance(text, str) else None
    if match is None:
        return None
    fraction = (match["fraction"] or "")[:_MICROSECOND_DIGITS].ljust(_MICROSECOND_DIGITS, "0")
    zone = match["zone"].replace(":", "")
    try:
        moment = datetime.strptime(
            f"{match['day']} {match['clock']}.{fraction} +0000", "%Y-%m-%d %H:%M:%S.%f %z"
        )
        if zone != "Z":
            shift = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:5]))
            moment -= shift if zone[0] == "+" else -shift
        return moment.astimezone(timezone.utc)
    except (ValueError, OverflowError):  # the 99th of a month; hours before the year 1
        return None
