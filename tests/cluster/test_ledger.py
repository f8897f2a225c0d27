"""What a shell that waits for a job has measured of it, as another shell reads it from Helm's record."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import datetime
from functools import partial

import pytest

from launcher.core.lifecycle.ledger import RUNNING
from launcher.core.names import ANNOTATION_LEDGER, LABEL_JOB_ID
from launcher.errors import Conflict
from tests.cluster.conftest import happens, kubectl, meta

pytestmark = pytest.mark.cluster

until = partial(happens, seconds=120.0)
# Nobody wakes a shell for the note of another one: it waits for its turn.
NOTED_WITHIN = 60.0
QUEUE = "Preempted to accommodate a workload due to prioritization in the ClusterQueue"


@pytest.fixture
def waiter(tmp_path, namespace, cluster_env):
    """Return a function that starts a shell of its own that waits for a job."""
    started = []

    def start(*words):
        command = [sys.executable, "-m", "launcher", words[0], "-n", namespace, *words[1:]]
        with (tmp_path / f"log{len(started)}").open("wb") as log:
            started.append(subprocess.Popen(command, env=cluster_env, stdout=log, stderr=log))
        return started[-1], tmp_path / f"log{len(started) - 1}"

    yield start
    for one in started:
        one.kill()
        one.wait(60)


@pytest.fixture
def status(fljob, namespace):
    """Return a function that returns what `fljob status` says of the job."""
    return lambda: json.loads(fljob("status", "led", "-n", namespace, "-o", "json", check=0).stdout)


def annotation(namespace):
    """Return the note in Helm's record, empty where there is none."""
    found = json.loads(kubectl("get", "secret", "-n", namespace, "-l", "owner=helm", "-o", "json"))["items"]
    return found[0]["metadata"].get("annotations", {}).get(ANNOTATION_LEDGER, "") if found else ""


def pod(namespace):
    return kubectl("get", "pod", "-n", namespace, "-l", LABEL_JOB_ID, "-o", "name").strip()


def span(ledger):
    """Return the seconds between launch and the last second that was counted, and the sum of the parts."""
    begun, end = (datetime.fromisoformat(ledger[key]) for key in ("launched", "until"))
    return (end - begun).total_seconds(), sum(ledger["seconds"].values())


def test_the_end_that_a_waiter_found_is_the_end_in_every_shell(
    waiter, status, fljob, namespace, image, tmp_path
):
    (tmp_path / "meta.json").write_text(json.dumps(meta(image)))
    words = ("launch", str(tmp_path / "meta.json"), "--site", "site-1", "--job-id", "led", "--wait")
    shell, log = waiter(*words, "--", "sleep", "600")
    assert until(lambda: pod(namespace) and status()["state"] == "RUNNING"), log.read_text()
    # As Kueue does: it says why, and deletes the pod.
    condition = {"type": "TerminationTarget", "status": "True", "reason": "Preempted", "message": QUEUE}
    patch = json.dumps({"status": {"conditions": [condition]}})
    kubectl("patch", pod(namespace), "-n", namespace, "--subresource=status", "-p", patch)
    kubectl("delete", pod(namespace), "-n", namespace, "--grace-period=1")
    assert shell.wait(120) == 104, log.read_text()
    assert "QueuePreempted" in log.read_text()
    (listed,) = json.loads(fljob("list", "-n", namespace, "-o", "json", check=0).stdout)
    for shown in (listed, status()):
        assert (shown["outcome"]["code"], shown["outcome"]["returnCode"]) == ("QueuePreempted", 104)
        assert (shown["site"], shown["jobId"], shown["state"]) == ("site-1", "led", "FAILED")
        assert QUEUE in shown["outcome"]["detail"]
        assert shown["pod"] is None
    whole, parts = span(status()["ledger"])
    assert parts == pytest.approx(whole, abs=1.0)
    again = fljob("wait", "led", "-n", namespace)
    assert (again.returncode, "QueuePreempted" in again.stdout + again.stderr) == (104, True)
    bundle = tmp_path / "bundle"
    fljob("diagnose", "led", "-n", namespace, "-o", str(bundle), check=0)
    assert (bundle / "cause.txt").read_text().startswith("QueuePreempted")
    assert json.loads((bundle / "status.json").read_text())["ledger"]["seconds"]
    assert 200 < len(annotation(namespace)) < 1200
    fljob("terminate", "led", "-n", namespace, check=0)


@pytest.fixture
def labelled(workers, namespace):
    """Return a function that labels a node with the name of the namespace; the label goes afterwards."""
    node = workers[0]["metadata"]["name"]
    yield lambda: kubectl("label", "node", node, f"ledger={namespace}", "--overwrite")
    kubectl("label", "node", node, "ledger-")


def test_the_parts_are_the_time_since_the_launch_also_when_the_waiter_was_killed(
    waiter, status, fljob, namespace, image, tmp_path, labelled
):
    (tmp_path / "meta.json").write_text(json.dumps(meta(image)))
    values = tmp_path / "fljob.yaml"
    values.write_text(json.dumps({"values": {"pod": {"spec": {"nodeSelector": {"ledger": namespace}}}}}))
    words = ("launch", str(tmp_path / "meta.json"), "--site", "site-1", "--job-id", "led", "--wait")
    begun = time.monotonic()
    shell, log = waiter(*words, "--config", str(values), "--", "sh", "-c", "sleep 12; exit 3")
    assert until(lambda: shell.poll() is not None or "NoMatchingNode" in annotation(namespace)), (
        log.read_text()
    )
    assert shell.poll() is None, log.read_text()
    first = status()
    assert (first["pending"]["code"], first["pending"]["timing"]) == ("NoMatchingNode", "noted")
    shell.kill()
    shell.wait(60)
    whole, parts = span(status()["ledger"])
    assert parts == pytest.approx(whole, abs=1.0)
    second, log = waiter("wait", "led", "--config", str(values))
    labelled()
    waited = time.monotonic() - begun
    # The job runs for twelve seconds and fails, which keeps its release.
    assert second.wait(120) != 0, log.read_text()
    lasted = time.monotonic() - begun
    ledger = status()["ledger"]
    whole, parts = span(ledger)
    assert parts == pytest.approx(whole, abs=1.0)
    assert ledger["cause"] == ""
    # The launch itself is part of the test's time and not of the job's.
    assert ledger["seconds"]["NoMatchingNode"] == pytest.approx(waited, abs=12)
    # Seen to run a moment later; the kubelet gives whole seconds.
    assert 8 <= ledger["seconds"][RUNNING] <= 30
    assert whole <= lasted
    shown = fljob("status", "led", "-n", namespace, check=0).stdout
    assert "NoMatchingNode" in shown.partition("time:")[2]
    fljob("terminate", "led", "-n", namespace, check=0)


def test_a_note_goes_only_into_the_record_of_its_own_pod(launch, gone, world, namespace):
    """Who still waits for a job that was launched again under its name writes nothing over the new one's."""
    handle = launch("sleep 600")
    note = partial(world.releases.note_ledger, handle.job.release, namespace)
    note("mine", handle.job.uid or handle.track.pod.uid)
    with pytest.raises(Conflict, match="is not that of pod another"):
        note("another's", "another")
    assert annotation(namespace) == "mine"
    handle.terminate()
    gone(handle)
