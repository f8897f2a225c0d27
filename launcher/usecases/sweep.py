"""What ended jobs and dead parents leave in a namespace, and taking it away."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from launcher.core import foreign
from launcher.core.catalogue.returncodes import ReturnCode
from launcher.core.jobref import ref_of_pod
from launcher.core.lifecycle.state import JobReport
from launcher.core.names import label_value
from launcher.core.ownership import (
    CONFIRMED,
    Located,
    Owner,
    credentials_of,
    is_other_job,
    left_alone,
    old_credentials,
)
from launcher.core.releases import INSTALL_MAY_LAST
from launcher.core.views import SecretView
from launcher.errors import LauncherError
from launcher.logs import logger
from launcher.usecases.confirmed import remove_confirmed, title
from launcher.usecases.heir import NOBODY, Heir, left_by, secrets_left_by
from launcher.usecases.outdated import kept, outdated
from launcher.usecases.ports import World
from launcher.usecases.whose import confirm

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
    """Remove jobs that ended, or wait in vain, since a certain time, and Secrets of no job, lazily.

    What another process watches is left to it. Leases of processes that are gone for good go, too.

    Args:
        world: the ports.
        namespace: of the Secrets.
        reports: all jobs of the namespace.
        secrets: all per-job Secrets of it, listed before the jobs were.
        older_than: seconds since the end, or the launch where no end is known; of a pending job whose clock
            has run out, since its cause began.
        dry_run: remove nothing.

    Yields:
        The name of each thing when it is gone, or would be; the next one is removed when it is asked for.

    Raises:
        LauncherError: something could not be removed; all the others were.
    """
    watched = world.watching.by_others(namespace)
    old = outdated(world, reports, older_than, watched)
    unused = _unused(world, namespace, reports, secrets, older_than, watched=watched, dry_run=dry_run)

    def act_of(one: JobReport) -> _Act:
        # Asked again when it is its turn, which may be minutes after all of them were listed.
        remove_it = partial(remove_confirmed, world, one, dry_run=dry_run)
        return title(one), lambda: not watched(one.job.release) and remove_it()

    return _each(_ordered(old, unused, act_of))


def _unused(
    world: World,
    namespace: str,
    reports: Sequence[JobReport],
    secrets: Mapping[str, SecretView],
    older_than: float,
    *,
    watched: Callable[[str], bool],
    dry_run: bool,
) -> list[_Act]:
    """Return what to do about Secrets of no job, and Leases of nobody."""
    owned = _owned(reports)
    alone = {name: secret for name, secret in secrets.items() if name not in owned}
    found: list[tuple[str, str, Callable[[str, str], object]]] = [
        ("secret", name, partial(_delete_as_listed, world, secrets))
        for name in old_credentials(alone, world.clock.now(), max(older_than, INSTALL_MAY_LAST))
    ]
    found += [("lease", name, world.watching.forget) for name in world.watching.left(namespace)]

    def act(name: str, delete: Callable[[str, str], object]) -> bool:
        # That of a job whose creation is refused, and tried again, has a watcher and no release.
        return not watched(name) and (dry_run or delete(name, namespace) is not False)

    return [(f"{kind} {name}", partial(act, name, delete)) for kind, name, delete in found]


def _delete_as_listed(world: World, listed: Mapping[str, SecretView], name: str, namespace: str) -> bool:
    """Delete a Secret if it is still what was listed: that of a later launch has the same name."""
    return world.secrets.delete(name, namespace, partial(operator.eq, listed.get(name)))


def _as_listed(world: World, namespace: str, listed: Mapping[str, SecretView], name: str) -> _Act:
    return name, partial(_delete_as_listed, world, listed, name, namespace)


def _ordered(
    jobs: Sequence[JobReport], unused: Sequence[_Act], act: Callable[[JobReport], _Act]
) -> list[_Act]:
    """Return what to do with jobs and Secrets in the order of trust: pods that nothing confirms come last."""
    first = [act(one) for one in jobs if one.ownership.owner is Owner.OURS]
    last = [act(one) for one in jobs if one.ownership.owner is not Owner.OURS]
    return [*first, *unused, *last]


def _owned(reports: Iterable[JobReport]) -> set[str]:
    """Return the names of the Secrets of jobs that have a release.

    A pod alone confirms nothing and shields no Secret: one of the name of a lost job's pod, with any site on
    it, would keep the credentials, and a new parent from reporting that job.
    """
    return {one.job.credential_secret for one in reports if one.ownership.owner is Owner.OURS}


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
    heir: Heir = NOBODY,
) -> Iterator[str]:
    """Remove the jobs of a site that nobody watches, whatever state they are in, lazily.

    Before that each that Helm's record confirms is offered to ``heir``, who may take it over, and then the
    Secrets of jobs without a release: their creation was refused, or their parent was killed just before it.
    One that its retention keeps stays, without its credentials. A site's name is not enough: people launch
    jobs for it by hand, and the server of each federation in the namespace has the name ``server``.

    Yields:
        The name of each thing when it is gone; the next one is removed when it is asked for.

    Raises:
        LauncherError: something could not be removed, or not be asked whose it is; all the others were.
    """
    mine, stays = (site, federation), kept(world, reports)
    known, unnamed = _known_of(world, reports, site, is_ours)
    theirs = [one for one in known if (one.job.site, one.job.federation) == mine]
    # Whoever sees the end of a job deletes its credentials: with one that is kept without any all is done.
    theirs = [one for one in theirs if not stays(one) or one.job.credential_secret in secrets]
    theirs, unnamed = left_by(heir, theirs, secrets, unnamed)
    confirmed = [one for one in theirs if one.ownership.owner is Owner.OURS]
    owned = _owned([*reports, *confirmed])
    alone = [name for name in credentials_of(secrets, *mine) if name not in owned and not is_ours(name)]
    alone, lost, unnamed = secrets_left_by(heir, alone, secrets, unnamed)
    _tell(report, confirmed, lost)
    alone += [one.job.credential_secret for one in confirmed if stays(one)]
    unused = [_as_listed(world, namespace, secrets, name) for name in alone]
    theirs = [one for one in theirs if not stays(one)]
    return _each(_ordered(theirs, unused, partial(_reaped, world)), unnamed)


def _tell(report: ReportLost, known: Iterable[JobReport], lost: Iterable[str]) -> None:
    for one in known:
        report(one.job.job_id, one.track.outcome.return_code if one.track.outcome else _LOST)
    for job_id in lost:
        report(job_id, _LOST)


def _reaped(world: World, one: JobReport) -> _Act:
    return one.job.release or one.job.pod_name, partial(remove_confirmed, world, one)


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
    _LOG.warning("%s not removed: %s", foreign.name(name), error.message)


def _known_of(
    world: World, reports: Sequence[JobReport], site: str, is_ours: Callable[[str], bool]
) -> tuple[list[JobReport], LauncherError | None]:
    """Return the reports that Helm confirms, with the names that its record tells.

    The record of a release confirms it, whoever has the name of its pod: a job that lost its pod has ended.

    Args:
        world: the ports.
        reports: all jobs.
        site: of a job whose pod names another one, Helm is not asked; a federation of a pod says nothing.
        is_ours: returns for a release whether somebody watches it, who reports it then.

    Returns:
        The reports, and why the last of those that could not be asked for is missing.
    """
    known: list[JobReport] = []
    failed = None
    for one in reports:
        if (
            one.ownership.is_foreign
            or one.job.site not in ("", site, label_value(site))
            or is_ours(one.job.release)
        ):
            continue
        try:
            now = confirm(world, one.job, one.track.pod)
        except LauncherError as error:
            _log_failure(one.job.release, error)
            failed = error
            continue
        if _is_job_without_pod(now, reports):
            known.append(replace(one, job=now.job, ownership=CONFIRMED))
        elif now.ownership.is_foreign:
            _LOG.warning("%s not removed: %s", foreign.name(title(one)), left_alone(now.job, now.ownership))
        else:
            known.append(replace(one, job=now.job, ownership=now.ownership))
    return known, failed


def _is_job_without_pod(now: Located, reports: Sequence[JobReport]) -> bool:
    """Tell whether the pod of a recorded job's name is not that job's, under another release, either."""
    if now.ownership.owner is not Owner.FOREIGN_POD or not now.is_recorded or now.pod is None:
        return False
    rows = [one for one in reports if one.track.pod and one.track.pod.uid == now.pod.uid]
    is_confirmed = any(one.ownership.owner is Owner.OURS for one in rows)
    return not is_confirmed or is_other_job(ref_of_pod(now.pod), now.job)
