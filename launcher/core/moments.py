"""Times as reports write them, and as people ask for them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

__all__ = ["LONGEST_SECONDS", "UNITS", "moment", "seconds_of", "wall_time"]

# A hundred years: a longer wait is as good as one for ever, and its end is a date that nobody can print
# (FLARE 2.9.0 takes any number that is not negative, 10**400 too).
LONGEST_SECONDS = 100 * 366 * 86400.0
# Seconds of the units in which people say a time, the longest first; the rest are seconds.
UNITS = ((86400, "d"), (3600, "h"), (60, "m"))
_SIZES = {"s": 1, "w": 604_800, **{unit: size for size, unit in UNITS}}
_AGE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)([smhdw])")


def seconds_of(text: str) -> float | None:
    """Return the seconds that ``24h`` or ``1.5d`` means, a number and s, m, h, d or w; None for else."""
    found = _AGE.fullmatch(text)
    return None if found is None else float(found[1]) * _SIZES[found[2]]


def wall_time(monotonic: float, now: float, wall: datetime) -> datetime:
    """Return the wall clock time of a moment, a century away at most.

    Args:
        monotonic: monotonic seconds of the moment.
        now: monotonic seconds of another one.
        wall: wall clock time of that one.
    """
    return wall + timedelta(seconds=max(-LONGEST_SECONDS, min(monotonic - now, LONGEST_SECONDS)))


def moment(monotonic: float, now: float, wall: datetime) -> str:
    """Return the same as ISO 8601 writes it, to the second."""
    return wall_time(monotonic, now, wall).isoformat(timespec="seconds")
