"""FLARE's entry point on the real cluster: threads, aborts at every moment, a parent that is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial

import pytest
from nvflare.private.fed.client.client_executor import _PendingJobHandle

from launcher.core.names import LABEL_JOB_ID
from launcher.core.views import Presence
from tests.cluster.conftest import ROOT, happens, kubectl, runs_helm
from tests.cluster.flare_parent import Parent

pytestmark = pytest.mark.cluster

IMPOSSIBLE = {"cpu": "999", "cpu_request": "999"}
SECONDS = 120.0
until = partial(happens, seconds=SECONDS, pause=0.05)


@pytest.fixture
def parent(tmp_path, namespace, image):
    """A parent; nothing of its jobs may be left at the end (the namespace looks)."""
    made = Parent(tmp_path / "workspace", namespace, image)
    yield made
    assert made.transfer is None
    made.close()


@pytest.fixture
def left(world, namespace):
    """Return a function that names the pods, per-job Secrets and releases that are there."""

    def look():
        pods = [pod.name for pod in world.pods.list(namespace)]
        releases = kubectl("get", "secret", "-n", namespace, "-l", "owner=helm", "-o", "name").split()
        return [*pods, *world.secrets.list(namespace), *releases]

    return look


def together(*calls):
    """Run functions at the same moment, each on a thread; return what they returned."""
    gate, found = threading.Barrier(len(calls)), {}

    def run(number, call):
        gate.wait()
        found[number] = call()

    threads = [threading.Thread(target=run, args=item) for item in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
        assert not thread.is_alive()
    assert len(found) == len(calls), "a call raised"
    return [found[number] for number in range(len(calls))]


def is_running(parent, namespace):
    phases = kubectl(
        "get", "pod", "-n", namespace, "-l", LABEL_JOB_ID, "-o", "jsonpath={.items[*].status.phase}"
    )
    return phases == "Running"


def test_launch_does_not_wait_for_a_pod_that_cannot_run(parent, namespace, left):
    handle = parent.launch(**IMPOSSIBLE)
    assert handle.poll() == 127
    assert not is_running(parent, namespace)
    waiter = threading.Thread(target=handle.wait)
    waiter.start()
    handle.terminate()
    waiter.join(SECONDS)
    assert not waiter.is_alive()
    assert handle.poll() == 9
    assert left() == []


def test_two_terminates_at_once(parent, namespace, left):
    handle = parent.launch("sleep 300")
    assert until(lambda: is_running(parent, namespace))
    together(handle.terminate, handle.terminate)
    assert left() == []
    handle.wait()
    assert handle.poll() == 9


def test_two_threads_wait_for_the_same_end(parent, left):
    handle = parent.launch("sleep 2; exit 103")
    together(handle.wait, handle.wait)
    assert handle.poll() == 103
    assert until(lambda: left() == [])


def test_terminates_and_waits_at_once(parent, left):
    handle = parent.launch("sleep 300")
    together(
        handle.wait, handle.terminate, handle.wait, handle.terminate, handle._terminate_for_heartbeat_cleanup
    )
    assert handle.poll() == 9
    assert until(lambda: left() == [])


@pytest.mark.smoke
def test_terminate_after_success_keeps_the_code(parent, left):
    handle = parent.launch("true")
    handle.wait()
    assert handle.poll() == 0
    together(handle.terminate, handle.terminate)
    assert handle.poll() == 0
    assert left() == []


def aborted_at_once(pending, _):
    pending.terminate()


def aborted_while_helm_installs(pending, left):
    assert until(left, pause=0.005)
    pending.terminate()


def aborted_as_soon_as_there_is_a_handle(pending, _):
    assert until(lambda: pending.poll() is not None, pause=0.0)
    pending.terminate()


ABORTS = (aborted_at_once, aborted_while_helm_installs, aborted_as_soon_as_there_is_a_handle)


@pytest.mark.parametrize("abort", ABORTS, ids=lambda abort: abort.__name__)
def test_an_abort_while_a_launch_is_under_way_ends_with_no_release(parent, left, abort):
    """FLARE's client keeps an abort until ``launch_job`` returns, then terminates: its own code does so here."""
    pending = _PendingJobHandle()
    aborter = threading.Thread(target=abort, args=(pending, left))
    aborter.start()
    handle = parent.launch("sleep 300")
    if pending.attach(handle) is not None:
        handle.terminate()
    aborter.join(SECONDS)
    assert not aborter.is_alive()
    pending.wait()
    assert pending.poll() == 9
    assert left() == []


def has_secret(world, namespace):
    return world.secrets.list(namespace)


def has_helm(_, namespace):
    return runs_helm(namespace)


def has_release(_, namespace):
    return kubectl("get", "secret", "-n", namespace, "-l", "owner=helm", "-o", "name")


@pytest.mark.parametrize("moment", [has_secret, has_helm, has_release], ids=lambda moment: moment.__name__)
def test_the_next_parent_takes_away_what_a_killed_one_left(tmp_path, namespace, image, world, left, moment):
    command = [sys.executable, "-m", "tests.cluster.flare_parent", str(tmp_path / "first"), namespace, image]
    first = subprocess.Popen(command, cwd=ROOT)
    try:
        assert until(lambda: first.poll() is not None or moment(world, namespace), pause=0.001)
        assert first.poll() is None
    finally:
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
    time.sleep(3)  # a request that was under way arrives
    assert left() != []
    second = Parent(tmp_path / "second", namespace, image)
    second.start()
    assert until(lambda: left() == []), left()
    second.close()
    for one in kubectl("get", "secret", "-n", namespace, "-o", "name").split():
        assert "cred" not in one


def test_the_next_parent_leaves_its_own_jobs_alone(tmp_path, namespace, image, left, world):
    """Its first launch may come while it still looks for what its predecessor left."""
    first = Parent(tmp_path / "first", namespace, image)
    old = first.launch("sleep 300")
    second = Parent(tmp_path / "second", namespace, image)
    second.start()
    handle = second.launch("sleep 300")
    assert until(lambda: world.releases.status(old.handle.job.release, namespace).presence is Presence.ABSENT)
    assert handle.poll() == 127
    assert old.poll() == 127  # its parent lives, but it is not the one that acts
    handle.terminate()
    assert until(lambda: left() == [])  # the pod of the first has its grace period
    first.close()
    second.close()
