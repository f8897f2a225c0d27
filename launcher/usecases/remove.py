"""Taking a job away: release, pod and per-job Secret, in that order, verified, however often it is asked."""

from __future__ import annotations

import logging
from collections.abc import Callable

from launcher.core.jobref import JobRef
from launcher.core.pending.refusal import refusal_of
from launcher.core.views import PodView, Presence
from launcher.errors import LauncherError, Reason, Unavailable
from launcher.usecases.ports import World

__all__ = ["remove", "with_retries"]

_LOG = logging.getLogger(__name__)
_POLL_EVERY = 0.1
# The chart's grace period is one second; a kubelet that needs longer than this is not going to answer.
_GONE_WITHIN = 20.0
_FIRST_DELAY, _LONGEST_DELAY = 0.5, 15.0
# An uninstall of which helm does not say, or we do not know, why it failed.
_UNEXPLAINED = frozenset({Reason.DELETE_FAILED, Reason.HELM_FAILED})


def remove(world: World, job: JobRef, *, keep_secret: bool = False) -> None:
    """Uninstall the release, see the pod gone and delete the per-job Secret; absence is success.

    Args:
        world: the ports.
        job: what to take away.
        keep_secret: leave the per-job Secret: it is that of a new attempt already.

    Raises:
        Unavailable: the cluster could not be asked, or the pod did not go.
        Denied: a right is missing.
    """
    seen = world.pods.get(job.pod_name, job.namespace)
    if _is_another(seen.value, job):
        return  # a later attempt has taken the names over: what was ours is gone, and that one is not ours
    world.releases.uninstall(job.release, job.namespace)
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
    return pod is not None and bool(job.uid) and pod.uid != job.uid


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
