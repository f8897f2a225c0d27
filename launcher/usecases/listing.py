"""The jobs of a namespace, the one that a name means, and one of them in full."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from launcher.core import names
from launcher.core.catalogue import Code
from launcher.core.foreign import quoted
from launcher.core.jobref import JobRef, no_namespace, no_release, ref_of_pod, ref_of_release
from launcher.core.lifecycle.ledger_note import note_in, with_note
from launcher.core.lifecycle.state import JobReport, JobState, Track
from launcher.core.ownership import (
    CONFIRMED,
    Owner,
    Ownership,
    assign,
    is_other_job,
    locate,
    other_job,
    unclaimed,
)
from launcher.core.pending.clocks import WaitPolicy
from launcher.core.pick import is_by_job_id, known_names, pick
from launcher.core.views import PodView, ReleaseView
from launcher.errors import Conflict, NotFound
from launcher.usecases.observe import observe_once
from launcher.usecases.ports import World
from launcher.usecases.whose import record_of, settle

__all__ = [
    "Listed",
    "as_noted",
    "check_namespace",
    "find",
    "glance",
    "inspect",
    "jobs",
    "known",
    "listed",
    "nothing_of",
]


def find(world: World, name: str, namespace: str) -> str:
    """Return the release that a name, a job id or the beginning of one means; what fits none as it is.

    A job id is the word of a pod: before it leads to a release, Helm's record has to say the same.

    Raises:
        InvalidInput: it fits several.
        Conflict: the release that a pod's job id leads to is that of another job.
        Unavailable: Helm could not be asked.
    """
    if names.is_release_name(name):
        return name  # in full: nothing has to be asked
    releases = {view.name: view for view in world.releases.list(namespace)}
    own, others = settle(world, namespace, assign(releases, world.pods.list(namespace)))
    known = known_names(releases, own, others)
    found = pick(name, namespace, known)
    if found in own and found != name and is_by_job_id(name, found, known.releases[found]):
        _check_record(world, name, replace(ref_of_pod(own[found]), release=found, namespace=namespace))
    return found


def _check_record(world: World, name: str, told: JobRef) -> None:
    record = record_of(world, told.release, told.namespace)
    recorded = ref_of_release(told.release, told.namespace, record)
    if recorded.job_id and is_other_job(replace(told, site=""), recorded):
        raise Conflict(
            f"pod {told.pod_name} says that release {told.release} is job {quoted(name)}, but its values "
            f"name {other_job(recorded)}; nothing was done",
            cure="write the name of the release; `fljob list` shows them",
        )


def known(world: World, namespace: str) -> dict[str, str]:
    """Return the jobs of a namespace that a name may mean: release -> job id, empty where it is not known.

    Of what only a pod tells the job id is never known.
    """
    releases = {view.name: view for view in world.releases.list(namespace)}
    assigned = assign(releases, world.pods.list(namespace))
    found = known_names(releases, assigned.pods, assigned.others)
    return {**dict.fromkeys(found.alone, ""), **found.releases}


def inspect(world: World, policy: WaitPolicy, release: str, namespace: str) -> JobReport:
    """Return everything known about one job after one observation.

    Raises:
        NotFound: there is neither a release nor a pod of that name, or no such namespace.
        Unavailable: the cluster could not be asked.
    """
    for _ in range(2):
        # The release first: the pod of one that is deployed now is there when the pods are listed.
        record = record_of(world, release, namespace)
        found = locate(release, namespace, record, world.pods.list(namespace))
        # Else its release may have come between both answers, or come anew.
        if found.ownership.owner not in (Owner.POD_WITHOUT_RELEASE, Owner.FOREIGN_POD):
            break
    if record is None and found.pod is None:
        raise nothing_of(world, release, namespace)
    if found.ownership.owner is Owner.FOREIGN_RELEASE:
        track = Track(launched=world.clock.monotonic(), state=JobState.UNKNOWN)
    else:
        track = as_noted(world, record, observe_once(world, policy, found.pod))
    return JobReport(found.job, record, track, found.ownership)


def check_namespace(world: World, namespace: str) -> None:
    """Return if a namespace is there, empty = all are meant, or nobody can tell; ask when nothing is in it.

    Raises:
        NotFound: it is not there.
    """
    if namespace and not world.pods.has_namespace(namespace):
        raise no_namespace(namespace)


def nothing_of(world: World, release: str, namespace: str) -> NotFound:
    """Return the error for a job of which there is nothing, or for a namespace that is not there."""
    return no_release(release, namespace) if world.pods.has_namespace(namespace) else no_namespace(namespace)


@dataclass(frozen=True)
class Listed:
    """A row of a list before its pod was looked at.

    Attributes:
        job: its names.
        release: its release, None of a pod that has none.
        pod: its pod, None when there is none.
        ownership: whose it is.
    """

    job: JobRef
    release: ReleaseView | None
    pod: PodView | None
    ownership: Ownership = CONFIRMED


def jobs(world: World, policy: WaitPolicy, namespace: str) -> tuple[JobReport, ...]:
    """Return all jobs of a namespace, in two questions, however many jobs there are.

    One more is about nodes while some job has none, and one about events while a node prepares some job.

    Pods that claim a release which does not confirm it have rows of their own, without its name.

    Args:
        world: the ports.
        policy: the site's patience.
        namespace: empty = all namespaces, for which the questions are the same two.
    """
    # Releases first: the pod of a release that is deployed now is there when the pods are listed.
    releases = world.releases.list(namespace)
    rows = listed(world, namespace, releases, world.pods.list(namespace))
    return tuple(glance(world, policy, row) for row in rows)


def listed(
    world: World, namespace: str, releases: Sequence[ReleaseView], pods: Sequence[PodView]
) -> tuple[Listed, ...]:
    """Return which release and which pod belong together; Helm is asked about pods that contend for one.

    Args:
        world: the ports.
        namespace: of the jobs; empty = of all.
        releases: our releases, as listed before the pods.
        pods: the job pods.
    """
    spaces = {view.namespace for view in releases} | {pod.namespace for pod in pods}
    spaces = {namespace} if namespace else spaces
    found: list[Listed] = []
    for space in sorted(spaces):
        here = {view.name: view for view in releases if namespace or view.namespace == space}
        found += _listed_in(world, space, here, [pod for pod in pods if namespace or pod.namespace == space])
    return tuple(found)


def _listed_in(
    world: World, namespace: str, releases: Mapping[str, ReleaseView], pods: Sequence[PodView]
) -> Iterator[Listed]:
    own, others = settle(world, namespace, assign(releases, pods))
    for name in sorted(releases):
        pod, view = own.get(name), releases[name]
        job = ref_of_pod(pod) if pod else _labelled(ref_of_release(name, namespace, view), view)
        yield Listed(replace(job, namespace=namespace), view, pod)
    for pod in sorted(others, key=lambda pod: pod.name):
        ownership, job = unclaimed(pod, releases), replace(ref_of_pod(pod), namespace=namespace)
        # What it claims is not its own: under that name stands the job whose release it is.
        yield Listed(replace(job, release="") if ownership.is_foreign else job, None, pod, ownership)


def glance(world: World, policy: WaitPolicy, row: Listed) -> JobReport:
    """Return what one observation tells of a listed job; of events only what no pod shows is asked for."""
    track = observe_once(world, policy, row.pod, ask_events=False)
    # Only an event tells a download from a node that is stuck.
    if track.verdict is not None and track.verdict.code is Code.CREATING:
        track = observe_once(world, policy, row.pod)
    return JobReport(row.job, row.release, as_noted(world, row.release, track), row.ownership)


def as_noted(world: World, release: ReleaseView | None, track: Track) -> Track:
    """Return what was observed of a job now, with what whoever waits for it has noted in Helm's record."""
    note = None if release is None else note_in(release.revisions)
    return with_note(track, note, world.clock.monotonic(), world.clock.now())


def _labelled(job: JobRef, view: ReleaseView) -> JobRef:
    """Return a job without a pod with the id and the site that the labels of Helm's record have."""
    known = view.revisions[-1] if view.revisions else None
    return job if known is None else replace(job, job_id=known.job_id, site=known.site)
