"""The use case behind ``fljob diagnose``: collect everything that tells why a job is where it is.

Whatever cannot be had is named in the bundle; only a job of which there is nothing at all is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial, reduce
from typing import Any, TypeVar

from launcher.core import foreign
from launcher.core.drift import Drift
from launcher.core.jobref import JobRef
from launcher.core.lifecycle.ledger_note import LedgerNote, note_in
from launcher.core.lifecycle.state import JobReport, JobState, Track
from launcher.core.ownership import is_pod_of, judge, locate
from launcher.core.redaction import Mask, cautious, literals, secrets_of
from launcher.core.report.bundle import Bundle, Facts, Log, build, container_names
from launcher.core.report.status import report
from launcher.core.revisions import have_made
from launcher.core.views import ContainerState, ContainerView, PodEvent, PodView, Presence, ReleaseView, Seen
from launcher.errors import NotFound
from launcher.usecases.collector import Collector, Diagnosed
from launcher.usecases.drift import drift_seen
from launcher.usecases.listing import as_noted, nothing_of
from launcher.usecases.ports import World
from launcher.usecases.whose import record_seen

__all__ = ["TAIL", "collect", "diagnose"]

T = TypeVar("T")
TAIL = 1000
# Of one log; a thousand lines of a progress bar are less.
_LOG_BYTES = 1024 * 1024
_NOT_STARTED = (ContainerState.NONE, ContainerState.WAITING)


def diagnose(
    world: World,
    release: str,
    namespace: str,
    observe: Callable[[PodView | None], Track],
    *,
    tail: int = TAIL,
    known: Iterable[str] = (),
) -> Bundle:
    """Return the diagnosis of the job behind a release, in whatever state both are.

    Args:
        world: the ports.
        release: name of the release.
        namespace: where it lives.
        observe: returns what one observation of a pod tells; None = there is no pod.
        tail: last lines of each log.
        known: credentials that must not appear.

    Raises:
        NotFound: there is certainly neither a release nor a pod.
    """
    collector = Collector(world, tail, tuple(known))
    job, seen, helm = _find(collector, release, namespace)
    if seen.presence is Presence.ABSENT and helm.presence is Presence.ABSENT:
        raise nothing_of(world, release, namespace)
    certain = seen.value is not None or (seen.presence is Presence.ABSENT and helm.value is not None)
    observed = Seen[Track].unavailable(seen.why or helm.why)
    if certain:
        observed = collector.found(lambda: observe(seen.value))
    track = observed.value or _unknown(world, seen.value, observed.why)
    note = None if helm.value is None else note_in(helm.value.revisions)
    return _collect(collector, Diagnosed(job, as_noted(world, helm.value, track), note), helm)


def _find(
    collector: Collector, release: str, namespace: str
) -> tuple[JobRef, Seen[PodView], Seen[ReleaseView]]:
    world = collector.world
    pods = collector.found(lambda: world.pods.list(namespace))
    helm = collector.seen(lambda: record_seen(world, release, namespace), f"release {release} is gone")
    located = locate(release, namespace, helm.value, pods.value or ())
    job, pod = located.job, located.pod
    if located.ownership.is_foreign:
        collector.foreign = located.ownership.sentence
    if pods.presence is Presence.FOUND:
        return job, Seen.found(pod) if pod else Seen.absent(), helm
    collector.missing["list of pods"] = pods.why
    if helm.value is None:
        return replace(job, pod_name=""), Seen.unavailable(pods.why), helm
    # The right to get may be there without the right to list.
    asked = collector.seen(lambda: world.pods.get(job.pod_name, namespace), "")
    if asked.presence is Presence.FOUND and (whose := judge(helm.value, asked.value, job)).is_foreign:
        collector.foreign, asked = whose.sentence, Seen.absent()
    return job, asked, helm


def _unknown(world: World, pod: PodView | None, why: str) -> Track:
    now = world.clock.monotonic()
    return Track(launched=now, state=JobState.UNKNOWN, pod=pod, stale_since=now, why_stale=why)


def collect(
    world: World,
    job: JobRef,
    track: Track,
    note: LedgerNote | None = None,
    *,
    tail: int = TAIL,
    known: Iterable[str] = (),
    submitter: tuple[str, str, str] = ("", "", ""),
) -> Bundle:
    """Return the diagnosis of a job that somebody has watched.

    Args:
        world: the ports.
        job: its names.
        track: everything known about it.
        note: where its time went; None = nobody has measured it.
        tail: last lines of each log.
        known: credentials that must not appear.
        submitter: name, organisation and role of who submitted it, empty where that is not known.
    """
    collector = Collector(world, tail, tuple(known))
    ask = partial(world.releases.record, job.release, job.namespace)  # in which its ledger is
    helm = _of_this_launch(job, collector.seen(ask, f"release {job.release} is gone"))
    return _collect(collector, Diagnosed(job, track, note, submitter), helm)


def _of_this_launch(job: JobRef, seen: Seen[ReleaseView]) -> Seen[ReleaseView]:
    """Read the record of a later launch under the same name as the absence of ours."""
    if seen.value is None or not job.uid or have_made(seen.value.revisions, job.uid, job.created):
        return seen
    return replace(
        Seen[ReleaseView].absent(), why=f"a later launch has taken the name of release {job.release}"
    )


def _collect(collector: Collector, found: Diagnosed, helm: Seen[ReleaseView]) -> Bundle:
    world, job, track, view = collector.world, found.ref, found.track, found.track.pod
    # The masks first, and in a time of their own: what cannot be masked is not collected.
    collector.restart_clock()
    uid = job.uid or (view.uid if view else "")
    gone = f"there is no pod {job.namespace}/{job.pod_name} any more"
    pod: Seen[Mapping[str, Any]] = Seen.unavailable("the name of the job's pod is not known")
    if collector.foreign or (job.pod_name and not uid and not _claims(collector, job)):
        why = "the pod of that name does not claim to be this job's"
        pod = replace(Seen[Mapping[str, Any]].absent(), why=collector.foreign or why)
    elif job.pod_name:
        pod = _own(collector.seen(lambda: world.pods.raw(job.pod_name, job.namespace), gone), uid)
        pod = replace(pod, value=foreign.shallow(pod.value))
        uid = uid or _uid(pod.value)
    mask, withheld = _mask(collector, job, pod, helm)
    collector.restart_clock()
    logs = tuple(_logs(collector, job, pod, view, withheld))
    events: Seen[tuple[PodEvent, ...]] = Seen.unavailable(withheld)
    if not uid:
        events = replace(
            Seen[tuple[PodEvent, ...]].absent(), why="without a pod its events cannot be told apart"
        )
    elif not withheld:
        events = collector.found(lambda: world.pods.events(job.namespace, uid))
    drift = collector.seen(lambda: _drift(collector, JobReport(job, helm.value, track)), "")
    if drift.presence is Presence.UNAVAILABLE:
        collector.missing["drift"] = drift.why
    now, wall = world.clock.monotonic(), world.clock.now()
    facts = Facts(
        status=report(job, helm.value, track, now=now, wall=wall, drift=drift.value, note=found.note),
        pod=pod,
        view=view,
        events=events,
        release=helm,
        logs=logs,
        missing=collector.missing,
        at=world.clock.now(),
        history=found.history,
    )
    return build(facts, mask)


def _drift(collector: Collector, found: JobReport) -> Seen[Drift]:
    return Seen.absent() if collector.foreign else drift_seen(collector.world, found)


def _claims(collector: Collector, job: JobRef) -> bool:
    """Tell whether the pod of the job's name says that it is the job's; True where there is none to ask."""
    seen = collector.seen(lambda: collector.world.pods.get(job.pod_name, job.namespace), "")
    return seen.presence is not Presence.FOUND or seen.value is None or is_pod_of(job, seen.value)


def _own(seen: Seen[Mapping[str, Any]], uid: str) -> Seen[Mapping[str, Any]]:
    """Read a pod of the same name with another uid as the absence of ours."""
    if seen.presence is not Presence.FOUND or seen.value is None or not uid:
        return seen if seen.presence is Presence.FOUND else replace(seen, value=None)
    if _uid(seen.value) == uid:
        return seen
    return replace(Seen[Mapping[str, Any]].absent(), why="a later attempt has taken the pod's name")


def _uid(pod: Mapping[str, Any] | None) -> str:
    metadata = (pod or {}).get("metadata")
    return str(metadata.get("uid") or "") if isinstance(metadata, Mapping) else ""


def _logs(
    collector: Collector, job: JobRef, pod: Seen[Mapping[str, Any]], view: PodView | None, withheld: str
) -> Iterable[Log]:
    known = {container.name: container for container in (view.containers if view else ())}
    for name in container_names(pod.value, view):
        for previous in (False, True):
            if pod.presence is Presence.ABSENT:
                yield Log(name, previous, missing=pod.why)
            elif previous and (name not in known or not known[name].restarts):
                yield Log(name, previous, missing="the container was never restarted")
            elif withheld:
                yield Log(name, previous, missing=withheld)
            else:
                yield _log(collector, job, name, known.get(name), previous=previous)


def _log(
    collector: Collector, job: JobRef, name: str, container: ContainerView | None, *, previous: bool
) -> Log:
    seen = collector.found(lambda: _last_lines(collector, job, name, previous=previous))
    why = seen.why
    if not seen.value and not why and container is not None and container.state in _NOT_STARTED:
        # The log of a pod without a node is empty, not an error.
        why = f"the container has not started {container.reason}".rstrip()
    return Log(name, previous, seen.value or (), why)


def _last_lines(collector: Collector, job: JobRef, container: str, *, previous: bool) -> tuple[str, ...]:
    """Return the end of a log, at most a mebibyte.

    A limit of bytes takes the end away, which is what tells why: then fewer lines are asked for.
    """
    tail = collector.tail
    while True:
        lines = tuple(
            collector.world.pods.logs(
                job.pod_name,
                job.namespace,
                tail=tail,
                container=container,
                previous=previous,
                limit_bytes=_LOG_BYTES,
            )
        )
        size = sum(len(line.encode("utf-8", "replace")) + 1 for line in lines)
        if size < _LOG_BYTES or tail <= 1:
            break
        tail = max(1, tail // 10)
    if tail == collector.tail:
        return lines
    return (f"... cut: the last {collector.tail} lines are too long, these are the last {tail}", *lines)


def _mask(
    collector: Collector, job: JobRef, pod: Seen[Mapping[str, Any]], helm: Seen[ReleaseView]
) -> tuple[Mask, str]:
    """Return what hides every credential that can be known: given, literal, or in a Secret of the pod.

    And why that is not enough to show what the job and the kubelet wrote; empty when it is.
    """
    values = helm.value.values if helm.value else {}
    masks: list[Mask] = [cautious([*collector.known, *literals(pod.value), *literals(values)])]
    needed = secrets_of(pod.value) | secrets_of(values)
    blind = pod.value is None and helm.value is None
    withheld = ""
    if blind and Presence.UNAVAILABLE in (pod.presence, helm.presence):
        withheld = _withheld(f"the Secrets of the job are not known: {pod.why or helm.why}")
    own = {job.credential_secret} if job.pod_name else set()
    for name in sorted(needed | own):
        ask = partial(_secret, collector, job, name)
        if (seen := collector.seen(ask, "there is no such Secret (any more)")).value is not None:
            masks.insert(0, seen.value)
            continue
        if name in needed:
            collector.missing[f"mask of Secret {name}"] = f"its values are not looked for: {seen.why}"
        # Who launched the job knows what is in its own Secret.
        known = name in own and collector.known
        if seen.presence is Presence.UNAVAILABLE and not known and (name in needed or blind):
            withheld = withheld or _withheld(f"Secret {job.namespace}/{name} cannot be read: {seen.why}")
    return (lambda text: reduce(lambda shown, mask: mask(shown), masks, text)), withheld


def _secret(collector: Collector, job: JobRef, name: str) -> Seen[Mask]:
    try:
        return Seen.found(collector.world.secrets.mask(name, job.namespace))
    except NotFound:
        return Seen.absent()


def _withheld(why: str) -> str:
    return (
        f"withheld, since it may show credentials that cannot be recognised: {why}; cure: ask again when the"
        " cluster answers, with the right to get Secrets in the namespace (`fljob rbac` prints it)"
    )
