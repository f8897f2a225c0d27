"""Taking a job away: release, pod and per-job Secret, in that order, verified, however often it is asked."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

from launcher.core import foreign
from launcher.core.jobref import JobRef, ref_of_pod
from launcher.core.ownership import Owner, is_other_job, judge, left_alone
from launcher.core.pending.refusal import refusal_of
from launcher.core.revisions import have_made
from launcher.core.views import PodView, Presence
from launcher.errors import Denied, LauncherError, Reason, Unavailable
from launcher.logs import logger
from launcher.usecases.credentials import delete_credentials
from launcher.usecases.ports import World
from launcher.usecases.whose import record_of

__all__ = ["GONE_WITHIN", "remove", "with_retries"]

_LOG = logger(__name__)
# Where no watch shows the pod: most pods go within a second or two.
_POLL_EVERY, _LONGEST_POLL = 0.1, 0.8
# A watch shows the end of a pod at once; its word is not taken for longer than this.
_SHOWN = 3.0
# A kubelet that needs longer than this after the grace period is not going to answer.
GONE_WITHIN = 20.0
# What a pod without a release has at most: nothing but itself says that it may take longer.
_LONGEST_UNCONFIRMED = 600
_FIRST_DELAY, _LONGEST_DELAY = 0.5, 15.0
# An uninstall of which helm does not say, or we do not know, why it failed.
_UNEXPLAINED = frozenset({Reason.DELETE_FAILED, Reason.HELM_FAILED})


class _TakenOver(Exception):
    """A later attempt has taken the names over: what was ours is gone, and that one is not ours."""


def remove(
    world: World,
    job: JobRef,
    *,
    keep_secret: bool = False,
    grace: int | None = None,
    patience: float = math.inf,
) -> None:
    """Uninstall the release, see the pod gone and delete the per-job Secret; absence is success.

    A pod that runs is asked to stop (SIGTERM) and has its ``terminationGracePeriodSeconds``, as with kubectl.

    Args:
        world: the ports.
        job: what to take away, once :func:`launcher.core.ownership.judge` has confirmed that it is ours;
            without a release, its pod alone, by its uid.
        keep_secret: leave the per-job Secret: it is that of a new attempt already.
        grace: seconds between SIGTERM and SIGKILL instead of the pod's own, where they are less; a deletion
            that is under way keeps its own.
        patience: seconds after which a pod that still has time to end is left to its kubelet.

    Raises:
        Unavailable: the cluster could not be asked, or the pod did not go.
        Denied: a right is missing.
        Conflict: a stranger has taken the name of the job's pod; the release stays.
    """
    try:
        if job.release:
            _uninstall(world, job, grace)
        else:
            _prepare(world, job, grace)
    except _TakenOver:
        _refuse_planted(world, job)
        return
    _see_pod_gone(world, job, patience)
    if not keep_secret:
        delete_credentials(world, job)


def _prepare(world: World, job: JobRef, grace: int | None) -> None:
    """See whose the names are, and shorten the pod's grace period where less is wanted."""
    pod = _there(world, job)
    if _is_another(pod, job) or (pod is None and _is_anothers_release(world, job)):
        raise _TakenOver
    if pod is not None and grace is not None and pod.deleted is None:
        # Before Helm deletes it: a kubelet (1.36) that stops a container already does not hear of less time.
        world.pods.delete(job.pod_name, job.namespace, uid=pod.uid, grace_seconds=grace)


def _is_anothers_release(world: World, job: JobRef) -> bool:
    """Tell whether the release of a job whose pod has gone is a later one, without its pod yet."""
    if not (job.uid and job.release):
        return False
    return not have_made(world.releases.revisions(job.release, job.namespace), job.uid, job.created)


def _there(world: World, job: JobRef) -> PodView | None:
    """Return the pod that has the name of the job's, None when there is none, or nobody can tell."""
    seen = world.pods.get(job.pod_name, job.namespace)
    return seen.value if seen.presence is Presence.FOUND else None


def _refuse_planted(world: World, job: JobRef) -> None:
    """Say that a release stays whose pod's name a stranger has taken; of a later attempt say nothing.

    Raises:
        Conflict: it stays.
        Unavailable: Helm could not be asked.
    """
    pod = _there(world, job)
    if not job.release or pod is None or ref_of_pod(pod).release not in ("", job.release):
        return
    record = record_of(world, job.release, job.namespace)
    whose = judge(record, pod, job)
    if record is not None and whose.owner is Owner.FOREIGN_POD:
        raise left_alone(job, whose)


def _uninstall(world: World, job: JobRef, grace: int | None) -> None:
    try:
        # Looked at when helm is about to run: behind a thousand other removals that is minutes later.
        world.releases.uninstall(job.release, job.namespace, partial(_prepare, world, job, grace))
    except Denied:
        # The record stays for whoever grants the right; the job that was to end must not run until then.
        try:
            pod = _pod_of(world, job)
            if pod is not None and pod.deleted is None:
                world.pods.delete(job.pod_name, job.namespace, uid=pod.uid, grace_seconds=grace)
        except LauncherError as error:
            _LOG.debug("pod=%s not deleted either: %s", job.pod_name, error.message)
        raise


