"""Policy strict, rule by rule; tests/contract/flare/test_strict.py compares the rules with FLARE itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from launcher.core.catalogue import Code
from launcher.core.ending.job_end import lost
from launcher.core.ending.outcome import make_outcome
from launcher.core.lifecycle import strict
from launcher.core.lifecycle.state import Cleanup, JobState, Observation, Track
from launcher.core.lifecycle.step import cleanup, step
from launcher.core.pending.clocks import Action, Patience, WaitPolicy
from launcher.core.pending.refusal import Refusal
from launcher.core.spec.site import PendingPolicy
from launcher.core.views import Condition, ContainerKind, ContainerState, ContainerView, PodEvent, Seen
from tests.fakes import START, exited, main, make_pod, running, scheduled, unscheduled

AFFINITY = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."
NO_EVENTS = Seen.found(())
UNREAD = Seen.unavailable("no answer")


def event(reason, message="text", age=0.0, kind="Warning"):
    return PodEvent(reason, message, kind, START - timedelta(seconds=age))


def judged(pod, *events, pending_timeout=120.0, patience=None, now=0.0, seen=None):
    policy = WaitPolicy(PendingPolicy.STRICT, pending_timeout)
    found = seen or Seen.found(events)
    return strict.judge_as_flare(patience or Patience(), pod, found, now=now, wall=START, policy=policy)


def verdict(pod, *events, **more):
    return judged(pod, *events, **more)[1]


@pytest.mark.parametrize(
    ("message", "action"),
    [
        ("0/1 nodes are available: 1 Insufficient cpu.", Action.WAIT_FOR_RESOURCES),
        ("0/1 nodes are available: 1 Insufficient memory, 1 Too many pods.", Action.WAIT_FOR_RESOURCES),
        ("0/1 nodes are available: 1 Insufficient nvidia.com/gpu.", Action.WAIT_FOR_RESOURCES),
        (f"{AFFINITY} preemption: 1 Insufficient cpu.", Action.WAIT_FOR_RESOURCES),
        ("0/1 nodes are available: 1 Insufficient amd.com/GPU-large.", Action.WAIT_FOR_RESOURCES),
        ("0/1 nodes are available: 1 Insufficient cpu-like.example.com/x.", Action.FAIL),
        ("0/1 nodes are available: 1 Insufficient ephemeral-storage.", Action.FAIL),
        ("0/1 nodes are available: 1 Insufficient nvidia.com/mig-1g.5gb.", Action.FAIL),
        ("0/1 nodes are available: 1 Too many pods.", Action.FAIL),
        (AFFINITY, Action.FAIL),
        ("", Action.FAIL),
    ],
)
def test_only_cpu_memory_and_gpu_shortages_wait(message, action):
    assert verdict(unscheduled(message)).action is action


@pytest.mark.parametrize(
    ("reason", "action", "code"),
    [
        ("SchedulingGated", Action.QUEUED, Code.SCHEDULING_GATED),
        ("SchedulerError", Action.WAIT, Code.SCHEDULER_ERROR),
        ("Unschedulable", Action.FAIL, Code.NO_MATCHING_NODE),
    ],
)
def test_only_unschedulable_fails(reason, action, code):
    found = verdict(unscheduled(AFFINITY, reason))
    assert (found.action, found.code) == (action, code)


@pytest.mark.parametrize(
    ("pod", "code"),
    [
        (scheduled(main("waiting", "ImagePullBackOff", ": not found")), Code.IMAGE_NOT_FOUND),
        (scheduled(main("waiting", "CreateContainerError")), Code.CREATE_TRANSIENT),
        (scheduled(main("waiting", "CrashLoopBackOff")), Code.CRASH_LOOP),
        (
            scheduled(
                main("running"),
                ContainerView(
                    "s", ContainerKind.SIDECAR, state=ContainerState.WAITING, reason="ErrImageNeverPull"
                ),
            ),
            Code.IMAGE_NEVER_PULL,
        ),
        (make_pod(phase="Unknown"), Code.UNKNOWN_PHASE),
    ],
)
def test_fatal_reasons_fail_immediately_with_101(pod, code):
    found = verdict(pod, pending_timeout=None)
    assert (found.action, found.code) == (Action.FAIL, code)
    assert strict.given_up(found).return_code == 101


@pytest.mark.parametrize("reason", ["ContainerCreating", "ImageInspectError", "StartError", "SomethingNew"])
def test_other_reasons_wait_forever(reason):
    found = verdict(scheduled(main("waiting", reason)), pending_timeout=0.0, now=1e9)
    assert (found.action, found.deadline) == (Action.WAIT, None)


@pytest.mark.parametrize(
    ("events", "action", "code"),
    [
        ([event("FailedMount", age=60)], Action.FAIL, Code.MOUNT),
        ([event("FailedMount", age=60.5)], Action.WAIT, Code.MOUNT),
        ([event("BackOff", age=1), event("FailedMount", age=100)], Action.FAIL, Code.MOUNT),
        ([PodEvent("FailedMount", "x", "Warning", None)], Action.WAIT, Code.MOUNT),
        ([event("Failed", kind="Normal")], Action.WAIT, Code.CREATING),
        ([event("FailedScheduling", AFFINITY)], Action.WAIT, Code.CREATING),
        ([event("Unhealthy")], Action.WAIT, Code.CREATING),
    ],
)
def test_events_of_scheduled_pod_count_for_a_minute(events, action, code):
    found = verdict(scheduled(main("waiting", "ContainerCreating"), created=None), *events)
    assert (found.action, found.code) == (action, code)


@pytest.mark.parametrize(
    ("events", "action"),
    [
        ([event("FailedScheduling", AFFINITY, age=1e6)], Action.FAIL),
        (
            [event("FailedScheduling", "1 Insufficient cpu.", 2), event("FailedScheduling", AFFINITY, 1)],
            Action.FAIL,
        ),
        (
            [event("FailedScheduling", AFFINITY, 2), event("FailedScheduling", "1 Insufficient cpu.", 1)],
            Action.WAIT_FOR_RESOURCES,
        ),
        ([event("FailedSync")], Action.FAIL),
        ([event("NetworkNotReady")], Action.FAIL),
        ([event("Odd", "1 Insufficient memory")], Action.WAIT_FOR_RESOURCES),
        ([event("FailedScheduling", AFFINITY, kind="Normal")], Action.WAIT),
        ([], Action.WAIT),
    ],
)
def test_latest_warning_decides_without_condition(events, action):
    assert verdict(make_pod(node="n"), *events).action is action


def clock(*looks, pending_timeout=2.0):
    """Judge a sequence of (time, pod or None for a failed read, events); return the actions."""
    patience, actions = Patience(), []
    for now, pod, events in looks:
        if pod is None:
            patience = strict.pause_as_flare(patience, now)
            continue
        patience, found = judged(
            pod, patience=patience, now=now, seen=events, pending_timeout=pending_timeout
        )
        actions.append(found.action)
    return actions


SHORT, WAITS, GIVEN_UP = unscheduled(), Action.WAIT_FOR_RESOURCES, Action.FAIL


@pytest.mark.parametrize(
    ("looks", "actions"),
    [
        ([(0, SHORT, NO_EVENTS), (1.5, SHORT, NO_EVENTS), (2, SHORT, NO_EVENTS)], [WAITS, WAITS, GIVEN_UP]),
        ([(0, SHORT, NO_EVENTS), (1, None, None), (9, SHORT, NO_EVENTS)], [WAITS, WAITS]),
        ([(0, SHORT, NO_EVENTS), (1, None, None), (9, SHORT, NO_EVENTS), (10, SHORT, NO_EVENTS)], [WAITS, WAITS, GIVEN_UP]),
        ([(0, SHORT, NO_EVENTS), (2, None, None), (5, None, None), (9, SHORT, NO_EVENTS)], [WAITS, GIVEN_UP]),
        (
            [(0, SHORT, NO_EVENTS), (1, make_pod(), UNREAD), (9, SHORT, UNREAD), (10, SHORT, UNREAD)],
            [WAITS, Action.WAIT, WAITS, GIVEN_UP],
        ),
        *(
            ([(0, SHORT, NO_EVENTS), (1, *other), (2, SHORT, NO_EVENTS), (3, SHORT, NO_EVENTS)], [WAITS, Action.WAIT, WAITS, WAITS])
            for other in ((make_pod(), NO_EVENTS), (scheduled(), UNREAD), (make_pod(phase="Odd"), UNREAD))
        ),
        ([(0, None, None), (1, None, None), (5, SHORT, NO_EVENTS)], [WAITS]),
    ],
)  # fmt: skip
def test_shortage_clock(looks, actions):
    assert clock(*looks) == actions


def test_shortages_share_one_clock():
    gpu = unscheduled("0/1 nodes are available: 1 Insufficient nvidia.com/gpu.")
    both = unscheduled('persistentvolumeclaim "x" not found, 1 Insufficient cpu.')
    assert clock((0, SHORT, NO_EVENTS), (1, gpu, NO_EVENTS), (2, both, NO_EVENTS))[-1] is GIVEN_UP


def test_shortage_has_deadline_and_clock():
    patience, first = judged(SHORT, now=10.0)
    second = verdict(SHORT, patience=patience, now=30.0)
    assert (first.deadline, second.deadline, second.since, second.clock) == (
        130.0,
        130.0,
        10.0,
        "pending_timeout",
    )
    assert verdict(SHORT, pending_timeout=None).deadline is None
    assert verdict(SHORT, pending_timeout=0.0).action is GIVEN_UP


FAILED = {"phase": "Failed"}
SIDECAR = ContainerView("s", ContainerKind.SIDECAR, state=ContainerState.TERMINATED, exit_code=101)


@pytest.mark.parametrize(
    ("pod", "code", "return_code"),
    [
        (exited(0, phase="Succeeded"), Code.SUCCESS, 0),
        (exited(1, phase="Succeeded"), Code.SUCCESS, 0),
        (exited(7, **FAILED), Code.APP_ERROR, 9),
        (exited(101, **FAILED), Code.APP_CODE, 101),
        (exited(102, **FAILED), Code.APP_CODE, 102),
        (exited(103, **FAILED), Code.APP_CODE, 103),
        (exited(104, **FAILED), Code.APP_CODE, 9),
        (exited(137, "OOMKilled", **FAILED), Code.OOM_KILLED, 9),
        (exited(137, **FAILED), Code.KILLED, 9),
        (exited(137, reason="Error", **FAILED), Code.KILLED, 9),
        (make_pod(phase="Failed", reason="Evicted"), Code.EVICTED, 9),
        (make_pod(phase="Failed"), Code.POD_FAILED, 9),
        (scheduled(main("terminated", exit_code=0), SIDECAR, **FAILED), Code.POD_FAILED, 9),
        (scheduled(main("running"), SIDECAR, **FAILED), Code.POD_FAILED, 9),
        (make_pod(phase="Succeeded"), Code.SUCCESS, 0),
    ],
)
def test_end_as_flare(pod, code, return_code):
    outcome = strict.end_as_flare(pod)
    assert (outcome.code, outcome.return_code) == (code, return_code)
    assert outcome.succeeded is (return_code == 0)


@pytest.mark.parametrize("phase", ["Pending", "Running", "Unknown", ""])
def test_other_phases_end_nothing(phase):
    assert strict.end_as_flare(exited(1, phase=phase)) is None


@pytest.mark.parametrize(
    ("last", "code", "return_code"),
    [
        (None, Code.DELETED_EXTERNALLY, 9),
        (running(), Code.DELETED_EXTERNALLY, 9),
        (exited(0), Code.DELETED_EXTERNALLY, 9),
        (exited(101), Code.APP_CODE, 9),
        (exited(0, phase="Succeeded"), Code.SUCCESS, 0),
        (exited(103, phase="Failed"), Code.APP_CODE, 103),
        (replace(running(), conditions=(Condition("DisruptionTarget", "True", "DeletionByTaintManager"),)), Code.NODE_LOST, 9),
    ],
)  # fmt: skip
def test_lost_as_flare(last, code, return_code):
    outcome = strict.lost_as_flare(lost(last), last)
    assert (outcome.code, outcome.return_code) == (code, return_code)


def look(seen, now=0.0, **more):
    seen = seen if isinstance(seen, Seen) else Seen.found(seen)
    return Observation(now, START + timedelta(seconds=now), seen, **more)


def walk(*looks, pending_timeout=120.0, timeout=None):
    track = Track(launched=0.0)
    for one in looks:
        track = step(track, one, WaitPolicy(PendingPolicy.STRICT, pending_timeout, timeout))
    return track


def test_container_state_alone_ends_nothing():
    track = walk(look(exited(1)))
    assert (track.state, track.outcome) == (JobState.RUNNING, None)
    assert walk(look(exited(1)), look(exited(1, phase="Failed"), 1)).outcome.return_code == 9


def test_cleanup_removes_what_never_started():
    assert cleanup(walk(look(make_pod(phase="Unknown")))) is Cleanup.REMOVE
    assert cleanup(walk(look(exited(1, phase="Failed")))) is Cleanup.RETAIN


def test_refused_creation_is_final():
    quota = Refusal(Code.QUOTA_EXCEEDED, "exceeded quota")
    assert quota.may_heal
    track = walk(look(Seen.absent(), refused=quota))
    assert (track.outcome.code, track.outcome.return_code) == (Code.QUOTA_EXCEEDED, 101)
    assert cleanup(track) is Cleanup.REMOVE


def test_timeout_counts_through_outage_until_first_running():
    unread = Seen.unavailable("x")
    assert walk(look(unread), look(unread, 10), timeout=10).outcome.code is Code.LAUNCH_TIMEOUT
    assert walk(look(make_pod(phase="")), look(make_pod(phase=""), 10), timeout=10).outcome.return_code == 101
    track = walk(look(running()), look(unread, 10), look(scheduled(), 11), timeout=10)
    assert (track.outcome, track.ran) == (None, True)


def test_running_job_has_no_verdict_during_outage():
    track = walk(look(running()), look(Seen.unavailable("x"), 1))
    assert (track.state, track.verdict, track.why_stale) == (JobState.RUNNING, None, "x")
    assert (
        cleanup(replace(track, state=JobState.FAILED, outcome=make_outcome(Code.NODE_LOST))) is Cleanup.RETAIN
    )


def test_absence_must_last():
    sidecar = ContainerView("s", ContainerKind.SIDECAR, state=ContainerState.RUNNING)
    looks = [look(scheduled(main("running"), sidecar, phase="Running")), look(Seen.absent(), 1)]
    assert walk(*looks, look(Seen.absent(), 5.5)).outcome is None
    track = walk(*looks, look(Seen.absent(), 6))
    assert (track.outcome.code, track.outcome.return_code) == (Code.DELETED_EXTERNALLY, 9)
    assert cleanup(track) is Cleanup.RETAIN


def test_pod_without_phase_pauses_the_clock():
    track = walk(
        *[look(pod, now) for now, pod in [(0, SHORT), (1, make_pod(phase="")), (9, SHORT)]], pending_timeout=2
    )
    assert (track.outcome, track.verdict.deadline) == (None, 10.0)


def test_pause_counts_the_time_before_and_only_once():
    patience, _ = judged(SHORT, now=10.0)
    paused = strict.pause_as_flare(patience, 15.0)
    assert (sum(paused.spent.values()), paused.seen_at) == (5.0, None)
    assert strict.pause_as_flare(paused, 100.0) == paused
    assert strict.pause_as_flare(Patience(), 5.0) == Patience()


def test_verdicts_without_a_pod():
    unseen, refused = (
        strict.unseen("no answer", 5.0),
        strict.refused(Code.QUOTA_EXCEEDED, "exceeded quota", 5.0),
    )
    assert (unseen.action, unseen.detail, unseen.deadline) == (Action.WAIT, "no answer", None)
    assert (refused.action, refused.code, refused.detail) == (GIVEN_UP, Code.QUOTA_EXCEEDED, "exceeded quota")
    assert strict.given_up(refused).detail == "A ResourceQuota of the namespace is exhausted. exceeded quota"


def test_first_fitting_condition_and_event_decide():
    other = Condition("Ready", "False", "Unschedulable", "1 Insufficient cpu")
    assert verdict(replace(SHORT, conditions=(other, *SHORT.conditions))).action is WAITS
    assert verdict(make_pod(conditions=(other,))).action is Action.WAIT
    assert verdict(make_pod(), event("Unhealthy", age=1), event("FailedMount", age=2)).action is GIVEN_UP


def test_a_shortage_says_of_which_resources():
    asks = replace(main("waiting"), requests={"cpu": "8"})
    found = verdict(unscheduled("0/1 nodes are available: 1 Insufficient cpu.", containers=(asks,)))
    assert (found.code, found.resources) == (Code.INSUFFICIENT_RESOURCES, ("cpu",))
