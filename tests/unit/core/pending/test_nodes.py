"""What nodes say beyond the scheduler: requests that no node can meet, and taints of the node life cycle."""

from __future__ import annotations

from decimal import Decimal

import pytest

from launcher.core.catalogue import Code
from launcher.core.pending.classify import classify
from launcher.core.pending.hints import refine
from launcher.core.pending.nodes import Shortfall, blocked_by_life_cycle_taints, shortfall
from launcher.core.views import ContainerKind, ContainerView, NodeView, Taint, Toleration
from tests.fakes import unscheduled

CORDON = Taint("node.kubernetes.io/unschedulable", "NoSchedule")
NOT_READY = Taint("node.kubernetes.io/not-ready", "NoSchedule")
GPU = Taint("gpu", "NoSchedule", "yes")
CONTROL_PLANE = NodeView("c", taints=(Taint("node-role.kubernetes.io/control-plane", "NoSchedule"),))
# What Kubernetes gives every pod: it may stay on a node that becomes not ready, and still may not go there.
BY_DEFAULT = Toleration("node.kubernetes.io/not-ready", "NoExecute", "Exists")


def node(*taints, **labels):
    return NodeView("n", labels=labels, taints=taints)


@pytest.mark.parametrize(
    ("nodes", "pod", "closed"),
    [
        ([], {}, False),
        ([node()], {}, False),
        ([node(NOT_READY)], {}, True),
        ([node(NOT_READY)], {"tolerations": (BY_DEFAULT,)}, True),
        ([node(NOT_READY), CONTROL_PLANE], {}, True),
        ([node(GPU)], {}, False),
        ([node(GPU, NOT_READY)], {}, False),
        ([node(GPU, NOT_READY)], {"tolerations": (Toleration("gpu", value="yes"),)}, True),
        ([node(GPU, NOT_READY)], {"tolerations": (Toleration("gpu", value="no"),)}, False),
        ([node(GPU, NOT_READY)], {"tolerations": (Toleration("gpu", "NoExecute", "Exists"),)}, False),
        ([node(NOT_READY)], {"tolerations": (Toleration(operator="Exists"),)}, False),
        ([node(NOT_READY, zone="a")], {"node_selector": {"zone": "a"}}, True),
        ([node(NOT_READY, zone="b")], {"node_selector": {"zone": "a"}}, False),
        ([node(CORDON)], {}, True),
        ([node(Taint("node.kubernetes.io/disk-pressure", "PreferNoSchedule"))], {}, False),
    ],
)
def test_blocked_by_life_cycle_taints(nodes, pod, closed):
    assert blocked_by_life_cycle_taints(unscheduled(**pod), nodes) is closed


def wants(cpu="4", kind=ContainerKind.MAIN, **more):
    return ContainerView("job", kind, requests={"cpu": cpu, **more})


def sized(cpu="8", **more):
    return NodeView("n", {"cpu": cpu, **more})


@pytest.mark.parametrize(
    ("containers", "nodes", "is_impossible"),
    [
        ((wants("4"),), (sized("8"), sized("2")), False),
        ((wants("9"),), (sized("8"), sized("2")), True),
        ((wants("8000m"),), (sized("8"),), False),
        ((wants("5"), wants("4", ContainerKind.SIDECAR)), (sized("8"),), True),
        ((wants("1"), wants("9", ContainerKind.INIT)), (sized("8"),), True),
        ((wants("1"), wants("8", ContainerKind.INIT)), (sized("8"),), False),
        ((wants("9"),), (), False),
        ((wants("9"),), (NodeView("n", {"cpu": "garbage"}),), True),
        ((wants("nonsense"),), (sized("8"),), False),
    ],
)
def test_impossible(containers, nodes, is_impossible):
    pod = unscheduled("0/2 nodes are available: 2 Insufficient cpu.", containers=containers)
    assert bool(shortfall(pod, nodes, ("cpu",))) is is_impossible
    code = Code.NODES_TOO_SMALL if is_impossible else Code.INSUFFICIENT_RESOURCES
    assert refine(classify(pod), pod, (), nodes, 60.0).code is code
    code = Code.IMPOSSIBLE_REQUEST if is_impossible else Code.INSUFFICIENT_RESOURCES
    assert refine(classify(pod), pod, (), nodes, 60.0, may_grow=False).code is code


def test_shortfall_names_request_and_largest_node():
    pod = unscheduled(containers=(wants("9.5", memory="3Gi"),))
    found = shortfall(pod, [sized("8", memory="2Gi"), sized("2", memory="1Gi")], ("memory", "cpu"))
    assert [one.text for one in found] == [
        "cpu: the job asks for 9.5, the largest node has 8",
        "memory: the job asks for 3Gi, the largest node has 2Gi",
    ]


@pytest.mark.parametrize(
    ("name", "is_device"),
    [
        ("cpu", False),
        ("hugepages-2Mi", False),
        ("ephemeral-storage", False),
        ("nvidia.com/gpu", True),
        ("attachable-volumes.kubernetes.io/x", False),
        ("kubernetes.io/batch-cpu", False),
        ("notkubernetes.io/x", True),
    ],
)
def test_devices_are_told_from_resources_of_kubernetes(name, is_device):
    assert Shortfall(name, Decimal(1), Decimal(0)).is_device is is_device


def test_only_scarce_resources_are_compared():
    pod = unscheduled(containers=(wants("9"),))
    assert shortfall(pod, [sized("8")], ("memory",)) == ()
    assert shortfall(pod, [sized("8")], ()) == ()


def test_resources_are_compared_one_by_one():
    pod = unscheduled(containers=(wants("8", memory="2Gi"),))
    assert shortfall(pod, [sized("8", memory="1Gi"), sized("2", memory="2Gi")], ("cpu", "memory")) == ()
