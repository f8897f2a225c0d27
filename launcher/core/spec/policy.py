"""Policies and sizes that settings of a site choose."""

from __future__ import annotations

import enum

__all__ = ["INSTALLS", "REMOVALS", "PendingPolicy"]


class PendingPolicy(str, enum.Enum):
    """Which rules judge a job that does not run yet, and its end."""

    GRACEFUL = "graceful"  # self-healing causes wait, permanent ones fail fast
    STRICT = "strict"  # the verdicts of FLARE 2.9.0's own launcher


# On two cores four helms keep the machine busy; benchmarks/scale.py --pools compares sizes.
INSTALLS, REMOVALS = 4, 4
