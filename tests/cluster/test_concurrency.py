"""What others do to a job: launch it at the same moment, hold up its removal, start a parent beside it."""

from __future__ import annotations

import json
import threading
import time
import uuid

import pytest

from launcher.core.views import Presence
from launcher.errors import Conflict, LauncherError
from tests.cluster.conftest import TOLD, broken_webhook, kubectl, tell
from tests.cluster.flare_parent import Parent

pytestmark = pytest.mark.cluster

WITHIN = 120.0


def until(check):
    end = time.monotonic() + WITHIN
    while not check():
        assert time.monotonic() < end, f"not within {WITHIN:.0f} s"
        time.sleep(0.1)


def until_running(world, handle):
    def phase():
        seen = world.pods.get(handle.job.pod_name, handle.job.namespace).value
        return seen.phase if seen else ""

    until(lambda: phase() == "Running")


@pytest.mark.parametrize("after", [0.0, 0.15, 0.4, 1.0])
def test_of_launches_of_one_job_one_wins_and_the_others_leave_it_alone(launch, gone, namespace, world, after):
    job_id, handles, refused = str(uuid.uuid4()), [], []

    def go(pause):
        time.sleep(pause)
        try:
            handles.append(launch(TOLD, secret={"TOKEN": b"x"}, job_id=job_id, patient=False))
        except Conflict as error:
            refused.append(error)

    threads = [threading.Thread(target=go, args=(number * after,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WITHIN)
    assert (len(handles), len(refused)) == (1, 2)
    until_running(world, handles[0])
    tell(handles[0].job.pod_name, namespace)
    assert handles[0].wait(WITHIN).succeeded
    gone(handles[0])


@pytest.fixture
def closed(namespace):
    """A webhook without anybody behind it refuses to let pods of the namespace be deleted; return how it heals."""
    kubectl("apply", "-f", "-", stdin=json.dumps(broken_webhook(namespace, "DELETE")))

    def heal():
        kubectl("delete", "validatingwebhookconfiguration", namespace, "--ignore-not-found")

    yield heal
    heal()


def test_a_removal_that_a_webhook_holds_up_goes_through_when_it_has_healed(
    launch, gone, namespace, world, closed
):
    handle = launch("sleep 300", secret={"TOKEN": b"x"})
    until_running(world, handle)
    ends = threading.Thread(target=_terminate, args=(handle,))
    ends.start()
    ends.join(5)
    assert ends.is_alive()
    assert kubectl("get", "pod", "-n", namespace, "-o", "jsonpath={.items[*].status.phase}") == "Running"
    closed()
    ends.join(WITHIN)
    assert not ends.is_alive()
    gone(handle)


def _terminate(handle):
    try:
        handle.terminate()
    except LauncherError:  # it goes on in the background
        handle.close(WITHIN)


def test_a_new_parent_removes_what_its_predecessor_left_and_nothing_of_others(
    launch, tmp_path, namespace, image, world
):
    by_hand = launch("sleep 300")
    other = Parent(tmp_path / "other", namespace, image)
    (tmp_path / "other/startup/rootCA.pem").write_text("another authority")
    first, second = (Parent(tmp_path / name, namespace, image) for name in ("first", "second"))
    stays, goes = other.launch("sleep 300"), first.launch("sleep 300")
    until_running(world, by_hand)
    second.start()
    until(lambda: world.releases.status(goes.handle.job.release, namespace).presence is Presence.ABSENT)
    time.sleep(3)
    assert goes.poll() == 127  # the end of it is the second parent's to tell
    for job in (stays.handle.job, by_hand.job):
        assert world.releases.status(job.release, namespace).presence is Presence.FOUND
        assert world.pods.get(job.pod_name, namespace).value.deleted is None
    stays.terminate()
    by_hand.terminate()
    for parent in (other, first, second):
        parent.close()
