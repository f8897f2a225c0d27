"""A job that answers SIGTERM has its grace period, and no longer: what a kubelet does between SIGTERM and SIGKILL."""

from __future__ import annotations

import subprocess
import time

import pytest

from launcher.core.lifecycle.state import JobState
from launcher.errors import InvalidInput
from launcher.usecases.service import Service
from tests.cluster.conftest import kubectl

pytestmark = pytest.mark.cluster

NEEDS = 30
# PID 1 of a container hears only the signals that it handles; `wait` lets the shell handle one at once.
SLOW = (
    f"trap 'sleep {NEEDS}; echo has finished; exit 0' TERM; echo is ready; while :; do sleep 600 & wait; done"
)


@pytest.fixture
def slow(launch, namespace):
    """Return a function that launches a job which needs half a minute to stop, and follows its log."""
    followers = []

    def run(**k8s):
        handle = launch(SLOW, **k8s)
        while handle.track.state is not JobState.RUNNING:
            handle.wait(timeout=0.2)
        words = ["kubectl", "logs", "-f", "-n", namespace, handle.job.pod_name]
        followers.append(subprocess.Popen(words, stdout=subprocess.PIPE, text=True))
        assert followers[-1].stdout.readline().strip() == "is ready"
        return handle, followers[-1]

    yield run
    for process in followers:
        process.kill()
        process.communicate()


def test_a_handler_that_needs_half_a_minute_finishes(slow, gone):
    handle, log = slow(grace_period=90)
    begin = time.monotonic()
    handle.terminate()
    assert NEEDS <= time.monotonic() - begin < 90
    assert "has finished" in log.communicate(timeout=60)[0]
    gone(handle)


def test_a_grace_period_can_be_shortened_and_not_prolonged(slow, gone, world, namespace):
    handle, log = slow(grace_period=60)
    service = Service(world, handle._policy, lambda spec: {})
    with pytest.raises(InvalidInput, match="at most 60"):
        service.terminate(handle.job.release, namespace, grace=61)
    assert kubectl("get", "pod", handle.job.pod_name, "-n", namespace, "-o", "name")
    begin = time.monotonic()
    service.terminate(handle.job.release, namespace, grace=1)
    assert time.monotonic() - begin < NEEDS
    assert "has finished" not in log.communicate(timeout=60)[0]
    gone(handle)
