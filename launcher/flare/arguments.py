"""Constructor arguments of the launchers -> site settings, with FLARE's error types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from launcher.core.flare import arguments as of_flare
from launcher.errors import InvalidInput

__all__ = ["settings"]


def settings(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that the arguments give, name of the SiteConfig field -> value.

    Args:
        arguments: name -> value; UNSET ones were not given.

    Raises:
        TypeError: there is no such argument.
        ValueError: an argument breaks its rule (FLARE's type for the same mistakes).
    """
    if wrong := of_flare.unknown(arguments):
        raise TypeError(wrong)
    try:
        return of_flare.settings(arguments)
    except InvalidInput as error:
        raise ValueError(str(error)) from error
