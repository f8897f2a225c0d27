"""May a new parent take over a job of its predecessor? Decided from what the cluster says of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from launcher.core.jobref import JobRef
from launcher.core.lifecycle.state import JobReport
from launcher.core.names import label_value
from launcher.core.ownership import Owner, credential_is_ours, is_pod_of
from launcher.core.releases import ReleaseState, release_state
from launcher.core.views import SecretView

__all__ = [
    "Heritage",
    "is_cut_short",
    "is_told",
    "is_unmade",
    "is_waiting",
    "why_not",
    "why_not_refused",
]

# What a helm process leaves that was killed, and one whose answer was lost.
_CUT_SHORT = frozenset({ReleaseState.INSTALLING, ReleaseState.ABANDONED, ReleaseState.FAILED})
_UNMADE = _CUT_SHORT | {ReleaseState.UNINSTALLING}


@dataclass(frozen=True)
class Heritage:
    """What an earlier parent left of one job.

    Attributes:
        report: the job, once Helm's record has been asked whose it is.
        secret: the Secret with its credentials, None when there is none.
        role: ``client`` or ``server``: of which parents the new one is.
        now: the API server's time.
        is_whole: whether all that its release names is there, asked of one whose install was cut short.
    """

    report: JobReport
    secret: SecretView | None = field(repr=False)
    role: str
    now: datetime
    is_whole: bool = False

    @property
    def is_confirmed(self) -> bool:
        """Whether Helm's record says that it is ours and names a job, in the role of this parent."""
        job = self.report.job
        return self.report.ownership.owner is Owner.OURS and bool(job.job_id) and job.role == self.role

    @property
    def is_deployed(self) -> bool:
        """Whether its objects were accepted, and nobody has changed or removed them since.

        A parent that is killed takes helm with it, which notes "deployed" only after it has made the pod.
        """
        state = release_state(self.report.release, self.now)
        return state is ReleaseState.INSTALLED or (state in _CUT_SHORT and self.is_whole)

    @property
    def has_pod(self) -> bool:
        """Whether there is its pod: a pod of another job may have the name."""
        pod = self.report.track.pod
        return pod is not None and is_pod_of(self.report.job, pod)

    @property
    def is_being_deleted(self) -> bool:
        """Whether somebody takes the pod away."""
        pod = self.report.track.pod
        return pod is not None and pod.deleted is not None

    @property
    def has_secret(self) -> bool:
        """Whether there is the Secret with the credentials of this very job."""
        return self.secret is not None and _is_secret_of(self.report.job, self.secret)


def _is_secret_of(job: JobRef, secret: SecretView) -> bool:
    wanted = (label_value(job.job_id), label_value(job.site), job.federation)
    is_jobs = (secret.job_id, secret.site, secret.federation) == wanted
    return is_jobs and credential_is_ours(job.credential_secret, secret)


# The first that does not hold says why. A pod that has ended is taken over as well, with or without success:
# its results may be there already, and its handle tells the server how it ended.
_NEEDED: tuple[tuple[Callable[[Heritage], bool], str], ...] = (
    (lambda one: one.is_confirmed, "Helm's record does not confirm that it is a job of this parent"),
    (lambda one: one.is_deployed, "its release is not deployed"),
    (lambda one: one.has_pod, "its pod is gone"),
    (lambda one: not one.is_being_deleted, "its pod is being deleted"),
    (lambda one: one.has_secret, "the Secret with its credentials is gone"),
)


def why_not(heritage: Heritage) -> str:
    """Return why a job cannot be taken over; empty when it can."""
    return next((why for holds, why in _NEEDED if not holds(heritage)), "")


def why_not_refused(job: JobRef, secret: SecretView, role: str) -> str:
    """Return why a job that has no release yet cannot be taken over; empty when it can.

    Args:
        job: as its note tells it: nothing else does.
        secret: the Secret of the name that its credentials have.
        role: of the new parent.
    """
    if job.role != role:
        return "its note is that of another parent"
    return "" if _is_secret_of(job, secret) else "the Secret with its name is not that of this job"


def is_cut_short(report: JobReport, now: datetime) -> bool:
    """Tell whether its install was interrupted: whether all of it is there has to be asked."""
    return release_state(report.release, now) in _CUT_SHORT


def is_unmade(report: JobReport, now: datetime) -> bool:
    """Tell whether all that is left of a job is the record of a try to make it, or to undo that."""
    pod = report.track.pod
    has_pod = pod is not None and is_pod_of(report.job, pod)
    return not has_pod and release_state(report.release, now) in _UNMADE


def is_told(report: JobReport, secret: SecretView | None) -> bool:
    """Tell whether an earlier parent has seen the end of a job: it deletes the credentials then.

    What is left is kept for its retention, or its removal was cut short.
    """
    return report.track.outcome is not None and secret is None


def is_waiting(report: JobReport) -> bool:
    """Tell whether the job's container has not started yet: FLARE ends such a job without asking it first."""
    return not report.track.has_started
