"""Finding out whose limit it is that a job asks more than: one question, and only after such a refusal."""

from __future__ import annotations

from collections.abc import Mapping

from launcher.core.admission import name_limit_range
from launcher.core.spec.jobspec import JobSpec
from launcher.errors import LauncherError, Reason, Rejected
from launcher.usecases.launch import Render
from launcher.usecases.ports import World

__all__ = ["with_limit_range"]


def with_limit_range(error: LauncherError, spec: JobSpec, render: Render, world: World) -> LauncherError:
    """Return the error of a refused launch, with the LimitRange whose default the job asks more than.

    Args:
        error: the refusal, of any reason.
        spec: the job.
        render: computes its chart values.
        world: the ports.
    """
    if not isinstance(error, Rejected) or error.reason is not Reason.ABOVE_LIMIT_RANGE:
        return error
    resources = render(spec).get("resources")
    limits = resources.get("limits") if isinstance(resources, Mapping) else None
    return name_limit_range(error, limits or {}, world.pods.limit_ranges(spec.namespace))
