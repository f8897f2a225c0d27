"""Observing a job at one moment. Asks ports and lets the core decide.

Whoever waits for a job (:mod:`launcher.usecases.follow`) sees it through the shared watch of its namespace;
whoever asks once (:func:`observe_once`) has just asked the API server and knows nothing of before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from launcher.core.catalogue import Code
from launcher.core.ending.job_end import was_signalled
from launcher.core.ending.transfer import LOG_BYTES, LOG_LINES, log_may_tell
from launcher.core.jobref import JobRef, pending_timeout_of_pod
from launcher.core.lifecycle.one_look import dated
from launcher.core.lifecycle.state import JobState, Observation, Track
from launcher.core.lifecycle.step import DEAD_NODE, absence_is_due, asks_for_release, step
from launcher.core.ownership import is_pod_of
from launcher.core.pending.classify import is_pending
from launcher.core.pending.clocks import WaitPolicy
from launcher.core.pending.hints import NEEDS_CLAIM_EVENTS
from launcher.core.pending.refusal import Refusal
from launcher.core.spec.site import PendingPolicy
from launcher.core.views import NodeView, PodEvent, PodView, Presence, Seen, age_seconds
from launcher.errors import Denied, LauncherError
from launcher.logs import logger
from launcher.usecases.ports import PodWatch, World

__all__ = [
    "job_policy",
    "observe",
    "observe_once",
    "own_pod",
]

T = TypeVar("T")

_LOG = logger(__name__)
# What the nodes say more about than the scheduler's message: their size, their taints.
_ABOUT_NODES = frozenset(
    {
        Code.INSUFFICIENT_RESOURCES,
        Code.IMPOSSIBLE_REQUEST,
        Code.NODES_TOO_SMALL,
        Code.SCALE_UP_REFUSED,
        Code.TAINT_NOT_TOLERATED,
        Code.NO_MATCHING_NODE,
        Code.NODE_NOT_READY,
    }
)
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
    seen = own_pod(watch.pod(job.pod_name), job, track.pod)
    if seen.presence is Presence.ABSENT and absence_is_due(track, now):
        seen = _confirmed(world, job, track, seen)
    events = _events(world, job, seen, policy)
    nodes, claims = _nodes(world, seen, track), _claims(world, seen, track, policy)
    log = _log(world, seen.value) if seen.presence is Presence.FOUND else ()
    observation = Observation(now, wall, seen, events, nodes, claims, log=log)
    if asks_for_release(track, observation, policy):
        release = _asked(lambda: world.releases.status(job.release, job.namespace))
        observation = replace(observation, release=release)
    return observation


def _asked(ask: Callable[[], Seen[T]]) -> Seen[T]:
    try:
        return ask()
    except LauncherError as error:
        return Seen.unavailable(error.message, error.cure)


def _confirmed(world: World, job: JobRef, track: Track, seen: Seen[PodView]) -> Seen[PodView]:
    """Ask the API server itself before an absence ends a job: a watch that fell silent shows an old list."""
    asked = own_pod(_asked(lambda: world.pods.get(job.pod_name, job.namespace)), job, track.pod)
    return seen if asked.presence is Presence.ABSENT else asked


def own_pod(seen: Seen[PodView], job: JobRef, last: PodView | None) -> Seen[PodView]:
    """Read a pod of the same name with another uid as the absence of ours (a later attempt).

    While no uid is known, so is one that does not claim to be this job's: anybody may take a free name.
    """
    known = job.uid or (last.uid if last else "")
    if seen.value is None or (seen.value.uid == known if known else is_pod_of(job, seen.value)):
        return seen
    if seen.presence is Presence.FOUND:
        return Seen.absent(last)
    return Seen(seen.presence, None, seen.why, seen.cure)


def _events(world: World, job: JobRef, seen: Seen[PodView], policy: WaitPolicy) -> Seen[tuple[PodEvent, ...]]:
    pod = seen.value
    if pod is None or seen.presence is Presence.UNAVAILABLE:
        return _NONE
    # A hook that fails ends the container with 137 at once, so the wait for its start may never be seen.
    killed = policy.mode is not PendingPolicy.STRICT and was_signalled(pod)
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
        return _NONE if gone else Seen.unavailable(error.message, error.cure)


def _nodes(world: World, seen: Seen[PodView], track: Track) -> tuple[NodeView, ...]:
    asks = track.verdict is not None and track.verdict.code in _ABOUT_NODES
    return world.pods.nodes() if asks and seen.presence is Presence.FOUND else ()


def _log(world: World, pod: PodView | None) -> tuple[str, ...]:
    """Return the last lines of a job process whose end only its log explains; they only add to a sentence."""
    if pod is None or not log_may_tell(pod):
        return ()
    try:
        return tuple(world.pods.logs(pod.name, pod.namespace, tail=LOG_LINES, limit_bytes=LOG_BYTES))
    except LauncherError as error:
        _LOG.debug("pod=%s has no log: %s", pod.name, error.message)
        return ()


def _claims(world: World, seen: Seen[PodView], track: Track, policy: WaitPolicy) -> Mapping[str, PodEvent]:
    pod, verdict = seen.value, track.verdict
    if policy.mode is PendingPolicy.STRICT or verdict is None or verdict.code not in NEEDS_CLAIM_EVENTS:
        return {}
    return world.pods.claim_events(pod.namespace) if pod is not None and pod.claims else {}


def observe_once(world: World, policy: WaitPolicy, pod: PodView | None, *, ask_events: bool = True) -> Track:
    """Return what one observation tells of a job of which nothing was known before.

    Its verdict tells how long the cause has lasted by the cluster's time stamps, whoever may be waiting.

    Args:
        world: the ports.
        policy: the site's patience.
        pod: the job's pod as the API server has just shown it; None = it has been gone for good.
        ask_events: also ask for the pod's events, which costs a watch of its own, and for its log.
    """
    try:
        return _observed_once(world, policy, pod, ask_events=ask_events)
    # The pod of one job must not cost everybody the view of all: whatever somebody has written into it.
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        now = world.clock.monotonic()
        why = f"what Kubernetes says about the pod cannot be read: {error!r}"
        return Track(launched=now, state=JobState.UNKNOWN, pod=pod, stale_since=now, why_stale=why)


def _observed_once(world: World, policy: WaitPolicy, pod: PodView | None, *, ask_events: bool) -> Track:
    now, wall = world.clock.monotonic(), world.clock.now()
    track = Track(launched=now)
    if pod is None:
        long_ago = replace(track, absent_since=float("-inf"))
        return step(long_ago, Observation(now, wall, Seen.absent()), policy)
    policy = job_policy(policy, pod)
    # One observation must not end a job: with every clock at zero only what is permanent may fail.
    policy = replace(policy, pending_timeout=policy.pending_timeout or None)
    # deletionTimestamp already includes the grace period (Kubernetes API conventions).
    if pod.deleted is not None and age_seconds(pod.deleted, wall) >= DEAD_NODE:
        track = replace(track, deleting_since=float("-inf"))
    pending = is_pending(pod)
    without_node = pending and not pod.node
    observation = Observation(
        now,
        wall,
        Seen.found(pod),
        Seen.found(_events_or_none(world, pod) if ask_events and (pending or was_signalled(pod)) else ()),
        world.pods.nodes() if without_node else (),
        world.pods.claim_events(pod.namespace) if without_node and ask_events and pod.claims else {},
        log=_log(world, pod) if ask_events else (),
    )
    return dated(step(track, observation, policy), observation, policy)


def _events_or_none(world: World, pod: PodView) -> tuple[PodEvent, ...]:
    try:
        return world.pods.events(pod.namespace, pod.uid)
    except LauncherError:
        return ()


def job_policy(policy: WaitPolicy, pod: PodView | None) -> WaitPolicy:
    """Return the site's patience with the job's own pending_timeout, which its pod carries."""
    return replace(policy, pending_timeout=pending_timeout_of_pod(pod, policy.pending_timeout))
