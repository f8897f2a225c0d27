"""Drains, preemptions, lost nodes, deletions: when they are how a job ended, and when not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from launcher.core.catalogue import Code
from launcher.core.ending.disruption import (
    deleted_externally,
    outcome_by_conditions,
    outcome_by_events,
    outcome_if_disrupted,
    was_deleted,
)
from launcher.core.ending.job_end import ended
from launcher.core.views import Condition, PodEvent
from tests.fakes import START, exited, main, make_pod, running, scheduled

DELETED = START + timedelta(seconds=5)
BEFORE, AT, AFTER = (START + timedelta(seconds=seconds) for seconds in (-1, 0, 1))


def answered(
    exit_code, since, *, kind="DisruptionTarget", reason="EvictionByEvictionAPI", finished=AT, **changes
):
    """Return a pod with a disruption since then, whose job handled SIGTERM and exited with a code of its own."""
    conditions = (Condition(kind, "True", reason, "text", since=since),)
    container = replace(main("terminated", "Error", "", exit_code), finished_at=finished)
    return scheduled(
        container, **{"phase": "Running", "conditions": conditions, "deleted": DELETED, **changes}
    )


@pytest.mark.parametrize("exit_code", [1, 2, 130])
@pytest.mark.parametrize(
    ("kind", "reason", "code"),
    [
        ("DisruptionTarget", "EvictionByEvictionAPI", Code.DRAINED),
        ("DisruptionTarget", "PreemptionByScheduler", Code.PREEMPTED),
        ("DisruptionTarget", "DeletionByTaintManager", Code.NODE_LOST),
        ("DisruptionTarget", "TerminationByKubelet", Code.NODE_SHUTDOWN),
        ("TerminationTarget", "Preempted", Code.QUEUE_PREEMPTED),
    ],
)
def test_own_exit_code_after_sigterm_is_a_disruption(exit_code, kind, reason, code):
    outcome = ended(answered(exit_code, BEFORE, kind=kind, reason=reason))
    assert (outcome.code, outcome.return_code, outcome.exit_code) == (code, 104, exit_code)
    assert outcome.detail == f"{reason}: text; the job process then ended with exit code {exit_code}"


@pytest.mark.parametrize(
    ("since", "finished", "code"),
    [
        (BEFORE, AT, Code.DRAINED),
        (AT, AT, Code.DRAINED),  # Kubernetes writes whole seconds
        (AFTER, AT, Code.APP_ERROR),  # it had failed by itself; its pod was drained while a sidecar ran on
        (None, AT, Code.DRAINED),
        (AFTER, None, Code.DRAINED),
    ],
)
def test_failure_before_disruption_is_app_error(since, finished, code):
    assert ended(answered(1, since, finished=finished)).code is code


@pytest.mark.parametrize(
    ("reason", "code"),
    [("PreemptionByScheduler", Code.APP_ERROR), ("TerminationByKubelet", Code.NODE_SHUTDOWN)],
)
def test_announced_disruption_counts_once_pod_is_deleted(reason, code):
    """The scheduler sets the condition, then deletes, which may fail; a kubelet that shuts down deletes nothing."""
    assert ended(answered(1, BEFORE, reason=reason, deleted=None)).code is code


@pytest.mark.parametrize("exit_code", [137, 143])
def test_signal_is_a_disruption_despite_clock_skew(exit_code):
    outcome = ended(answered(exit_code, AFTER))
    assert (outcome.code, outcome.detail) == (Code.DRAINED, "EvictionByEvictionAPI: text")


@pytest.mark.parametrize(
    ("exit_code", "code"), [(0, Code.SUCCESS), (101, Code.APP_CODE), (104, Code.APP_CODE)]
)
def test_success_and_flare_codes_outrank_disruption(exit_code, code):
    assert ended(answered(exit_code, BEFORE)).code is code


def test_condition_with_status_false_is_no_disruption():
    off = Condition("DisruptionTarget", "False", "EvictionByEvictionAPI", since=BEFORE)
    assert ended(exited(1, conditions=(off,))).code is Code.APP_ERROR


@pytest.mark.parametrize(
    ("deleted", "grace", "finished", "code"),
    [
        (30, 30, 0, Code.DELETED_EXTERNALLY),  # asked for in the second in which the job ended
        (30, 30, 12, Code.DELETED_EXTERNALLY),
        (31, 30, 0, Code.APP_ERROR),  # asked for a second after the end
        (30, None, 12, Code.APP_ERROR),
        (30, 30, None, Code.APP_ERROR),
        (30, 10**30, 0, Code.DELETED_EXTERNALLY),
    ],
)
def test_exit_within_grace_period_of_deletion(deleted, grace, finished, code):
    moment = None if finished is None else START + timedelta(seconds=finished)
    container = replace(main("terminated", "Error", "", 1), finished_at=moment)
    pod = scheduled(container, deleted=START + timedelta(seconds=deleted), grace_seconds=grace)
    assert ended(pod).code is code


DRAINED = Condition("DisruptionTarget", "True", "EvictionByEvictionAPI", "drain", since=AT)
REQUEUED = Condition("TerminationTarget", "True", "Preempted", "by another job", since=AT)


@pytest.mark.parametrize(
    ("conditions", "code"),
    [
        ((), None),
        ((replace(DRAINED, status="False"),), None),
        ((replace(DRAINED, type="Ready"),), None),
        ((DRAINED,), Code.DRAINED),
        ((replace(DRAINED, reason="PreemptionByScheduler"),), Code.PREEMPTED),
        ((replace(DRAINED, reason="DeletionByPodGC"),), Code.NODE_LOST),
        ((replace(DRAINED, reason="DeletionByTaintManager"),), Code.NODE_LOST),
        ((replace(DRAINED, reason="TerminationByKubelet"),), Code.NODE_SHUTDOWN),
        ((replace(DRAINED, reason="ReasonOfTomorrow"),), Code.DELETED_EXTERNALLY),
        ((REQUEUED,), Code.QUEUE_PREEMPTED),
        ((DRAINED, REQUEUED), Code.QUEUE_PREEMPTED),
        ((DRAINED, replace(REQUEUED, status="False")), Code.DRAINED),
    ],
)
def test_outcome_by_conditions(conditions, code):
    outcome = outcome_by_conditions(make_pod(conditions=conditions))
    assert (outcome and outcome.code) is code


@pytest.mark.parametrize(
    ("since", "finished", "counts"),
    [
        (BEFORE, AT, True),
        (AT, AT, True),
        (AFTER, AT, False),
        (AFTER, None, True),
        (None, AT, True),
    ],
)
def test_condition_after_the_exit_does_not_count(since, finished, counts):
    for condition in (DRAINED, REQUEUED):
        pod = make_pod(conditions=(replace(condition, since=since),))
        assert (outcome_by_conditions(pod, finished) is not None) is counts


def test_outcome_by_conditions_has_reason_message_and_exit_code():
    outcome = outcome_by_conditions(exited(143, conditions=(DRAINED,)))
    assert (outcome.detail, outcome.exit_code) == ("EvictionByEvictionAPI: drain", 143)
    assert outcome_by_conditions(make_pod(conditions=(DRAINED,))).exit_code is None


@pytest.mark.parametrize(
    ("reasons", "code"),
    [
        ((), None),
        (("Killing", "Scheduled"), None),
        (("Preempted",), Code.PREEMPTED),
        (("TaintManagerEviction",), Code.NODE_LOST),
        (("NodeNotReady",), Code.NODE_LOST),
        (("NodeShutdown",), Code.NODE_SHUTDOWN),
        (("Evicted",), Code.EVICTED),
        (("NodeNotReady", "Evicted", "Killing"), Code.EVICTED),
        (("Evicted", "NodeNotReady"), Code.NODE_LOST),
    ],
)
def test_newest_event_of_a_disruption_decides(reasons, code):
    outcome = outcome_by_events(PodEvent(reason, "text") for reason in reasons)
    assert (outcome and outcome.code) is code
    assert outcome is None or outcome.detail.endswith(": text")


@pytest.mark.parametrize(
    ("pod", "code"),
    [
        (exited(1), None),
        (exited(1, conditions=(DRAINED,)), None),
        (exited(1, conditions=(DRAINED,), deleted=DELETED), Code.DRAINED),
        (exited(1, deleted=DELETED), None),
        (exited(137, deleted=DELETED), Code.DELETED_EXTERNALLY),
        (exited(137, conditions=(DRAINED,)), Code.DRAINED),
        (exited(137), None),
        (exited(1, conditions=(replace(DRAINED, reason="TerminationByKubelet"),)), Code.NODE_SHUTDOWN),
    ],
)
def test_outcome_if_disrupted(pod, code):
    outcome = outcome_if_disrupted(pod, pod.main)
    assert (outcome and outcome.code) is code


@pytest.mark.parametrize(
    ("exit_code", "seconds", "grace", "deleted"),
    [
        (137, None, None, True),
        (143, -100, 30, True),
        (1, None, 30, False),
        (1, -25, None, False),
        (1, -25, 30, True),
        (1, -30, 30, True),
        (1, -31, 30, False),
        (1, 5, 30, True),
        (1, 5, 0, True),
    ],
)
def test_was_deleted(exit_code, seconds, grace, deleted):
    finished = None if seconds is None else DELETED + timedelta(seconds=seconds)
    container = replace(main("terminated", "Error", "", exit_code), finished_at=finished)
    pod = scheduled(container, deleted=DELETED, grace_seconds=grace)
    assert was_deleted(pod, container) is deleted
    assert not was_deleted(replace(pod, deleted=None), container)


def test_deleted_externally_names_the_pod():
    outcome = deleted_externally(running(), 137)
    assert (outcome.code, outcome.exit_code) == (Code.DELETED_EXTERNALLY, 137)
    assert outcome.detail == "pod job-1 was deleted by somebody else"
