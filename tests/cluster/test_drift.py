"""``fljob diff JOB`` on a real cluster: what is drift and who did it, and what is none."""

from __future__ import annotations

import json

import pytest

from launcher.core.names import LABEL_JOB_ID, LABEL_ROLE
from launcher.core.rights import Right
from tests.cluster.accounts import account
from tests.cluster.conftest import happens, kubectl

pytestmark = pytest.mark.cluster

HELD = {"values": {"pod": {"spec": {"schedulingGates": [{"name": "test.example/hold"}]}}}}


@pytest.fixture
def launched(fljob, job_folder, namespace, tmp_path):
    """Return a function that launches a job which sleeps, and returns its JSON."""

    def launch(config=None, **k8s):
        (tmp_path / "fljob.yaml").write_text(json.dumps(config or {}))
        folder = job_folder(**k8s)
        options = (
            "--site",
            "site-1",
            "-n",
            namespace,
            "--config",
            str(tmp_path / "fljob.yaml"),
            "-o",
            "json",
        )
        job = json.loads(fljob("launch", str(folder), *options, "--", "sleep", "600", check=0).stdout)
        return {**job, "folder": str(folder), "config": str(tmp_path / "fljob.yaml")}

    return launch


@pytest.fixture
def drift(fljob, namespace):
    """Return a function that compares a job, and holds `status` to the same answer: (exit code, JSON)."""

    def ask(job, *more):
        done = fljob("diff", job["release"], *more, "-n", namespace, "-o", "json")
        assert done.returncode in {0, 1}, done.stderr
        found = json.loads(done.stdout)
        status = json.loads(fljob("status", job["release"], "-n", namespace, "-o", "json", check=0).stdout)
        assert status["drift"]["drifted"] is found["drifted"]
        return done.returncode, found

    return ask


def pod_of(found):
    return next(one for one in found["objects"] if one["kind"] == "Pod")


def managers(findings):
    return [by["manager"] for one in findings for by in one["by"]]


def first_container(job, namespace):
    return kubectl("get", "pod", job["pod"], "-n", namespace, "-o", "jsonpath={.spec.containers[0].name}")


def test_what_people_do_to_a_pod(launched, drift, fljob, namespace):
    job = launched()
    pod = (job["pod"], "-n", namespace)
    assert drift(job) == (0, drift(job)[1])
    assert pod_of(drift(job)[1]) == {
        "kind": "Pod",
        "name": job["pod"],
        "state": "same",
        "changes": [],
        "notes": [],
    }
    kubectl("annotate", "pod", *pod, "someone.example/note=hello")
    code, found = drift(job)
    assert (code, [one["why"] for one in pod_of(found)["notes"]]) == (0, ["added"])
    assert managers(pod_of(found)["notes"]) == ["kubectl-annotate"]
    kubectl("label", "pod", *pod, "--overwrite", f"{LABEL_ROLE}=server")
    code, found = drift(job)
    assert (code, managers(pod_of(found)["changes"])) == (1, ["kubectl-label"])
    kubectl("label", "pod", *pod, "--overwrite", f"{LABEL_ROLE}=client")
    assert drift(job)[0] == 0  # whoever did it: it is as it was
    kubectl(
        "set",
        "image",
        "pod",
        job["pod"],
        "-n",
        namespace,
        f"{first_container(job, namespace)}=none.invalid/b:2",
    )
    code, found = drift(job)
    assert (code, managers(pod_of(found)["changes"])) == (1, ["kubectl-set"])
    text = fljob("diff", job["release"], "-n", namespace)
    assert '+spec.containers[<job>].image: "none.invalid/b:2"' in text.stdout
    kubectl("delete", "pod", *pod, "--grace-period=0", "--force")
    assert happens(lambda: not kubectl("get", "pods", "-n", namespace, "-o", "name"), 60)
    gone = fljob("diff", job["release"], "-n", namespace)
    assert (gone.returncode, f"Pod/{job['pod']} is gone" in gone.stdout) == (1, True)
    fljob("terminate", job["release"], "-n", namespace, check=0)
    assert fljob("diff", job["release"], "-n", namespace).returncode == 3


