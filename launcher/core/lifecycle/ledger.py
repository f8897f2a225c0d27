"""Where the time of a job went: seconds by cause, whose sum is the time since its launch.

The clocks of :mod:`launcher.core.pending.clocks` decide: they stop while the cluster cannot be read, and
begin anew when a job has run. A ledger forgets nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from launcher.core.lifecycle.state import JobState, Track

__all__ = ["AWAY", "LAUNCHING", "RUNNING", "Ledger", "charged", "opened"]

# What is not a code of the catalogue: its container runs; nothing has been seen yet; nobody could look.
RUNNING, LAUNCHING, AWAY = "Running", "Launching", "ClusterAway"


@dataclass(frozen=True)
class Ledger:
    """The time of one job so far.

    Attributes:
        launched: monotonic seconds of the launch.
        until: monotonic seconds up to which it is counted.
        seconds: by cause: the value of a code, or one of the words above.
    """

    launched: float
    until: float
    seconds: Mapping[str, float] = field(default_factory=dict)


def opened(launched: float) -> Ledger:
    """Return the ledger of a job that has just been launched."""
    return Ledger(launched, launched)


def charged(ledger: Ledger, before: Track | None, now: float) -> Ledger:
    """Return the ledger with the time since it was charged last, on what was the cause of that time.

    Args:
        ledger: of the job.
        before: what was known about it in that time; None = nothing yet.
        now: monotonic seconds; an earlier time than the last one changes nothing.
    """
    if now <= ledger.until or (before is not None and before.outcome is not None):
        return ledger
    cause = _cause(before)
    seconds = {**ledger.seconds, cause: ledger.seconds.get(cause, 0.0) + now - ledger.until}
    return Ledger(ledger.launched, now, seconds)


def _cause(track: Track | None) -> str:
    if track is None:
        return LAUNCHING
    if track.stale_since is not None:
        return AWAY
    if track.verdict is not None:
        return track.verdict.code.value
    return RUNNING if track.ran or track.state is JobState.RUNNING else LAUNCHING
