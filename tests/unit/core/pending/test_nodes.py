"""Taints that the scheduler does not name: the nodes tell a node that comes back from one that is reserved."""

from __future__ import annotations

import pytest

from launcher.core.catalogue import Code
from launcher.core.pending.classify import classify
from launcher.core.pending.hints import refine
from launcher.core.pending.nodes import closed_for_a_while
from launcher.core.views import NodeView, Taint, Toleration
from tests.fakes import unscheduled

TAINTED = "0/2 nodes are available: 2 node(s) had untolerated taint(s)."
SELECTED = "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) didn't match Pod's node affinity/selector."
CORDONED_TOO = "0/3 nodes are available: 1 node(s) were unschedulable, 2 node(s) didn't match Pod's node affinity/selector."
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
def test_a_node_is_closed_for_a_while_by_its_life_cycle_alone(nodes, pod, closed):
    assert closed_for_a_while(unscheduled(**pod), nodes) is closed


@pytest.mark.parametrize(
    ("message", "nodes", "code"),
    [
        (TAINTED, (node(NOT_READY), CONTROL_PLANE), Code.NODE_NOT_READY),
        (TAINTED, (node(GPU), CONTROL_PLANE), Code.TAINT_NOT_TOLERATED),
        (SELECTED, (node(NOT_READY), CONTROL_PLANE), Code.NODE_NOT_READY),
        (SELECTED, (node(), CONTROL_PLANE), Code.NO_MATCHING_NODE),
        (CORDONED_TOO, (node(GPU, CORDON), CONTROL_PLANE), Code.NO_MATCHING_NODE),
        (CORDONED_TOO, (node(CORDON), CONTROL_PLANE), Code.NODE_NOT_READY),
        (CORDONED_TOO, (), Code.NODE_NOT_READY),
        # the right to list nodes is missing
        (TAINTED, (), Code.NODE_NOT_READY),
        (SELECTED, (), Code.NO_MATCHING_NODE),
    ],
)
def test_an_unnamed_taint_is_looked_up(message, nodes, code):
    pod = unscheduled(message)
    assert refine(classify(pod), pod, (), nodes, 60.0).code is code
