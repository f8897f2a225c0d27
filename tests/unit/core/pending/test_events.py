"""Warning events: which code, and which event counts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from launcher.core.catalogue import Code
from launcher.core.pending.classify import classify, needs_events
from launcher.core.pending.events import event_code, failure_code, last_words, newest_warning
from launcher.core.views import PodEvent
from tests.fakes import START, main, scheduled
from tests.messages import EVENTS
from tests.recorded import recordings


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
        ([event("FailedSync", "error determining status: DeadlineExceeded")], Code.SANDBOX),
        *(([event(reason, text)], code) for reason, text, code in EVENTS),
        ([event("BackOff", "Back-off pulling image")], Code.CREATING),
        ([event("FailedMount", "x", 1), event("Pulling", "", 2, "Normal")], Code.CREATING),
        ([event("FailedMount", "by a clock that is behind", -600)], Code.MOUNT),
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


RECORDED = [
    (recording.name, one, recording.code)
    for recording in recordings()
    if recording.error is None and recording.pod.node
    for one in recording.events
    if event_code(one) is not None
]


@pytest.mark.parametrize(("name", "recorded", "code"), RECORDED, ids=[row[0] for row in RECORDED])
def test_event_code_of_recorded_events(name, recorded, code):
    assert event_code(recorded) is code


def test_every_code_of_an_event_is_recorded():
    assert {code for *_, code in RECORDED} == {
        Code.DEVICES_NOT_READY,
        Code.MISSING_REF,
        Code.MOUNT,
        Code.NETWORK_NOT_READY,
        Code.SANDBOX,
        Code.SANDBOX_CONFIG,
        Code.VOLUME_BUSY,
        Code.VOLUME_CONFIG,
    }


@pytest.mark.parametrize(
    "other",
    [
        event("FailedMount", 'secret "x" not found', kind="Normal"),
        event("BackOff", "Back-off pulling image"),
        event("Unhealthy", "Readiness probe failed"),
        event("FailedScheduling", "1 Insufficient cpu"),
        event("", ""),
    ],
)
def test_other_events_have_no_code(other):
    assert event_code(other) is None


MOUNT, ATTACH = event("FailedMount", "timed out", 1), event("FailedAttachVolume", "timed out", 2)


@pytest.mark.parametrize(
    ("events", "newest"),
    [
        ((), None),
        ((MOUNT, ATTACH), ATTACH),
        ((MOUNT, event("BackOff", "x", 2)), MOUNT),
        *(
            ((MOUNT, event(done, "", 2, "Normal")), None)
            for done in ("Pulling", "Pulled", "Created", "Started")
        ),
        ((MOUNT, event("Scheduled", "", 2, "Normal")), MOUNT),
        ((MOUNT, event("Pulled", "", 2)), MOUNT),
        ((MOUNT, event("Pulled", "", 2, "Normal"), ATTACH), ATTACH),
        ((event("FailedMount", "x", -1),), None),
        ((PodEvent("FailedMount", "x", "Warning", None),), PodEvent("FailedMount", "x", "Warning", None)),
    ],
)
def test_newest_warning(events, newest):
    assert newest_warning(events, START) == (None if newest is None else (newest, Code.MOUNT))


def test_warning_of_an_earlier_pod_counts_while_the_creation_is_unknown():
    old = event("FailedMount", "x", -1)
    assert newest_warning([old], None) == (old, Code.MOUNT)


@pytest.mark.parametrize(
    ("events", "text"),
    [
        ((), ""),
        ((event("Scheduled", "Successfully assigned"),), ""),
        ((event("Pulling", ""),), ""),
        ((MOUNT,), "; last event: FailedMount: timed out"),
        (
            (MOUNT, event("Pulling", "Pulling image", 2), event("Scheduled", "x", 3)),
            "; last event: Pulling: Pulling image",
        ),
    ],
)
def test_last_words(events, text):
    assert last_words(events, "the pod is being prepared") == text


def test_last_words_do_not_repeat_what_is_known():
    assert last_words([MOUNT], "FailedMount: timed out") == ""


@pytest.mark.parametrize("reason", ["BackOff", "FailedMount", ""])
def test_only_failed_events_repeat_a_waiting_reason(reason):
    assert failure_code(event(reason, "Failed to pull image: not found")) is None
