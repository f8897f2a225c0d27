"""Answers of a cluster -> rows of a plan, and what the rows say together."""

from __future__ import annotations

import pytest

from launcher.core.catalogue import Code
from launcher.core.pending.clocks import WaitPolicy
from launcher.core.plan.checks import (
    as_helm_makes,
    creation_rows,
    gate_rows,
    made_rows,
    record_of,
    reference_rows,
    rights_rows,
)
from launcher.core.plan.references import merged
from launcher.core.plan.rows import Answer, Plan, Row, Stage, bad, unknown
from launcher.core.plan.views import Found, Looked, PlannedPod, Reference, Tried, Use
from launcher.core.rights import Right
from launcher.core.spec.site import PendingPolicy
from launcher.core.views import Seen
from launcher.errors import Denied, NotFound, Reason, Rejected, Unavailable
from tests.fakes import make_pod

ABSENT, DENIED = Seen.absent(), Seen.unavailable("no right to look", "ask")


def named(kind="Secret", **more):
    return Reference(Use("v1", kind), "x", "volume v", **more)


def row_of(reference, seen, *, admitted=False):
    (row,) = reference_rows([Looked(reference, seen)], "fl", admitted=admitted)
    return row


@pytest.mark.parametrize(
    ("kind", "code", "stage"),
    [
        ("Secret", Code.MISSING_REF, Stage.START),
        ("ConfigMap", Code.MISSING_REF, Stage.START),
        ("PersistentVolumeClaim", Code.PVC_MISSING, Stage.CLAIMS),
        ("ResourceClaim", Code.RESOURCE_CLAIM_PENDING, Stage.CLAIMS),
        ("ResourceClaimTemplate", Code.RESOURCE_CLAIM_MISSING, Stage.CLAIMS),
        ("ServiceAccount", Code.ADMISSION_DENIED, Stage.CREATION),
        ("PriorityClass", Code.ADMISSION_DENIED, Stage.CREATION),
        ("RuntimeClass", Code.ADMISSION_DENIED, Stage.CREATION),
    ],
)
def test_three_answers_about_what_a_pod_names(kind, code, stage):
    missing = row_of(named(kind), ABSENT)
    assert (missing.code, missing.stage, missing.counts) == (code, stage, True)
    assert missing.cure
    assert "NAMESPACE" not in missing.cure
    there = row_of(named(kind), Seen.found(Found(phase="Bound")))
    assert (there.answer, there.code) == (Answer.OK, None)
    unasked = row_of(named(kind), DENIED)
    assert (unasked.answer, unasked.code, unasked.counts) == (Answer.NOT_ASKED, None, False)
    assert unasked.detail == "no right to look"


def test_what_the_api_server_checks_by_itself_needs_no_right():
    assert row_of(named("ServiceAccount"), DENIED, admitted=True).answer is Answer.OK
    assert row_of(named("Secret"), DENIED, admitted=True).answer is Answer.NOT_ASKED


def test_keys():
    found = Seen.found(Found(frozenset({"a"})))
    assert row_of(named(keys=("a",)), found).answer is Answer.OK
    missing = row_of(named(keys=("a", "b")), found)
    assert (missing.code, missing.detail) == (
        Code.MISSING_REF,
        "it has no key b; the pod names it in volume v",
    )
    assert row_of(named(keys=("b",), optional=True), found).answer is Answer.OK


@pytest.mark.parametrize("kind", ["Secret", "ConfigMap"])
def test_optional_is_not_missing(kind):
    assert row_of(named(kind, optional=True), ABSENT).answer is Answer.OK


def test_what_may_not_stop_the_job():
    pull = row_of(named(for_pull=True), ABSENT)
    assert (pull.answer, pull.code) == (Answer.PERHAPS, Code.IMAGE_PULL_SECRET_MISSING)
    claim = row_of(named("PersistentVolumeClaim"), Seen.found(Found(phase="Pending")))
    assert (claim.answer, claim.code) == (Answer.PERHAPS, Code.VOLUME_UNBOUND)
    (gate,) = gate_rows(PlannedPod(view=make_pod(), gates=("queue",)))
    assert (gate.answer, gate.code) == (Answer.PERHAPS, Code.SCHEDULING_GATED)
    assert list(gate_rows(PlannedPod(view=make_pod()))) == []


def test_an_object_is_named_once_and_what_one_place_needs_counts():
    lax, pull, strict = named(optional=True), named(for_pull=True), named(keys=("a",))
    assert merged([lax, pull]) == (lax,) or merged([lax, pull]) == (pull,)
    assert merged([lax, strict, pull]) == (strict,)
    assert merged([strict, named(keys=("b", "a"))])[0].keys == ("a", "b")
    assert len(merged([strict, named("ConfigMap")])) == 2


