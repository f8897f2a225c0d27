"""Errors of an install in, codes out; only what heals is tried again."""

from __future__ import annotations

import pytest

from launcher.core.catalogue import CATALOGUE, CREATION, Code
from launcher.core.lifecycle.state import JobState, Observation, Track
from launcher.core.lifecycle.step import step
from launcher.core.pending.clocks import Action, WaitPolicy
from launcher.core.pending.refusal import Refusal, refusal_of
from launcher.core.spec.site import PendingPolicy
from launcher.core.views import Seen
from launcher.errors import (
    Conflict,
    Denied,
    InvalidInput,
    LauncherError,
    LeftBehind,
    NotFound,
    NotPrepared,
    Reason,
    Rejected,
    ToolMissing,
    Unavailable,
)
from tests.fakes import START, running

ERRORS = [
    (Rejected("x", reason=Reason.QUOTA_EXCEEDED), Code.QUOTA_EXCEEDED, True),
    (Unavailable("x", reason=Reason.QUOTA_BUSY), Code.QUOTA_BUSY, True),
    (Rejected("x", reason=Reason.WEBHOOK_FAILED), Code.WEBHOOK_FAILED, True),
    (Unavailable("x", reason=Reason.SERVER_BUSY), Code.API_UNAVAILABLE, True),
    (Unavailable("x", reason=Reason.CHART_REGISTRY_AWAY), Code.CHART_UNAVAILABLE, True),
    (Rejected("x", reason=Reason.NAMESPACE_TERMINATING), Code.NAMESPACE_TERMINATING, True),
    (NotFound("x", reason=Reason.NAMESPACE_MISSING), Code.NAMESPACE_MISSING, False),
    (Rejected("x", reason=Reason.POD_SECURITY), Code.ADMISSION_DENIED, False),
    (Rejected("x", reason=Reason.POLICY_DENIED), Code.ADMISSION_DENIED, False),
    (Rejected("x", reason=Reason.POLICY_FAILED), Code.ADMISSION_DENIED, False),
    (Rejected("x", reason=Reason.QUOTA_TOO_SMALL), Code.QUOTA_TOO_SMALL, False),
    (Rejected("x", reason=Reason.LIMIT_RANGE), Code.LIMIT_RANGE, False),
    (Rejected("x", reason=Reason.ABOVE_LIMIT_RANGE), Code.LIMIT_RANGE, False),
    (Rejected("x", reason=Reason.INVALID_SPEC), Code.INVALID_SPEC, False),
    (InvalidInput("x"), Code.SITE_INVALID, False),
    (ToolMissing("x"), Code.SITE_INVALID, False),
    (Rejected("x", reason=Reason.SCHEMA), Code.SITE_INVALID, False),
    (Denied("x"), Code.FORBIDDEN, False),
    (Conflict("x"), Code.NAME_CONFLICT, False),
    (Rejected("x", reason=Reason.HELM_FAILED), Code.CREATE_FAILED, False),
    (LauncherError("x"), Code.CREATE_FAILED, False),
]


@pytest.mark.parametrize(("error", "code", "heals"), ERRORS)
def test_refusal_of(error, code, heals):
    refusal = refusal_of(error)
    assert (refusal.code, refusal.may_heal) == (code, heals)
    assert refusal.detail == error.message


def test_every_creation_code_has_an_error():
    assert {code for _, code, _ in ERRORS} == set(CREATION)


@pytest.mark.parametrize("kind", [NotPrepared, LeftBehind])
@pytest.mark.parametrize(("error", "code", "heals"), ERRORS)
def test_a_launch_that_failed_is_judged_by_its_failure(kind, error, code, heals):
    assert refusal_of(kind(error)) == Refusal(code, error.message)
    told = refusal_of(kind(error, message="x, and nobody knows whether it is gone"))
    assert (told.code, told.may_heal) == (code, heals)
    assert told.detail == "x, and nobody knows whether it is gone"


def refused(code, now, policy=None, track=None):
    seen = Observation(now, START, Seen.absent(), refused=Refusal(code, "said"))
    return step(track or Track(launched=0.0), seen, policy or WaitPolicy())


def test_quota_waits_for_pending_timeout():
    track = refused(Code.QUOTA_EXCEEDED, 0.0)
    assert (track.state, track.verdict.action) == (JobState.STARTING, Action.WAIT_FOR_RESOURCES)
    assert (track.verdict.deadline, track.verdict.clock) == (120.0, "pending_timeout")
    assert refused(Code.QUOTA_EXCEEDED, 119.0, track=track).outcome is None
    outcome = refused(Code.QUOTA_EXCEEDED, 120.0, track=track).outcome
    assert (outcome.code, outcome.return_code, outcome.clock) == (Code.QUOTA_EXCEEDED, 104, "pending_timeout")


def test_pod_created_after_refusals_is_judged_as_any_other():
    track = refused(Code.QUOTA_EXCEEDED, 0.0)
    assert (
        step(track, Observation(50.0, START, Seen.found(running())), WaitPolicy()).state is JobState.RUNNING
    )


@pytest.mark.parametrize("code", CREATION)
def test_strict_fails_immediately_with_101(code):
    outcome = refused(code, 0.0, WaitPolicy(PendingPolicy.STRICT)).outcome
    assert (outcome.code, outcome.return_code) == (code, 101)


@pytest.mark.parametrize("code", [c for c in CREATION if not Refusal(c, "").may_heal])
def test_permanent_refusal_fails_immediately(code):
    outcome = refused(code, 0.0).outcome
    assert (outcome.code, outcome.return_code) == (code, CATALOGUE[code].return_code)


@pytest.mark.parametrize(
    ("requested", "names"),
    [
        ("requests.cpu=1", ("requests.cpu",)),
        ("pods=1,limits.memory=1Gi", ("limits.memory", "pods")),
        ("e=1,d=1,c=1,b=1,a=1", ("a", "b", "c")),
        ("<b>=1,(x)=2,\x1b[2J=3,cpu=1", ("cpu",)),
        (f"{'x' * 64}=1", ()),
        (f"{'x' * 63}=1,{'y' * 63}=1,z=1", ("x" * 63,)),
    ],
)
def test_resources_that_a_quota_names_are_few_and_names(requested, names):
    said = f"exceeded quota: q, requested: {requested}, used: x=0, limited: x=0"
    assert Refusal(Code.QUOTA_EXCEEDED, said).resources == names
    assert Refusal(Code.FORBIDDEN, said).resources == ()
    seen = Observation(0.0, START, Seen.absent(), refused=Refusal(Code.QUOTA_EXCEEDED, said))
    assert step(Track(launched=0.0), seen, WaitPolicy()).verdict.resources == names
