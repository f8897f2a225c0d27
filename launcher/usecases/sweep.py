"""What ended jobs and dead parents leave in a namespace, and taking it away."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from launcher.core.catalogue.returncodes import ReturnCode
from launcher.core.lifecycle.state import JobReport
from launcher.core.names import is_credential_of
from launcher.core.ownership import Owner, credential_is_ours
from launcher.core.releases import INSTALL_MAY_LAST, release_state
from launcher.core.views import SecretView, age_seconds
from launcher.errors import LauncherError
from launcher.logs import logger
from launcher.usecases.ports import World
from launcher.usecases.remove import confirm, removable, remove

__all__ = ["ReportLost", "ignore_report", "reap", "sweep"]

_LOG = logger(__name__)
_LOST = ReturnCode.INFRASTRUCTURE_ERROR
# Reports a job that nobody else will report any more: FLARE's id of it, and how it ended or would have.
ReportLost = Callable[[str, ReturnCode], object]
# What is to be removed, by name, and how; it returns False when it is not ours and was left alone.
_Act = tuple[str, Callable[[], bool]]


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
        (_title(found), partial(_remove_confirmed, world, found, dry_run=dry_run))
        for found in reports
        if not found.ownership.is_foreign and _may_go(found, now, older_than)
    ]
    owned = {found.job.credential_secret for found in reports}
    acts += [
        (f"secret {name}", partial(_delete_secret, world, name, namespace, dry_run=dry_run))
        for name, secret in secrets.items()
        if name not in owned
        and credential_is_ours(name, secret)
        and age_seconds(secret.created, now) >= max(older_than, INSTALL_MAY_LAST)
    ]
    return _each(acts)


def _title(found: JobReport) -> str:
    no_release = found.ownership.owner is Owner.POD_WITHOUT_RELEASE
    return f"pod {found.job.pod_name}" if no_release else f"release {found.job.release}"


def _remove_confirmed(world: World, found: JobReport, *, dry_run: bool = False) -> bool:
    """Take a job away if Helm's record confirms that it is ours; return whether it was, or would be."""
    now = confirm(world, found.job, found.track.pod)
    is_as_listed = now.ownership.owner is found.ownership.owner and (now.pod is None or found.track.pod)
    if not is_as_listed:
        _LOG.warning("%s left alone: %s", _title(found), now.ownership.sentence or "it was launched again")
        return False
    if not dry_run:
        remove(world, removable(now.job, now.ownership))
    return True


def _delete_secret(world: World, name: str, namespace: str, *, dry_run: bool = False) -> bool:
    return dry_run or world.secrets.delete(name, namespace)


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
    mine = (site, federation)
    known, unnamed = _known_of(world, [one for one in reports if not is_ours(one.job.release)], mine)
    theirs = [one for one in known if (one.job.site, one.job.federation) == mine]
    confirmed = [one for one in theirs if one.ownership.owner is Owner.OURS]
    # A pod alone confirms nothing, so it shields no Secret; the Secret, if there is one, tells of the job.
    owned = {one.job.credential_secret for one in (*reports, *confirmed)}
    owned -= {one.job.credential_secret for one in theirs if one not in confirmed}
    alone = [name for name in _credentials(secrets, *mine) if name not in owned and not is_ours(name)]
    for one in confirmed:
        report(one.job.job_id, one.track.outcome.return_code if one.track.outcome else _LOST)
    for name in alone:
        report(secrets[name].job_id, _LOST)
    acts: list[_Act] = [
        (one.job.release or one.job.pod_name, partial(_remove_confirmed, world, one)) for one in theirs
    ]
    acts += [(name, partial(_delete_secret, world, name, namespace)) for name in alone]
    return _each(acts, unnamed)


def _credentials(secrets: Mapping[str, SecretView], site: str, federation: str) -> Iterator[str]:
    """Yield the names of the Secrets that hold credentials of a site's jobs in a federation."""
    for name, secret in secrets.items():
        is_theirs = secret.federation == federation and is_credential_of(name, site)
        if is_theirs and credential_is_ours(name, secret):
            yield name


def _each(acts: Iterable[_Act], before: LauncherError | None = None) -> Iterator[str]:
    """Do all of ``acts``, yield the name of each that worked, then raise a failure ``before``, or the last.

    One that holds out, such as a pod with a finalizer or a Secret that may not be deleted, must not spare
    the rest: it would hold out at every later try as well.
    """
    failed = None
    for name, act in acts:
        try:
            is_gone = act()
        except LauncherError as error:
            _log_failure(name, error)
            failed = error
        else:
            if is_gone:
                yield name
    why = before or failed
    if why is not None:
        raise why


def _log_failure(name: str, error: LauncherError) -> None:
    _LOG.warning("%s not removed: %s", name, error.message)


def _known_of(
    world: World, reports: Sequence[JobReport], mine: tuple[str, str]
) -> tuple[list[JobReport], LauncherError | None]:
    """Return the reports that Helm confirms, with the names that its record tells.

    Args:
        world: the ports.
        reports: all jobs.
        mine: site and federation; of a job whose pod names others, Helm is not asked.

    Returns:
        The reports, and why the last of those that could not be asked for is missing.
    """
    known: list[JobReport] = []
    failed = None
    for one in reports:
        named = not one.job.site or (one.job.site, one.job.federation) == mine
        if one.ownership.is_foreign or not named:
            continue
        try:
            now = confirm(world, one.job, one.track.pod)
        except LauncherError as error:
            _log_failure(one.job.release, error)
            failed = error
            continue
        if now.ownership.is_foreign:
            _LOG.warning("%s left alone: %s", _title(one), now.ownership.sentence)
        else:
            known.append(replace(one, job=now.job, ownership=now.ownership))
    return known, failed


def _may_go(found: JobReport, now: datetime, older_than: float) -> bool:
    view = found.release
    main = found.track.pod.main if found.track.pod else None
    launched = view.updated if view else None
    age = age_seconds((main.finished_at if main else None) or launched, now)
    if release_state(view, now).is_busy:
        return False
    return found.track.outcome is not None and age >= older_than
