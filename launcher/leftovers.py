"""What ended jobs and dead parents leave in a namespace, and taking it away."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from launcher.core.jobref import JobRef
from launcher.core.lifecycle import Track
from launcher.core.names import is_credential_of
from launcher.core.releases import INSTALL_MAY_LAST, release_state
from launcher.core.views import ReleaseView, age_seconds
from launcher.removal import World, remove

__all__ = ["JobReport", "reap", "sweep"]


@dataclass(frozen=True)
class JobReport:
    """One look at one job: its names, its release and everything known about its pod."""

    job: JobRef
    release: ReleaseView | None
    track: Track


def sweep(
    world: World,
    namespace: str,
    reports: Sequence[JobReport],
    secrets: Mapping[str, datetime | None],
    older_than: float,
    *,
    dry_run: bool,
) -> tuple[str, ...]:
    """Remove ended jobs of a certain age, and Secrets that belong to no job; return the names."""
    removed = []
    now = world.clock.now()
    for found in reports:
        if _may_go(found, now, older_than):
            removed.append(f"release {found.job.release}")
            if not dry_run:
                remove(world, found.job)
    owned = {found.job.credential_secret for found in reports}
    for name, created in secrets.items():
        if name not in owned and age_seconds(created, now) >= max(older_than, INSTALL_MAY_LAST):
            removed.append(f"secret {name}")
            if not dry_run:
                world.secrets.delete(name, namespace)
    return tuple(removed)


def reap(
    world: World,
    namespace: str,
    site: str,
    reports: Sequence[JobReport],
    *,
    secrets: Iterable[str],
    is_ours: Callable[[str], bool],
) -> tuple[str, ...]:
    """Remove the jobs of a site that nobody watches, whatever state they are in; return the names.

    A parent that was killed between making a job's Secret and installing its release leaves the Secret alone.
    """
    gone = [one.job for one in reports if one.job.site == site and not is_ours(one.job.release)]
    for job in gone:
        remove(world, job)
    owned = {one.job.credential_secret for one in reports}
    alone = [name for name in secrets if is_credential_of(name, site) and name not in owned]
    alone = [name for name in alone if not is_ours(name)]
    for name in alone:
        world.secrets.delete(name, namespace)
    return (*(job.release for job in gone), *alone)


def _may_go(found: JobReport, now: datetime, older_than: float) -> bool:
    view = found.release
    age = age_seconds(view.updated if view else None, now)
    if release_state(view, now).is_busy:
        return False
    return found.track.outcome is not None and age >= older_than
