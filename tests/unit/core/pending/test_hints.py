"""Autoscaler events, nominations, nodes and claims: how they refine the scheduler's cause."""

from __future__ import annotations

from datetime import timedelta

import pytest

from launcher.core.catalogue import CATALOGUE, Code
from launcher.core.lifecycle.state import Observation, Track
from launcher.core.lifecycle.step import step
from launcher.core.pending.classify import classify
from launcher.core.pending.clocks import Action, WaitPolicy
from launcher.core.pending.hints import name_claims, refine
from launcher.core.spec.site import PendingPolicy
from launcher.core.views import ContainerKind, ContainerView, NodeView, PodEvent, Seen, Taint
from tests.fakes import SHORTAGE, START, scheduled, unscheduled

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
def test_latest_autoscaler_event_wins(message, events, code):
    pod = unscheduled(message)
    assert refine(classify(pod), pod, events, (), 60.0).code is code


def test_nominated_pod_waits_for_victims():
    pod = unscheduled(nominated_node="node-1")
    assert refine(classify(pod), pod, (), (), 60.0).code is Code.NOMINATED
    assert refine(classify(pod), pod, (), (), 0.0).code is Code.INSUFFICIENT_RESOURCES


def test_nomination_adds_victims_timeout_to_the_wait():
    pod, track = unscheduled(nominated_node="node-1"), Track(launched=0.0)
    for now in range(179):
        track = step(track, Observation(float(now), START, Seen.found(pod)), WaitPolicy())
        assert track.outcome is None, now
        assert track.verdict.code is (Code.NOMINATED if now < 60 else Code.INSUFFICIENT_RESOURCES), now
    track = step(track, Observation(181.0, START, Seen.found(pod)), WaitPolicy())
    assert track.outcome.code is Code.INSUFFICIENT_RESOURCES


def test_scale_up_extends_wait_beyond_pending_timeout():
    pod, track = unscheduled(), Track(launched=0.0)
    for now in (0.0, 100.0, 500.0, 899.0):
        track = step(track, Observation(now, START, Seen.found(pod), Seen.found((UP,))), WaitPolicy())
        assert (track.verdict.action, track.verdict.clock) == (Action.WAIT_FOR_RESOURCES, "timeouts.scale_up")
    track = step(track, Observation(900.0, START, Seen.found(pod), Seen.found((UP,))), WaitPolicy())
    assert (track.outcome.code, track.outcome.clock) == (Code.SCALING_UP, "timeouts.scale_up")


def test_refused_scale_up_shortens_wait():
    pod, track, events = unscheduled(), Track(launched=0.0), Seen.found((no_scale_up(3),))
    track = step(track, Observation(0.0, START, Seen.found(pod), events), WaitPolicy())
    assert track.verdict.deadline == 60.0
    assert (
        step(track, Observation(60.0, START, Seen.found(pod), events), WaitPolicy()).outcome.return_code
        == 104
    )


GPU_SHORT = "0/1 nodes are available: 1 Insufficient nvidia.com/gpu."
GPU_AND_DRA = "0/2 nodes are available: 1 Insufficient nvidia.com/gpu, 1 cannot allocate all claims."


def asks_for_gpus(count="1", message=GPU_SHORT):
    job = ContainerView("job", ContainerKind.MAIN, requests={"nvidia.com/gpu": count})
    return unscheduled(message, containers=(job,))


@pytest.mark.parametrize(
    ("pod", "nodes", "grows", "code"),
    [
        # a pool may be scaled to zero: nobody has said that no larger node will come
        (unscheduled(containers=(wants("9"),)), (node("8"),), True, Code.NODES_TOO_SMALL),
        (unscheduled(containers=(wants("9"),)), (node("8"),), False, Code.IMPOSSIBLE_REQUEST),
        (unscheduled(containers=(wants("9"),)), (), False, Code.INSUFFICIENT_RESOURCES),
        # a device that no node lists may be served by DRA, or its plugin is starting
        (asks_for_gpus(), (node(),), False, Code.NODES_TOO_SMALL),
        (asks_for_gpus(), (node(**{"nvidia.com/gpu": "0"}),), False, Code.NODES_TOO_SMALL),
        (asks_for_gpus("8"), (node(**{"nvidia.com/gpu": "4"}),), False, Code.IMPOSSIBLE_REQUEST),
        (asks_for_gpus("8", GPU_AND_DRA), (node(**{"nvidia.com/gpu": "4"}),), False, Code.NODES_TOO_SMALL),
    ],
)
def test_only_what_is_certain_is_impossible(pod, nodes, grows, code):
    cause = refine(classify(pod), pod, (), nodes, 60.0, may_grow=grows)
    assert cause.code is code
    assert not nodes or ": the job asks for " in cause.detail