def _see_pod_gone(world: World, job: JobRef, patience: float) -> None:
    """Return when the pod is gone; delete it where nobody has yet, and by force when its kubelet does not.

    Also return after ``patience`` seconds of its grace period, which is what the pod says of itself.
    """
    start, allowed, most = world.clock.monotonic(), 0.0, math.inf if job.release else _LONGEST_UNCONFIRMED
    pause = _POLL_EVERY
    is_asked, is_forced = False, False
    while True:
        pod = _pod_of(world, job)
        if pod is None:
            return
        waited, allowed = world.clock.monotonic() - start, max(allowed, min(pod.grace_seconds or 0, most))
        if pod.deleted is not None and patience < waited <= allowed:
            _LOG.warning("pod=%s is being deleted; its grace period is %.0f s", job.pod_name, allowed)
            return
        if pod.deleted is None and not is_asked:  # the record of its release was deleted by hand
            world.pods.delete(job.pod_name, job.namespace, uid=pod.uid)
            is_asked = True
        elif pod.deleted is not None and waited > allowed + GONE_WITHIN and not is_forced:
            # No kubelet takes it away: without a grace period the API server does it alone.
            world.pods.delete(job.pod_name, job.namespace, uid=pod.uid, grace_seconds=0)
            is_forced = True
        if waited > allowed + 2 * GONE_WITHIN:
            raise _still_there(job, waited)
        _pause(world, job, pause)
        pause = min(2 * pause, _LONGEST_POLL)


def _pause(world: World, job: JobRef, pause: float) -> None:
    """Wait before the API server is asked again: while a watch shows the pod that question can wait."""
    watch, end = world.pods.watching(job.namespace), world.clock.monotonic() + _SHOWN
    if watch is None or watch.pod(job.pod_name).presence is not Presence.FOUND:
        world.clock.sleep(pause)
        return
    while (left := end - world.clock.monotonic()) > 0:
        version = watch.version(job.pod_name)
        if watch.pod(job.pod_name).presence is not Presence.FOUND:
            return
        watch.wait(job.pod_name, version, left)


def _still_there(job: JobRef, waited: float) -> Unavailable:
    pod = f"{foreign.word(job.pod_name)} -n {job.namespace}"
    after = "its release was uninstalled" if job.release else "its deletion; no release is left of it"
    return Unavailable(
        f"pod {job.namespace}/{job.pod_name} is still there {waited:.0f} s after {after}",
        cure=f"`kubectl get pod {pod} -o yaml` shows what holds it, such as finalizers; then try again",
    )


def _pod_of(world: World, job: JobRef) -> PodView | None:
    seen = world.pods.get(job.pod_name, job.namespace)
    if seen.presence is Presence.UNAVAILABLE:
        raise Unavailable(
            f"cannot see whether pod {job.namespace}/{job.pod_name} is gone: {seen.why}", cure=seen.cure
        )
    return None if seen.presence is Presence.ABSENT or _is_another(seen.value, job) else seen.value


def _is_another(pod: PodView | None, job: JobRef) -> bool:
    if pod is None:
        return False
    # Two job ids can have one pod name (`ab1` and `A_B.1`).
    return pod.uid != job.uid if job.uid else is_other_job(ref_of_pod(pod), job)


def with_retries(job: JobRef, act: Callable[[], None], world: World, seconds: float | None) -> None:
    """Take something of a job away, with growing pauses while trying again can help.

    That is while the cluster cannot be asked, and while a cause lasts that heals: with an admission webhook
    for the deletion of pods that fails closed and restarts, helm says "failed to delete release: r1", and
    with ``--debug`` 'Internal error occurred: failed calling webhook "hook.example.com": ...'. Whoever has no
    limit of time also outwaits a failure that nobody can explain: giving up would leave the job for good.

    ``JobHandle.terminate`` gives it a minute, the clean-up behind a job that has ended no limit.

    Args:
        job: whose it is, for the log.
        act: takes it away; absence is success.
        world: the ports, for the time.
        seconds: how long to go on; None = until it succeeds.

    Raises:
        LauncherError: the last failure, when time is up or trying again cannot help.
    """
    clock, start = world.clock, world.clock.monotonic()
    delay = _FIRST_DELAY
    # By hand: of a library such as tenacity only the loop would be left, with our pause, end, log and clock.
    while True:
        try:
            act()
        except LauncherError as error:
            if not _is_worth_a_retry(error, is_endless=seconds is None):
                raise
            pause = max(delay, error.retry_after if isinstance(error, Unavailable) else 0.0)
            if seconds is not None and clock.monotonic() - start + pause > seconds:
                raise
            words = "release=%s pod=%s not removed yet, trying again: %s"
            _LOG.warning(words, job.release, job.pod_name, error.message)
            clock.sleep(pause)
            delay = min(2 * delay, _LONGEST_DELAY)
        else:
            return


def _is_worth_a_retry(error: LauncherError, *, is_endless: bool) -> bool:
    """Tell whether trying again may take away what this error has left."""
    if isinstance(error, Unavailable) or refusal_of(error).may_heal:
        return True
    return is_endless and error.reason in _UNEXPLAINED
