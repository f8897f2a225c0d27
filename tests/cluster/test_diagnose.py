"""The diagnosis of real jobs: complete, without credentials, and also when parts of it cannot be had."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
import yaml

from launcher.core.rights import Right
from tests.cluster.accounts import account, granted
from tests.cluster.conftest import kubectl

pytestmark = pytest.mark.cluster

SECRET, LITERAL, PLAIN = "canary-secret-11", "canary-literal-22", "plain-value-33"
PROXY = "echo proxying; test -e /s/x && touch /s/again && exec sleep 600; touch /s/x; exit 1"
SCRIPT = "echo from the job; echo with $MY_TOKEN; echo and $HF_TOKEN; exit 7"


@pytest.fixture
def launch(fljob, job_folder, namespace, image, cluster_env, monkeypatch, tmp_path):
    """Return a function that launches a job with an init container, a native sidecar and credentials."""
    monkeypatch.setitem(cluster_env, "MY_TOKEN", SECRET)
    values = {
        "env": [{"name": "HF_TOKEN", "value": LITERAL}, {"name": "SETTING", "value": PLAIN}],
        "extra": {
            "initContainers": [
                {"name": "fetch", "image": image, "command": ["sh", "-c", f"echo fetched; echo {LITERAL}"]},
                {
                    "name": "proxy",
                    "image": image,
                    "restartPolicy": "Always",
                    # Ends once and is started again, so that it has a previous log.
                    "command": ["sh", "-c", PROXY],
                    "volumeMounts": [{"name": "state", "mountPath": "/s"}],
                },
            ],
            "containers": [
                {"name": "side", "image": image, "command": ["sh", "-c", "echo beside; exec sleep 600"]}
            ],
            "volumes": [{"name": "state", "emptyDir": {}}],
            "volumeMounts": [{"name": "state", "mountPath": "/s"}],
        },
    }
    (tmp_path / "fljob.yaml").write_text(yaml.safe_dump({"values": values}))

    def run(script, *options, code=0, **k8s):
        given = ("--site", "site-1", "-n", namespace, "--config", str(tmp_path / "fljob.yaml"), "-o", "json")
        args = ("launch", str(job_folder(**k8s)), *given, "--secret-env", "MY_TOKEN", *options)
        return fljob(*args, "--", "sh", "-c", script, check=code)

    return run


def read(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def no_canary(files, *more):
    return [
        name for name, text in {**files, **dict(enumerate(more))}.items() if SECRET in text or LITERAL in text
    ] == []


def status_until(fljob, release, namespace, check):
    end = time.monotonic() + 120
    while True:
        row = json.loads(fljob("status", release, "-n", namespace, "-o", "json", check=0).stdout)
        if check(row):
            return row
        assert time.monotonic() < end, row
        time.sleep(0.3)


def test_a_failed_job_leaves_a_complete_diagnosis_before_it_is_removed(launch, fljob, namespace, tmp_path):
    # The job waits until the sidecar has been started again, which takes the kubelet as long as it takes.
    script = "until test -e /s/again; do sleep 1; done; sleep 3; " + SCRIPT
    done = launch(script, "--wait", "--diagnose", str(tmp_path / "why"), code=9)
    files = read(tmp_path / "why")
    names = {name for name in files if name.startswith("logs/")}
    job = yaml.safe_load(files["pod.yaml"])["spec"]["containers"][0]["name"]
    containers = ("fetch", "proxy", job, "side")
    assert names == {f"logs/{name}{kind}.log" for name in containers for kind in ("", ".previous")}
    assert files[f"logs/{job}.log"] == "from the job\nwith ***\nand ***\n"
    assert files["logs/fetch.log"] == "fetched\n***\n"
    assert files["logs/proxy.log"] == "proxying\n"
    assert files["logs/proxy.previous.log"] == "proxying\n"
    assert files["logs/side.log"] == "beside\n"
    assert files["cause.txt"].startswith("AppError: The job process failed. exit code 7")
    assert "missing.txt" not in files, files["missing.txt"]
    assert {"Scheduled", "Started"} <= {event["reason"] for event in yaml.safe_load(files["events.yaml"])}
    assert "exit code 7" in files["conditions.txt"]
    pod = yaml.safe_load(files["pod.yaml"])
    env = {one["name"]: one for one in pod["spec"]["containers"][0]["env"]}
    assert env["HF_TOKEN"]["value"] == "***"
    assert env["SETTING"]["value"] == PLAIN
    assert "secretKeyRef" in env["MY_TOKEN"]["valueFrom"]
    assert json.loads(files["helm-status.json"])["status"] == "deployed"
    assert yaml.safe_load(files["values.yaml"])["job"]["site"] == "site-1"
    assert json.loads(files["status.json"])["outcome"]["exitCode"] == 7
    assert "diagnosis in" in done.stderr
    assert no_canary(files, done.stdout, done.stderr)
    # A sidecar still ran, so the release went after the diagnosis had been written.
    assert kubectl("get", "pod", "-n", namespace, "-o", "name") == ""


@pytest.mark.smoke
def test_a_running_job_is_diagnosed_from_another_process(launch, fljob, namespace, tmp_path):
    release = json.loads(launch("echo with $MY_TOKEN; echo and $HF_TOKEN; exec sleep 600").stdout)["release"]
    status_until(fljob, release, namespace, lambda row: row["state"] == "RUNNING")
    done = fljob("diagnose", release, "-n", namespace, "-o", str(tmp_path / "why"), "--tail", "1", check=0)
    files = read(tmp_path / "why")
    (log,) = (text for name, text in files.items() if name.startswith("logs/") and "and ***" in text)
    assert log == "and ***\n"
    assert files["cause.txt"] == "Running: the job runs.\n"
    assert done.stdout.splitlines()[0] == "Running: the job runs."
    assert no_canary(files, done.stdout, done.stderr)
    again = fljob("diagnose", release, "-n", namespace, "-o", str(tmp_path / "why"), check=2)
    assert "is not empty" in again.stderr
    fljob("terminate", release, "-n", namespace, check=0)


def test_a_pod_that_never_started(launch, fljob, namespace, tmp_path):
    release = json.loads(launch("true", cpu="64").stdout)["release"]
    row = status_until(
        fljob, release, namespace, lambda row: row["pending"] and "cpu" in row["pending"]["detail"]
    )
    assert row["pending"]["cure"]
    assert row["pending"]["clock"]
    text = fljob("status", release, "-n", namespace, check=0).stdout
    assert "s left by the cluster's clock)" in text
    assert "cure: " in text
    fljob("diagnose", release, "-n", namespace, "-o", str(tmp_path / "why"), check=0)
    files = read(tmp_path / "why")
    assert files["cause.txt"].startswith(f"{row['pending']['code']}: ")
    assert "Insufficient cpu" in files["cause.txt"]
    assert "FailedScheduling" in files["events.txt"]
    logs = [line for line in files["missing.txt"].splitlines() if line.startswith("logs/")]
    assert len(logs) == 4
    assert no_canary(files)
    fljob("terminate", release, "-n", namespace, check=0)


def test_an_image_that_cannot_be_pulled_is_diagnosed_before_it_is_removed(launch, namespace, image, tmp_path):
    (tmp_path / "fljob.yaml").write_text("timeouts: {pull_permanent: 2}\n")
    wrong = image.rpartition("@")[0].rpartition(":")[0] or image.rpartition(":")[0]
    done = launch(
        "true", "--wait", "--diagnose", str(tmp_path / "why"), image=f"{wrong}:no-such-tag", code=101
    )
    files = read(tmp_path / "why")
    assert files["cause.txt"].startswith("ImageNotFound: "), done.stderr
    assert "Failed" in files["events.txt"]
    assert "pod.yaml" not in files["missing.txt"]
    assert kubectl("get", "pod", "-n", namespace, "-o", "name") == ""


def test_a_pod_that_somebody_deleted(launch, fljob, namespace, tmp_path):
    made = json.loads(launch("exec sleep 600").stdout)
    kubectl("delete", "pod", made["pod"], "-n", namespace, "--grace-period=0", "--force")
    fljob("diagnose", made["release"], "-n", namespace, "-o", str(tmp_path / "why"), check=0)
    files = read(tmp_path / "why")
    assert files["cause.txt"].startswith("DeletedExternally: ")
    assert "pod.yaml: there is no pod" in files["missing.txt"]
    assert yaml.safe_load(files["values.yaml"])["job"]["site"] == "site-1"
    assert no_canary(files)
    fljob("terminate", made["release"], "-n", namespace, check=0)
    fljob("diagnose", made["release"], "-n", namespace, "-o", str(tmp_path / "gone"), check=3)


def test_rights_that_are_missing_are_named(launch, fljob, namespace, tmp_path):
    release = json.loads(launch("exec sleep 600").stdout)["release"]
    blind = {Right("pods", "get"), Right("pods", "list")}
    account(namespace, blind, tmp_path / "looker.yaml", "looker")
    given = ("-n", namespace, "--kubeconfig", str(tmp_path / "looker.yaml"), "-o")

    def named(folder, *parts):
        done = fljob("diagnose", release, *given, str(folder), check=0)
        files = read(folder)
        assert "Traceback" not in done.stderr
        assert release in files["status.json"]
        for part, right in parts:
            lines = files["missing.txt"].splitlines()
            assert any(part in line and right in line for line in lines), files["missing.txt"]
        assert yaml.safe_load(files["pod.yaml"])["kind"] == "Pod"
        assert no_canary(files)

    withheld = ("events", "withheld"), ("logs/", "withheld"), ("logs/", "get secrets")
    named(tmp_path / "blind", ("values.yaml", "secrets"), ("mask", "get secrets"), *withheld)
    granted(namespace, blind | {Right("secrets", "get"), Right("secrets", "list")}, "looker")
    named(tmp_path / "unmasked", ("events", "list events"), ("logs/", "get pods/log"))
    fljob("terminate", release, "-n", namespace, check=0)


def test_events_are_followed_until_the_end(launch, fljob, namespace):
    # Long enough for an event that comes late: kubelet and scheduler write them behind their own backs. They are
    # printed as they come, and in the order of their times afterwards.
    release = json.loads(launch("sleep 10; exit 3").stdout)["release"]
    done = fljob("events", release, "-n", namespace, "-f", "-o", "json", check=0)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    reasons = [row["reason"] for row in rows]
    assert "Started" in reasons
    assert reasons.count("Scheduled") == 1
    rows = json.loads(fljob("events", release, "-n", namespace, "-o", "json", check=0).stdout)
    assert rows[0]["reason"] == "Scheduled"
    assert "Scheduled" in fljob("events", release, "-n", namespace, check=0).stdout
    fljob("terminate", release, "-n", namespace, check=0)
