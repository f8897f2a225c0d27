"""Taking away one job of a list, if Helm's record still says what the list said when it is its turn."""

from __future__ import annotations

from launcher.core import foreign
from launcher.core.lifecycle.state import JobReport
from launcher.core.ownership import Located, Owner, left_alone
from launcher.core.views import PodView, Presence, age_seconds
from launcher.errors import Unavailable
from launcher.logs import logger
from launcher.usecases.ports import World
from launcher.usecases.remove import GONE_WITHIN, remove
from launcher.usecases.whose import confirm, removable

__all__ = ["remove_confirmed", "title"]

_LOG = logger(__name__)
# Seconds that the pod of a release may hold up what comes after it, and that a pod without one may end in.
_PATIENCE, _SHORT_GRACE = 600.0, 30


def title(found: JobReport) -> str:
    """Return a listed job in words: its release, or the pod that has none."""
    no_release = found.ownership.owner is Owner.POD_WITHOUT_RELEASE
    return f"pod {found.job.pod_name}" if no_release else f"release {found.job.release}"


def remove_confirmed(world: World, found: JobReport, *, dry_run: bool = False) -> bool:
    """Take a job away if Helm's record confirms that it is ours.

    Args:
        world: the ports.
        found: the job as it was listed, which may be minutes ago.
        dry_run: remove nothing.

    Returns:
        Whether it was removed, or would be; False, with the reason in the log, also when somebody else was
        quicker.

    Raises:
        LauncherError: the cluster could not be asked, or something did not go.
    """
    now = confirm(world, found.job, found.track.pod)
    is_as_listed = now.ownership.owner is found.ownership.owner and (now.pod is None or found.track.pod)
    if not is_as_listed:
        _say_why(world, found, now)
        return False
    if dry_run:
        return True
    if now.ownership.owner is Owner.POD_WITHOUT_RELEASE and now.pod is not None:
        _ask_away(world, now.pod)
    else:
        remove(world, removable(now.job, now.ownership), patience=_PATIENCE)
    return True


def _say_why(world: World, found: JobReport, now: Located) -> None:
    """Write to the log why a job is not removed: two parents of a site may both be about to, for a while."""
    name = foreign.name(title(found))
    if now.ownership.is_foreign:
        _LOG.warning("%s not removed: %s", name, left_alone(now.job, now.ownership))
    elif now.is_recorded:
        _LOG.warning("%s not removed: it was launched again", name)
    elif _goes(world, found):
        _LOG.info("%s is gone already: somebody else has removed it", name)
    else:
        _LOG.warning("%s not removed: Helm has no record of it any more, but its pod is there", name)


def _goes(world: World, found: JobReport) -> bool:
    """Tell whether the pod of a job without a record is gone, or asked to go: by whoever removed the record.

    Raises:
        Unavailable: the cluster could not be asked.
    """
    seen = world.pods.get(found.job.pod_name, found.job.namespace)
    if seen.presence is Presence.UNAVAILABLE:
        raise Unavailable(
            f"cannot see whether pod {found.job.namespace}/{found.job.pod_name} is gone: {seen.why}",
            cure=seen.cure,
        )
    if seen.presence is Presence.ABSENT or seen.value is None:
        return True
    is_another = found.track.pod is not None and seen.value.uid != found.track.pod.uid
    return is_another or seen.value.deleted is not None


def _ask_away(world: World, pod: PodView) -> None:
    """Have a pod of no release deleted, and wait for nothing: whoever may create pods may write all of it.

    A sidecar that ignores SIGTERM, with ``terminationGracePeriodSeconds: 1000000``, would last for 11 days.
    """
    if pod.deleted is None:
        own = _SHORT_GRACE if pod.grace_period is None else pod.grace_period
        world.pods.delete(pod.name, pod.namespace, uid=pod.uid, grace_seconds=min(own, _SHORT_GRACE))
    # deletionTimestamp already includes the grace period (Kubernetes API conventions).
    elif age_seconds(pod.deleted, world.clock.now()) > GONE_WITHIN:
        world.pods.delete(pod.name, pod.namespace, uid=pod.uid, grace_seconds=0)
    _LOG.warning("pod=%s of no release is being deleted", pod.name)
