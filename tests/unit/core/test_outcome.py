"""How jobs end: last states in, outcomes and FLARE's return codes out."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from launcher.core.catalogue import Code
from launcher.core.outcome import ended, lost
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
        ("Error", Code.KILLED, "an early lack of memory (limit 64Mi) looks so"),
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
