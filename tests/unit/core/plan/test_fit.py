"""Nodes and a pod that is not there yet -> the code that the scheduler's words would have."""

from __future__ import annotations

from decimal import Decimal

import pytest

from launcher.core.catalogue import Code
from launcher.core.plan.fit import fit_rows
from launcher.core.plan.rows import Answer
from launcher.core.plan.views import Cluster, Need, PlannedPod, Term
from launcher.core.views import ContainerKind, ContainerView, NodeView, Taint
from tests.fakes import make_pod

CONTROL = NodeView("c", {"cpu": "64"}, taints=(Taint("node-role.kubernetes.io/control-plane", "NoSchedule"),))
SMALL = NodeView("a", {"cpu": "4", "pods": "2"}, {"zone": "a", "cores": "4"})
CORDONED = NodeView("b", {"cpu": "8"}, taints=(Taint("node.kubernetes.io/unschedulable", "NoSchedule"),))
OTHER = NodeView("b", {"cpu": "8"}, taints=(Taint("gpu", "NoSchedule"),))


def pod(cpu="1", *, terms=(), selector=None, **more):
    container = ContainerView("job", ContainerKind.MAIN, requests={"cpu": cpu})
    return PlannedPod(
        view=make_pod(containers=(container,), node_selector=selector or {}), terms=terms, **more
    )


def fit(planned, *nodes, used=None, may_grow=True, **more):
    rows = list(fit_rows(planned, Cluster(nodes=nodes, used=used, **more), may_grow=may_grow))
    return rows[0] if len(rows) == 1 or rows[1].answer is Answer.NOT_ASKED else rows[1]


@pytest.mark.parametrize(
    ("planned", "nodes", "code"),
    [
        (pod(), (CONTROL, SMALL), None),
        (pod("5"), (SMALL,), Code.NODES_TOO_SMALL),
        (pod("5"), (CONTROL, SMALL), Code.INSUFFICIENT_RESOURCES),  # the closed node is large enough
        (pod("5"), (SMALL, CORDONED), Code.INSUFFICIENT_RESOURCES),
        (pod(), (CORDONED,), Code.NODE_NOT_READY),
        (pod(), (OTHER,), Code.TAINT_NOT_TOLERATED),
        (pod(selector={"zone": "b"}), (CONTROL, SMALL), Code.NO_MATCHING_NODE),
        (pod(), (), Code.INSUFFICIENT_RESOURCES),
        (pod(terms=(Term(fields=(Need("metadata.name", "In", ("z",)),)),)), (SMALL,), Code.NO_MATCHING_NODE),
        (pod(terms=(Term(fields=(Need("metadata.name", "In", ("a",)),)),)), (SMALL,), None),
        (pod(terms=(Term(),)), (SMALL,), Code.NO_MATCHING_NODE),
    ],
)
def test_codes(planned, nodes, code):
    row = fit(planned, *nodes)
    assert row.code is code
    assert row.counts is (code is not None)


@pytest.mark.parametrize(
    ("need", "holds"),
    [
        (Need("zone", "In", ("a",)), True),
        (Need("zone", "NotIn", ("a",)), False),
        (Need("none", "NotIn", ("a",)), True),
        (Need("zone", "Exists"), True),
        (Need("none", "DoesNotExist"), True),
        (Need("cores", "Gt", ("3",)), True),
        (Need("cores", "Lt", ("3",)), False),
        (Need("zone", "Gt", ("3",)), False),
        (Need("none", "Lt", ("3",)), False),
        (Need("zone", "Like", ("a",)), False),
    ],
)
def test_expressions_of_an_affinity(need, holds):
    assert (fit(pod(terms=(Term((need,)),)), SMALL).answer is Answer.OK) is holds


def test_an_impossible_request_needs_a_site_without_an_autoscaler():
    assert fit(pod("5"), SMALL, may_grow=False).code is Code.IMPOSSIBLE_REQUEST


def test_what_is_used():
    full = {"a": {"cpu": Decimal(4), "pods": Decimal(1)}}
    row = fit(pod(), SMALL, used=full)
    assert (row.what, row.answer, row.code) == ("free now", Answer.WAITS, Code.INSUFFICIENT_RESOURCES)
    assert "1 Insufficient cpu" in row.detail
    assert "Too many pods" in fit(pod(), SMALL, used={"a": {"pods": Decimal(2)}}).detail
    assert fit(pod(), SMALL, used={}).answer is Answer.OK
    assert fit(pod(priority=10), SMALL, used=full).answer is Answer.PERHAPS
    assert fit(pod("5", scheduler="other"), SMALL).answer is Answer.PERHAPS


def test_what_nobody_could_be_asked():
    row = fit(pod(), why="no right")
    assert (row.answer, row.detail) == (Answer.NOT_ASKED, "no right")
    rows = list(fit_rows(pod(), Cluster(nodes=(SMALL,), why_not_used="no right"), may_grow=True))
    assert [one.answer for one in rows] == [Answer.OK, Answer.NOT_ASKED]


def test_what_is_not_judged_is_named():
    assert "not judged: podAffinity" in fit(pod(unjudged=("podAffinity",)), SMALL).detail
