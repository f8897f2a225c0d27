"""Autoscaler, nomination and node sizes: what they make of a shortage."""

from __future__ import annotations

from datetime import timedelta

import pytest

from launcher.core.catalogue import CATALOGUE, Code
from launcher.core.ending.job_end import lost
from launcher.core.lifecycle.state import Observation, Track
from launcher.core.lifecycle.step import step
from launcher.core.pending.classify import classify
from launcher.core.pending.clocks import Action, WaitPolicy
from launcher.core.pending.hints import name_claims, refine
from launcher.core.pending.nodes import impossible
from launcher.core.spec.site import PendingPolicy
from launcher.core.views import ContainerKind, ContainerView, NodeView, PodEvent, Seen
from tests.fakes import SHORTAGE, START, make_pod, scheduled, unscheduled

AFFINITY = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."
CLAIM = '0/3 nodes are available: persistentvolumeclaim "nope" not found. not found'
UP = PodEvent("TriggeredScaleUp", "pod triggered scale-up: [{group 1->2 (max: 5)}]", last_seen=START)
KARPENTER = PodEvent("Nominated", "Pod should schedule on: nodeclaim/default-x", last_seen=START)


def no_scale_up(count):
    return PodEvent(
        "NotTriggerScaleUp", "pod didn't trigger scale-up: 1 max node group size reached", count=count
    )


def wants(cpu="4", kind=ContainerKind.MAIN, **more):
    return ContainerView("job", kind, requests={"cpu": cpu, **more})


def node(cpu="8", **more):
    return NodeView("n", {"cpu": cpu, **more})


@pytest.mark.parametrize(
    ("message", "events", "code"),
    [
        (SHORTAGE, (), Code.INSUFFICIENT_RESOURCES),
        (SHORTAGE, (UP,), Code.SCALING_UP),
        (SHORTAGE, (KARPENTER,), Code.SCALING_UP),
        (AFFINITY, (UP,), Code.SCALING_UP),
        (SHORTAGE, (no_scale_up(2),), Code.INSUFFICIENT_RESOURCES),
        (SHORTAGE, (no_scale_up(3),), Code.SCALE_UP_REFUSED),
        (SHORTAGE, (no_scale_up(5), UP), Code.SCALING_UP),
        (SHORTAGE, (UP, no_scale_up(3)), Code.SCALE_UP_REFUSED),
        (CLAIM, (UP,), Code.PVC_MISSING),
    ],
)
def test_the_newest_word_of_an_autoscaler_counts_where_a_node_would_help(message, events, code):
    pod = unscheduled(message)
    assert refine(classify(pod), pod, events, (), 60.0).code is code


def test_a_nominated_pod_waits_for_the_victims_as_long_as_they_have():
    pod = unscheduled(nominated_node="node-1")
    assert refine(classify(pod), pod, (), (), 60.0).code is Code.NOMINATED
    assert refine(classify(pod), pod, (), (), 0.0).code is Code.INSUFFICIENT_RESOURCES


def test_a_nomination_stops_the_clock_for_a_minute_and_no_longer():
    pod, track = unscheduled(nominated_node="node-1"), Track(launched=0.0)
    for now in range(179):
        track = step(track, Observation(float(now), START, Seen.found(pod)), WaitPolicy())
        assert track.outcome is None, now
        assert track.verdict.code is (Code.NOMINATED if now < 60 else Code.INSUFFICIENT_RESOURCES), now
    track = step(track, Observation(181.0, START, Seen.found(pod)), WaitPolicy())
    assert track.outcome.code is Code.INSUFFICIENT_RESOURCES


def test_an_autoscaler_extends_the_wait_beyond_pending_timeout():
    pod, track = unscheduled(), Track(launched=0.0)
    for now in (0.0, 100.0, 500.0, 899.0):
        track = step(track, Observation(now, START, Seen.found(pod), Seen.found((UP,))), WaitPolicy())
        assert (track.verdict.action, track.verdict.clock) == (Action.WAIT_FOR_RESOURCES, "timeouts.scale_up")
    track = step(track, Observation(900.0, START, Seen.found(pod), Seen.found((UP,))), WaitPolicy())
    assert (track.outcome.code, track.outcome.clock) == (Code.SCALING_UP, "timeouts.scale_up")


