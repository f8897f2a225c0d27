"""Where the time of a job went: seconds by cause, whose sum is the time since its launch.

The clocks of :mod:`launcher.core.pending.clocks` decide: they stop while the cluster cannot be read, and
begin anew when a job has run. A ledger forgets nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from launcher.core.lifecycle.state import JobState, Track

__all__ = ["AWAY", "LAUNCHING", "RUNNING", "Ledger", "charged", "code_of", "counted_until", "opened"]

# What is not a code of the catalogue: its container runs; nothing has been seen yet; nobody could look.
RUNNING, LAUNCHING, AWAY = "Running", "Launching", "ClusterAway"

# Causes of one job by their resources; what comes after them is charged to the code alone.
_MOST = 20


@dataclass(frozen=True)
class Ledger:
    """The time of one job so far.

    Attributes:
        launched: monotonic seconds of the launch.
        until: monotonic seconds up to which it is counted.
        cause: of the time after that; empty once the job has ended.
        seconds: by cause: the value of a code, with the few resources that it was about as in
            ``InsufficientResources(nvidia.com/gpu)``, or one of the words above.
    """

    launched: float
    until: float
    cause: str = LAUNCHING
    seconds: Mapping[str, float] = field(default_factory=dict)


def opened(launched: float) -> Ledger:
    """Return the ledger of a job that has just been launched."""
    return Ledger(launched, launched)


def charged(ledger: Ledger, track: Track, now: float) -> Ledger:
    """Return the ledger with the time since it was charged last, on what was the cause of that time.

    Args:
        ledger: of the job.
        track: what is known about it now, which is the cause of the time to come.
        now: monotonic seconds; an earlier time than the last one counts nothing.
    """
    counted = counted_until(ledger, now)
    return replace(counted, cause=_cause(track)) if ledger.cause else counted


def counted_until(ledger: Ledger, now: float) -> Ledger:
    """Return the ledger with the time until ``now`` on the cause that it has; one that has ended stays."""
    if now <= ledger.until or not ledger.cause:
        return ledger
    cause = ledger.cause
    if cause not in ledger.seconds and len(ledger.seconds) >= _MOST:
        cause = code_of(cause)
    seconds = {**ledger.seconds, cause: ledger.seconds.get(cause, 0.0) + now - ledger.until}
    return replace(ledger, until=now, seconds=seconds)


def _cause(track: Track) -> str:
    if track.outcome is not None:
        return ""
    if track.stale_since is not None:
        return AWAY
    if track.verdict is not None:
        resources = ",".join(track.verdict.resources)
        return f"{track.verdict.code.value}({resources})" if resources else track.verdict.code.value
    return RUNNING if track.ran or track.state is JobState.RUNNING else LAUNCHING


def code_of(cause: str) -> str:
    """Return the code of a cause of a ledger, without the resources that it was about."""
    return cause.partition("(")[0]
