"""``fljob.yaml`` -> SiteConfig; the only importer of pydantic. A mistake names its key path and a cure."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError, create_model

from launcher.core.checks import invalid, key_path, require_unicode, show
from launcher.core.spec.settings import Kind, Setting
from launcher.core.spec.site import SETTINGS, SiteConfig
from launcher.edges.disk.documents import load_site, read_yaml
from launcher.edges.disk.site_folder import located
from launcher.errors import InvalidInput

__all__ = ["load_config"]

_KEY_RULE = "must have text as keys"
# Names of FLARE's launcher arguments -> our keys.
_FLARE_NAMES = {name: row.name for row in SETTINGS.values() for name in (row.flare, row.formerly) if name}


def _rows(section: str) -> dict[str, Setting]:
    """Return the rows of a section such as ``timeouts``, of the file itself for "": key -> row."""
    split = ((path.rpartition("."), row) for path, row in SETTINGS.items())
    return {key: row for (above, _, key), row in split if above == section}


def _checked(kind: Kind, value: Any) -> Any:
    if not kind.is_fine(value):
        raise ValueError(value)
    return value


def _type(row: Setting) -> Any:
    """Return the type that pydantic checks; it converts nothing."""
    if row.is_section:
        return _model(row.name)
    one: Any = Annotated[row.kind.type, AfterValidator(partial(_checked, row.kind))]
    if row.kind.is_list:
        return list[one]
    return one | None if row.kind.nullable else one


def _model(section: str) -> type[BaseModel]:
    fields: dict[str, Any] = {key: (_type(row), None) for key, row in _rows(section).items()}
    return create_model(section or "site", __config__=ConfigDict(extra="forbid", strict=True), **fields)


_Site = _model("")


def load_config(path: Path | None) -> SiteConfig:
    """Return the site's configuration; None = the defaults.

    Paths in the file are relative to its folder.

    Raises:
        InvalidInput: a mistake in the file, with its key path, the value and a cure.
        InvalidInput: there is no such file.
    """
    if path is None:
        return SiteConfig()
    parsed = read_yaml(path, load=load_site)
    if parsed is None:
        return SiteConfig()
    if not isinstance(parsed, Mapping):
        raise invalid(str(path), parsed, "must be a mapping", cure="write `key: value` lines")
    _require_unicode(parsed, str(path))
    try:
        model = _Site.model_validate(dict(parsed))
    except ValidationError as error:
        raise _explain(error, path) from error
    return SiteConfig(**_fields_set(model, "", path))


def _require_unicode(value: Any, where: str) -> None:
    """Refuse lone surrogates, of which pydantic's core dies."""
    if isinstance(value, str):
        require_unicode(value, where)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            _require_unicode(key, where)
            _require_unicode(item, key_path(where, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _require_unicode(item, f"{where}[{index}]")


def _fields_set(model: BaseModel, section: str, path: Path) -> dict[str, Any]:
    """Return what the file sets in a section, as keyword arguments of its dataclass."""
    rows = _rows(section)
    return {key: _value(rows[key], getattr(model, key), path) for key in model.model_fields_set}


def _value(row: Setting, value: Any, path: Path) -> Any:
    if row.is_section:
        return type(row.default)(**_fields_set(value, row.name, path))
    if isinstance(value, str) and row.kind.is_path(value):
        return str(located((path.parent / _expand_home(value, f"{path}: {row.name}")).absolute()))
    row.kind.check(value, f"{path}: {row.name}")
    return row.kind.converted(value)


def _expand_home(value: str, where: str) -> Path:
    try:
        return Path(value).expanduser()
    except RuntimeError as error:  # "Could not determine home directory."
        rule, cure = "must begin with the home of a user that there is", "write the path without ~"
        raise invalid(where, value, rule, cure=cure) from error


def _explain(error: ValidationError, path: Path) -> InvalidInput:
    """Return our error for the first mistake that pydantic found."""
    first = error.errors()[0]
    loc, value = first["loc"], first["input"]
    if first["type"] == "invalid_key" or loc[-1] == "[key]":
        where = ".".join(str(part) for part in loc[:-2])
        return invalid(
            f"{path}: {where}" if where else str(path), value, _KEY_RULE, cure="put the key in quotes"
        )
    where = f"{path}: {_key_path(loc)}"
    names = [part for part in loc if isinstance(part, str)]
    if first["type"] == "extra_forbidden":
        return InvalidInput("is no known key", where=where, cure=_nearest(names, value))
    row = SETTINGS.get(".".join(names)) or SETTINGS[names[0]]
    return invalid(where, value, row.kind.rule, cure=row.cure)


def _nearest(names: list[str], value: Any) -> str:
    """Return the cure for an unknown key: the closest known key, else all of them."""
    above, _, key = names[-1].partition(".")
    if above in SETTINGS and key:
        return f"write `{above}: {{{key}: {show(value)}}}`"
    known = sorted(_rows(".".join(names[:-1])))
    near = difflib.get_close_matches(names[-1], known, n=1)
    meant = _FLARE_NAMES.get(names[-1]) or (near[0] if near else "")
    return f"did you mean {meant}?" if meant else f"remove it; known keys: {', '.join(known)}"


def _key_path(parts: tuple[int | str, ...]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts).removeprefix(".")
