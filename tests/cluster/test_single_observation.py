"""What one look says on a real cluster: how much of a clock is left by its time stamps, and of a refused launch."""

from __future__ import annotations

import json
import time
from datetime import datetime, timedelta, timezone

import pytest

from tests.cluster.conftest import kubectl

pytestmark = pytest.mark.cluster


def until(ask, seconds=30.0):
    """Return the first answer that is not empty."""
    end = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < end
        time.sleep(0.5)
    return answer


@pytest.fixture
def pending(fljob, namespace):
    """Return a function that launches a job and returns a function which returns what `status` says of its wait."""
    made = []

    def launch(folder):
        words = ("launch", str(folder), "--site", "site-1", "-n", namespace, "-o", "json", "--", "true")
        made.append(json.loads(fljob(*words, check=0).stdout)["release"])

        def status(code):
            row = json.loads(fljob("status", made[-1], "-n", namespace, "-o", "json", check=0).stdout)
            found = row["pending"]
            return found if found and found["code"] == code and found["action"] != "FAIL" else None

        return made[-1], status

    yield launch
    for release in made:
        fljob("terminate", release, "-n", namespace, check=0)


def seconds(found, one, other):
    """Return the seconds between two moments of a JSON."""
    return (datetime.fromisoformat(found[other]) - datetime.fromisoformat(found[one])).total_seconds()


def test_a_job_that_nobody_watches_shows_its_clock_by_the_clusters_stamps(
    fljob, job_folder, namespace, pending, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fljob.yaml").write_text("autoscaler: none\n")
    release, status = pending(job_folder(cpu="64"))
    first = until(lambda: status("ImpossibleRequest"))
    assert (first["timing"], first["clock"]) == ("cluster", "timeouts.impossible")
    assert 0 < seconds(first, "since", "deadline") <= 31
    time.sleep(5)
    later = status("ImpossibleRequest")
    assert abs(seconds({"a": first["since"], "b": later["since"]}, "a", "b")) <= 1
    assert abs(seconds({"a": first["deadline"], "b": later["deadline"]}, "a", "b")) <= 1
    assert " s left by the cluster's clock)" in fljob("status", release, "-n", namespace, check=0).stdout
    # Long over, and still there: nobody waits for it, and one look ends no job.
    end = datetime.fromisoformat(later["deadline"])
    time.sleep(max(0.0, (end - datetime.now(end.tzinfo)).total_seconds()) + 3)
    assert status("ImpossibleRequest")
    out = fljob("status", release, "-n", namespace, check=0).stdout
    assert "(timeouts.impossible: run out by the cluster's clock)" in out
    assert kubectl("get", "pod", "-n", namespace, "-o", "name") != ""


def test_an_image_that_is_missing_is_dated_by_its_first_event(job_folder, pending, image):
    _, status = pending(job_folder(image=image.rpartition(":")[0] + ":no-such-tag"))
    first = until(lambda: status("ImageNotFound"), 60)
    assert (first["timing"], first["clock"]) == ("cluster", "timeouts.pull_permanent")
    time.sleep(8)
    later = status("ImageNotFound")
    assert abs(seconds({"a": first["since"], "b": later["since"]}, "a", "b")) <= 1


def test_a_queue_does_not_count_as_a_shortage(job_folder, namespace, pending, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    gated = {"pod": {"spec": {"schedulingGates": [{"name": "test.example/hold"}]}}}
    (tmp_path / "fljob.yaml").write_text(json.dumps({"values": gated}))
    _, status = pending(job_folder(cpu="64"))
    assert until(lambda: status("SchedulingGated"))["timing"] == "cluster"
    time.sleep(12)
    pod = kubectl("get", "pod", "-n", namespace, "-o", "name").strip()
    lifted = datetime.now(timezone.utc)
    patch = json.dumps([{"op": "remove", "path": "/spec/schedulingGates"}])
    kubectl("patch", pod, "-n", namespace, "--type=json", "-p", patch)
    found = until(lambda: status("NodesTooSmall"))
    assert found["timing"] == "cluster"
    # The cluster's stamps have whole seconds; the pod is older by more than ten.
    assert datetime.fromisoformat(found["since"]) > lifted - timedelta(seconds=3)


def test_a_launch_that_is_refused_leaves_its_diagnosis(fljob, job_folder, namespace, tmp_path):
    kubectl("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
    words = ("launch", str(job_folder()), "--site", "site-1", "-n", namespace, "--wait")
    done = fljob(*words, "--diagnose", str(tmp_path / "why"), "--", "true", check=7)
    files = {path.name: path.read_text() for path in (tmp_path / "why").iterdir()}
    assert f"diagnosis in {tmp_path / 'why'}: AdmissionDenied: " in done.stderr
    assert files["cause.txt"].startswith("AdmissionDenied: ")
    assert "runAsNonRoot" in files["cause.txt"]
    assert "reference: " in files["values.yaml"]
    assert "pod.yaml: not asked for: the launch was refused" in files["missing.txt"]