def test_an_autoscaler_that_refuses_shortens_it():
    pod, track, events = unscheduled(), Track(launched=0.0), Seen.found((no_scale_up(3),))
    track = step(track, Observation(0.0, START, Seen.found(pod), events), WaitPolicy())
    assert track.verdict.deadline == 60.0
    assert (
        step(track, Observation(60.0, START, Seen.found(pod), events), WaitPolicy()).outcome.return_code
        == 104
    )


@pytest.mark.parametrize(
    ("containers", "nodes", "is_impossible"),
    [
        ((wants("4"),), (node("8"), node("2")), False),
        ((wants("9"),), (node("8"), node("2")), True),
        ((wants("8000m"),), (node("8"),), False),
        ((wants("5"), wants("4", ContainerKind.SIDECAR)), (node("8"),), True),
        ((wants("1"), wants("9", ContainerKind.INIT)), (node("8"),), True),
        ((wants("1"), wants("8", ContainerKind.INIT)), (node("8"),), False),
        ((wants("9"),), (), False),
        ((wants("9"),), (NodeView("n", {"cpu": "garbage"}),), True),
        ((wants("nonsense"),), (node("8"),), False),
    ],
)
def test_a_request_above_every_node_is_impossible(containers, nodes, is_impossible):
    pod = unscheduled("0/2 nodes are available: 2 Insufficient cpu.", containers=containers)
    assert bool(impossible(pod, nodes, ("cpu",))) is is_impossible
    code = Code.IMPOSSIBLE_REQUEST if is_impossible else Code.INSUFFICIENT_RESOURCES
    assert refine(classify(pod), pod, (), nodes, 60.0).code is code


def test_a_resource_that_no_node_has_at_all_is_named():
    pod = unscheduled(
        "0/1 nodes are available: 1 Insufficient nvidia.com/gpu.",
        containers=(ContainerView("job", ContainerKind.MAIN, requests={"nvidia.com/gpu": "1"}),),
    )
    cause = refine(classify(pod), pod, (), (node(),), 60.0)
    assert cause.code is Code.IMPOSSIBLE_REQUEST
    assert "nvidia.com/gpu: the job asks for 1, the largest node has 0" in cause.detail
    assert CATALOGUE[cause.code].return_code == 101


def test_hints_say_nothing_about_a_pod_that_has_a_node():
    pod = scheduled(wants("9"))
    assert refine(classify(pod), pod, (UP,), (node(),), 60.0) == classify(pod)


def test_strict_does_not_take_hints():
    pod, policy = unscheduled(), WaitPolicy(PendingPolicy.STRICT, 10)
    track = step(Track(launched=0.0), Observation(0.0, START, Seen.found(pod), Seen.found((UP,))), policy)
    assert track.verdict.code is Code.INSUFFICIENT_RESOURCES


def test_what_took_a_pod_that_is_gone_is_read_from_its_last_events():
    later = START + timedelta(seconds=1)
    events = (PodEvent("TaintManagerEviction", "Marking for deletion Pod fl/job-1", last_seen=later),)
    assert lost(make_pod(), events).code is Code.NODE_LOST
    assert lost(make_pod(), (PodEvent("Killing", "Stopping container job"),)).code is Code.DELETED_EXTERNALLY


UNBOUND = "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims."
FAILED = PodEvent("ProvisioningFailed", 'storageclass.storage.k8s.io "x" not found', "Warning")


@pytest.mark.parametrize(
    ("message", "events", "added"),
    [
        (UNBOUND, {}, "; claims of the pod: data, logs"),
        (UNBOUND, {"other": FAILED}, "; claims of the pod: data, logs"),
        (UNBOUND, {"data": FAILED, "other": FAILED}, f"; claim data (ProvisioningFailed: {FAILED.message})"),
        (AFFINITY, {"data": FAILED}, ""),
    ],
)
def test_an_unbound_claim_is_named_with_what_its_controller_said(message, events, added):
    pod = unscheduled(message, claims=("data", "logs"))
    cause = classify(pod, ())
    named = name_claims(cause, pod, events)
    assert named.detail == cause.detail + added
    seen = Observation(0.0, START, Seen.found(pod), Seen.found(()), claims=events)
    assert step(Track(launched=0.0), seen, WaitPolicy()).verdict.detail == named.detail
