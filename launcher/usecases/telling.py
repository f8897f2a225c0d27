"""The ports by which others learn of a job, over the cluster: they ask it at one pace together."""

from __future__ import annotations

from launcher.usecases.announcing import Announcing
from launcher.usecases.announcing_ports import JobEvents
from launcher.usecases.noting import Noting
from launcher.usecases.paced import Pace
from launcher.usecases.ports import Clock, Releases

__all__ = ["telling"]


def telling(releases: Releases, events: JobEvents | None, clock: Clock) -> dict[str, Announcing | Noting]:
    """Return these ports by their names in ``World``.

    Args:
        releases: Helm's records.
        events: the events of the cluster; None = nothing is said there.
        clock: monotonic seconds.
    """
    pace = Pace(clock)
    told: dict[str, Announcing | Noting] = {"notes": Noting(releases, clock, pace)}
    return told if events is None else {**told, "announced": Announcing(events, clock, pace)}
