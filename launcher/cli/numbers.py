"""Numbers on the command line, as digits of ASCII: Python also takes ``nan``, ``1_0`` and ``٣`` for one."""

from __future__ import annotations

import re
from typing import Any

import click

from launcher.core import foreign
from launcher.core.moments import LONGEST_SECONDS

__all__ = ["Seconds", "Whole"]

# A larger one is refused by the API server, in words of Go.
_MOST = (1 << 31) - 1
_WHOLE = re.compile(r"[+-]?[0-9]{1,19}")
_NUMBER = re.compile(r"([0-9]{1,19}(\.[0-9]{0,19})?|\.[0-9]{1,19})([eE][+-]?[0-9]{1,3})?")


class Whole(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.4, and 8.1 will do
    """A whole number of 32 bits.

    Args:
        least: the smallest one.
    """

    name = "integer"

    def __init__(self, least: int) -> None:
        self.least = least

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number."""
        found = int(value) if _WHOLE.fullmatch(str(value)) else None
        if found is None or not self.least <= found <= _MOST:
            rule = f"must be a whole number, {self.least} to {_MOST}"
            self.fail(f"{rule}, not {foreign.quoted(str(value))}", param, ctx)
        return found


class Seconds(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.4, and 8.1 will do
    """A time to wait in seconds, 0 or more, a century at most; one that never ends is none."""

    name = "float"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the seconds."""
        if _NUMBER.fullmatch(str(value)) is None or float(value) == float("inf"):
            rule = "must be a number of seconds, 0 or more, such as 600"
            self.fail(f"{rule}, not {foreign.quoted(str(value))}", param, ctx)
        return min(float(value), LONGEST_SECONDS)
