"""The settings of a site as JSON, for people who compare two of them."""

from __future__ import annotations

import dataclasses
import enum
import posixpath
from collections.abc import Mapping, Sequence
from typing import Any

from launcher.core.spec.site import SETTINGS, SiteConfig

__all__ = ["plain_settings"]


def plain_settings(site: SiteConfig, *folders: str) -> dict[str, Any]:
    """Return the settings that are not the defaults, by name.

    Args:
        site: the settings.
        folders: names of the one where the files of the site are: paths below it are shown without it, and so
            two checkouts of one thing say the same.
    """
    default = SiteConfig()
    changed = (
        one.name for one in dataclasses.fields(site) if getattr(site, one.name) != getattr(default, one.name)
    )
    return {name: _plain(name, getattr(site, name), folders) for name in changed}


def _plain(name: str, value: Any, folders: Sequence[str]) -> Any:
    if isinstance(value, str) and not isinstance(value, enum.Enum) and SETTINGS[name].kind.is_path(value):
        path = posixpath.normpath(value)
        above = (f"{posixpath.normpath(folder).rstrip('/')}/" for folder in folders)
        return next((path[len(one) :] for one in above if path.startswith(one)), path)
    return _json(value)


def _json(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return value.value
    if dataclasses.is_dataclass(value):
        return {one.name: _json(getattr(value, one.name)) for one in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {key: _json(item) for key, item in value.items()}
    return [_json(item) for item in value] if isinstance(value, (list, tuple)) else value
