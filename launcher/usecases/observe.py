"""Looking at one job: what the shared watches show of it, as one observation. Asks ports, decides nothing."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace

from launcher.core.catalogue import Code
from launcher.core.ending.job_end import was_signalled
from launcher.core.jobref import JobRef
from launcher.core.lifecycle.state import Observation, Track
from launcher.core.lifecycle.step import absence_is_due, asks_for_release
from launcher.core.pending.classify import is_pending
from launcher.core.pending.clocks import WaitPolicy
from launcher.core.pending.refusal import Refusal
from launcher.core.redaction import by_shape
from launcher.core.spec.site import PendingPolicy
from launcher.core.views import NodeView, PodEvent, PodView, Presence, ReleaseView, Seen
from launcher.errors import Denied, LauncherError
from launcher.usecases.ports import PodWatch, World

__all__ = ["observe", "tell"]

_LOG = logging.getLogger(__name__)
# What the nodes say more about than the scheduler's message: their size, their taints.
_ABOUT_NODES = frozenset(
    {
        Code.INSUFFICIENT_RESOURCES,
        Code.IMPOSSIBLE_REQUEST,
        Code.TAINT_NOT_TOLERATED,
        Code.NO_MATCHING_NODE,
        Code.NODE_NOT_READY,
    }
)
# Causes that the catalogue does not know: whoever reads the log may want to report the words.
_UNKNOWN = frozenset({Code.UNCLASSIFIED, Code.UNSCHEDULABLE})
_ON_ITS_WAY = frozenset({Code.CREATING, Code.INITIALIZING})
_NONE: Seen[tuple[PodEvent, ...]] = Seen.found(())


def observe(
    world: World,
    watch: PodWatch,
    job: JobRef,
    track: Track,
    policy: WaitPolicy,
    *,
    refused: Refusal | None = None,
) -> Observation:
    """Return what is to be seen of a job now; only a pod that somebody deleted costs a question of its own.

    Args:
        world: the ports.
        watch: the shared watch of the job's namespace.
        job: its names.
        track: what was known before.
        policy: how the job is judged, which says what is worth a question.
        refused: why it has no release yet.
    """
    now, wall = world.clock.monotonic(), world.clock.now()
    if refused is not None:
        return Observation(now, wall, Seen.absent(), refused=refused)
    seen = _own(watch.look(job.pod_name), job, track)
    if seen.presence is Presence.ABSENT and absence_is_due(track, now):
        seen = _confirmed(world, job, track, seen)
    events = _events(world, job, seen, policy)
    nodes, claims = _nodes(world, seen, track), _claims(world, seen, track, policy)
    looked = Observation(now, wall, seen, events, nodes, claims)
    if asks_for_release(track, looked, policy):
        looked = replace(looked, release=_release(world, job))
    return looked


def _release(world: World, job: JobRef) -> Seen[ReleaseView]:
    try:
        return world.releases.status(job.release, job.namespace)
    except LauncherError as error:
        return Seen.unavailable(error.message)


def _confirmed(world: World, job: JobRef, track: Track, seen: Seen[PodView]) -> Seen[PodView]:
    """Ask the API server itself before an absence ends a job: a watch that fell silent shows an old list."""
    try:
        asked = _own(world.pods.get(job.pod_name, job.namespace), job, track)
    except LauncherError as error:
        return Seen.unavailable(error.message)
    return seen if asked.presence is Presence.ABSENT else asked


def _own(seen: Seen[PodView], job: JobRef, track: Track) -> Seen[PodView]:
    """Read a pod of the same name with another uid as the absence of ours (a later attempt)."""
    known = job.uid or (track.pod.uid if track.pod else "")
    if seen.value is None or not known or seen.value.uid == known:
        return seen
    if seen.presence is Presence.FOUND:
        return Seen.absent(track.pod)
    return Seen(seen.presence, None, seen.why)


def _events(world: World, job: JobRef, seen: Seen[PodView], policy: WaitPolicy) -> Seen[tuple[PodEvent, ...]]:
    pod = seen.value
    if pod is None or seen.presence is Presence.UNAVAILABLE:
        return _NONE
    # A hook that fails ends the container with 137 at once, so the wait for its start may never be seen.
    killed = policy.column is not PendingPolicy.STRICT and was_signalled(pod)
    gone = seen.presence is Presence.ABSENT or killed
    # FLARE reads the events of a Pending pod, even if its job container runs and only a sidecar waits.
    if not gone and not is_pending(pod) and pod.phase != "Pending":
        return _NONE
    try:
        return Seen.found(world.pods.events(job.namespace, pod.uid))
    except Denied as error:
        # Nobody will ever be able to ask: a clock that waited for that would never run.
        _LOG.debug("release=%s %s", job.release, error.message)
        return _NONE
    except LauncherError as error:
        return _NONE if gone else Seen.unavailable(error.message)


def _nodes(world: World, seen: Seen[PodView], track: Track) -> tuple[NodeView, ...]:
    asks = track.verdict is not None and track.verdict.code in _ABOUT_NODES
    return world.pods.nodes() if asks and seen.presence is Presence.FOUND else ()


def _claims(world: World, seen: Seen[PodView], track: Track, policy: WaitPolicy) -> Mapping[str, PodEvent]:
    pod, verdict = seen.value, track.verdict
    if policy.column is PendingPolicy.STRICT or verdict is None or verdict.code is not Code.VOLUME_UNBOUND:
        return {}
    return world.pods.claim_events(pod.namespace) if pod is not None and pod.claims else {}


def tell(job: JobRef, track: Track, told: Code | None) -> Code | None:
    """Log why a job is pending, once per cause; return the cause that was told last."""
    verdict = track.verdict
    if verdict is None or track.outcome is not None or verdict.code is told:
        return told
    level = logging.WARNING if verdict.code in _UNKNOWN else logging.INFO
    if verdict.code not in _ON_ITS_WAY:
        clock = verdict.clock or "no limit"
        words = "release=%s pending: %s (%s): %s"
        _LOG.log(level, words, job.release, verdict.code.value, clock, by_shape(verdict.detail))
    return verdict.code
