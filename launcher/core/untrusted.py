"""Reading JSON that somebody else may have written: what is none of ours raises, and nothing is large.

Each function raises ``TypeError`` or ``ValueError``, and an ``AttributeError`` of what has no such shape.
"""

from __future__ import annotations

from datetime import MAXYEAR, MINYEAR, datetime
from typing import Any

from launcher.core.foreign import line

__all__ = ["UNREADABLE", "amounts", "moment", "texts", "whole", "word"]

_LONGEST_WORD, _MOST = 300, 100
_LARGEST = 1e9
# What reading it may raise, the parser included.
UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError)


def word(value: Any) -> str:
    """Return a text as one line of three hundred characters at most."""
    if not isinstance(value, str):
        raise TypeError
    return line(value, _LONGEST_WORD)


def moment(value: Any) -> datetime:
    """Return a moment of ISO 8601 that names its zone, and can be told in any other one."""
    found = datetime.fromisoformat(value)
    if found.tzinfo is None or not MINYEAR < found.year < MAXYEAR:
        raise ValueError
    return found


def whole(value: Any) -> int:
    """Return a number of 32 bits."""
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= 1 << 31:
        raise TypeError
    return value


def amounts(value: Any) -> dict[str, float]:
    """Return seconds by name, none below zero; not what Python makes a number of, such as a text or true."""
    found = {word(key): float(_number(one)) for key, one in _few(value)}
    if not all(0.0 <= one < _LARGEST for one in found.values()):
        raise ValueError
    return found


def _number(value: Any) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise TypeError
    return value


def texts(value: Any) -> dict[str, str]:
    """Return texts by name."""
    return {word(key): word(one) for key, one in _few(value)}


def _few(value: Any) -> list[tuple[Any, Any]]:
    if len(value) > _MOST:
        raise ValueError
    return list(value.items())
