"""The names of a job that is about to be launched: who has them, and taking away what a dead job left."""

from __future__ import annotations

from dataclasses import replace

from launcher.core import names
from launcher.core.ending.job_end import ended
from launcher.core.foreign import quoted
from launcher.core.jobref import MOST_ATTEMPTS, JobRef, ref_of_pod, with_pod
from launcher.core.ownership import Owner, is_other_job, judge, left_alone, other_job
from launcher.core.spec.jobspec import JobSpec, ref_of_spec
from launcher.core.views import PodView, Presence
from launcher.errors import Conflict, LauncherError, Unavailable
from launcher.logs import logger
from launcher.usecases.ports import World
from launcher.usecases.remove import remove
from launcher.usecases.whose import record_of, removable

__all__ = ["Held", "dead_pod", "reserve_names"]

_LOG = logger(__name__)


class Held(Conflict):
    """Another process holds the release: it is being installed, or its pod lives."""


def dead_pod(world: World, spec: JobSpec, *, again: bool) -> PodView | None:
    """Return the pod that a dead job left under these names, None when there is none; refuse a live one."""
    seen = world.pods.get(spec.pod_name, spec.namespace)
    if seen.presence is Presence.UNAVAILABLE:
        why = f"cannot see whether job {spec.job_id} is already running: {seen.why}"
        raise Unavailable(why, cure=seen.cure)
    if seen.presence is Presence.ABSENT or seen.value is None:
        return None
    pod = seen.value
    found, wanted = ref_of_pod(pod), ref_of_spec(spec)
    is_jobs = names.LABEL_JOB_ID in pod.labels
    if not is_jobs or is_other_job(found, wanted):
        whose = f"that of {other_job(found)}" if is_jobs else "not a job's"
        raise Conflict(
            f"pod {spec.namespace}/{spec.pod_name} is {whose}; that of {other_job(wanted)} has the same name",
            cure="wait until it is gone, or use another job id",
        )
    is_ours = again and found.release == spec.release
    if ended(pod) is None and pod.deleted is None and not is_ours:
        _refuse_planted(world, pod, wanted)
        raise Held(
            f"job {spec.job_id} is already running at site {quoted(spec.site)}: release {spec.release}, "
            f"pod {spec.namespace}/{spec.pod_name}, phase {pod.phase}",
            cure=f"wait for it, or run `fljob terminate {spec.release} -n {spec.namespace}` first",
        )
    return pod


def _refuse_planted(world: World, pod: PodView, wanted: JobRef) -> None:
    """Refuse a live pod that claims the job's release, which has made another: the job itself does not run.

    Raises:
        Conflict: it is a stranger's.
    """
    try:
        record = record_of(world, wanted.release, wanted.namespace)
    except LauncherError:
        return  # then it is said to be the job's, which touches nothing, either
    whose = judge(record, pod, wanted)
    if record is not None and whose.owner is Owner.FOREIGN_POD:
        raise left_alone(wanted, whose)


def reserve_names(world: World, spec: JobSpec, *, again: bool = False) -> JobSpec:
    """Refuse a live job, clean up what a dead one left, and return the spec of the next attempt.

    Args:
        world: the ports.
        spec: the job.
        again: an attempt of this very launch could not undo its release; a pod of it is what that left.

    Raises:
        Conflict: the job is already running.
        Unavailable: the cluster could not be asked.
    """
    pod = dead_pod(world, spec, again=again)
    if pod is None:
        return spec
    left = ref_of_pod(pod)
    _LOG.info("release=%s pod=%s removing what attempt %d left", left.release, spec.pod_name, left.attempt)
    remove(world, _confirmed(world, spec, pod))
    return replace(spec, attempt=min(left.attempt + 1, MOST_ATTEMPTS))


def _confirmed(world: World, spec: JobSpec, pod: PodView) -> JobRef:
    """Return what of a dead pod's job may be removed: all of the release that it claims, if Helm confirms it.

    Its name need not be that which a job gets today.

    Raises:
        Conflict: the release is another's.
        Unavailable: Helm could not be asked.
    """
    job = with_pod(replace(ref_of_spec(spec), release=ref_of_pod(pod).release), pod)
    record = record_of(world, job.release, job.namespace) if job.release else None
    return removable(job, judge(record, pod, job))
