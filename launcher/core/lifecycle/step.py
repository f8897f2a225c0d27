"""One step of a job's life: (track, observation, policy) -> track. It decides and does nothing.

The caller passes in what it observes, and once an outcome is set removes what :func:`cleanup` says. An
outcome is set once; no later observation changes it.
"""

from __future__ import annotations

from dataclasses import replace

from launcher.core.catalogue import CATALOGUE, Code
from launcher.core.ending.job_end import ended, lost
from launcher.core.ending.outcome import Outcome, make_outcome
from launcher.core.ending.transfer import explained
from launcher.core.lifecycle import strict
from launcher.core.lifecycle.state import Cleanup, JobState, Observation, Track, with_image_id
from launcher.core.pending.classify import Cause, classify, needs_events
from launcher.core.pending.clocks import Action, Patience, Verdict, WaitPolicy, judge, left, pause
from launcher.core.pending.events import last_words
from launcher.core.pending.hints import name_claims, refine
from launcher.core.releases import ReleaseState, release_state
from launcher.core.retention import NOTHING_SAID, Kept
from launcher.core.spec.site import PendingPolicy
from launcher.core.views import ContainerKind, ContainerState, PodView, Presence, age_seconds

__all__ = [
    "DEAD_NODE",
    "GONE_AFTER",
    "absence_is_due",
    "asks_for_release",
    "cleanup",
    "concluded",
    "grace_of",
    "is_kept",
    "step",
    "terminated",
]

# A list can be older than the pod, and a watch can miss an event: one absence proves nothing.
GONE_AFTER = 5.0
# The kubelet force-deletes at the end of the grace period; a pod that outlives it by this has a dead node.
DEAD_NODE = 60.0
_GRACE = 30.0  # default terminationGracePeriodSeconds
_TIMEOUT = "timeout"  # FLARE's setting: seconds from launch until Running


def step(track: Track, seen: Observation, policy: WaitPolicy) -> Track:
    """Return the track after one observation; no observation raises."""
    if track.outcome is not None:
        return track
    seen = with_image_id(seen, track.pod)
    if policy.mode is PendingPolicy.STRICT:
        return _explained(_step_strict(track, seen, policy), seen)
    return _explained(_attributed_to_release(_step_graceful(track, seen, policy), seen), seen)


def _explained(track: Track, seen: Observation) -> Track:
    return track if track.outcome is None else replace(track, outcome=explained(track.outcome, seen.log))


def asks_for_release(track: Track, seen: Observation, policy: WaitPolicy) -> bool:
    """Return whether this observation ends the job as deleted by somebody else.

    Then its release must be read, too: it shows whether the job was uninstalled on purpose.
    """
    pod = seen.pod.value
    if seen.pod.presence is not Presence.ABSENT and (pod is None or pod.deleted is None):
        return False
    outcome = step(track, seen, policy).outcome
    deleted = outcome is not None and outcome.code is Code.DELETED_EXTERNALLY
    return deleted and track.outcome is None and policy.mode is not PendingPolicy.STRICT


def _attributed_to_release(track: Track, seen: Observation) -> Track:
    """Return the track with code RELEASE_UNINSTALLED if the release was uninstalled together with the pod.

    Helm marks a release as uninstalling before it deletes any object.
    """
    if track.outcome is None or track.outcome.code is not Code.DELETED_EXTERNALLY:
        return track
    if seen.release.presence is Presence.UNAVAILABLE:
        return track
    state = release_state(seen.release.value, seen.wall)
    if state not in (ReleaseState.ABSENT, ReleaseState.UNINSTALLING):
        return track
    detail = "the release was uninstalled by somebody else, and its pod deleted with it"
    return concluded(track, make_outcome(Code.RELEASE_UNINSTALLED, detail, exit_code=track.outcome.exit_code))


def _step_graceful(track: Track, seen: Observation, policy: WaitPolicy) -> Track:
    if seen.pod.presence is Presence.UNAVAILABLE:
        return _stale(track, seen, policy)
    track = replace(track, stale_since=None, why_stale="")
    if seen.refused is not None:
        return _with_cause(track, seen.refused.cause, seen, policy)
    if seen.pod.presence is Presence.ABSENT:
        return _absent(track, seen)
    assert seen.pod.value is not None  # noqa: S101 - FOUND carries a value; tells the type checker
    return _found(replace(track, pod=seen.pod.value, absent_since=None), seen.pod.value, seen, policy)


def terminated(track: Track, detail: str) -> Track:
    """Return the track of a job that was terminated as asked; an earlier outcome stays."""
    if track.outcome is not None:
        return track
    return concluded(track, make_outcome(Code.TERMINATED, detail))


