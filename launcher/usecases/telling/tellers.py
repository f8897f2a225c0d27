"""The ports by which others learn of a job, over the cluster: they ask it at one pace together."""

from __future__ import annotations

from launcher.usecases.ports import Clock, Releases
from launcher.usecases.telling.announcing import Announcing
from launcher.usecases.telling.noting import Noting
from launcher.usecases.telling.paced import Pace
from launcher.usecases.telling.ports import JobEvents

__all__ = ["tellers"]


def tellers(releases: Releases, events: JobEvents | None, clock: Clock) -> dict[str, Announcing | Noting]:
    """Return these ports by their names in ``World``.

    Args:
        releases: Helm's records.
        events: the events of the cluster; None = nothing is said there.
        clock: monotonic seconds.
    """
    pace = Pace(clock)
    told: dict[str, Announcing | Noting] = {"notes": Noting(releases, clock, pace)}
    return told if events is None else {**told, "announced": Announcing(events, clock, pace)}
