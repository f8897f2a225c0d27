"""Taking a job away: release, pod and per-job Secret, in that order, verified, however often it is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from launcher.core.jobref import JobRef, ref_of_pod, ref_of_release
from launcher.core.ownership import Assigned, Located, Owner, Ownership, is_other_job, judge, locate
from launcher.core.pending.refusal import refusal_of
from launcher.core.views import PodView, Presence, ReleaseView
from launcher.errors import Conflict, LauncherError, Reason, Unavailable
from launcher.logs import logger
from launcher.usecases.ports import World

__all__ = ["confirm", "record_of", "removable", "remove", "settle", "with_retries"]

_LOG = logger(__name__)
_POLL_EVERY = 0.1
# The chart's grace period is one second; a kubelet that needs longer than this is not going to answer.
_GONE_WITHIN = 20.0
_MOST_DISPUTES = 20
_FIRST_DELAY, _LONGEST_DELAY = 0.5, 15.0
# An uninstall of which helm does not say, or we do not know, why it failed.
_UNEXPLAINED = frozenset({Reason.DELETE_FAILED, Reason.HELM_FAILED})


def record_of(world: World, release: str, namespace: str) -> ReleaseView | None:
    """Return what Helm has recorded of a release, None when there is certainly none.

    Raises:
        Unavailable: Helm could not be asked.
    """
    seen = world.releases.record(release, namespace)
    if seen.presence is Presence.UNAVAILABLE:
        raise Unavailable(f"cannot ask Helm whose job release {namespace}/{release} is: {seen.why}")
    return seen.value


def confirm(world: World, job: JobRef, pod: PodView | None) -> Located:
    """Ask Helm whose a job is, and look again at the pod that its record names.

    Args:
        world: the ports.
        job: the job as a list shows it.
        pod: its pod as listed, None when there was none.

    Raises:
        Unavailable: Helm or the cluster could not be asked.
    """
    record = record_of(world, job.release, job.namespace) if job.release else None
    if record is None:
        return Located(job, pod, judge(None, pod, job))
    recorded = replace(ref_of_release(job.release, job.namespace, record), attempt=job.attempt)
    seen = world.pods.get(recorded.pod_name, job.namespace)
    if seen.presence is Presence.UNAVAILABLE:
        raise Unavailable(f"cannot see whose pod {job.namespace}/{recorded.pod_name} is: {seen.why}")
    found = seen.value if seen.presence is Presence.FOUND else None
    known = pod or found
    return Located(replace(recorded, uid=known.uid if known else ""), found, judge(record, found, job))


def settle(world: World, namespace: str, assigned: Assigned) -> tuple[dict[str, PodView], list[PodView]]:
    """Return the pod of each release, and the pods of none, after asking for the values of disputed releases.

    Helm is asked for a few of them at most: whoever may create pods must not make `fljob list` last for ever.
    """
    own, others = dict(assigned.pods), list(assigned.others)
    for number, (name, claimants) in enumerate(sorted(assigned.disputed.items())):
        seen = world.releases.record(name, namespace) if number < _MOST_DISPUTES else None
        found = locate(name, namespace, seen.value, claimants).pod if seen and seen.value else None
        if found is not None:
            own[name] = found
        others += [pod for pod in claimants if pod is not found]
    return own, others


def removable(job: JobRef, ownership: Ownership) -> JobRef:
    """Return what of a job may be taken away: all of it, or, of a pod without a release, the pod alone.

    Raises:
        Conflict: it is not ours.
    """
    if ownership.owner is Owner.OURS:
        return job
    if ownership.owner is Owner.POD_WITHOUT_RELEASE:
        return replace(job, release="")
    raise Conflict(
        f"{ownership.sentence}; it is left alone",
        cure=f"`fljob list -n {job.namespace}` shows it; remove it with kubectl or helm if it is yours",
    )


def remove(world: World, job: JobRef, *, keep_secret: bool = False) -> None:
    """Uninstall the release, see the pod gone and delete the per-job Secret; absence is success.

    Args:
        world: the ports.
        job: what to take away, once :func:`launcher.core.ownership.judge` has confirmed that it is ours;
            without a release, its pod alone, by its uid.
        keep_secret: leave the per-job Secret: it is that of a new attempt already.

    Raises:
        Unavailable: the cluster could not be asked, or the pod did not go.
        Denied: a right is missing.
    """
    seen = world.pods.get(job.pod_name, job.namespace)
    if _is_another(seen.value, job):
        return  # a later attempt has taken the names over: what was ours is gone, and that one is not ours
    if job.release:
        world.releases.uninstall(job.release, job.namespace)
    elif seen.value is not None:
        world.pods.delete(job.pod_name, job.namespace, uid=seen.value.uid)
    _see_pod_gone(world, job)
    if not keep_secret:
        world.secrets.delete(job.credential_secret, job.namespace)


def _see_pod_gone(world: World, job: JobRef) -> None:
    start = world.clock.monotonic()
    forced = False
    while True:
        seen = world.pods.get(job.pod_name, job.namespace)
        if seen.presence is Presence.UNAVAILABLE:
            raise Unavailable(f"cannot see whether pod {job.namespace}/{job.pod_name} is gone: {seen.why}")
        if seen.presence is Presence.ABSENT or _is_another(seen.value, job):
            return
        if seen.value is not None and not forced and _is_overdue(world, start, seen.value):
            # No kubelet takes it away: without a grace period the API server does it alone.
            world.pods.delete(job.pod_name, job.namespace, uid=seen.value.uid, grace_seconds=0)
            forced = True
        if world.clock.monotonic() - start > 2 * _GONE_WITHIN:
            raise Unavailable(
                f"pod {job.namespace}/{job.pod_name} is still there {2 * _GONE_WITHIN:.0f} s after "
                "its release was uninstalled",
                cure="look for finalizers with `kubectl get pod -o yaml`, then terminate again",
            )
        world.clock.sleep(_POLL_EVERY)


def _is_another(pod: PodView | None, job: JobRef) -> bool:
    if pod is None:
        return False
    # Two job ids can have one pod name (`ab1` and `A_B.1`).
    return pod.uid != job.uid if job.uid else is_other_job(ref_of_pod(pod), job)


def _is_overdue(world: World, start: float, pod: PodView) -> bool:
    # A pod without a release (its release record was deleted by hand) is nobody's but ours: delete it now.
    return pod.deleted is None or world.clock.monotonic() - start > _GONE_WITHIN


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