def cleanup(track: Track, kept: Kept = NOTHING_SAID) -> Cleanup | None:
    """Return what to remove, None while the job has not ended.

    The release of a failed job is retained for diagnosis, and of any that its retention keeps, unless
    something of it could still run: a pod that never started, or a sidecar that outlives the job container.
    """
    if track.outcome is None:
        return None
    failed = track.state is JobState.FAILED
    if not failed and track.state is not JobState.SUCCEEDED:
        return Cleanup.REMOVE
    seconds = kept.seconds(succeeded=not failed)
    is_wanted = failed if seconds is None else seconds > 0 and _has_pod(track)
    runs = track.absent_since is None and _still_running(track.pod)
    return Cleanup.RETAIN if is_wanted and track.verdict is None and not runs else Cleanup.REMOVE


def _has_pod(track: Track) -> bool:
    """Tell whether there is a pod to keep: a release without one tells nobody anything."""
    return track.pod is not None and track.pod.deleted is None and track.absent_since is None


def is_kept(track: Track, kept: Kept) -> bool:
    """Return whether it is the retention of a job that keeps it after its end."""
    said = kept.seconds(succeeded=track.state is JobState.SUCCEEDED)
    return said is not None and cleanup(track, kept) is Cleanup.RETAIN


def _still_running(pod: PodView | None) -> bool:
    if pod is None or pod.phase in ("Failed", "Succeeded"):
        return False
    others = (ContainerKind.SIDECAR, ContainerKind.SIDECAR_INIT)
    return any(c.kind in others and c.state is not ContainerState.TERMINATED for c in pod.containers)


def concluded(track: Track, outcome: Outcome) -> Track:
    """Return the track of a job that has ended so."""
    if outcome.succeeded:
        state = JobState.SUCCEEDED
    elif outcome.code is Code.TERMINATED:
        state = JobState.TERMINATED
    else:
        state = JobState.FAILED
    return replace(track, state=state, outcome=outcome)


def _stale(track: Track, seen: Observation, policy: WaitPolicy) -> Track:
    since = seen.now if track.stale_since is None else track.stale_since
    lasting = seen.now - since >= policy.graces.api
    return replace(
        track,
        stale_since=since,
        why_stale=seen.pod.why,
        patience=pause(track.patience),
        state=JobState.UNKNOWN if lasting else track.state,
    )


def absence_is_due(track: Track, now: float) -> bool:
    """Return whether the pod has been absent so long that a further absence at ``now`` ends the job."""
    return track.absent_since is not None and now - track.absent_since >= GONE_AFTER


def _absent(track: Track, seen: Observation) -> Track:
    last = seen.pod.value or track.pod
    since = seen.now if track.absent_since is None else track.absent_since
    if seen.now - since < GONE_AFTER:
        return replace(track, pod=last, absent_since=since, patience=pause(track.patience))
    outcome = lost(last, seen.events.value or ())
    return concluded(replace(track, pod=last, absent_since=since, verdict=None), outcome)


def _found(track: Track, pod: PodView, seen: Observation, policy: WaitPolicy) -> Track:
    track = _with_deletion(track, pod, seen.now)
    known = (*track.events, *(seen.events.value or ()))
    outcome = ended(pod, known) or _dead_node(pod, track.deleting_since, seen.now)
    if outcome is not None:
        return concluded(replace(track, verdict=None), outcome)
    if seen.events.presence is Presence.UNAVAILABLE:
        if needs_events(pod):
            return _without_events(track, pod, seen, policy)
    else:
        track = replace(track, events=seen.events.value or ())
    cause = classify(pod, track.events)
    if cause is None:
        return replace(track, state=JobState.RUNNING, verdict=None, patience=Patience(), ran=True)
    victims_left = left(track.patience, Code.NOMINATED, seen.now, policy)
    cause = refine(cause, pod, track.events, seen.nodes, victims_left, may_grow=policy.may_grow)
    return _with_cause(track, name_claims(cause, pod, seen.claims), seen, policy)


def _without_events(track: Track, pod: PodView, seen: Observation, policy: WaitPolicy) -> Track:
    """Step while the events that alone show the cause cannot be read: only the clocks over all causes run."""
    cause = classify(pod, ())
    if cause is not None and cause.scheduled:
        return _with_cause(track, cause, seen, policy)
    track = replace(track, patience=pause(track.patience))
    return track if track.verdict is None else _with_verdict(track, track.verdict, seen, policy)