def test_a_queue_and_a_resize_are_no_drift(launched, drift, fljob, namespace):
    job = launched(HELD, cpu="200m")
    pod = (job["pod"], "-n", namespace)
    tolerations = json.loads(kubectl("get", "pod", *pod, "-o", "json"))["spec"].get("tolerations", [])
    admitted = {
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [*tolerations, {"key": "queue.example/flavor", "operator": "Exists"}],
        "schedulingGates": None,
    }
    kubectl("patch", "pod", *pod, "--type", "merge", "-p", json.dumps({"spec": admitted}))
    kubectl("wait", "pod", *pod, "--for=condition=Ready", "--timeout=60s")
    code, found = drift(job)
    assert (code, [one["why"] for one in pod_of(found)["notes"]]) == (0, ["gate removed", "added"])
    assert any("schedulingGates" in why for why in found["notAsked"].values())  # a dry run is refused
    less = {"requests": {"cpu": "100m"}, "limits": {"cpu": "100m"}}
    resized = {"spec": {"containers": [{"name": first_container(job, namespace), "resources": less}]}}
    kubectl("patch", "pod", *pod, "--subresource", "resize", "-p", json.dumps(resized))
    code, found = drift(job)
    notes = {one["why"]: one for one in pod_of(found)["notes"]}
    assert code == 0
    assert notes["resized"]["by"][0]["subresource"] == "resize"
    fljob("terminate", job["release"], "-n", namespace, check=0)


def test_what_would_be_installed_now(launched, drift, fljob, namespace, tmp_path):
    job = launched()
    same = drift(job, job["folder"], "--config", job["config"])
    assert (same[0], same[1]["now"]["same"]) == (0, True)
    (tmp_path / "new.yaml").write_text(json.dumps({"values": {"pod": {"spec": {"hostNetwork": True}}}}))
    code, found = drift(job, job["folder"], "--config", str(tmp_path / "new.yaml"))
    assert (code, found["drifted"], found["now"]["same"]) == (1, False, False)
    assert "spec.hostNetwork" in json.dumps(found["now"])
    fljob("terminate", job["release"], "-n", namespace, check=0)


def test_who_may_only_read_is_told_the_same(launched, fljob, namespace, tmp_path):
    """Without the right to patch, fields are compared one by one; without the right to look it is an error."""
    job = launched()
    reading = [Right(kind, verb) for kind in ("pods", "secrets") for verb in ("get", "list", "watch")]
    account(namespace, reading, tmp_path / "reader")
    done = fljob(
        "diff", job["release"], "-n", namespace, "-o", "json", "--kubeconfig", str(tmp_path / "reader")
    )
    assert done.returncode == 0, done.stderr
    assert "cannot patch" in json.dumps(json.loads(done.stdout)["notAsked"])
    account(namespace, [right for right in reading if right.resource != "pods"], tmp_path / "blind")
    blind = fljob("diff", job["release"], "-n", namespace, "--kubeconfig", str(tmp_path / "blind"))
    assert (blind.returncode, blind.stdout) == (6, "")
    fljob("terminate", job["release"], "-n", namespace, check=0)


def test_a_foreign_release_is_not_compared(launched, fljob, namespace):
    job = launched()
    record = f"sh.helm.release.v1.{job['release']}.v1"
    kubectl("label", "secret", record, "-n", namespace, f"{LABEL_JOB_ID}-")
    done = fljob("diff", job["release"], "-n", namespace)
    assert (done.returncode, done.stdout) == (4, "")
    assert "foreign: " in done.stderr
    kubectl("label", "secret", record, "-n", namespace, f"{LABEL_JOB_ID}={job['jobId']}")
    fljob("terminate", job["release"], "-n", namespace, check=0)