@pytest.mark.parametrize(
    ("error", "answer", "code"),
    [
        (None, Answer.OK, None),
        (Rejected("q", reason=Reason.QUOTA_EXCEEDED), Answer.WAITS, Code.QUOTA_EXCEEDED),
        (Rejected("q", reason=Reason.POD_SECURITY), Answer.FAILS, Code.ADMISSION_DENIED),
        (NotFound("n", reason=Reason.NAMESPACE_MISSING), Answer.FAILS, Code.NAMESPACE_MISSING),
        (Denied("no"), Answer.FAILS, Code.FORBIDDEN),
        (Unavailable("busy"), Answer.NOT_ASKED, None),
        (
            Rejected("admission webhook 'x' does not support dry run", reason=Reason.WEBHOOK_FAILED),
            Answer.NOT_ASKED,
            None,
        ),
    ],
)
def test_what_the_api_server_says_to_an_object(error, answer, code):
    (row,) = creation_rows([Tried("Pod p", error)])
    assert (row.answer, row.code) == (answer, code)


def test_only_a_right_to_create_stops_helm():
    rows = list(rights_rows([Right("pods", "patch"), Right("secrets", "patch"), Right("pods", "delete")], 9))
    assert [row.answer for row in rows] == [Answer.FAILS, Answer.PERHAPS, Answer.PERHAPS]
    assert [row.answer for row in rights_rows([], 9)] == [Answer.OK]


def test_objects_are_tried_out_as_helm_makes_them():
    made = as_helm_makes({"kind": "Pod", "metadata": {"name": "p", "labels": {"a": "b"}}}, "fj-1", "fl")
    assert made["metadata"]["annotations"] == {
        "meta.helm.sh/release-name": "fj-1",
        "meta.helm.sh/release-namespace": "fl",
    }
    assert made["metadata"]["labels"] == {"a": "b", "app.kubernetes.io/managed-by": "Helm"}
    assert as_helm_makes({"metadata": 3}, "a", "b")["metadata"]["annotations"]
    assert record_of("fj-1", "fl", "Secret")["type"] == "helm.sh/release.v1"
    assert "type" not in record_of("fj-1", "fl", "ConfigMap")


def test_what_only_helm_test_makes_is_left_out():
    test = {"kind": "Pod", "metadata": {"name": "t", "annotations": {"helm.sh/hook": "test"}}}
    rows = list(made_rows([test, {"kind": "Pod", "metadata": {"name": "p"}}]))
    assert [row.what for row in rows] == ["Pod p"]


def test_what_a_job_meets_first_decides():
    late = bad("s", Code.MISSING_REF, Stage.START, "")
    soon = bad("q", Code.QUOTA_EXCEEDED, Stage.CREATION, "")
    perhaps = bad("g", Code.SCHEDULING_GATED, Stage.QUEUE, "", sure=False)
    plan = Plan((perhaps, late, soon), WaitPolicy())
    assert (plan.decisive, plan.return_code) == (soon, 104)
    assert Plan((perhaps, late), WaitPolicy()).return_code == 101
    assert Plan((perhaps, unknown("x", Stage.START, "why")), WaitPolicy()).return_code == 0
    assert Plan((Row(what="x", answer=Answer.OK),), WaitPolicy()).return_code == 0


@pytest.mark.parametrize(
    ("code", "mode", "clock"),
    [
        (Code.QUOTA_EXCEEDED, PendingPolicy.GRACEFUL, ("pending_timeout", 7)),
        (Code.ADMISSION_DENIED, PendingPolicy.GRACEFUL, ("", 0)),
        (Code.MISSING_REF, PendingPolicy.GRACEFUL, ("timeouts.config", 60)),
        (Code.SCHEDULING_GATED, PendingPolicy.GRACEFUL, ("timeouts.queue", None)),
        (Code.MISSING_REF, PendingPolicy.STRICT, ("", 0)),
        (Code.QUOTA_EXCEEDED, PendingPolicy.STRICT, ("", 0)),
        (Code.INSUFFICIENT_RESOURCES, PendingPolicy.STRICT, ("pending_timeout", 7)),
        (Code.SCHEDULING_GATED, PendingPolicy.STRICT, ("", None)),
    ],
)
def test_the_clock_of_a_code(code, mode, clock):
    plan = Plan((bad("x", code, Stage.NODES, ""),), WaitPolicy(mode, 7))
    assert plan.clock(code) == clock
    assert plan.return_code == 101 or mode is PendingPolicy.GRACEFUL
