"""Who may take over the jobs of an earlier parent instead of their removal."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

from launcher.core.lifecycle.state import JobReport
from launcher.core.ownership import Owner
from launcher.core.views import SecretView
from launcher.errors import LauncherError
from launcher.logs import logger

__all__ = ["NOBODY", "Heir", "left_by", "secrets_left_by"]

_LOG = logger(__name__)


class Heir(Protocol):
    """A new parent. What it does not take goes the way of the removal."""

    def take(self, found: JobReport, secret: SecretView | None) -> bool:
        """Take over a job that Helm confirms, with its Secret (None = it is gone), or return False.

        A job that was taken over stays, with all that belongs to it.

        Raises:
            LauncherError: the cluster could not be asked; the job stays, and is offered again.
        """

    def take_secret(self, name: str, secret: SecretView) -> bool:
        """Take over a job of which there is its Secret and no release, or return False.

        Raises:
            LauncherError: as :meth:`take`.
        """

    def seen(self, *, all_of_them: bool) -> Collection[str]:
        """Learn that every job that could be asked for was offered: ``all_of_them``, or some could not.

        Returns:
            The ids of jobs that it knows and nobody goes on with: they are reported as lost.
        """

    def again(self) -> None:
        """Learn that this parent acts once more, after another one: there may be jobs of that one."""


class _Nobody:
    def take(self, found: JobReport, secret: SecretView | None) -> bool:  # noqa: ARG002 - as Heir has it
        return False

    def take_secret(self, name: str, secret: SecretView) -> bool:  # noqa: ARG002
        return False

    def seen(self, *, all_of_them: bool) -> Collection[str]:  # noqa: ARG002
        return ()

    def again(self) -> None:
        """Nobody acts."""


NOBODY: Heir = _Nobody()


def left_by(
    heir: Heir,
    jobs: Iterable[JobReport],
    secrets: Mapping[str, SecretView],
    failed: LauncherError | None,
) -> tuple[list[JobReport], LauncherError | None]:
    """Offer each job that Helm confirms to the heir.

    Args:
        heir: the new parent.
        jobs: of the earlier one.
        secrets: all per-job Secrets, by name.
        failed: why some job could not even be offered, None = all are there.

    Returns:
        The jobs that the heir leaves, and why one that stays is to be offered again.
    """
    left = []
    for one in jobs:
        try:
            if one.ownership.owner is Owner.OURS and heir.take(one, secrets.get(one.job.credential_secret)):
                continue
        except LauncherError as error:
            _LOG.warning("release=%s stays for now: %s", one.job.release, error.message)
            failed = error
            continue
        left.append(one)
    return left, failed


def secrets_left_by(
    heir: Heir,
    names: Iterable[str],
    secrets: Mapping[str, SecretView],
    failed: LauncherError | None,
) -> tuple[list[str], list[str], LauncherError | None]:
    """Offer each Secret of a job without a release to the heir, after the jobs that have one.

    Args:
        heir: the new parent.
        names: of these Secrets.
        secrets: all per-job Secrets, by name.
        failed: why something could not be offered before, None = all was.

    Returns:
        The Secrets that the heir leaves, the ids of jobs that nobody goes on with, and why something that
        stays is to be offered again.
    """
    left = []
    for name in names:
        try:
            if not heir.take_secret(name, secrets[name]):
                left.append(name)
        except LauncherError as error:
            _LOG.warning("secret %s stays for now: %s", name, error.message)
            failed = error
    lost = heir.seen(all_of_them=failed is None)
    return left, [*(secrets[name].job_id for name in left), *lost], failed
