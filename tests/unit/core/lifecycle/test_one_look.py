"""Remaining time by the cluster's time stamps: which ones count, and that they never end a job."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from launcher.core.catalogue import Code
from launcher.core.lifecycle.one_look import dated, since
from launcher.core.lifecycle.state import Observation, Track
from launcher.core.lifecycle.step import step
from launcher.core.pending.classify import Cause, classify
from launcher.core.pending.clocks import Action, Timing, WaitPolicy
from launcher.core.spec.site import PendingPolicy, Timeouts
from launcher.core.views import Condition, NodeView, PodEvent, Seen
from tests.fakes import SHORTAGE, START, main, make_pod, running, scheduled, unscheduled
from tests.recorded import POLICY, recordings

NOW = 5000.0
LATE = 1000.0


def at(seconds):
    return START + timedelta(seconds=seconds)


def condition(status, seconds, reason="Unschedulable", message=SHORTAGE):
    return (Condition("PodScheduled", status, reason, message, since=at(seconds)),)


def event(reason, message="", seconds=0.0, **more):
    return PodEvent(reason, message, "Warning", at(seconds + 900), 7, first_seen=at(seconds), **more)


def look(pod, *events, after=LATE, policy=None, nodes=()):
    """Return verdict and track of one observation of a pod, so many seconds after its creation."""
    policy = policy or WaitPolicy()
    seen = Observation(NOW, at(after), Seen.found(pod), Seen.found(events), nodes)
    first = step(Track(launched=NOW), seen, policy)
    track = dated(first, seen, policy)
    assert replace(track, verdict=first.verdict) == first  # nothing else changes
    return track.verdict, track


def left(verdict):
    return round(verdict.deadline - NOW, 1)


REFUSED = Condition("PodScheduled", "False", "Unschedulable", SHORTAGE)
GATED = Condition("PodScheduled", "False", "SchedulingGated", "Scheduling is blocked due to non-empty gates")
ON_NODE = Condition("PodScheduled", "True", since=at(200))
PULL = 'rpc error: code = NotFound desc = failed to resolve reference "r/x:1": r/x:1: not found'
PULLS = scheduled(main("waiting", "ErrImagePull", PULL), conditions=(ON_NODE,))
FAILED_PULL = event("Failed", f'Failed to pull image "r/x:1": {PULL}', 300)
MOUNT = event("FailedMount", 'MountVolume.SetUp failed for volume "x" : timed out', 400)
UP = event("TriggeredScaleUp", "pod triggered scale-up: [{group 1->2 (max: 5)}]", 600)


@pytest.mark.parametrize(
    ("pod", "events", "seconds"),
    [
        # the condition, and nothing but the pod's creation where it has no time
        (make_pod(conditions=(replace(REFUSED, since=at(7)),)), (), 7),
        (make_pod(conditions=(REFUSED,)), (), 0),
        (make_pod(), (), 0),
        (make_pod(conditions=(replace(GATED, since=at(1)),)), (), 1),
        # it was gated before: the condition's status, and so its time, stayed the same
        (
            make_pod(conditions=(replace(REFUSED, since=at(0)),)),
            (event("FailedScheduling", "", 500),),
            500,
        ),
        # the events that other causes have left are not read
        (make_pod(conditions=(replace(REFUSED, since=at(7)),)), (MOUNT,), 7),
        # on a node: the first event of the cause, else since it was scheduled
        (PULLS, (FAILED_PULL, MOUNT, event("BackOff", "Back-off pulling image", 350)), 300),
        (PULLS, (MOUNT,), 200),
        (scheduled(main("waiting", "ContainerCreating"), conditions=(ON_NODE,)), (MOUNT, FAILED_PULL), 400),
        (scheduled(main("waiting", "ContainerCreating"), conditions=(ON_NODE,)), (), 200),
        (scheduled(main("waiting", "ContainerCreating"), conditions=()), (), 0),
    ],
)
def test_since(pod, events, seconds):
    assert since(classify(pod, events), pod, events) == at(seconds)


def test_since_of_scale_up_is_its_event():
    cause = Cause(Code.SCALING_UP, f"{UP.reason}: {UP.message}; {SHORTAGE}", scheduled=False)
    assert since(cause, unscheduled(), [event("FailedScheduling", "", 5), UP]) == at(600)


def test_since_of_unknown_phase_is_ready_condition():
    cause = Cause(Code.UNKNOWN_PHASE, "", scheduled=True)
    ready = Condition("Ready", "False", since=at(800))
    assert since(cause, make_pod(conditions=(ON_NODE, ready)), ()) == at(800)
    assert since(cause, make_pod(conditions=(ON_NODE, replace(ready, status="True"))), ()) is None


def test_since_without_any_time_is_none():
    pod = unscheduled(created=None)
    assert since(classify(pod, ()), pod, ()) is None
    verdict, _ = look(pod)
    assert (verdict.timing, left(verdict)) == (Timing.UNKNOWN, 120.0)


@pytest.mark.parametrize(
    ("after", "seconds"),
    [(0, 120.0), (40, 80.0), (119, 1.0), (120, 0.0), (LATE, 120.0 - LATE), (-300, 120.0)],
)
def test_remaining_time_stays_within_the_clock(after, seconds):
    verdict, track = look(make_pod(conditions=condition("False", 0)), after=after)
    assert (verdict.action, verdict.clock, left(verdict)) == (
        Action.WAIT_FOR_RESOURCES, "pending_timeout", seconds,
    )  # fmt: skip
    assert verdict.timing is Timing.CLUSTER
    assert verdict.since == NOW - max(0, after)
    assert track.outcome is None


def test_earliest_deadline_is_shown():
    """The pull has 300 s and began 250 s ago; the pod was scheduled 880 s ago and has 900."""
    policy = WaitPolicy(graces=Timeouts(pull_permanent=300, start=900))
    pod = scheduled(main("waiting", "ErrImagePull", PULL), conditions=condition("True", 20))
    assert left(look(pod, replace(FAILED_PULL, first_seen=at(650)), after=900, policy=policy)[0]) == 20.0
    verdict, _ = look(pod, replace(FAILED_PULL, first_seen=at(610)), after=900, policy=policy)
    assert (verdict.clock, left(verdict)) == ("timeouts.pull_permanent", 10.0)


def test_timeout_counts_from_pod_creation():
    verdict, track = look(
        make_pod(conditions=condition("False", 50)), after=100, policy=WaitPolicy(timeout=150)
    )
    assert (verdict.clock, left(verdict), verdict.timing) == ("timeout", 50.0, Timing.CLUSTER)
    assert look(unscheduled(), policy=WaitPolicy(timeout=150))[1].outcome is None
    assert track.launched == NOW


def test_nomination_has_no_time():
    pod = make_pod(conditions=condition("False", 0), nominated_node="node-1")
    verdict, _ = look(pod)
    assert (verdict.code, verdict.clock) == (Code.NOMINATED, "timeouts.victims")
    assert (left(verdict), verdict.timing) == (60.0, Timing.UNKNOWN)


def test_queue_clock_is_optional():
    pod = make_pod(conditions=(replace(GATED, since=at(0)),))
    verdict, _ = look(pod)
    assert (verdict.action, verdict.deadline, verdict.since) == (Action.QUEUED, None, NOW - LATE)
    verdict, _ = look(pod, policy=WaitPolicy(graces=Timeouts(queue=1200)))
    assert (verdict.clock, left(verdict)) == ("timeouts.queue", 200.0)


def test_pod_that_left_a_queue_counts_from_first_scheduling_event():
    pod = make_pod(conditions=condition("False", 0))
    verdict, _ = look(pod, event("FailedScheduling", SHORTAGE, LATE - 30))
    assert (verdict.clock, left(verdict)) == ("pending_timeout", 90.0)


def test_impossible_request_keeps_its_clock():
    pod = make_pod(
        conditions=condition("False", 0, message="0/1 nodes are available: 1 Insufficient cpu."),
        containers=(replace(main("waiting"), requests={"cpu": "64"}),),
    )
    nodes, fixed = (NodeView("node-1", {"cpu": "2"}),), WaitPolicy(may_grow=False)
    verdict, track = look(pod, nodes=nodes, after=10, policy=fixed)
    assert (verdict.code, left(verdict)) == (Code.IMPOSSIBLE_REQUEST, 20.0)
    assert look(pod, nodes=nodes, policy=fixed)[1].outcome is None
    assert track.outcome is None


def test_strict_has_one_clock():
    policy = WaitPolicy(mode=PendingPolicy.STRICT)
    pod = make_pod(conditions=condition("False", 0))
    verdict, _ = look(pod, after=100, policy=policy)
    assert (verdict.clock, left(verdict), verdict.timing) == ("pending_timeout", 20.0, Timing.CLUSTER)
    assert look(pod, policy=policy)[1].outcome is None


@pytest.mark.parametrize("policy", [WaitPolicy(), WaitPolicy(mode=PendingPolicy.STRICT)])
def test_running_pod_has_no_clock(policy):
    assert look(running(), policy=policy)[0] is None


STATES = [r for r in recordings() if r.error is None and not r.document.get("absent")]
HOURS = (0.0, 10.0, 100.0, 1e6)


@pytest.mark.parametrize("mode", list(PendingPolicy))
@pytest.mark.parametrize("recording", STATES, ids=lambda r: r.name)
def test_age_changes_no_recorded_verdict(recording, mode):
    policy = replace(POLICY, mode=mode, timeout=600.0)
    for hours in HOURS:
        seen = recording.look(NOW)
        seen = replace(seen, wall=seen.wall + timedelta(hours=hours))
        first = step(Track(launched=NOW), seen, policy)
        track = dated(first, seen, policy)
        assert replace(track, verdict=first.verdict) == first
        if first.verdict is None or first.outcome is not None:
            assert track == first
            continue
        was, now = first.verdict, track.verdict
        assert (now.action, now.code, now.detail) == (was.action, was.code, was.detail)
        assert now.since <= was.since
        assert was.deadline is None or now.deadline <= was.deadline


@pytest.mark.parametrize("policy", [POLICY, replace(POLICY, timeout=600.0), WaitPolicy(pending_timeout=None)])
@pytest.mark.parametrize("recording", STATES, ids=lambda r: r.name)
def test_a_deadline_that_has_run_out_stays_where_it_was(recording, policy):
    found = []
    for hours in (1000.0, 1001.0, 5000.0):
        seen = recording.look(NOW)
        seen = replace(seen, now=NOW + hours * 3600, wall=seen.wall + timedelta(hours=hours))
        track = dated(step(Track(launched=seen.now), seen, policy), seen, policy)
        if track.verdict is None or track.outcome is not None or track.verdict.timing is not Timing.CLUSTER:
            return
        found.append((track.verdict.clock, track.verdict.deadline and round(track.verdict.deadline, 3)))
    assert len(set(found)) == 1
