"""Times as reports write them."""

from __future__ import annotations

from datetime import datetime, timedelta

from launcher.core.quantities import LONGEST_SECONDS

__all__ = ["UNITS", "moment"]

# Seconds of the units in which people say a time, the longest first; the rest are seconds.
UNITS = ((86400, "d"), (3600, "h"), (60, "m"))


def moment(monotonic: float, now: float, wall: datetime) -> str:
    """Return the wall clock time of a moment as of ISO 8601, a century away at most.

    Args:
        monotonic: monotonic seconds of the moment.
        now: monotonic seconds of another one.
        wall: wall clock time of that one.
    """
    seconds = max(-LONGEST_SECONDS, min(monotonic - now, LONGEST_SECONDS))
    return (wall + timedelta(seconds=seconds)).isoformat(timespec="seconds")
