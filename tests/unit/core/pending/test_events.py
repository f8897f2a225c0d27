"""Warning events: which code, and which event counts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from launcher.core.catalogue import Code
from launcher.core.pending.classify import classify, needs_events
from launcher.core.pending.events import failure_code
from launcher.core.views import PodEvent
from tests.fakes import START, main, scheduled


def event(reason, message, seconds=1, kind="Warning"):
    return PodEvent(reason, message, kind, START + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("events", "code"),
    [
        (
            [event("FailedMount", 'MountVolume.SetUp failed for volume "x" : secret "nope" not found')],
            Code.MISSING_REF,
        ),
        ([event("FailedMount", "timed out waiting for the condition")], Code.MOUNT),
        ([event("FailedAttachVolume", 'Multi-Attach error for volume "pvc-1"')], Code.VOLUME_BUSY),
        ([event("FailedCreatePodSandBox", "plugin type=bridge failed")], Code.NETWORK_NOT_READY),
        ([event("NetworkNotReady", "cni config uninitialized")], Code.NETWORK_NOT_READY),
        ([event("FailedSync", "error determining status: DeadlineExceeded")], Code.NETWORK_NOT_READY),
        ([event("BackOff", "Back-off pulling image")], Code.CREATING),
        ([event("FailedMount", "x", 1), event("Pulling", "", 2, "Normal")], Code.CREATING),
        ([event("FailedMount", "of an older pod", -5)], Code.CREATING),
        ([event("FailedMount", "x", kind="Normal")], Code.CREATING),
    ],
)
def test_events_of_volumes_and_sandbox(events, code):
    pod = scheduled(main("waiting", "ContainerCreating"))
    assert needs_events(pod)
    assert classify(pod, tuple(events)).code is code


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (
            'Failed to pull image "r/x:1": failed to do request: Head "http://r": connection refused',
            Code.IMAGE_PULL_TRANSIENT,
        ),
        (
            'Failed to pull image "r/x:1": rpc error: code = NotFound desc = x: not found',
            Code.IMAGE_NOT_FOUND,
        ),
        ("Error: ErrImagePull", None),
        ('Error: secret "no-such" not found', Code.MISSING_REF),
        ("Error: container has runAsNonRoot and image will run as root", Code.CONTAINER_CONFIG),
        (
            'Error: failed to create containerd task: ... exec: "/nope": stat /nope: no such file or directory',
            Code.BAD_COMMAND,
        ),
    ],
)
def test_failure_code(message, code):
    assert failure_code(PodEvent("Failed", message, "Warning")) is code
