"""How long a cause may last: causes and times in, verdicts out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launcher.core.catalogue import CATALOGUE, STARTING, UNSCHEDULED, Code, Limit
from launcher.core.pending.classify import Cause, classify
from launcher.core.pending.clocks import Action, Patience, Verdict, WaitPolicy, judge, left, pause
from launcher.core.spec.site import PendingPolicy, Timeouts
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


SHORTAGE = Cause(Code.INSUFFICIENT_RESOURCES, "1 Insufficient cpu", scheduled=False)
GATED = Cause(Code.SCHEDULING_GATED, "", scheduled=False)
CREATING = Cause(Code.CREATING, "", scheduled=True)


@pytest.mark.parametrize(
    ("limit", "seconds"),
    [
        (Limit.NOW, 0.0),
        (Limit.NEVER, None),
        (Limit.RESOURCES, 7.0),
        (Limit.HEAL, 300.0),
        (Limit.QUEUE, None),
        (Limit.PULL, 8.0),
    ],
)
def test_length_of_a_clock(limit, seconds):
    policy = WaitPolicy(pending_timeout=7.0, graces=Timeouts(pull=8.0))
    assert policy.seconds(limit) == seconds


@pytest.mark.parametrize(
    ("graces", "seconds"),
    [
        ({}, 900.0),
        ({"bind": 700.0}, 700.0),
        ({"bind": 700.0, "heal": 5.0}, 700.0),
        # a site that only shortens the clock for what heals means volumes, too
        ({"heal": 60.0}, 60.0),
        ({"heal": 1000.0}, 1000.0),
    ],
)
@pytest.mark.parametrize("code", [Code.VOLUME_UNBOUND, Code.BINDING, Code.RESOURCE_CLAIM_PENDING])
def test_slow_provisioner_has_longer_than_the_scheduler_waits(code, graces, seconds):
    policy = WaitPolicy(graces=Timeouts(**graces))
    first, last, over = verdicts(code, [0, seconds - 0.1, seconds], policy, scheduled=False)
    assert (first.deadline, first.clock) == (seconds, "timeouts.bind")
    assert (last.action, over.action) == (Action.WAIT, Action.FAIL)


@pytest.mark.parametrize("limit", Limit)
def test_every_clock_has_a_length_or_none(limit):
    seconds = WaitPolicy().seconds(limit)
    assert seconds is None or seconds >= 0


def test_time_left_of_a_cause():
    policy = WaitPolicy(pending_timeout=100.0)
    assert left(Patience(), SHORTAGE.code, 5.0, policy) == 100.0
    patience, _ = judge(Patience(), SHORTAGE, 0.0, policy)
    patience, _ = judge(patience, SHORTAGE, 10.0, policy)
    assert left(patience, SHORTAGE.code, 30.0, policy) == 70.0
    assert left(pause(patience), SHORTAGE.code, 30.0, policy) == 90.0
    assert left(patience, Code.PVC_MISSING, 30.0, policy) == 60.0
    assert left(patience, GATED.code, 30.0, policy) == float("inf")
    patience, _ = judge(patience, GATED, 20.0, policy)
    assert left(patience, SHORTAGE.code, 1000.0, policy) == 80.0


@pytest.mark.parametrize(
    ("cause", "action"),
    [
        (SHORTAGE, Action.WAIT_FOR_RESOURCES),
        (GATED, Action.QUEUED),
        (CREATING, Action.WAIT),
        *(
            (Cause(code, "", scheduled=False), Action.WAIT_FOR_RESOURCES)
            for code in (Code.IMPOSSIBLE_REQUEST, Code.SCALING_UP, Code.SCALE_UP_REFUSED, Code.NOMINATED)
        ),
    ],
)
def test_action_while_waiting(cause, action):
    assert judge(Patience(), cause, 0.0, WaitPolicy())[1].action is action


def test_verdict_has_the_clock_that_ends_first():
    policy = WaitPolicy(graces=Timeouts(create=180, start=900))
    sandbox = Cause(Code.SANDBOX, "x", scheduled=True)
    patience, verdict = judge(Patience(), sandbox, 10.0, policy)
    assert (verdict.clock, verdict.deadline, verdict.since) == ("timeouts.create", 190.0, 10.0)
    patience, verdict = judge(patience, CREATING, 100.0, policy)
    assert (verdict.clock, verdict.deadline, verdict.since) == ("timeouts.start", 910.0, 100.0)
    _, verdict = judge(patience, sandbox, 850.0, policy)
    assert (verdict.clock, verdict.deadline, verdict.since) == ("timeouts.start", 910.0, 850.0)


def test_cause_without_a_clock_has_no_deadline():
    verdict = judge(Patience(), GATED, 5.0, WaitPolicy())[1]
    assert (verdict.deadline, verdict.clock) == (None, "")


def test_other_resource_version_is_another_sighting_and_other_cause_starts_anew():
    patience = Patience()
    for code, revision, sightings in [
        (Code.IMAGE_NOT_FOUND, "1", 1),
        (Code.IMAGE_NOT_FOUND, "1", 1),
        (Code.IMAGE_NOT_FOUND, "2", 2),
        (Code.CREATING, "2", 1),
        (Code.IMAGE_NOT_FOUND, "3", 1),
    ]:
        patience, _ = judge(patience, Cause(code, "", scheduled=True, revision=revision), 0.0, WaitPolicy())
        assert patience.sightings == sightings


def test_clock_that_runs_backwards_counts_nothing():
    patience, _ = judge(Patience(), SHORTAGE, 10.0, WaitPolicy())
    patience, _ = judge(patience, SHORTAGE, 5.0, WaitPolicy())
    assert patience.spent == {SHORTAGE.code: 0.0}


def test_pause_keeps_everything_but_the_running_clock():
    patience, _ = judge(Patience(), SHORTAGE, 10.0, WaitPolicy())
    assert pause(patience) == pause(pause(patience))
    assert (pause(patience).cause, pause(patience).seen_at) == (SHORTAGE, None)
    assert pause(Patience()) == Patience()


@pytest.mark.parametrize("code", [Code.INSUFFICIENT_RESOURCES, Code.BAD_COMMAND, Code.IMAGE_AUTH])
def test_return_code_of_a_verdict(code):
    verdict = Verdict(Action.FAIL, code, "", 0.0, 0.0)
    assert verdict.return_code(PendingPolicy.GRACEFUL) is CATALOGUE[code].return_code
    assert verdict.return_code(PendingPolicy.STRICT) == 101


@given(
    st.lists(
        st.tuples(st.sampled_from([SHORTAGE, GATED, CREATING]), st.integers(0, 1000), st.booleans()),
        max_size=8,
    )
)
def test_all_time_but_pauses_is_spent_on_some_cause(observations):
    patience, now, running = Patience(), 0.0, 0.0
    for cause, gap, paused in observations:
        running += gap if patience.seen_at is not None else 0
        now += gap
        patience, _ = judge(patience, cause, now, WaitPolicy())
        patience = pause(patience) if paused else patience
    by_cause = {code: spent for code, spent in patience.spent.items() if code is not Code.START_TIMEOUT}
    assert sum(by_cause.values()) == running
    assert patience.spent.get(Code.START_TIMEOUT, 0.0) == by_cause.get(CREATING.code, 0.0)
