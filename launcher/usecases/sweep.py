"""What ended jobs and dead parents leave in a namespace, and taking it away."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from launcher.core.catalogue.returncodes import ReturnCode
from launcher.core.jobref import JobRef, ref_of_release
from launcher.core.lifecycle.state import JobReport
from launcher.core.names import is_credential_of
from launcher.core.releases import INSTALL_MAY_LAST, release_state
from launcher.core.views import Presence, SecretView, age_seconds
from launcher.errors import LauncherError, Unavailable
from launcher.usecases.ports import World
from launcher.usecases.remove import remove

__all__ = ["ReportLost", "ignore_report", "reap", "sweep"]

_LOG = logging.getLogger(__name__)
_LOST = ReturnCode.INFRASTRUCTURE_ERROR
# Reports a job that nobody else will report any more: FLARE's id of it, and how it ended or would have.
ReportLost = Callable[[str, ReturnCode], object]
# What is to be removed, by name, and how.
_Act = tuple[str, Callable[[], None]]


def ignore_report(job_id: str, return_code: ReturnCode) -> None:
    """Do nothing."""


def sweep(
    world: World,
    namespace: str,
    reports: Sequence[JobReport],
    secrets: Mapping[str, SecretView],
    older_than: float,
    *,
    dry_run: bool,
) -> Iterator[str]:
    """Remove ended jobs of a certain age, and Secrets that belong to no job, lazily.

    Args:
        world: the ports.
        namespace: of the Secrets.
        reports: all jobs of the namespace.
        secrets: all per-job Secrets of it, listed before the jobs were.
        older_than: seconds since the end, or the launch where no end is known.
        dry_run: remove nothing.

    Yields:
        The name of each thing when it is gone, or would be; the next one is removed when it is asked for.

    Raises:
        LauncherError: something could not be removed; all the others were.
    """
    now = world.clock.now()
    acts: list[_Act] = [
        (f"release {found.job.release}", partial(remove, world, found.job))
        for found in reports
        if _may_go(found, now, older_than)
    ]
    owned = {found.job.credential_secret for found in reports}
    acts += [
        (f"secret {name}", partial(world.secrets.delete, name, namespace))
        for name, secret in secrets.items()
        if name not in owned and age_seconds(secret.created, now) >= max(older_than, INSTALL_MAY_LAST)
    ]
    return (name for name, _ in acts) if dry_run else _each(acts)


def reap(
    world: World,
    namespace: str,
    site: str,
    federation: str,
    reports: Sequence[JobReport],
    *,
    secrets: Mapping[str, SecretView],
    is_ours: Callable[[str], bool],
    report: ReportLost,
) -> Iterator[str]:
    """Remove the jobs of a site that nobody watches, whatever state they are in, lazily.

    A parent that was killed between making a job's Secret and installing its release leaves the Secret alone.
    The name of the site is not enough: a person may launch jobs for it by hand, whom no restart of a parent
    concerns, and the server of every federation in the namespace has the same name, ``server``.

    Yields:
        The name of each thing when it is gone; the next one is removed when it is asked for.

    Raises:
        LauncherError: something could not be removed, or not be asked whose it is; all the others were.
    """
    known, unnamed = _known_of(world, [one for one in reports if not is_ours(one.job.release)])
    theirs = [one for one in known if (one.job.site, one.job.federation) == (site, federation)]
    gone = [one.job for one in theirs]
    owned = {one.job.credential_secret for one in reports} | {job.credential_secret for job in gone}
    marked = [name for name, secret in secrets.items() if secret.federation == federation]
    alone = [
        name for name in marked if is_credential_of(name, site) and name not in owned and not is_ours(name)
    ]
    for one in theirs:
        report(one.job.job_id, one.track.outcome.return_code if one.track.outcome else _LOST)
    for name in alone:
        report(secrets[name].job_id, _LOST)
    acts: list[_Act] = [(job.release, partial(remove, world, job)) for job in gone]
    acts += [(name, partial(world.secrets.delete, name, namespace)) for name in alone]
    return _each(acts, unnamed)


def _each(acts: Iterable[_Act], before: LauncherError | None = None) -> Iterator[str]:
    """Do all of ``acts``, yield the name of each that worked, then raise a failure ``before``, or the last.

    One that holds out, such as a pod with a finalizer or a Secret that may not be deleted, must not spare
    the rest: it would hold out at every later try as well.
    """
    failed = None
    for name, act in acts:
        try:
            act()
        except LauncherError as error:
            _log_failure(name, error)
            failed = error
        else:
            yield name
    why = before or failed
    if why is not None:
        raise why


def _log_failure(name: str, error: LauncherError) -> None:
    _LOG.warning("%s not removed: %s", name, error.message)


def _known_of(world: World, reports: Sequence[JobReport]) -> tuple[list[JobReport], LauncherError | None]:
    """Return the reports whose jobs can be named, with the names, and why the last of the others cannot."""
    known: list[JobReport] = []
    failed = None
    for one in reports:
        try:
            known.append(replace(one, job=_known(world, one)))
        except LauncherError as error:
            _log_failure(one.job.release, error)
            failed = error
    return known, failed


def _known(world: World, found: JobReport) -> JobRef:
    """Return the names of a job; those of a release without a pod are in its values only.

    Raises:
        Unavailable: helm could not be asked for them: whose job it is is not known, and not "nobody's".
    """
    job = found.job
    if job.site:
        return job
    seen = world.releases.status(job.release, job.namespace)
    if seen.presence is Presence.UNAVAILABLE:
        raise Unavailable(f"cannot ask Helm whose job release {job.namespace}/{job.release} is: {seen.why}")
    return ref_of_release(job.release, job.namespace, seen.value)


def _may_go(found: JobReport, now: datetime, older_than: float) -> bool:
    view = found.release
    main = found.track.pod.main if found.track.pod else None
    launched = view.updated if view else None
    age = age_seconds((main.finished_at if main else None) or launched, now)
    if release_state(view, now).is_busy:
        return False
    return found.track.outcome is not None and age >= older_than
