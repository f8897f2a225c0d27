"""Asking whose a job is: Helm for its record, and the cluster for the pod that the record names."""

from __future__ import annotations

from dataclasses import replace

from launcher.core import names
from launcher.core.jobref import JobRef, ref_of_release, with_pod
from launcher.core.ownership import Assigned, Located, Owner, Ownership, judge, left_alone, locate
from launcher.core.views import PodView, Presence, ReleaseView, Seen
from launcher.errors import Unavailable
from launcher.usecases.ports import World

__all__ = ["confirm", "record_of", "record_seen", "removable", "settle"]

_MOST_DISPUTES = 20


def record_seen(world: World, release: str, namespace: str) -> Seen[ReleaseView]:
    """Return what Helm has recorded of a release; raises as the port does."""
    # The name of a pod may have ten characters more than Helm allows, and `terminate` takes that, too.
    if not names.may_be_release(release) and world.pods.get(release, namespace).presence is Presence.FOUND:
        return Seen.absent()
    return world.releases.record(release, namespace)


def record_of(world: World, release: str, namespace: str) -> ReleaseView | None:
    """Return what Helm has recorded of a release, None when there is certainly none.

    Raises:
        Unavailable: Helm could not be asked.
        InvalidInput: there can be no release of that name, and there is no pod of it.
    """
    seen = record_seen(world, release, namespace)
    if seen.presence is Presence.UNAVAILABLE:
        raise Unavailable(
            f"cannot ask Helm whose job release {namespace}/{release} is: {seen.why}", cure=seen.cure
        )
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
        raise Unavailable(
            f"cannot see whose pod {job.namespace}/{recorded.pod_name} is: {seen.why}", cure=seen.cure
        )
    found = seen.value if seen.presence is Presence.FOUND else None
    known = pod or found
    recorded = with_pod(recorded, known)
    return Located(recorded, found, judge(record, found, job), is_recorded=True)


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
    raise left_alone(job, ownership)