def _with_cause(track: Track, cause: Cause, seen: Observation, policy: WaitPolicy) -> Track:
    patience, verdict = judge(track.patience, cause, seen.now, policy)
    if cause.begun is not None:  # it may have begun before anybody watched
        age = max(0.0, age_seconds(cause.begun, seen.wall))
        verdict = replace(verdict, since=min(verdict.since, seen.now - age))
    return _with_verdict(replace(track, patience=patience), verdict, seen, policy)


def _with_verdict(track: Track, verdict: Verdict, seen: Observation, policy: WaitPolicy) -> Track:
    verdict = _launch_timeout(track, verdict, seen.now, policy)
    state = JobState.UNKNOWN if verdict.code is Code.UNKNOWN_PHASE else JobState.STARTING
    track = replace(track, state=state, verdict=verdict)
    if verdict.action is not Action.FAIL:
        return track
    detail = f"{CATALOGUE[verdict.code].summary} {verdict.detail}".strip()
    if verdict.code is Code.START_TIMEOUT:
        detail += last_words(track.events, verdict.detail)
    return concluded(
        track, Outcome(verdict.code, verdict.return_code(policy.mode), detail, clock=verdict.clock)
    )


def _launch_timeout(track: Track, verdict: Verdict, now: float, policy: WaitPolicy) -> Verdict:
    if policy.timeout is None or track.ran or verdict.action is Action.FAIL:
        return verdict
    deadline = track.launched + policy.timeout
    if now >= deadline:
        return replace(verdict, action=Action.FAIL, code=Code.LAUNCH_TIMEOUT, deadline=now, clock=_TIMEOUT)
    if verdict.deadline is None or deadline < verdict.deadline:
        return replace(verdict, deadline=deadline, clock=_TIMEOUT)
    return verdict


def _with_deletion(track: Track, pod: PodView, now: float) -> Track:
    if pod.deleted is None:
        return replace(track, deleting_since=None)
    return track if track.deleting_since is not None else replace(track, deleting_since=now)


def grace_of(pod: PodView) -> float:
    """Return the seconds that a pod has between its deletion and the kill of its containers."""
    return _GRACE if pod.grace_seconds is None else pod.grace_seconds


def _dead_node(pod: PodView, since: float | None, now: float) -> Outcome | None:
    """Return NodeLost for a pod that exists long after its grace period: only its kubelet removes it."""
    # Since it was first observed, not since deletionTimestamp: a step of the wall clock must not end a job.
    if since is None or now - since < grace_of(pod) + DEAD_NODE:
        return None
    return make_outcome(
        Code.NODE_LOST, f"pod {pod.name} outlived its deletion: node {pod.node or '?'} does not answer"
    )


def _step_strict(track: Track, seen: Observation, policy: WaitPolicy) -> Track:
    """Step as FLARE does (:mod:`launcher.core.lifecycle.strict`); an absence has to last here, too."""
    paused = strict.pause_as_flare(track.patience, seen.now)
    if seen.pod.presence is Presence.UNAVAILABLE:
        track = _stale(track, seen, policy)
    elif seen.refused is not None:
        refusal = strict.refused(seen.refused.code, seen.refused.detail, seen.now)
        return _strict_verdict(track, refusal, seen.now, policy)
    elif seen.pod.presence is Presence.ABSENT:
        track = _absent(replace(track, stale_since=None, why_stale=""), seen)
        if track.outcome is not None:
            return concluded(track, strict.lost_as_flare(track.outcome, track.pod))
    else:
        track = replace(track, pod=seen.pod.value, absent_since=None, stale_since=None, why_stale="")
    pod = seen.pod.value if seen.pod.presence is Presence.FOUND else None
    if pod is None or not pod.phase:
        verdict = None if track.ran else track.verdict or strict.unseen(seen.pod.why, seen.now)
        return _strict_verdict(replace(track, patience=paused), verdict, seen.now, policy)
    outcome = strict.end_as_flare(pod)
    if outcome is not None:
        return concluded(replace(track, verdict=None), outcome)
    if pod.phase == "Running":
        return replace(track, state=JobState.RUNNING, verdict=None, patience=Patience(), ran=True)
    patience, verdict = strict.judge_as_flare(
        track.patience, pod, seen.events, now=seen.now, wall=seen.wall, policy=policy
    )
    track = replace(track, state=JobState.STARTING, patience=patience)
    return _strict_verdict(track, verdict, seen.now, policy)


def _strict_verdict(track: Track, verdict: Verdict | None, now: float, policy: WaitPolicy) -> Track:
    if verdict is not None:
        verdict = _launch_timeout(track, verdict, now, policy)
    track = replace(track, verdict=verdict)
    if verdict is None or verdict.action is not Action.FAIL:
        return track
    return concluded(track, strict.given_up(verdict))
