"""Messages of kube-scheduler: which code, and which resources are short."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launcher.core.catalogue import Code
from launcher.core.pending.classify import classify
from launcher.core.pending.scheduler import clauses, scarce_resources, scheduling_code, unknown_clauses
from tests.fakes import unscheduled
from tests.messages import SCHEDULER
from tests.recorded import recordings


@pytest.mark.parametrize(("message", "code"), SCHEDULER)
def test_scheduling_code(message, code):
    assert scheduling_code(message) is code
    assert classify(unscheduled(message)).code is code


TAINT = "node(s) had untolerated taint {team: a}"


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (f"0/3 nodes are available: 1 {TAINT}, 2 Insufficient cpu.", (TAINT, "Insufficient cpu")),
        # a clause may hold commas and numbers
        (
            f"0/3 nodes are available: 1 resource claim a, request b: unknown request type, 2 {TAINT}.",
            ("resource claim a, request b: unknown request type", TAINT),
        ),
        # one text for all nodes has no count
        (
            "0/3 nodes are available: request gpu: device class x.org does not exist. no new claims to deallocate, preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.",
            ("request gpu: device class x.org does not exist",),
        ),
        # an event is cut at 1024 bytes: what is left of the last clause says nothing
        (f"0/3 nodes are available: 1 {TAINT}, 2 node(s) didn't ma ...", (TAINT,)),
        (f"0/3 nodes are available: 1 {TAINT}. preemption: 0/3 nodes are ava ...", (TAINT,)),
        ("0/3 nodes are available: 1 node(s) didn't ma ...", ("node(s) didn't ma ",)),
        ("no nodes available to schedule pods", ("no nodes available to schedule pods",)),
        ("0/3 nodes are available:", ()),
        ("", ()),
    ],
)
def test_clauses(message, expected):
    assert clauses(message) == expected


@pytest.mark.parametrize(
    "blamed",
    [
        TAINT,
        "node(s) had untolerated taint(s)",
        "node(s) didn't match Pod's node affinity/selector",
        "node(s) had volume node affinity conflict",
        "node(s) didn't satisfy plugin(s) [NodeAffinity]",
    ],
)
def test_unknown_clause_outranks_what_blames_the_job(blamed):
    message = f"0/3 nodes are available: 1 an extender says no, 2 {blamed}."
    cause = classify(unscheduled(message))
    assert cause.code is Code.UNSCHEDULABLE
    assert cause.detail == f"{message} (no rule knows 'an extender says no')"
    assert unknown_clauses(message) == ("an extender says no",)


def test_shortage_outranks_an_unknown_clause():
    message = "0/3 nodes are available: 1 an extender says no, 2 Insufficient cpu."
    assert scheduling_code(message) is Code.INSUFFICIENT_RESOURCES


@pytest.mark.parametrize(
    "clause",
    [
        # words of a rule inside another sentence
        "pod level request for cpu is insufficient to cover the aggregated container requests",
        "the extender found an untolerated taint",
        'persistentvolumeclaim "a" not found in the cache of the extender',
    ],
)
def test_words_inside_another_clause_are_no_rule(clause):
    assert scheduling_code(f"0/3 nodes are available: 3 {clause}.") is Code.UNSCHEDULABLE
    assert scarce_resources(f"0/3 nodes are available: 3 {clause}.") == ()


def test_text_after_preemption_is_ignored():
    message = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. preemption: 1 Insufficient cpu."
    assert scheduling_code(message) is Code.NO_MATCHING_NODE
    assert scarce_resources(message) == ()


def test_scarce_resources():
    message = "0/3 nodes are available: 1 Insufficient cpu, 1 Insufficient nvidia.com/gpu, 1 Too many pods."
    assert scarce_resources(message) == ("cpu", "nvidia.com/gpu", "pods")


# Recordings whose code needs more than the message: events, a nomination or the nodes (test_hints.py).
REFINED = {
    "impossible-cpu": Code.INSUFFICIENT_RESOURCES,
    "device-that-no-node-has": Code.INSUFFICIENT_RESOURCES,
    "node-not-ready": Code.TAINT_NOT_TOLERATED,
    "nominated": Code.INSUFFICIENT_RESOURCES,
    "nominated-by-karpenter": Code.INSUFFICIENT_RESOURCES,
    "scale-up-refused": Code.INSUFFICIENT_RESOURCES,
    "scaling-up": Code.INSUFFICIENT_RESOURCES,
}
RECORDED = [
    (recording.name, condition.message, recording.code)
    for recording in recordings()
    if recording.error is None
    and (condition := recording.pod.condition("PodScheduled")) is not None
    and condition.reason == "Unschedulable"
]


@pytest.mark.parametrize(("name", "message", "code"), RECORDED, ids=[row[0] for row in RECORDED])
def test_scheduling_code_of_recorded_messages(name, message, code):
    assert scheduling_code(message) is REFINED.get(name, code)


@pytest.mark.parametrize(
    ("name", "resources"),
    [
        ("short-of-cpu", ("cpu",)),
        ("short-of-gpu", ("nvidia.com/gpu",)),
        ("short-of-hugepages", ("hugepages-2Mi",)),
        ("short-of-mig", ("nvidia.com/mig-1g.5gb",)),
        ("short-of-storage", ("ephemeral-storage",)),
        ("too-many-pods", ("pods",)),
        ("taint", ()),
    ],
)
def test_scarce_resources_of_recorded_messages(name, resources):
    (message,) = (message for recorded, message, _ in RECORDED if recorded == name)
    assert scarce_resources(message) == resources


CLAUSES = [
    ("2 Insufficient cpu", Code.INSUFFICIENT_RESOURCES),
    ("1 node(s) didn't match pod topology spread constraints", Code.POD_CONSTRAINT),
    ("1 node(s) didn't find available persistent volumes to bind", Code.VOLUME_UNBOUND),
    ("1 node(s) were unschedulable", Code.NODE_NOT_READY),
    ("1 node(s) had volume node affinity conflict", Code.VOLUME_ZONE_CONFLICT),
    ("1 node(s) didn't match Pod's node affinity/selector", Code.NO_MATCHING_NODE),
    ("1 node(s) had untolerated taint {team: a}", Code.TAINT_NOT_TOLERATED),
]


@given(st.lists(st.sampled_from(CLAUSES), min_size=1, unique=True))
def test_node_that_can_be_used_soonest_decides_wherever_it_is_named(clauses):
    message = f"0/9 nodes are available: {', '.join(text for text, _ in clauses)}."
    assert scheduling_code(message) is min(clauses, key=CLAUSES.index)[1]


@given(st.text())
def test_any_text_has_a_code(message):
    assert isinstance(scheduling_code(message), Code)
    assert scarce_resources(message) == tuple(sorted(set(scarce_resources(message))))
