"""What autoscalers say in events: which are theirs, how they count, and which refusals are for good."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from launcher.core.catalogue import Code
from launcher.core.pending.autoscaler import answer, event_answer
from launcher.core.pending.classify import classify
from launcher.core.views import PodEvent
from tests.fakes import SHORTAGE, START, make_pod

UP = PodEvent("TriggeredScaleUp", "pod triggered scale-up: [{group 1->2 (max: 5)}]")
CLAIM = PodEvent("Nominated", "Pod should schedule on: nodeclaim/default-x7k2p", source="karpenter")
SCHEDULER = PodEvent("FailedScheduling", SHORTAGE, "Warning", source="default-scheduler")
POOL = 'incompatible with nodepool "default", daemonset overhead={"cpu":"180m","pods":"4"}, '
WANTED = 'requirements=karpenter.sh/nodepool In [default], resources={"cpu":"64","pods":"5"}'
SMALL = f"{POOL}no instance type has enough resources, {WANTED}"


def karpenter(*pools, source="karpenter", head="Failed to schedule pod, "):
    return PodEvent("FailedScheduling", head + "; ".join(pools), "Warning", source=source)


def cluster(text, count=1):
    return PodEvent("NotTriggerScaleUp", f"pod didn't trigger scale-up{text}", count=count)


def refused(first, last=None):
    """Return a refusal for the size, seen from one second to another."""
    first_seen, last_seen = (START + timedelta(seconds=at) for at in (first, first if last is None else last))
    event = cluster(": 1 Insufficient cpu", 1 if last is None else 3)
    return replace(event, first_seen=first_seen, last_seen=last_seen)


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (UP, Code.SCALING_UP),
        (CLAIM, Code.SCALING_UP),
        (cluster(": 1 max node group size reached"), Code.SCALE_UP_REFUSED),
        (cluster(" (it wouldn't fit if a new node is added): 1 max limit reached"), Code.SCALE_UP_REFUSED),
        (
            PodEvent(
                "FailedScaleUp",
                "Node scale up in zones us-central1-a associated with this pod failed: GCE out of resources. Pod is "
                "at risk of not being scheduled.",
                "Warning",
            ),
            Code.SCALE_UP_REFUSED,
        ),
        (karpenter(SMALL), Code.SCALE_UP_REFUSED),
        (karpenter(SMALL, source=""), Code.SCALE_UP_REFUSED),
        (karpenter("no nodepools found", source="eks-auto-mode/compute", head=""), Code.SCALE_UP_REFUSED),
        (SCHEDULER, None),
        (PodEvent("FailedScheduling", SHORTAGE, "Warning"), None),
        (PodEvent("Scheduled", "Successfully assigned fl/p to n"), None),
    ],
)
def test_whose_event_it_is(event, code):
    assert event_answer(event) is code


@pytest.mark.parametrize(
    ("events", "code"),
    [
        ((), None),
        ((SCHEDULER,), None),
        ((cluster(": 1 a"), cluster(": 1 b")), None),
        ((cluster(": 1 a"), cluster(": 1 b"), cluster(": 1 c")), Code.SCALE_UP_REFUSED),
        ((cluster(": 1 a", 2), cluster(": 1 b")), Code.SCALE_UP_REFUSED),
        # Karpenter repeats no refusal within five minutes
        ((karpenter(SMALL),), Code.SCALE_UP_REFUSED),
        ((karpenter(SMALL), SCHEDULER), Code.SCALE_UP_REFUSED),
        ((UP, cluster(": 1 a", 2)), Code.SCALING_UP),
        ((UP, cluster(": 1 a", 2), cluster(": 1 b")), Code.SCALE_UP_REFUSED),
        ((cluster(": 1 a", 9), UP), Code.SCALING_UP),
        ((karpenter(SMALL), CLAIM), Code.SCALING_UP),
        ((CLAIM, karpenter(SMALL)), Code.SCALE_UP_REFUSED),
        # two autoscalers: what one makes, the other need not have
        ((CLAIM, cluster(": 1 a", 9)), Code.SCALING_UP),
        ((UP, karpenter(SMALL)), Code.SCALING_UP),
        ((cluster(": 1 a", 2), karpenter(SMALL)), Code.SCALE_UP_REFUSED),
    ],
)
def test_refusals_count_together_and_a_promise_outweighs_those_of_others(events, code):
    said = answer(events)
    assert (said and said.code) is code


@pytest.mark.parametrize(
    ("refusal", "is_final"),
    [
        (cluster(": 1 Insufficient cpu"), True),
        (
            cluster(": 2 Insufficient nvidia.com/gpu, 1 node(s) didn't match Pod's node affinity/selector"),
            True,
        ),
        (cluster(": 1 Insufficient cpu, 2 max node group size reached"), False),
        (cluster(": 1 Insufficient cpu, 1 in backoff after failed scale-up"), False),
        (cluster(": max total nodes in cluster reached"), False),
        (cluster(": 1 max cluster cpu, memory limit reached"), False),
        (cluster(": 1 node(s) had untolerated taint {gpu: }"), False),
        (cluster(": "), False),
        (cluster(""), False),
        (karpenter(SMALL), True),
        (karpenter(SMALL, f"{POOL}did not tolerate taint gpu=true:NoSchedule"), True),
        (karpenter(SMALL, 'incompatible requirements, label "x" does not have known values'), True),
        (karpenter(SMALL, 'all available instance types exceed limits for nodepool: "big"'), False),
        (
            karpenter(f"{POOL}no instance type had enough resources or had a required offering, {WANTED}"),
            False,
        ),
        (karpenter(f"{POOL}no instance type has the required offering, {WANTED}"), False),
        (
            karpenter(
                f"{POOL}no instance type satisfied resources {{}} and requirements x In [y] (no instance type has "
                "enough resources)"
            ),
            True,
        ),
        (karpenter(f"{POOL}did not tolerate taint gpu=true:NoSchedule"), False),
        (karpenter("no nodepools found"), False),
    ],
)
def test_which_refusals_are_about_the_size_alone(refusal, is_final):
    said = answer(replace(refusal, last_seen=START + timedelta(seconds=30 * number)) for number in range(3))
    assert said is not None
    assert said.is_final is is_final


@pytest.mark.parametrize(
    ("refusals", "is_final"),
    [
        ((replace(cluster(": 1 Insufficient cpu", 1000), last_seen=START),), False),
        ((cluster(": 1 Insufficient cpu", 1000),), False),
        ((replace(karpenter(SMALL), last_seen=START),), False),
        ((refused(0, 59),), False),
        ((refused(0, 60),), True),
        ((refused(0), refused(30), refused(60)), True),
        ((refused(0), refused(1), refused(2)), False),
    ],
)
def test_what_is_refused_for_a_moment_is_not_refused_for_good(refusals, is_final):
    said = answer(refusals)
    assert said is not None
    assert (said.code, said.is_final) == (Code.SCALE_UP_REFUSED, is_final)


def test_karpenter_is_not_taken_for_the_scheduler():
    pod = make_pod(conditions=())
    assert classify(pod, (SCHEDULER, karpenter(SMALL))).code is Code.INSUFFICIENT_RESOURCES
    assert classify(pod, (karpenter(SMALL),)).code is Code.NO_SCHEDULER
