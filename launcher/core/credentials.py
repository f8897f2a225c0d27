"""Of which launch of a job is the Secret of its name? Every launch of a job at a site uses the same one."""

from __future__ import annotations

import enum
from dataclasses import replace

from launcher.core.jobref import JobRef
from launcher.core.ownership import is_other_job
from launcher.core.views import SecretView

__all__ = ["Whose", "whose_credentials"]


class Whose(enum.Enum):
    """Of which launch a Secret is."""

    OURS = enum.auto()
    ANOTHERS = enum.auto()
    # That of the pod that owns it: ours once there is no such pod.
    POD = enum.auto()


def whose_credentials(job: JobRef, secret: SecretView) -> Whose:
    """Return of which launch the per-job Secret is that has the name of a job's.

    A launch makes its Secret anew, then its pod, and has the pod own it. So one that no pod owns (yet, or
    because that was refused) and that is younger than our pod is that of a later launch; both times are the
    API server's.

    Args:
        job: the launch that asks; without a uid no pod of it was ever seen.
        secret: what is there now.
    """
    if is_other_job(replace(job, job_id=secret.job_id, site=secret.site), job):
        return Whose.ANOTHERS
    if secret.owners:
        if not job.uid:
            return Whose.POD
        return Whose.OURS if job.uid in secret.owners else Whose.ANOTHERS
    is_later = secret.created is not None and job.created is not None and secret.created > job.created
    return Whose.ANOTHERS if is_later else Whose.OURS
