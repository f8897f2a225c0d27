"""How long a cause may last: causes and times in, verdicts out."""

from __future__ import annotations

import pytest

from launcher.core.catalogue import CATALOGUE, STARTING, UNSCHEDULED, Code, Limit
from launcher.core.pending.classify import Cause, classify
from launcher.core.pending.clocks import Action, Patience, WaitPolicy, judge, pause
from launcher.core.spec.site import Timeouts
from tests.fakes import main, scheduled
from tests.messages import NOT_FOUND


def verdicts(code, times, policy=None, *, scheduled=True, revise=True):
    """Judge the same cause at these times; return the verdicts."""
    patience, out = Patience(), []
    for number, now in enumerate(times):
        cause = Cause(
            code, "text", scheduled=scheduled, scarce=("cpu",), revision=str(number if revise else 0)
        )
        patience, verdict = judge(patience, cause, now, policy or WaitPolicy())
        out.append(verdict)
    return out


@pytest.mark.parametrize(
    ("pending_timeout", "times", "actions"),
    [
        (120, [0, 119.9, 120], ["WAIT_FOR_RESOURCES", "WAIT_FOR_RESOURCES", "FAIL"]),
        (0, [0], ["FAIL"]),
        (None, [0, 1e6, 1e9], ["WAIT_FOR_RESOURCES"] * 3),
    ],
)
def test_pending_timeout_bounds_resource_waits(pending_timeout, times, actions):
    policy = WaitPolicy(pending_timeout=pending_timeout)
    assert [
        v.action.value for v in verdicts(Code.INSUFFICIENT_RESOURCES, times, policy, scheduled=False)
    ] == actions


@pytest.mark.parametrize("code", [c for c in {**UNSCHEDULED, **STARTING} if CATALOGUE[c].limit is Limit.NOW])
def test_permanent_cause_fails_immediately(code):
    (verdict,) = verdicts(code, [0])
    assert (verdict.action, verdict.code) == (Action.FAIL, code)


@pytest.mark.parametrize(
    "code",
    [
        c
        for c in {**UNSCHEDULED, **STARTING}
        if CATALOGUE[c].limit not in (Limit.NOW, Limit.NEVER, Limit.QUEUE)
    ],
)
@pytest.mark.parametrize("scheduled", [True, False])
def test_cause_fails_when_its_clock_runs_out_and_not_before(code, scheduled):
    if CATALOGUE[code].limit is Limit.START:
        scheduled = True
    length = WaitPolicy().seconds(CATALOGUE[code].limit)
    early, late = verdicts(code, [0, length - 0.1, length], scheduled=scheduled)[1:]
    assert early.action is not Action.FAIL
    assert late.action is Action.FAIL


def test_start_timeout_spans_all_causes():
    patience = Patience()
    policy = WaitPolicy(graces=Timeouts(start=100))
    for now, code in enumerate([Code.SANDBOX, Code.CREATING] * 50):
        patience, verdict = judge(patience, Cause(code, "", scheduled=True), float(now), policy)
        assert verdict.action is Action.WAIT
    _, verdict = judge(patience, Cause(Code.SANDBOX, "", scheduled=True), 100.0, policy)
    assert (verdict.action, verdict.code) == (Action.FAIL, Code.START_TIMEOUT)


def test_missing_image_needs_two_sightings():
    first, late, second = verdicts(Code.IMAGE_NOT_FOUND, [0, 31, 31.5], revise=False)
    assert {first.action, late.action, second.action} == {Action.WAIT}
    assert verdicts(Code.IMAGE_NOT_FOUND, [0, 31])[1].action is Action.FAIL


def test_start_timeout_bounds_a_single_sighting():
    last = verdicts(Code.IMAGE_NOT_FOUND, [0, 31, 899, 900], revise=False)[-1]
    assert (last.action, last.code, last.clock) == (Action.FAIL, Code.START_TIMEOUT, "timeouts.start")


def test_bare_back_off_continues_previous_pull_error():
    # Kubernetes 1.29 to 1.31 alternate between the two.
    error = ("ErrImagePull", NOT_FOUND)
    echo = ("ImagePullBackOff", 'Back-off pulling image "r/x:1"')
    patience, codes = Patience(), []
    for number, (reason, message) in enumerate([error, echo, error, echo, echo]):
        pod = scheduled(main("waiting", reason, message), resource_version=str(number))
        patience, verdict = judge(patience, classify(pod), 8.0 * number, WaitPolicy())
        codes.append((verdict.code, verdict.action))
    assert {code for code, _ in codes} == {Code.IMAGE_NOT_FOUND}
    assert [action for _, action in codes] == [Action.WAIT] * 4 + [Action.FAIL]
    assert classify(scheduled(main("waiting", *echo))).code is Code.IMAGE_PULL_TRANSIENT


def test_bare_back_off_is_no_second_sighting():
    echo = ("ImagePullBackOff", 'Back-off pulling image "r/x:1"')
    patience, actions = Patience(), []
    for number, seen in enumerate([("ErrImagePull", NOT_FOUND), echo, echo, ("ErrImagePull", NOT_FOUND)]):
        pod = scheduled(main("waiting", *seen), resource_version=str(number))
        patience, verdict = judge(patience, classify(pod), 20.0 * number, WaitPolicy())
        actions.append(verdict.action)
    assert actions == [Action.WAIT, Action.WAIT, Action.WAIT, Action.FAIL]
    assert (verdict.code, patience.sightings) == (Code.IMAGE_NOT_FOUND, 2)


def test_bare_back_off_after_another_cause_is_transient():
    pod = scheduled(main("waiting", "ImagePullBackOff", 'Back-off pulling image "r/x:1"'))
    patience, _ = judge(Patience(), Cause(Code.CREATING, "", scheduled=True), 0.0, WaitPolicy())
    assert judge(patience, classify(pod), 1.0, WaitPolicy())[1].code is Code.IMAGE_PULL_TRANSIENT


def test_unknown_phase_ends_as_node_lost():
    policy = WaitPolicy(graces=Timeouts(api=1000, start=900))
    silent = classify(scheduled(main("running"), phase="Unknown"))
    patience, verdict = judge(Patience(), silent, 0.0, policy)
    assert (verdict.action, verdict.code, verdict.deadline) == (Action.WAIT, Code.UNKNOWN_PHASE, 1000.0)
    _, verdict = judge(patience, silent, 1000.0, policy)
    assert (verdict.action, verdict.code, verdict.clock) == (Action.FAIL, Code.NODE_LOST, "timeouts.api")


def test_clock_pauses_while_cluster_is_unavailable():
    shortage = Cause(Code.INSUFFICIENT_RESOURCES, "", scheduled=False)
    patience, _ = judge(Patience(), shortage, 0.0, WaitPolicy())
    patience, verdict = judge(pause(patience), shortage, 1000.0, WaitPolicy())
    assert verdict.action is Action.WAIT_FOR_RESOURCES
    assert verdict.deadline == 1120.0


def test_alternating_causes_do_not_extend_wait():
    patience = Patience()
    for now in range(240):
        code = Code.INSUFFICIENT_RESOURCES if now % 2 else Code.POD_CONSTRAINT
        patience, verdict = judge(patience, Cause(code, "", scheduled=False), float(now), WaitPolicy())
        assert verdict.action is Action.WAIT_FOR_RESOURCES
    _, verdict = judge(patience, Cause(Code.POD_CONSTRAINT, "", scheduled=False), 241.0, WaitPolicy())
    assert verdict.action is Action.FAIL