def test_resource_that_no_node_has_is_named():
    pod = asks_for_gpus()
    cause = refine(classify(pod), pod, (), (node(),), 60.0)
    assert "nvidia.com/gpu: the job asks for 1, the largest node has 0" in cause.detail
    assert CATALOGUE[cause.code].return_code == 104


def test_request_that_no_node_meets_waits_as_long_as_any_shortage():
    pod, track = unscheduled(containers=(wants("9"),)), Track(launched=0.0)
    for now in (0.0, 60.0, 119.0):
        seen = Observation(now, START, Seen.found(pod), nodes=(node("8"),))
        track = step(track, seen, WaitPolicy())
        assert (track.verdict.code, track.verdict.deadline) == (Code.NODES_TOO_SMALL, 120.0)
    track = step(track, Observation(120.0, START, Seen.found(pod), nodes=(node("8"),)), WaitPolicy())
    assert (track.outcome.code, track.outcome.return_code) == (Code.NODES_TOO_SMALL, 104)


def refused(*texts, source="cluster-autoscaler"):
    return tuple(
        PodEvent(
            "NotTriggerScaleUp",
            f"pod didn't trigger scale-up: {text}",
            last_seen=START + timedelta(seconds=30 * number),
            source=source,
        )
        for number, text in enumerate(texts)
    )


FULL = "1 max node group size reached"
SMALL = "1 Insufficient cpu"


@pytest.mark.parametrize(
    ("events", "code"),
    [
        (refused(SMALL, SMALL, SMALL), Code.IMPOSSIBLE_REQUEST),
        (
            refused(SMALL, "2 Insufficient cpu, 1 node(s) had untolerated taint {gpu: }", SMALL),
            Code.IMPOSSIBLE_REQUEST,
        ),
        (refused(SMALL, SMALL), Code.NODES_TOO_SMALL),
        (refused(SMALL, FULL, SMALL), Code.SCALE_UP_REFUSED),
        (refused(SMALL, f"{SMALL}, {FULL}", SMALL), Code.SCALE_UP_REFUSED),
        (refused("", "", ""), Code.SCALE_UP_REFUSED),
        (refused("1 node(s) didn't match Pod's node affinity/selector") * 3, Code.SCALE_UP_REFUSED),
    ],
)
def test_impossible_is_what_the_autoscaler_refuses_for_its_size_again_and_again(events, code):
    pod = unscheduled(containers=(wants("9"),))
    assert refine(classify(pod), pod, events, (node("8"),), 60.0).code is code


def test_refusal_of_the_autoscaler_is_not_the_fault_of_a_job_that_some_node_can_hold():
    pod = unscheduled(containers=(wants("4"),))
    cause = refine(classify(pod), pod, refused(SMALL, SMALL, SMALL), (node("8"),), 60.0)
    assert (cause.code, CATALOGUE[cause.code].return_code) == (Code.SCALE_UP_REFUSED, 104)


def test_refusals_with_changing_texts_share_one_clock():
    pod, track, said = unscheduled(), Track(launched=0.0), []
    for now in range(92):
        if now % 10 == 0:
            said.append(PodEvent("NotTriggerScaleUp", f"pod didn't trigger scale-up: {now} {FULL}"))
        seen = Observation(float(now), START, Seen.found(pod), Seen.found(tuple(said)))
        track = step(track, seen, WaitPolicy())
        if track.outcome is not None:
            break
    assert (now, track.outcome.code, track.outcome.clock) == (
        80,
        Code.SCALE_UP_REFUSED,
        "timeouts.no_scale_up",
    )


def test_scheduled_pod_is_not_refined():
    pod = scheduled(wants("9"))
    assert refine(classify(pod), pod, (UP,), (node(),), 60.0) == classify(pod)


def test_strict_ignores_hints():
    pod, policy = unscheduled(), WaitPolicy(PendingPolicy.STRICT, 10)
    track = step(Track(launched=0.0), Observation(0.0, START, Seen.found(pod), Seen.found((UP,))), policy)
    assert track.verdict.code is Code.INSUFFICIENT_RESOURCES


TAINTED = "0/2 nodes are available: 2 node(s) had untolerated taint(s)."
SELECTED = "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) didn't match Pod's node affinity/selector."
CORDONED_TOO = "0/3 nodes are available: 1 node(s) were unschedulable, 2 node(s) didn't match Pod's node affinity/selector."
CORDONED_AND_NEW = "0/3 nodes are available: 1 node(s) were unschedulable, 2 an extender says no."
CORDON = Taint("node.kubernetes.io/unschedulable", "NoSchedule")
NOT_READY = Taint("node.kubernetes.io/not-ready", "NoSchedule")
GPU = Taint("gpu", "NoSchedule", "yes")
CONTROL_PLANE = NodeView("c", taints=(Taint("node-role.kubernetes.io/control-plane", "NoSchedule"),))


