"""How jobs end: last states of pods in, outcomes and FLARE's return codes out."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from launcher.core.catalogue import Code
from launcher.core.ending.job_end import ended, lost, was_signalled
from launcher.core.views import (
    Condition,
    ContainerKind,
    ContainerState,
    ContainerView,
    PodEvent,
    RestartRule,
)
from tests.fakes import START, exited, main, make_pod, running, scheduled

DELETED = START + timedelta(seconds=5)


def disrupted(reason, message="text", **changes):
    conditions = (Condition("DisruptionTarget", "True", reason, message),)
    return exited(137, "Error", conditions=conditions, **changes)


def failed(reason, message="", **changes):
    return scheduled(phase="Failed", reason=reason, message=message, **changes)


def rejected(reason, message):
    return failed(reason, f"Pod was rejected: {message}")


def init(reason, code, kind=ContainerKind.INIT):
    return ContainerView("x", kind, "", ContainerState.TERMINATED, reason, "", code)


def not_started(message):
    return replace(init("StartError", 128), message=message)


TOO_SMALL = "runc create failed: container init was OOM-killed (memory limit too low?): unknown"
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
    (exited(137, "ContainerStatusUnknown", deleted=DELETED), Code.DELETED_EXTERNALLY, 104),
    # containerd, started again: the process had gone meanwhile
    (exited(255, "Unknown"), Code.NODE_LOST, 104),
    (exited(255, "Error"), Code.APP_ERROR, 9),
    (exited(137, "RestartingAllContainers", phase="Failed"), Code.NODE_LOST, 104),
    (failed("", "", containers=(init("ContainerStatusUnknown", 137),)), Code.NODE_LOST, 104),
    (failed("", "", containers=(init("Unknown", 255),)), Code.NODE_LOST, 104),
    (failed("", "", containers=(init("Unknown", 255, ContainerKind.SIDECAR_INIT),)), Code.NODE_LOST, 104),
    (scheduled(main("terminated", "StartError", NO_SUCH, 128)), Code.BAD_COMMAND, 101),
    (scheduled(main("terminated", "StartError", "nvidia hook failed", 128)), Code.RUNTIME_ERROR, 104),
    (scheduled(main("terminated", "StartError", TOO_SMALL, 128)), Code.OOM_KILLED, 104),
    (failed("", "", containers=(not_started(NO_SUCH),)), Code.INIT_FAILED, 101),
    (failed("", "", containers=(not_started("nvidia hook failed"),)), Code.RUNTIME_ERROR, 104),
    (failed("", "", containers=(not_started(TOO_SMALL),)), Code.INIT_OOM, 104),
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
    # the node refuses what the pod asks for
    (
        rejected("SysctlForbidden", 'forbidden sysctl: "net.core.somaxconn" not allowlisted'),
        Code.NODE_REJECTED,
        101,
    ),
    (rejected("AppArmor", "Cannot enforce AppArmor: profile not loaded"), Code.NODE_REJECTED, 101),
    (
        rejected("PodFeatureUnsupported", "Pod requires node features that are not available: X"),
        Code.NODE_REJECTED,
        101,
    ),
    (
        rejected("SMTAlignmentError", "requested 3 cpus not multiple cpus per core = 2"),
        Code.NODE_REJECTED,
        101,
    ),
    # another node, or the same one later, may take it
    (rejected("SMTAlignmentError", "not enough free physical CPUs"), Code.ADMISSION, 104),
    (rejected("PodFeatureUnsupported", "bitmap size mismatch; 1 != 2"), Code.ADMISSION, 104),
    (rejected("TopologyAffinityError", "Resources cannot be allocated"), Code.ADMISSION, 104),
    (rejected("SomethingNew", "nobody has seen it"), Code.ADMISSION, 104),
    (rejected("Evicted", "The node had condition: [DiskPressure]."), Code.ADMISSION, 104),
    # the kubelet says with one reason what it did for three
    (disrupted("TerminationByKubelet", "The node was low on resource: memory."), Code.EVICTED, 104),
    (
        disrupted("TerminationByKubelet", "Pod was preempted by Kubelet to accommodate a critical pod."),
        Code.PREEMPTED,
        104,
    ),
    (
        disrupted("TerminationByKubelet", "Pod was terminated in response to imminent node shutdown."),
        Code.NODE_SHUTDOWN,
        104,
    ),
    (disrupted("DeletionByDeviceTaintManager"), Code.DEVICE_TAINTED, 104),
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
def test_ended(pod, code, return_code):
    outcome = ended(pod)
    assert (outcome.code, outcome.return_code) == (code, return_code)
    assert outcome.detail


@pytest.mark.parametrize(
    "pod", [make_pod(), running(), scheduled(main("waiting")), make_pod(phase="nonsense")]
)
def test_pending_or_running_pod_has_no_outcome(pod):
    assert ended(pod) is None


def test_pod_reason_precedes_exit_code():
    pod = failed("DeadlineExceeded", containers=(main("terminated", "Error", "", 137),))
    assert ended(pod).code is Code.DEADLINE_EXCEEDED


def test_running_sidecar_does_not_delay_outcome():
    sidecar = ContainerView("proxy", ContainerKind.SIDECAR, state=ContainerState.RUNNING)
    assert ended(scheduled(main("terminated", "Completed", "", 0), sidecar, phase="Running")).succeeded


def test_success_during_deletion_is_success():
    assert ended(exited(0, "Completed", deleted=DELETED)).succeeded


@pytest.mark.parametrize(
    ("reason", "code", "words"),
    [
        ("OOMKilled", Code.OOM_KILLED, "ran out of memory (limit 64Mi)"),
        ("Error", Code.KILLED, "a lack of memory (limit 64Mi) may look so"),
    ],
)
def test_detail_has_memory_limit(reason, code, words):
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
def test_lost_by_last_seen_pod(last, code):
    assert lost(last).code is code


def test_drained_init_container_is_not_init_failed():
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
def test_deleted_init_container_is_not_init_failed(exit_code, deleted, code):
    init = ContainerView("i", ContainerKind.INIT, "", ContainerState.TERMINATED, "Error", exit_code=exit_code)
    pod = scheduled(main("waiting", "PodInitializing"), init, phase="Failed", deleted=deleted)
    assert ended(pod).code is code


def test_lost_by_last_events():
    later = START + timedelta(seconds=1)
    events = (PodEvent("TaintManagerEviction", "Marking for deletion Pod fl/job-1", last_seen=later),)
    assert lost(make_pod(), events).code is Code.NODE_LOST
    assert lost(make_pod(), (PodEvent("Killing", "Stopping container job"),)).code is Code.DELETED_EXTERNALLY


def test_native_sidecar_out_of_memory():
    hungry = ContainerView(
        "s", ContainerKind.SIDECAR_INIT, "", ContainerState.TERMINATED, "OOMKilled", exit_code=137
    )
    pod = scheduled(main("waiting", "PodInitializing"), hungry, phase="Failed")
    assert ended(pod).code is Code.SIDECAR_OOM


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
def test_was_signalled(pod, expected):
    assert was_signalled(pod) is expected


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("exit_code", [0, 3])
def test_detail_has_oom_killed_sidecar(exit_code, last):
    changes = {"last_reason": "OOMKilled"} if last else {"reason": "OOMKilled"}
    hungry = ContainerView("proxy", ContainerKind.SIDECAR, state=ContainerState.TERMINATED, **changes)
    outcome = ended(scheduled(main("terminated", "Error", "", exit_code), hungry, phase="Running"))
    assert outcome.code is (Code.APP_ERROR if exit_code else Code.SUCCESS)
    assert "container proxy was killed for lack of memory" in outcome.detail
    assert f"exit code {exit_code}" in outcome.detail


HOOK = PodEvent("FailedPostStartHook", "PostStartHook failed", "Warning")


def test_failed_post_start_hook_is_known_from_its_event():
    outcome = ended(exited(137), (PodEvent("Started", "x"), HOOK))
    assert (outcome.code, outcome.detail) == (
        Code.POST_START_HOOK,
        "FailedPostStartHook: PostStartHook failed",
    )
    assert ended(exited(1), (HOOK,)).code is Code.APP_ERROR
    assert lost(exited(137), iter([HOOK])).code is Code.POST_START_HOOK


def test_pod_that_was_never_seen_is_lost():
    outcome = lost(None, (PodEvent("Evicted", "x"),))
    assert (outcome.code, outcome.detail) == (
        Code.DELETED_EXTERNALLY,
        "the pod was deleted before it was ever seen",
    )


def test_condition_precedes_events_of_a_lost_pod():
    drained = Condition("DisruptionTarget", "True", "EvictionByEvictionAPI", "drain")
    pod = scheduled(main("running"), conditions=(drained,))
    assert lost(pod, (PodEvent("TaintManagerEviction", "x"),)).code is Code.DRAINED


def test_containers_that_ended_well_or_still_run_are_not_why_a_pod_failed():
    done = init("Completed", 0)
    sidecar = init("Error", 3, ContainerKind.SIDECAR)
    assert ended(failed("", containers=(done, sidecar))).code is Code.POD_FAILED
    assert ended(failed("", containers=(done, sidecar, init("Error", 2)))).code is Code.INIT_FAILED


def test_detail_of_a_failed_pod_is_its_reason_and_message():
    assert ended(failed("ReasonOfTomorrow", "something new")).detail == "ReasonOfTomorrow: something new"


def probed(exit_code):
    """Return a pod whose job container has a probe and ended with a code."""
    return scheduled(replace(main("terminated", "Error", "", exit_code), has_probes=True), phase="Running")


UNHEALTHY = PodEvent("Unhealthy", "Liveness probe failed: the model server does not answer", "Warning")
KILLING = PodEvent("Killing", "Container job failed liveness probe", "Normal")
# What the kubelet says of a container that does not restart.
STOPPING = PodEvent("Killing", "Stopping container job", container="job")
OF_PROXY = replace(UNHEALTHY, container="proxy")


@pytest.mark.parametrize("exit_code", [137, 143, 1, 130])
def test_probe_that_killed_the_job_is_named(exit_code):
    outcome = ended(probed(exit_code), (UNHEALTHY, KILLING))
    assert (outcome.code, outcome.return_code, outcome.exit_code) == (Code.PROBE_FAILED, 101, exit_code)
    assert "Container job failed liveness probe: Liveness probe failed: the model server" in outcome.detail


@pytest.mark.parametrize("events", [(UNHEALTHY, STOPPING), (STOPPING, replace(UNHEALTHY, container="job"))])
def test_probe_is_named_where_the_kubelet_only_says_that_it_stops_the_container(events):
    outcome = ended(probed(137), events)
    assert outcome.code is Code.PROBE_FAILED
    assert outcome.detail.startswith(
        "Liveness probe failed: the model server does not answer; the job process"
    )


@pytest.mark.parametrize(
    ("pod", "events", "code"),
    [
        # of another container, and the job was stopped for something else
        (probed(137), (OF_PROXY, STOPPING), Code.KILLED),
        (probed(137), (UNHEALTHY, replace(STOPPING, message="Stopping container jobs")), Code.KILLED),
        # somebody deleted the pod
        (replace(probed(137), deleted=DELETED), (UNHEALTHY, STOPPING), Code.DELETED_EXTERNALLY),
        # it failed, and killed nothing
        (probed(1), (UNHEALTHY,), Code.APP_ERROR),
        (probed(137), (PodEvent("Killing", "Stopping container job"),), Code.KILLED),
        (
            probed(137),
            (PodEvent("Killing", "Container proxy failed liveness probe, will be restarted"),),
            Code.KILLED,
        ),
        (probed(0), (UNHEALTHY, KILLING), Code.SUCCESS),
        (probed(103), (UNHEALTHY, KILLING), Code.APP_CODE),
    ],
)
def test_probe_is_not_blamed_for_another_end(pod, events, code):
    assert ended(pod, events).code is code


@pytest.mark.parametrize(
    ("pod", "expected"), [(probed(1), True), (probed(137), True), (probed(0), False), (probed(101), False)]
)
def test_events_of_a_container_with_probes_are_asked_for(pod, expected):
    assert was_signalled(pod) is expected


def restarting(policy, *rules, code=3, **changes):
    """A job container that an admission webhook has made one that restarts."""
    container = replace(main("terminated", "Error", "", code), restart_policy=policy, restart_rules=rules)
    return scheduled(container, **{"phase": "Running", **changes})


ON_3 = RestartRule("Restart", "In", (3, 4))
BUT_3 = RestartRule("Restart", "NotIn", (3, 4))
ALL_ON_3 = RestartRule("RestartAllContainers", "In", (3,))
UNKNOWN_ON_3 = RestartRule("Pause", "In", (3,))


@pytest.mark.parametrize(
    "pod",
    [
        exited(137, "RestartingAllContainers"),
        restarting("Always"),
        restarting("Always", code=0),
        restarting("OnFailure"),
        restarting("Never", ON_3),
        restarting("Never", ALL_ON_3),
        restarting("Never", BUT_3, code=5),
        restarting("Always", UNKNOWN_ON_3, code=5),
        restarting("Never", BUT_3, ON_3),
    ],
)
def test_container_that_the_kubelet_starts_again_has_not_ended(pod):
    assert ended(pod) is None


@pytest.mark.parametrize(
    ("pod", "code"),
    [
        (restarting("Never"), Code.APP_ERROR),
        (restarting(""), Code.APP_ERROR),
        (restarting("OnFailure", code=0), Code.SUCCESS),
        (restarting("Never", BUT_3), Code.APP_ERROR),
        (restarting("Never", ON_3, code=5), Code.APP_ERROR),
        (restarting("Never", UNKNOWN_ON_3), Code.APP_ERROR),
        # the first rule that matches decides
        (restarting("Never", UNKNOWN_ON_3, ON_3), Code.APP_ERROR),
        # a pod that is over, or being deleted, restarts nothing
        (restarting("Always", phase="Failed"), Code.APP_ERROR),
        (restarting("Always", phase="Succeeded", code=0), Code.SUCCESS),
        (restarting("Always", code=137, deleted=DELETED), Code.DELETED_EXTERNALLY),
    ],
)
def test_container_that_stays_down_has_ended(pod, code):
    assert ended(pod).code is code


def test_missing_profile_is_named_when_the_pod_failed_for_it():
    message = "unable to apply apparmor profile: apparmor failed to apply profile: no such file or directory"
    outcome = ended(scheduled(main("terminated", "StartError", message, 128)))
    assert (outcome.code, outcome.return_code) == (Code.SECURITY_PROFILE_MISSING, 101)


def test_of_a_process_that_failed_the_detail_does_not_say_so_again():
    assert ended(exited(3)).detail == "exit code 3"
