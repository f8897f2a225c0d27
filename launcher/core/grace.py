"""The grace period that is asked for a pod's deletion."""

from __future__ import annotations

from launcher.core.checks import invalid
from launcher.core.views import PodView

__all__ = ["check_grace"]


def check_grace(grace: int | None, pod: PodView | None) -> None:
    """Refuse a grace period that is longer than the pod's own.

    Raises:
        InvalidInput: Helm then deletes the pod with its own, which the API server takes as a shorter one.
    """
    own = pod.grace_period if pod is not None else None
    if grace is not None and own is not None and grace > own:
        rule = f"must be at most {own}, the grace period that the pod was launched with"
        raise invalid("--grace", grace, rule, cure="leave it out, or launch with a longer `grace_period`")
