"""Why a pod is not running: pods and events in, causes out."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from launcher.core.catalogue import STARTING, UNSCHEDULED, Code
from launcher.core.pending.classify import classify, is_pending, needs_events
from launcher.core.pending.clocks import Patience, WaitPolicy, judge
from launcher.core.views import Condition, ContainerKind, ContainerState, ContainerView, PodEvent
from tests.fakes import START, main, make_pod, running, scheduled, unscheduled
from tests.messages import EVENTS, NOT_FOUND, SCHEDULER, WAITING


def test_every_pending_code_has_a_message_or_another_source():
    named = {code for _, code in SCHEDULER} | {code for *_, code in (*WAITING, *EVENTS)}
    otherwise = {
        Code.SCHEDULING_GATED, Code.NO_SCHEDULER, Code.UNKNOWN_PHASE, Code.INITIALIZING,
        Code.START_TIMEOUT, Code.LAUNCH_TIMEOUT,
        Code.BINDING, Code.SCHEDULER_ERROR,  # test_binding.py
        Code.IMAGE_PULL_SECRET_MISSING,
        Code.SCALING_UP, Code.SCALE_UP_REFUSED, Code.NOMINATED,  # test_hints.py
        Code.NODES_TOO_SMALL, Code.IMPOSSIBLE_REQUEST,  # test_hints.py
        Code.PULLING,  # test_pulling.py
    }  # fmt: skip
    assert named | otherwise == {*UNSCHEDULED, *STARTING}


@pytest.mark.parametrize(
    ("pod", "code"),
    [
        (make_pod(), Code.NO_SCHEDULER),
        (make_pod(phase=""), Code.NO_SCHEDULER),
        (unscheduled("", "SchedulingGated"), Code.SCHEDULING_GATED),
        (unscheduled("", "SchedulerError"), Code.SCHEDULER_ERROR),
        (make_pod(phase="Unknown"), Code.UNKNOWN_PHASE),
        (scheduled(), Code.CREATING),
        (scheduled(main("waiting", "ContainerCreating")), Code.CREATING),
        (
            scheduled(
                main("waiting", "PodInitializing"),
                ContainerView("i", ContainerKind.INIT, state=ContainerState.RUNNING),
            ),
            Code.INITIALIZING,
        ),
    ],
)
def test_pod_without_waiting_reason_has_a_code(pod, code):
    assert classify(pod).code is code


def test_running_or_ended_pod_has_no_cause():
    assert classify(running()) is None
    assert classify(scheduled(main("terminated", exit_code=1))) is None


def test_unknown_phase_overrides_container_state():
    assert classify(scheduled(main("running"), phase="Unknown")).code is Code.UNKNOWN_PHASE


def test_first_started_container_decides():
    init = ContainerView("fetch", ContainerKind.INIT, "", ContainerState.WAITING, "ErrImagePull", NOT_FOUND)
    cause = classify(scheduled(main("waiting", "PodInitializing"), init))
    assert cause.code is Code.IMAGE_NOT_FOUND
    assert cause.detail.startswith("container fetch: ErrImagePull")


@pytest.mark.parametrize(("restarts", "code"), [(1, Code.INITIALIZING), (3, Code.CRASH_LOOP)])
def test_crash_loop_begins_at_third_restart(restarts, code):
    sidecar = ContainerView(
        "proxy", ContainerKind.SIDECAR_INIT, "", ContainerState.WAITING, "CrashLoopBackOff", restarts=restarts
    )
    assert classify(scheduled(main("waiting", "PodInitializing"), sidecar)).code is code


def test_crash_loop_detail_has_last_exit():
    sidecar = ContainerView(
        "proxy", ContainerKind.SIDECAR_INIT, "", ContainerState.WAITING, "CrashLoopBackOff", restarts=3,
        last_reason="Error", last_exit_code=3,
    )  # fmt: skip
    cause = classify(scheduled(main("waiting", "PodInitializing"), sidecar))
    assert "last end: Error, exit code 3" in cause.detail
    untold = replace(sidecar, last_reason="", last_exit_code=None)
    assert "None" not in classify(scheduled(main("waiting", "PodInitializing"), untold)).detail


def test_crash_loop_of_the_job_itself_names_the_restart_policy_that_somebody_gave_it():
    job = replace(
        main("waiting", "CrashLoopBackOff", "back-off 40s restarting failed container"),
        restarts=3, last_reason="Completed", last_exit_code=0, restart_policy="Always",
    )  # fmt: skip
    cause = classify(scheduled(job, phase="Running"))
    assert cause.code is Code.CRASH_LOOP
    assert "last end: Completed, exit code 0); its restartPolicy is Always" in cause.detail
    assert classify(scheduled(replace(job, restarts=1), phase="Running")).code is Code.INITIALIZING


def event(reason, message, seconds=1, kind="Warning"):
    return PodEvent(reason, message, kind, START + timedelta(seconds=seconds))


def test_latest_scheduling_event_decides_without_condition():
    events = (
        event("FailedScheduling", "1 Insufficient cpu", 1),
        event("FailedScheduling", "didn't match Pod's node affinity/selector", 2),
    )
    assert classify(make_pod(), events).code is Code.NO_MATCHING_NODE


def test_scheduling_events_of_type_normal_are_ignored():
    assert classify(make_pod(), (event("FailedScheduling", "1 Insufficient cpu", 1, "Normal"),)).code is (
        Code.NO_SCHEDULER
    )


def test_cause_of_an_unscheduled_pod():
    cause = classify(unscheduled(resource_version="9"))
    assert (cause.scheduled, cause.scarce, cause.revision) == (False, ("cpu",), "9")


def test_resources_of_a_cause_are_those_that_the_pod_asks_for():
    asks = replace(main("waiting"), requests={"cpu": "8", "nvidia.com/gpu": "1", "memory": "1Gi"})
    said = "0/9 nodes are available: 2 Insufficient nvidia.com/gpu, 3 Insufficient cpu, 4 Insufficient someone.else/x."
    cause = classify(unscheduled(said, containers=(asks,)))
    assert cause.resources == ("cpu", "nvidia.com/gpu")
    assert cause.scarce == ("cpu", "nvidia.com/gpu", "someone.else/x")
    assert classify(unscheduled(containers=())).resources == ()
    assert classify(unscheduled("0/1 nodes are available: 1 Too many pods.")).resources == ("pods",)
    assert judge(Patience(), cause, 0.0, WaitPolicy())[1].resources == cause.resources


def test_resources_of_a_cause_are_few():
    names = [f"example.com/r{number}" for number in range(9)]
    said = f"0/9 nodes are available: {', '.join(f'1 Insufficient {name}' for name in names)}."
    asks = replace(main("waiting"), requests=dict.fromkeys(names, "1"))
    assert classify(unscheduled(said, containers=(asks,))).resources == tuple(names[:3])


def test_cause_of_a_scheduled_pod():
    cause = classify(scheduled(main("waiting", "ErrImagePull", NOT_FOUND), resource_version="9"))
    assert (cause.scheduled, cause.scarce, cause.revision) == (True, (), "9")
    assert cause.detail == f"container job: ErrImagePull: {NOT_FOUND}"


def test_detail_ends_with_the_reason_when_there_is_no_message():
    assert (
        classify(scheduled(main("waiting", "ImageInspectError"))).detail == "container job: ImageInspectError"
    )


@pytest.mark.parametrize(
    ("message", "is_bare"),
    [
        ('Back-off pulling image "r/x:1"', True),
        (f'Back-off pulling image "r/x:1": ErrImagePull: {NOT_FOUND}', False),
        (NOT_FOUND, False),
        ("", False),
    ],
)
def test_bare_back_off(message, is_bare):
    pod = scheduled(main("waiting", "ImagePullBackOff", message))
    assert classify(pod).is_bare_back_off is is_bare


@pytest.mark.parametrize(
    ("pod", "pending"),
    [
        (make_pod(), True),
        (scheduled(), True),
        (scheduled(main("none")), True),
        (scheduled(main("waiting", "ErrImagePull")), True),
        (running(), False),
        (scheduled(main("terminated", exit_code=0)), False),
        (scheduled(ContainerView("s", ContainerKind.SIDECAR, state=ContainerState.RUNNING)), True),
    ],
)
def test_is_pending(pod, pending):
    assert is_pending(pod) is pending


@pytest.mark.parametrize(
    ("pod", "needed"),
    [
        (make_pod(), True),
        (unscheduled(), False),
        (make_pod(conditions=(Condition("Ready", "False"),)), True),
        (make_pod(node="node-1"), True),
        (scheduled(), True),
        (scheduled(main("waiting", "ContainerCreating")), True),
        (scheduled(main("waiting", "ErrImagePull")), False),
        (
            scheduled(
                main("waiting", "PodInitializing"),
                ContainerView("i", ContainerKind.INIT, "", ContainerState.WAITING, "ErrImagePull"),
            ),
            False,
        ),
        (running(), False),
    ],
)
def test_needs_events(pod, needed):
    assert needs_events(pod) is needed


def test_running_phase_without_containers_has_no_cause():
    assert classify(scheduled(phase="Running")) is None


def test_event_of_a_scheduled_pod_is_the_detail():
    mount = event("FailedMount", "timed out waiting for the condition")
    cause = classify(scheduled(main("waiting", "ContainerCreating"), resource_version="9"), (mount,))
    assert (cause.code, cause.scheduled, cause.revision) == (Code.MOUNT, True, "9")
    assert cause.detail == "FailedMount: timed out waiting for the condition"


SECRET = event(
    "FailedToRetrieveImagePullSecret",
    "Unable to retrieve some image pull secrets (regcred); attempting to pull the image may not succeed.",
)


@pytest.mark.parametrize(
    ("message", "events", "code"),
    [
        (NOT_FOUND, (SECRET,), Code.IMAGE_PULL_SECRET_MISSING),
        ("401 Unauthorized", (SECRET,), Code.IMAGE_PULL_SECRET_MISSING),
        (NOT_FOUND, (), Code.IMAGE_NOT_FOUND),
        # the registry was not even asked
        ("dial tcp 1.2.3.4:5000: connect: connection refused", (SECRET,), Code.IMAGE_PULL_TRANSIENT),
    ],
)
def test_missing_pull_secret_is_named(message, events, code):
    cause = classify(scheduled(main("waiting", "ErrImagePull", message)), events)
    assert cause.code is code
    named = cause.detail.startswith(
        "FailedToRetrieveImagePullSecret: Unable to retrieve some image pull secrets (regcred)"
    )
    assert named == (code is Code.IMAGE_PULL_SECRET_MISSING)
    assert message in cause.detail


PROXY = ContainerView("proxy", ContainerKind.SIDECAR_INIT, state=ContainerState.RUNNING)
UNHEALTHY = event("Unhealthy", "Startup probe failed: HTTP probe failed with statuscode: 503")
RESTARTS = event("Killing", "Container proxy failed startup probe, will be restarted", 2, "Normal")


@pytest.mark.parametrize(
    ("events", "detail"),
    [
        (
            (UNHEALTHY,),
            "sidecar proxy has not started: Startup probe failed: HTTP probe failed with statuscode: 503",
        ),
        (
            (UNHEALTHY, RESTARTS, event("Started", "Container started", 3, "Normal")),
            "sidecar proxy has not started: Container proxy failed startup probe, will be restarted: Startup probe failed: HTTP probe failed with statuscode: 503",
        ),
    ],
)
def test_probe_of_a_native_sidecar_that_holds_the_job_is_named(events, detail):
    cause = classify(scheduled(PROXY, main("waiting", "PodInitializing")), events)
    assert (cause.code, cause.detail) == (Code.INITIALIZING, detail)


def test_native_sidecar_without_a_failed_probe_holds_nothing():
    pod = scheduled(PROXY, main("waiting", "PodInitializing"))
    assert classify(pod).code is Code.CREATING
    assert classify(pod, (event("Unhealthy", "Readiness probe failed: x"),)).code is Code.CREATING


def test_crash_loop_names_the_probe_that_kills():
    proxy = replace(PROXY, state=ContainerState.WAITING, reason="CrashLoopBackOff", restarts=3)
    cause = classify(scheduled(proxy, main("waiting", "PodInitializing")), (UNHEALTHY, RESTARTS))
    assert cause.code is Code.CRASH_LOOP
    assert "Container proxy failed startup probe" in cause.detail
    native = replace(RESTARTS, message="Init container proxy failed startup probe", container="proxy")
    cause = classify(scheduled(proxy, main("waiting", "PodInitializing")), (UNHEALTHY, native))
    assert "Init container proxy failed startup probe: Startup probe failed" in cause.detail
    other = replace(proxy, name="logger")
    cause = classify(scheduled(other, main("waiting", "PodInitializing")), (UNHEALTHY, RESTARTS))
    assert "probe" not in cause.detail
