"""Taking away the ended jobs that a site has kept for long enough."""

from __future__ import annotations

import math

from launcher.core.ending.kept import time_left
from launcher.core.jobref import ref_of_pod, with_pod
from launcher.core.ownership import Owner
from launcher.core.views import PodView
from launcher.errors import LauncherError
from launcher.logs import logger
from launcher.usecases.ports import World
from launcher.usecases.remove import remove
from launcher.usecases.whose import confirm

__all__ = ["remove_outdated"]

_LOG = logger(__name__)
# When one that could not be removed is tried again.
_AGAIN = 60.0


def remove_outdated(world: World, namespace: str, site: str, federation: str) -> float:
    """Remove the jobs of a site that their retention keeps no longer; return when to look again.

    One request while there is nothing to remove, however many jobs there are.

    Args:
        world: the ports.
        namespace: of the jobs.
        site: whose jobs.
        federation: of which federation; jobs launched by hand belong to none.

    Returns:
        The seconds until the time of the next one is over; infinite when none is kept that has an end.

    Raises:
        Unavailable: the cluster could not be asked.
        Denied: a right is missing.
    """
    pods = {pod.uid: pod for pod in world.pods.list(namespace) if _is_of(pod, site, federation)}
    left = time_left(pods.values(), world.clock.now())
    pause = min((seconds for seconds in left.values() if seconds > 0), default=math.inf)
    for uid in sorted(uid for uid, seconds in left.items() if seconds <= 0):
        if not _is_removed(world, pods[uid]):
            pause = min(pause, _AGAIN)
    return pause


def _is_of(pod: PodView, site: str, federation: str) -> bool:
    job = ref_of_pod(pod)
    return (job.site, job.federation) == (site, federation)


def _is_removed(world: World, pod: PodView) -> bool:
    """Remove a job if Helm's record confirms that it is ours; return False when that is to be tried again."""
    try:
        now = confirm(world, ref_of_pod(pod), pod)
        if now.ownership.owner is not Owner.OURS or now.pod is None or now.pod.uid != pod.uid:
            return True  # launched again, or another's: nothing of this job is left
        remove(world, with_pod(now.job, pod))
    except LauncherError as error:
        _LOG.warning("pod=%s is kept no longer, but not removed: %s", pod.name, error)
        return False
    _LOG.info("release=%s was kept for long enough: removed", now.job.release)
    return True
