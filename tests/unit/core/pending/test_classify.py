"""Why a pod is not running: pods and events in, causes out."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from launcher.core.catalogue import STARTING, UNSCHEDULED, Code
from launcher.core.pending.classify import classify
from launcher.core.views import ContainerKind, ContainerState, ContainerView, PodEvent
from tests.fakes import START, main, make_pod, running, scheduled, unscheduled
from tests.messages import NOT_FOUND, SCHEDULER, WAITING


def test_every_pending_code_has_a_message_or_another_source():
    named = {code for _, code in SCHEDULER} | {code for *_, code in WAITING}
    otherwise = {
        Code.SCHEDULING_GATED, Code.NO_SCHEDULER, Code.UNKNOWN_PHASE, Code.CREATING, Code.INITIALIZING,
        Code.MOUNT, Code.VOLUME_BUSY, Code.NETWORK_NOT_READY, Code.START_TIMEOUT, Code.LAUNCH_TIMEOUT,
        Code.SCALING_UP, Code.SCALE_UP_REFUSED, Code.NOMINATED, Code.IMPOSSIBLE_REQUEST,  # test_hints.py
    }  # fmt: skip
    assert named | otherwise == {*UNSCHEDULED, *STARTING}


@pytest.mark.parametrize(
    ("pod", "code"),
    [
        (make_pod(), Code.NO_SCHEDULER),
        (make_pod(phase=""), Code.NO_SCHEDULER),
        (unscheduled("", "SchedulingGated"), Code.SCHEDULING_GATED),
        (unscheduled("", "SchedulerError"), Code.NO_SCHEDULER),
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


def event(reason, message, seconds=1, kind="Warning"):
    return PodEvent(reason, message, kind, START + timedelta(seconds=seconds))


def test_latest_scheduling_event_decides_without_condition():
    events = (
        event("FailedScheduling", "1 Insufficient cpu", 1),
        event("FailedScheduling", "didn't match Pod's node affinity/selector", 2),
    )
    assert classify(make_pod(), events).code is Code.NO_MATCHING_NODE
