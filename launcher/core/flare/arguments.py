"""Constructor arguments of FLARE's launcher component -> site settings."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from launcher.core.checks import invalid
from launcher.core.foreign import quoted
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
from launcher.errors import InvalidInput

__all__ = ["settings", "unknown"]

_ARGUMENTS = {row.argument: row for row in SETTINGS.values() if row.argument}
_PYTHON, _OLD_PYTHON = "default_python_path", "python_path"
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


def unknown(arguments: Mapping[str, Any]) -> str:
    """Return a sentence about the first argument that no launcher has; empty when all are known."""
    known = {*_ARGUMENTS, _OLD_PYTHON}
    wrong = next((name for name in arguments if name not in known), None)
    if wrong is None:
        return ""
    return f"there is no argument {quoted(wrong)}; there are {', '.join(sorted(_ARGUMENTS))}"


def settings(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that the arguments give, name of the SiteConfig field -> value.

    Args:
        arguments: name -> value; UNSET ones were not given. ``python_path``, the old name of
            ``default_python_path``, counts where that one is not given, or null.

    Raises:
        InvalidInput: there is no such argument, or one breaks its rule.
    """
    if wrong := unknown(arguments):
        raise InvalidInput(wrong, cure="remove it, or correct its name")
    given = {name: value for name, value in arguments.items() if name != _OLD_PYTHON}
    if given.get(_PYTHON, UNSET) in (UNSET, None):
        python = arguments.get(_OLD_PYTHON, UNSET)
        given[_PYTHON] = UNSET if python is None else python
    rows = {name: _ARGUMENTS[name] for name, value in given.items() if value is not UNSET}
    return {row.name: _value(row, given[name]) for name, row in rows.items()}


def _value(row: Setting, value: Any) -> Any:
    if value is None and row.null:
        return None if row.kind.nullable else row.default
    for is_fine, rule in _FLARE_RULES.get(row.kind, ((row.kind.accepts, row.kind.rule),)):
        if not is_fine(value):
            or_none = " or None" if row.null and not row.kind.is_list else ""
            cure = f"write {json.dumps(row.sample)}{f', or null {row.null}' if row.null else ''}"
            raise invalid(row.argument, value, f"{rule}{or_none}", cure=cure)
    row.kind.check(value, row.argument)
    return row.kind.converted(value)
