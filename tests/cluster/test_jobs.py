"""Jobs on a real cluster: what a handle does with them, and that nothing is left (states: test_matrix.py)."""

from __future__ import annotations

import threading
import time
import uuid

import pytest

from launcher.core.catalogue import Code
from launcher.core.catalogue.returncodes import ReturnCode
from launcher.core.lifecycle.state import JobState
from launcher.core.pending.clocks import Action
from launcher.core.spec.site import PendingPolicy
from launcher.errors import Conflict
from tests.cluster.conftest import kubectl

pytestmark = pytest.mark.cluster

CANARY = "canary-0815"
STRICT = PendingPolicy.STRICT


def until(handle, check, seconds=120.0):
    """Wait until a condition holds for the track."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        handle.wait(timeout=0.2)
        if check(handle.track):
            return handle.track
    raise AssertionError(f"not within {seconds} s: {handle.track}")


def test_success_takes_everything_away_by_itself(launch, gone):
    handle = launch("true", secret={"TOKEN": CANARY.encode()})
    assert handle.wait(timeout=60).succeeded
    gone(handle)


@pytest.mark.smoke
def test_failure_keeps_the_release_and_drops_the_credentials(launch, gone, namespace):
    handle = launch("exit 1", secret={"TOKEN": CANARY.encode()})
    assert handle.wait(timeout=60).code is Code.APP_ERROR
    handle.close(30)
    assert kubectl("get", "secret", "-n", namespace, "-o", "name").split() == [
        f"secret/sh.helm.release.v1.{handle.job.release}.v1"
    ]
    handle.terminate()
    gone(handle)


def test_a_secret_reaches_the_job_and_nothing_else(launch, gone, world, namespace):
    handle = launch("test ${#TOKEN} = 11 && sleep 600", secret={"TOKEN": CANARY.encode()})
    until(handle, lambda track: track.state is JobState.RUNNING)
    time.sleep(0.5)
    assert handle.track.outcome is None
    assert CANARY not in kubectl("get", "pod", "-n", namespace, "-o", "yaml")
    assert CANARY not in str(world.releases.status(handle.job.release, namespace))
    owner = kubectl(
        "get",
        "secret",
        handle.job.credential_secret,
        "-n",
        namespace,
        "-o",
        "jsonpath={.metadata.ownerReferences[0].name}",
    )
    assert owner == handle.job.pod_name
    handle.terminate()
    gone(handle)


NODE_SELECTOR = {"pod": {"spec": {"nodeSelector": {"no-such": "label"}}}}
MISSING_KEY = {"env": [{"name": "X", "valueFrom": {"secretKeyRef": {"name": "no-such", "key": "x"}}}]}
LONELY = {
    "pod": {
        "spec": {
            "affinity": {
                "podAffinity": {
                    "requiredDuringSchedulingIgnoredDuringExecution": [
                        {
                            "topologyKey": "kubernetes.io/hostname",
                            "labelSelector": {"matchLabels": {"no": "pod"}},
                        }
                    ]
                }
            }
        }
    }
}
GATED = {"pod": {"spec": {"schedulingGates": [{"name": "example.com/queue"}]}}}
REFUSED = "localhost:1/fljob:1"

STRICTLY = [
    ("shortage of CPU", {"cpu": "64", "pending_timeout": 1}, Code.INSUFFICIENT_RESOURCES),
    ("node selector", {"values": NODE_SELECTOR}, Code.NO_MATCHING_NODE),
    ("registry down", {"image": REFUSED}, Code.IMAGE_PULL_TRANSIENT),
    ("missing secret key", {"values": MISSING_KEY}, Code.MISSING_REF),
]


@pytest.mark.parametrize(("options", "code"), [row[1:] for row in STRICTLY], ids=[row[0] for row in STRICTLY])
def test_strict_fails_at_first_sight_with_flares_code(launch, gone, options, code):
    handle = launch(policy=STRICT, **options)
    outcome = handle.wait(timeout=60)
    assert (outcome.code, outcome.return_code) == (code, 101)
    gone(handle)


@pytest.mark.parametrize(
    ("options", "action", "code"),
    [
        ({"values": LONELY, "pending_timeout": None}, Action.WAIT_FOR_RESOURCES, Code.POD_CONSTRAINT),
        ({"values": GATED}, Action.QUEUED, Code.SCHEDULING_GATED),
    ],
)
def test_what_may_wait_for_ever_does_until_it_is_terminated(launch, gone, options, action, code):
    handle = launch(**options)
    track = until(handle, lambda t: t.verdict is not None and t.verdict.code is code)
    assert (track.verdict.action, track.verdict.deadline) == (action, None)
    waiter = threading.Thread(target=handle.wait)
    waiter.start()
    handle.terminate()
    waiter.join(30)
    assert not waiter.is_alive()
    assert handle.poll() is ReturnCode.ABORTED
    gone(handle)


@pytest.mark.parametrize("state", ["just launched", "running", "ended"])
def test_terminate_in_every_state_from_many_threads(launch, gone, state):
    handle = launch("exit 3" if state == "ended" else "sleep 600", secret={"TOKEN": CANARY.encode()})
    if state == "running":
        until(handle, lambda track: track.state is JobState.RUNNING)
    if state == "ended":
        handle.wait(timeout=60)
    outcomes = []
    threads = [threading.Thread(target=lambda: outcomes.append(handle.wait())) for _ in range(2)]
    threads += [threading.Thread(target=handle.terminate) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert {outcome.code for outcome in outcomes} == {Code.APP_ERROR if state == "ended" else Code.TERMINATED}
    assert handle.poll() is ReturnCode.ABORTED
    gone(handle)


def test_a_relaunch_of_a_live_job_is_refused_and_of_a_dead_one_counted(launch, gone, world, namespace):
    job_id = str(uuid.uuid4())
    first = launch("sleep 600", job_id=job_id)
    with pytest.raises(Conflict, match="already running"):
        launch("true", job_id=job_id)
    kubectl("delete", "pod", first.job.pod_name, "-n", namespace, "--grace-period=0", "--force")
    second = launch("exit 5", job_id=job_id)
    assert second.wait(timeout=60).exit_code == 5
    third = launch("sleep 60", job_id=job_id)
    assert third.job.attempt == 2
    assert second.poll() is ReturnCode.ABORTED
    third.terminate()
    gone(third)


def test_jobs_at_once_share_one_watch(launch, gone, world, kube):
    handles = [launch("sleep 600") for _ in range(3)]
    for handle in handles:
        until(handle, lambda track: track.state is JobState.RUNNING)
    before, start = kube.requests, time.monotonic()
    waiters = [threading.Thread(target=handle.wait, args=(12,)) for handle in handles]
    for waiter in waiters:
        waiter.start()
    for waiter in waiters:
        waiter.join()
    # Two watches, of pods and of events, are renewed every six seconds; a poll would ask twice a second for each job.
    assert kube.requests - before <= 2 * (time.monotonic() - start) / 6 + 4
    for handle in handles:
        handle.terminate()
    for handle in handles:
        gone(handle)
