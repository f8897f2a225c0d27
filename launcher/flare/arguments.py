"""Constructor arguments of the launchers -> site settings, with FLARE's rules and error types."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from launcher.core.checks import invalid
from launcher.core.spec.asked import UNSET
from launcher.core.spec.settings import (
    FILE,
    LIMIT,
    MOUNT_PATH,
    NAMESPACE,
    PROGRAM,
    QUANTITY,
    SECRET_NAMES,
    TEXT,
    Kind,
    Setting,
    is_seconds,
    is_text,
)
from launcher.core.spec.site import SETTINGS

__all__ = ["FLARE_PYTHON", "settings"]

# FLARE's own default; `nvflare deploy prepare` writes /usr/local/bin/python3 into every site it prepares.
FLARE_PYTHON = "/usr/local/bin/python"
_ARGUMENTS = {row.argument: row for row in SETTINGS.values() if row.argument}
_TEXT = (is_text, "must be a non-empty string")
# FLARE's rules for a kind of argument and their messages; the first one broken is reported.
_FLARE_RULES: Mapping[Kind, tuple[tuple[Callable[[Any], bool], str], ...]] = {
    TEXT: (_TEXT,),
    FILE: (_TEXT,),
    PROGRAM: (_TEXT,),
    NAMESPACE: (_TEXT,),
    MOUNT_PATH: (_TEXT, (MOUNT_PATH.is_fine, MOUNT_PATH.rule)),
    QUANTITY: (_TEXT, (QUANTITY.is_fine, "must be a quantity, 0 or more")),
    LIMIT: ((is_seconds, "must be a non-negative number of seconds"),),
    SECRET_NAMES: (
        (lambda value: isinstance(value, list), "must be a list of Kubernetes Secret names"),
        (lambda value: all(map(is_text, value)), "entries must be non-empty strings"),
    ),
}


def settings(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that the arguments give, name of the SiteConfig field -> value.

    Args:
        arguments: name -> value; UNSET ones were not given.

    Raises:
        TypeError: there is no such argument.
        ValueError: an argument breaks its rule (FLARE's type for the same mistakes).
    """
    found = {}
    for name, value in arguments.items():
        if value is UNSET:
            continue
        row = _ARGUMENTS.get(name)
        if row is None:
            raise TypeError(f"there is no argument {name!r}; there are {', '.join(sorted(_ARGUMENTS))}")
        found[row.name] = _value(row, value)
    return found


def _value(row: Setting, value: Any) -> Any:
    if value is None and row.null:
        return None if row.kind.nullable else row.default
    for is_fine, rule in _FLARE_RULES.get(row.kind, ((row.kind.accepts, row.kind.rule),)):
        if not is_fine(value):
            or_none = " or None" if row.null and not row.kind.is_list else ""
            cure = f"write {json.dumps(row.sample)}{f', or null {row.null}' if row.null else ''}"
            error = invalid(row.argument, value, f"{rule}{or_none}", cure=cure)
            raise ValueError(str(error)) from error
    return row.kind.converted(value)
