"""Waiting reasons and messages of containers: which code."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launcher.core.catalogue import STARTING, Code
from launcher.core.pending.containers import NOT_A_CAUSE, waiting_code
from launcher.core.views import ContainerState
from tests.messages import WAITING
from tests.recorded import recordings


@pytest.mark.parametrize(("reason", "message", "code"), WAITING)
def test_waiting_code(reason, message, code):
    assert waiting_code(reason, message) is code


# Recordings whose events tell more than the container.
BY_EVENTS = {"image-pull-secret-missing": Code.IMAGE_AUTH}
RECORDED = [
    (recording.name, container, recording.code)
    for recording in recordings()
    if recording.error is None
    for container in recording.pod.containers
    if container.state is ContainerState.WAITING and container.reason not in NOT_A_CAUSE
]


@pytest.mark.parametrize(("name", "container", "code"), RECORDED, ids=[row[0] for row in RECORDED])
def test_waiting_code_of_recorded_containers(name, container, code):
    assert waiting_code(container.reason, container.message) is BY_EVENTS.get(name, code)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        # all of them say "not found"
        ("unexpected media type text/html for sha256:0123: not found", Code.IMAGE_PULL_TRANSIENT),
        ("no match for platform in manifest: not found", Code.IMAGE_PLATFORM),
        ("401 Unauthorized: repository r/x: not found", Code.IMAGE_AUTH),
        ("r/x: not found", Code.IMAGE_NOT_FOUND),
        ("NAME UNKNOWN: repository name not known to registry", Code.IMAGE_NOT_FOUND),
        ("", Code.IMAGE_PULL_TRANSIENT),
    ],
)
@pytest.mark.parametrize("reason", ["ErrImagePull", "ImagePullBackOff"])
def test_first_matching_row_decides(reason, message, code):
    assert waiting_code(reason, message) is code


@pytest.mark.parametrize("reason", sorted(NOT_A_CAUSE))
def test_reasons_of_every_start_have_no_row(reason):
    assert waiting_code(reason, "secret not found") is Code.UNCLASSIFIED


@given(st.sampled_from([reason for reason, *_ in WAITING]) | st.text(), st.text())
def test_any_reason_and_message_have_a_code(reason, message):
    assert waiting_code(reason, message) in STARTING
