"""Jobs that stay after their end for as long as `retention` says, and who removes them then."""

from __future__ import annotations

import json
import time
from functools import partial

import pytest

from launcher.core.names import LABEL_JOB_ID
from tests.cluster.conftest import happens, kubectl
from tests.cluster.flare_parent import Parent

pytestmark = pytest.mark.cluster

until = partial(happens, seconds=90.0)


def pods(namespace):
    """Return name -> phase of the jobs' pods."""
    template = '{range .items[*]}{.metadata.name}={.status.phase}{"\\n"}{end}'
    found = kubectl("get", "pod", "-n", namespace, "-l", LABEL_JOB_ID, "-o", f"jsonpath={template}")
    return dict(line.split("=") for line in found.split())


def secrets(namespace):
    return kubectl("get", "secret", "-n", namespace, "-l", f"{LABEL_JOB_ID},owner!=helm", "-o", "name")


@pytest.fixture
def site(tmp_path):
    """Return a function that writes fljob.yaml with a retention and returns the options that use it."""

    def write(**retention):
        path = tmp_path / "fljob.yaml"
        path.write_text(json.dumps({"site": "site-1", "retention": retention}))
        return "--config", str(path)

    return write


def test_gc_removes_what_was_kept_for_long_enough(fljob, job_folder, namespace, site):
    # The good one last, and for long enough that a busy machine comes to the first `gc` before its time is over.
    here = (*site(succeeded=60, failed=3600), "-n", namespace)
    for job, script in (("bad", "exit 7"), ("ok", "true")):
        words = ("launch", str(job_folder()), *here, "--job-id", job, "--wait", "--", "sh", "-c", script)
        assert "kept, as `retention` says" in fljob(*words).stderr
    assert set(pods(namespace).values()) <= {"Succeeded", "Failed", "Running"}
    assert len(pods(namespace)) == 2
    gc = fljob("gc", *here, "--older-than", "0s", check=0)
    assert "nothing to remove" in gc.stderr
    assert happens(lambda: "removed" in fljob("gc", *here, check=0).stdout, seconds=150, pause=3)
    assert [row["jobId"] for row in json.loads(fljob("list", *here, "-o", "json", check=0).stdout)] == ["bad"]
    # Kept, it gives way to a launch of the same id.
    again = fljob("launch", str(job_folder()), *here, "--job-id", "bad", "--", "sleep", "600", check=0)
    assert "launched" in again.stdout
    fljob("terminate", "bad", *here, check=0)


@pytest.fixture
def parent(tmp_path, namespace, image):
    """Return a function that starts a FLARE parent of a site with a retention."""
    made = []

    def start(**retention):
        one = Parent(tmp_path / "workspace", namespace, image)
        (tmp_path / "workspace" / "fljob").mkdir(exist_ok=True)
        (tmp_path / "workspace" / "fljob" / "fljob.yaml").write_text(json.dumps({"retention": retention}))
        made.append(one)
        return one

    yield start
    for one in made:
        one.close()


def test_a_flare_parent_keeps_a_failed_pod_and_removes_it_when_its_time_is_over(parent, namespace):
    one = parent(failed=25, keep=5)
    handle = one.launch("echo the cause; exit 7")
    handle.wait()
    begin = time.monotonic()
    assert handle.poll() == 9
    assert until(lambda: secrets(namespace) == "")
    assert until(lambda: list(pods(namespace).values()) == ["Failed"])
    handle.terminate()
    [name] = pods(namespace)
    assert "the cause" in kubectl("logs", "-n", namespace, name)
    assert until(lambda: not pods(namespace))
    assert time.monotonic() - begin > 15
    assert until(lambda: kubectl("get", "secret", "-n", namespace, "-l", "owner=helm", "-o", "name") == "")


def test_a_new_parent_leaves_what_its_predecessor_has_kept_and_takes_the_duty_over(parent, namespace):
    old = parent(failed=60)
    old.launch("exit 7").wait()
    assert until(lambda: secrets(namespace) == "")
    reported = []
    new = parent(failed=60)
    new.start()
    new.launcher._orphans.report = lambda *job: reported.append(job)
    swept = time.monotonic()
    while time.monotonic() - swept < 10:  # its sweep has come and gone
        assert pods(namespace)
        time.sleep(0.5)
    assert until(lambda: not pods(namespace))
    assert reported == []
    assert until(lambda: kubectl("get", "secret", "-n", namespace, "-l", "owner=helm", "-o", "name") == "")


def test_of_too_many_the_oldest_goes(parent, namespace):
    one = parent(failed=3600, keep=1)
    for job in ("first", "second"):
        one.job = job
        one.launch("exit 7").wait()
    assert until(
        lambda: [name for name in pods(namespace) if name.startswith("second")] == list(pods(namespace))
    )
    one.job = "second"
    again = one.launch("sleep 600")
    again.terminate()
    assert until(lambda: not pods(namespace))