def tainted(*taints, **labels):
    return NodeView("n", labels=labels, taints=taints)


@pytest.mark.parametrize(
    ("message", "nodes", "code"),
    [
        (TAINTED, (tainted(NOT_READY), CONTROL_PLANE), Code.NODE_NOT_READY),
        (TAINTED, (tainted(GPU), CONTROL_PLANE), Code.TAINT_NOT_TOLERATED),
        (SELECTED, (tainted(NOT_READY), CONTROL_PLANE), Code.NODE_NOT_READY),
        (SELECTED, (tainted(), CONTROL_PLANE), Code.NO_MATCHING_NODE),
        (CORDONED_TOO, (tainted(GPU, CORDON), CONTROL_PLANE), Code.NO_MATCHING_NODE),
        (CORDONED_TOO, (tainted(CORDON), CONTROL_PLANE), Code.NODE_NOT_READY),
        (CORDONED_TOO, (), Code.NODE_NOT_READY),
        (CORDONED_AND_NEW, (tainted(GPU, CORDON), CONTROL_PLANE), Code.UNSCHEDULABLE),
        # the right to list nodes is missing
        (TAINTED, (), Code.NODE_NOT_READY),
        (SELECTED, (), Code.NO_MATCHING_NODE),
    ],
)
def test_unnamed_taints_are_read_from_nodes(message, nodes, code):
    pod = unscheduled(message)
    assert refine(classify(pod), pod, (), nodes, 60.0).code is code


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
def test_name_claims(message, events, added):
    pod = unscheduled(message, claims=("data", "logs"))
    cause = classify(pod, ())
    named = name_claims(cause, pod, events)
    assert named.detail == cause.detail + added
    seen = Observation(0.0, START, Seen.found(pod), Seen.found(()), claims=events)
    assert step(Track(launched=0.0), seen, WaitPolicy()).verdict.detail == named.detail


def test_nomination_precedes_autoscaler_events():
    pod = unscheduled(nominated_node="node-1")
    cause = refine(classify(pod), pod, (UP,), (), 60.0)
    assert cause.code is Code.NOMINATED
    assert cause.detail == f"node node-1 is being cleared for the pod: {SHORTAGE}"


def test_autoscaler_event_precedes_the_size_of_nodes():
    pod = unscheduled(containers=(wants("9"),))
    cause = refine(classify(pod), pod, (UP,), (node("8"),), 60.0)
    assert cause.code is Code.SCALING_UP
    assert cause.detail == f"{UP.reason}: {UP.message}; {SHORTAGE}"


def test_refined_cause_keeps_everything_but_code_and_detail():
    pod = unscheduled(resource_version="9")
    cause = classify(pod)
    refined = refine(cause, pod, (UP,), (), 60.0)
    assert (refined.scheduled, refined.scarce, refined.revision) == (False, ("cpu",), "9")
    assert (cause.scheduled, cause.scarce, cause.revision) == (False, ("cpu",), "9")


def test_pod_without_claims_is_not_changed():
    pod = unscheduled(UNBOUND)
    assert name_claims(classify(pod), pod, {"data": FAILED}) == classify(pod)


def test_other_events_are_no_answer_of_an_autoscaler():
    pod = unscheduled()
    events = (UP, PodEvent("FailedScheduling", SHORTAGE, "Warning"), no_scale_up(1))
    assert refine(classify(pod), pod, events, (), 60.0).code is Code.SCALING_UP
    assert refine(classify(pod), pod, events[1:], (), 60.0) == classify(pod)


IN_USE = (
    "0/3 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, "
    "2 node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod."
)


def test_claim_in_use_is_named():
    pod = unscheduled(IN_USE, claims=("data",))
    assert name_claims(classify(pod), pod, {}).detail == f"{IN_USE}; claims of the pod: data"


def test_pod_that_holds_the_volume_may_be_preempted():
    pod = unscheduled(IN_USE, nominated_node="node-1")
    assert refine(classify(pod), pod, (), (), 60.0).code is Code.NOMINATED
    assert refine(classify(pod), pod, (UP,), (), 0.0).code is Code.VOLUME_IN_USE


DEVICES = "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 cannot allocate all claims."


def test_new_node_may_bring_devices():
    pod = unscheduled(DEVICES)
    assert refine(classify(pod), pod, (UP,), (), 60.0).code is Code.SCALING_UP
    assert refine(classify(pod), pod, (), (tainted(NOT_READY),), 60.0).code is Code.DEVICES_UNAVAILABLE
