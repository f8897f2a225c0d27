"""Jobs on a real cluster: provoked state -> code, return code; and whatever happens, nothing is left."""

from __future__ import annotations

import os
import threading
import time
import uuid

import pytest

from launcher.core.catalogue import Code
from launcher.core.lifecycle import JobState
from launcher.core.patience import Action
from launcher.core.returncodes import ReturnCode
from launcher.core.site import PendingPolicy
from launcher.errors import Conflict
from tests.cluster.conftest import kubectl

pytestmark = pytest.mark.cluster

CANARY = "canary-0815"
STRICT = PendingPolicy.STRICT


def until(handle, check, seconds=30.0):
    """Wait until a condition holds for the track."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        handle.wait(timeout=0.2)
        if check(handle.track):
            return handle.track
    raise AssertionError(f"not within {seconds} s: {handle.track}")


ENDS = [
    ("true", {}, Code.SUCCESS, 0, 0),
    ("exit 7", {}, Code.APP_ERROR, 9, 7),
    ("exit 103", {}, Code.APP_CODE, 103, 103),
    ("tail /dev/zero", {}, Code.OOM_KILLED, 104, 137),
    (
        "sleep 60",
        {"values": {"pod": {"spec": {"activeDeadlineSeconds": 2}}}},
        Code.DEADLINE_EXCEEDED,
        104,
        None,
    ),
]


@pytest.mark.parametrize(("command", "options", "code", "return_code", "exit_code"), ENDS)
def test_an_end_is_named(launch, gone, command, options, code, return_code, exit_code):
    handle = launch(command, **options)
    outcome = handle.wait(timeout=60)
    assert (outcome.code, outcome.return_code) == (code, return_code)
    if exit_code is not None:
        assert outcome.exit_code == exit_code
    assert handle.poll() == return_code
    handle.terminate()
    gone(handle)


def test_success_takes_everything_away_by_itself(launch, gone):
    handle = launch("true", secret={"TOKEN": CANARY.encode()})
    assert handle.wait(timeout=60).succeeded
    gone(handle)


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
    handle = launch("test ${#TOKEN} = 11 && sleep 60", secret={"TOKEN": CANARY.encode()})
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
MISSING_VOLUME = {"secretMounts": {"secret-x": {"secretName": "no-such", "mountPath": "/x"}}}
MISSING_CLAIM = {"datasets": {"data-x": {"claimName": "no-such", "mountPath": "/x", "readOnly": True}}}
SLOW_INIT = {"extra": {"initContainers": [{"name": "slow", "command": ["sleep", "60"]}]}}
GATED = {"pod": {"spec": {"schedulingGates": [{"name": "example.com/queue"}]}}}
NOWHERE = f"{os.environ.get('FLJOB_REGISTRY', 'localhost:5001')}/no-such-image:1"
REFUSED = "localhost:1/fljob:1"
GPU = {"num_of_gpus": 1, "pending_timeout": 1}

PENDING = [
    ("shortage of CPU", {"cpu": "64", "pending_timeout": 1}, Code.INSUFFICIENT_RESOURCES, 104),
    ("shortage, no patience", {"cpu": "64", "pending_timeout": 0}, Code.INSUFFICIENT_RESOURCES, 104),
    ("no GPU", GPU, Code.INSUFFICIENT_RESOURCES, 104),
    ("node selector", {"values": NODE_SELECTOR}, Code.NO_MATCHING_NODE, 101),
    ("missing claim", {"values": MISSING_CLAIM}, Code.PVC_MISSING, 101),
    ("missing image", {"image": NOWHERE}, Code.IMAGE_NOT_FOUND, 101),
    ("registry down", {"image": REFUSED}, Code.IMAGE_PULL_TRANSIENT, 104),
    ("bad image name", {"image": "Not/Valid:1"}, Code.IMAGE_NAME_INVALID, 101),
    (
        "never pulled",
        {"image": NOWHERE, "values": {"image": {"pullPolicy": "Never"}}},
        Code.IMAGE_NEVER_PULL,
        101,
    ),
    ("missing secret key", {"values": MISSING_KEY}, Code.MISSING_REF, 101),
    ("missing secret volume", {"values": MISSING_VOLUME}, Code.MISSING_REF, 101),
    ("root is refused", {"values": {"podSecurity": "restricted"}}, Code.CONTAINER_CONFIG, 101),
    ("start timeout", {"values": SLOW_INIT}, Code.START_TIMEOUT, 104),
    ("launch timeout", {"cpu": "64", "pending_timeout": None, "timeout": 2}, Code.LAUNCH_TIMEOUT, 104),
]


def prepared(options, image):
    """Return options in which the init container has the image of the test."""
    values = options.get("values")
    if values is SLOW_INIT:
        return {
            **options,
            "values": {
                "extra": {"initContainers": [{**SLOW_INIT["extra"]["initContainers"][0], "image": image}]}
            },
        }
    return options


@pytest.mark.parametrize(
    ("options", "code", "return_code"), [row[1:] for row in PENDING], ids=[row[0] for row in PENDING]
)
def test_a_pod_that_cannot_start_ends_with_its_cause(launch, gone, image, options, code, return_code):
    handle = launch(**prepared(options, image))
    outcome = handle.wait(timeout=90)
    assert (outcome.code, outcome.return_code) == (code, return_code)
    assert outcome.exit_code is None
    assert handle.track.state is JobState.FAILED
    gone(handle)


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
        ({"cpu": "64", "pending_timeout": None}, Action.WAIT_FOR_RESOURCES, Code.INSUFFICIENT_RESOURCES),
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
    waiter.join(5)
    assert not waiter.is_alive()
    assert handle.poll() is ReturnCode.ABORTED
    gone(handle)


def test_a_cause_that_heals_is_waited_for(launch, gone, namespace):
    handle = launch(values={"pod": {"spec": {"nodeSelector": {f"test/{namespace}": "yes"}}}}, timeout=60)
    until(handle, lambda t: t.verdict is not None and t.verdict.code is Code.NO_MATCHING_NODE)
    node = kubectl("get", "node", "-o", "name", "-l", "!node-role.kubernetes.io/control-plane,!type").split()[
        0
    ]
    kubectl("label", node, f"test/{namespace}=yes")
    try:
        assert handle.wait(timeout=60).succeeded
    finally:
        kubectl("label", node, f"test/{namespace}-")
    gone(handle)


@pytest.mark.parametrize("grace", ["0", "1"])
def test_a_pod_that_somebody_else_deletes_is_named(launch, gone, namespace, grace):
    handle = launch("sleep 60")
    until(handle, lambda track: track.state is JobState.RUNNING)
    kubectl(
        "delete",
        "pod",
        handle.job.pod_name,
        "-n",
        namespace,
        f"--grace-period={grace}",
        *(["--force"] if grace == "0" else []),
        "--wait=false",
    )
    outcome = handle.wait(timeout=60)
    assert (outcome.code, outcome.return_code) == (Code.DELETED_EXTERNALLY, 104)
    handle.terminate()
    gone(handle)


@pytest.mark.parametrize("state", ["just launched", "running", "ended"])
def test_terminate_in_every_state_from_many_threads(launch, gone, state):
    handle = launch("exit 3" if state == "ended" else "sleep 60", secret={"TOKEN": CANARY.encode()})
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
    first = launch("sleep 60", job_id=job_id)
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


def test_two_jobs_at_once_share_one_watch(launch, gone, world, kube):
    handles = [launch("sleep 2") for _ in range(3)]
    for handle in handles:
        handle.wait(timeout=0.1)
    before = kube.requests
    assert [handle.wait(timeout=60).code for handle in handles] == [Code.SUCCESS] * 3
    # One look at events while the pods are prepared, one uninstall check each; no poll.
    assert kube.requests - before < 12 * len(handles)
    for handle in handles:
        gone(handle)
