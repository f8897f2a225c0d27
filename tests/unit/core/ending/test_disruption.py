"""Drains, preemptions, lost nodes, deletions: who took a pod away, and when that is not how the job ended."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from launcher.core.catalogue import Code
from launcher.core.ending.job_end import ended
from launcher.core.views import Condition
from tests.fakes import START, exited, main, scheduled

DELETED = START + timedelta(seconds=5)
BEFORE, AT, AFTER = (START + timedelta(seconds=seconds) for seconds in (-1, 0, 1))


def answered(
    exit_code, told, *, kind="DisruptionTarget", reason="EvictionByEvictionAPI", finished=AT, **changes
):
    """Return a pod that was told to go at ``told`` and whose job ended with a code of its own choice."""
    conditions = (Condition(kind, "True", reason, "text", since=told),)
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
    ("told", "finished", "code"),
    [
        (BEFORE, AT, Code.DRAINED),
        (AT, AT, Code.DRAINED),  # Kubernetes writes whole seconds
        (AFTER, AT, Code.APP_ERROR),  # it had failed by itself; its pod was drained while a sidecar ran on
        (None, AT, Code.DRAINED),
        (AFTER, None, Code.DRAINED),
    ],
)
def test_failure_before_disruption_is_app_error(told, finished, code):
    assert ended(answered(1, told, finished=finished)).code is code


@pytest.mark.parametrize(
    ("reason", "code"),
    [("PreemptionByScheduler", Code.APP_ERROR), ("TerminationByKubelet", Code.NODE_SHUTDOWN)],
)
def test_announced_disruption_counts_once_pod_is_deleted(reason, code):
    """The scheduler announces first and deletes then, which may fail; a kubelet that shuts down deletes nothing."""
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
