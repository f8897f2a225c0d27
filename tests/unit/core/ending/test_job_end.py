"""How jobs end: last states in, outcomes and FLARE's return codes out."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from launcher.core.catalogue import Code
from launcher.core.ending.job_end import ended, lost, was_signalled
from launcher.core.views import Condition, ContainerKind, ContainerState, ContainerView
from tests.fakes import START, exited, main, make_pod, running, scheduled

DELETED = START + timedelta(seconds=5)


def disrupted(reason, **changes):
    conditions = (Condition("DisruptionTarget", "True", reason, "text"),)
    return exited(137, "Error", conditions=conditions, **changes)


def failed(reason, message="", **changes):
    return scheduled(phase="Failed", reason=reason, message=message, **changes)


def init(reason, code, kind=ContainerKind.INIT):
    return ContainerView("x", kind, "", ContainerState.TERMINATED, reason, "", code)


NO_SUCH = 'failed to create containerd task: exec: "/nope": stat /nope: no such file or directory: unknown'
STORAGE = 'Usage of EmptyDir volume "workspace-job" exceeds the limit "1Mi". '
ENDS = [
    (exited(0, "Completed"), Code.SUCCESS, 0),
    (exited(0, "OOMKilled"), Code.SUCCESS, 0),
    (scheduled(phase="Succeeded"), Code.SUCCESS, 0),
    (exited(7), Code.APP_ERROR, 9),
    (exited(1), Code.APP_ERROR, 9),
    (exited(101), Code.APP_CODE, 101),
    (exited(102), Code.APP_CODE, 102),
    (exited(103), Code.APP_CODE, 103),
    (exited(104), Code.APP_CODE, 104),
    (exited(137, "OOMKilled"), Code.OOM_KILLED, 104),
    (exited(143, "OOMKilled"), Code.KILLED, 104),
    (exited(143, "OOMKilled", deleted=DELETED), Code.DELETED_EXTERNALLY, 104),
    (exited(137), Code.KILLED, 104),
    (exited(143), Code.KILLED, 104),
    (exited(137, deleted=DELETED), Code.DELETED_EXTERNALLY, 104),
    (exited(137, "ContainerStatusUnknown"), Code.NODE_LOST, 104),
    (scheduled(main("terminated", "StartError", NO_SUCH, 128)), Code.BAD_COMMAND, 101),
    (scheduled(main("terminated", "StartError", "nvidia hook failed", 128)), Code.RUNTIME_ERROR, 104),
    (
        failed("DeadlineExceeded", "Pod was active on the node longer than the specified deadline"),
        Code.DEADLINE_EXCEEDED,
        104,
    ),
    (failed("Evicted", "The node was low on resource: memory."), Code.EVICTED, 104),
    (failed("Evicted", STORAGE), Code.STORAGE_LIMIT, 101),
    (failed("NodeShutdown"), Code.NODE_SHUTDOWN, 104),
    (failed("UnexpectedAdmissionError"), Code.ADMISSION, 104),
    (failed("OutOfcpu"), Code.ADMISSION, 104),
    (failed("NodeAffinity"), Code.ADMISSION, 104),
    (disrupted("PreemptionByScheduler"), Code.PREEMPTED, 104),
    (disrupted("DeletionByTaintManager"), Code.NODE_LOST, 104),
    (disrupted("EvictionByEvictionAPI"), Code.DRAINED, 104),
    (disrupted("TerminationByKubelet"), Code.NODE_SHUTDOWN, 104),
    (failed("", containers=(init("OOMKilled", 137),)), Code.INIT_OOM, 104),
    (failed("", containers=(init("Error", 2),)), Code.INIT_FAILED, 101),
    (failed("", containers=(init("OOMKilled", 137, ContainerKind.SIDECAR),)), Code.SIDECAR_OOM, 104),
    (failed(""), Code.POD_FAILED, 104),
]


@pytest.mark.parametrize(("pod", "code", "return_code"), ENDS)
def test_an_end_has_one_code_and_one_return_code(pod, code, return_code):
    outcome = ended(pod)
    assert (outcome.code, outcome.return_code) == (code, return_code)
    assert outcome.detail


@pytest.mark.parametrize(
    "pod", [make_pod(), running(), scheduled(main("waiting")), make_pod(phase="nonsense")]
)
def test_a_job_that_has_not_ended_has_no_outcome(pod):
    assert ended(pod) is None


def test_a_reason_on_the_pod_comes_before_the_exit_code_of_what_the_kubelet_killed():
    pod = failed("DeadlineExceeded", containers=(main("terminated", "Error", "", 137),))
    assert ended(pod).code is Code.DEADLINE_EXCEEDED


def test_a_sidecar_that_still_runs_does_not_hide_the_end_of_the_job():
    sidecar = ContainerView("proxy", ContainerKind.SIDECAR, state=ContainerState.RUNNING)
    assert ended(scheduled(main("terminated", "Completed", "", 0), sidecar, phase="Running")).succeeded


def test_a_job_that_succeeded_while_it_was_deleted_succeeded():
    assert ended(exited(0, "Completed", deleted=DELETED)).succeeded


@pytest.mark.parametrize(
    ("reason", "code", "words"),
    [
        ("OOMKilled", Code.OOM_KILLED, "ran out of memory (limit 64Mi)"),
        ("Error", Code.KILLED, "a lack of memory (limit 64Mi) may look so"),
    ],
)
def test_the_memory_limit_is_named(reason, code, words):
    container = replace(main("terminated", reason, "", 137), memory_limit="64Mi")
    outcome = ended(scheduled(container))
    assert outcome.code is code
    assert words in outcome.detail


@pytest.mark.parametrize(
    ("last", "code"),
    [
        (None, Code.DELETED_EXTERNALLY),
        (running(), Code.DELETED_EXTERNALLY),
        (exited(0, "Completed"), Code.SUCCESS),
        (disrupted("PreemptionByScheduler"), Code.PREEMPTED),
        (
            scheduled(
                main("running"),
                conditions=(Condition("DisruptionTarget", "True", "EvictionByEvictionAPI", ""),),
            ),
            Code.DRAINED,
        ),
    ],
)
def test_a_lost_pod_is_explained_by_what_was_last_seen(last, code):
    assert lost(last).code is code


def test_an_init_container_that_a_drain_killed_is_not_the_jobs_fault():
    init = ContainerView("i", ContainerKind.INIT, "", ContainerState.TERMINATED, "Error", exit_code=137)
    drained = Condition("DisruptionTarget", "True", "EvictionByEvictionAPI", "drain")
    pod = scheduled(main("waiting", "PodInitializing"), init, phase="Failed", conditions=(drained,))
    assert ended(pod).code is Code.DRAINED
    assert ended(scheduled(main("waiting", "PodInitializing"), init, phase="Failed")).code is Code.INIT_FAILED


@pytest.mark.parametrize(
    ("exit_code", "deleted", "code"),
    [
        (137, START, Code.DELETED_EXTERNALLY),
        (143, START, Code.DELETED_EXTERNALLY),
        (1, START, Code.INIT_FAILED),
        (137, None, Code.INIT_FAILED),
    ],
)
def test_an_init_container_that_a_deletion_killed_is_not_the_jobs_fault(exit_code, deleted, code):
    init = ContainerView("i", ContainerKind.INIT, "", ContainerState.TERMINATED, "Error", exit_code=exit_code)
    pod = scheduled(main("waiting", "PodInitializing"), init, phase="Failed", deleted=deleted)
    assert ended(pod).code is code


def test_a_native_sidecar_is_a_sidecar():
    hungry = ContainerView(
        "s", ContainerKind.SIDECAR_INIT, "", ContainerState.TERMINATED, "OOMKilled", exit_code=137
    )
    pod = scheduled(main("waiting", "PodInitializing"), hungry, phase="Failed")
    assert ended(pod).code is Code.SIDECAR_OOM


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
def test_a_job_that_answers_sigterm_with_a_code_of_its_own_was_disrupted(exit_code, kind, reason, code):
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
def test_a_job_that_failed_before_the_disruption_failed_by_itself(told, finished, code):
    assert ended(answered(1, told, finished=finished)).code is code


@pytest.mark.parametrize(
    ("reason", "code"),
    [("PreemptionByScheduler", Code.APP_ERROR), ("TerminationByKubelet", Code.NODE_SHUTDOWN)],
)
def test_a_disruption_that_is_announced_has_not_come_before_the_pod_is_deleted(reason, code):
    """The scheduler announces first and deletes then, which may fail; a kubelet that shuts down deletes nothing."""
    assert ended(answered(1, BEFORE, reason=reason, deleted=None)).code is code


@pytest.mark.parametrize(
    ("pod", "expected"),
    [
        (exited(137), True),
        (exited(143), True),
        (exited(1), False),
        (exited(137, "OOMKilled"), False),
        (exited(137, deleted=DELETED), False),
        (disrupted("EvictionByEvictionAPI"), False),
        (failed("Evicted", containers=(main("terminated", "Error", "", 137),)), False),
        (running(), False),
    ],
)
def test_only_a_kill_that_nothing_explains_is_worth_a_question(pod, expected):
    assert was_signalled(pod) is expected


@pytest.mark.parametrize("exit_code", [137, 143])
def test_a_signal_is_the_disruptions_whatever_the_clocks_of_two_machines_say(exit_code):
    outcome = ended(answered(exit_code, AFTER))
    assert (outcome.code, outcome.detail) == (Code.DRAINED, "EvictionByEvictionAPI: text")


@pytest.mark.parametrize(
    ("exit_code", "code"), [(0, Code.SUCCESS), (101, Code.APP_CODE), (104, Code.APP_CODE)]
)
def test_a_disruption_takes_no_success_and_none_of_flares_codes(exit_code, code):
    assert ended(answered(exit_code, BEFORE)).code is code


def test_a_disruption_that_was_called_off_is_none():
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
def test_a_deleted_job_that_answers_sigterm_is_told_from_one_that_had_failed(deleted, grace, finished, code):
    moment = None if finished is None else START + timedelta(seconds=finished)
    container = replace(main("terminated", "Error", "", 1), finished_at=moment)
    pod = scheduled(container, deleted=START + timedelta(seconds=deleted), grace_seconds=grace)
    assert ended(pod).code is code


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("exit_code", [0, 3])
def test_a_sidecar_that_was_killed_for_lack_of_memory_is_named(exit_code, last):
    changes = {"last_reason": "OOMKilled"} if last else {"reason": "OOMKilled"}
    hungry = ContainerView("proxy", ContainerKind.SIDECAR, state=ContainerState.TERMINATED, **changes)
    outcome = ended(scheduled(main("terminated", "Error", "", exit_code), hungry, phase="Running"))
    assert outcome.code is (Code.APP_ERROR if exit_code else Code.SUCCESS)
    assert "container proxy was killed for lack of memory" in outcome.detail
    assert f"exit code {exit_code}" in outcome.detail
