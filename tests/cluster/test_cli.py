"""The command line as a program, on a real cluster."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from launcher.core.rights import Right
from tests.cluster.accounts import account, granted
from tests.cluster.conftest import OOM, TOLD, kubectl, tell

pytestmark = pytest.mark.cluster


@pytest.fixture
def start(cluster_env):
    """Return a function that starts `fljob` and does not wait for it."""

    def run(*args: str, **env: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "launcher", *args]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(command, env={**cluster_env, **env}, text=True, **pipes)

    return run


def launch_args(folder, namespace, *options):
    return ("launch", str(folder), "--site", "site-1", "-n", namespace, *options, "--")


@pytest.mark.parametrize(
    ("script", "code", "word"),
    [("true", 0, "SUCCEEDED"), ("exit 7", 9, "AppError"), (OOM, 104, "OOMKilled")],
)
def test_launch_and_wait_exits_with_the_return_code(fljob, job_folder, namespace, script, code, word):
    done = fljob(*launch_args(job_folder(), namespace, "--wait"), "sh", "-c", script, check=code)
    assert word in done.stdout
    for row in json.loads(fljob("list", "-n", namespace, "-o", "json", check=0).stdout):
        fljob("terminate", row["release"], "-n", namespace, check=0)


@pytest.mark.smoke
def test_a_job_from_launch_to_the_end(fljob, job_folder, namespace):
    made = json.loads(
        fljob(
            *launch_args(job_folder(), namespace, "-o", "json"),
            "sh",
            "-c",
            "echo hello; sleep 3; exit 5",
            check=0,
        ).stdout
    )
    release = made["release"]
    assert [
        row["release"] for row in json.loads(fljob("list", "-n", namespace, "-o", "json", check=0).stdout)
    ] == [release]
    assert fljob("logs", release, "-n", namespace, "-f", check=None).returncode in (
        0,
        7,
    )  # 7: still being created
    done = fljob("wait", release, "-n", namespace, "-o", "json", check=9)
    assert json.loads(done.stdout)["outcome"] == {
        "code": "AppError", "returnCode": 9, "exitCode": 5, "detail": "exit code 5",
        "summary": "The job process failed.", "cure": "read the job's log",
    }  # fmt: skip
    assert fljob("logs", release, "-n", namespace, check=0).stdout == "hello\n"
    row = json.loads(fljob("status", release, "-n", namespace, "-o", "json", check=0).stdout)
    assert (row["state"], row["pod"]["name"], row["jobId"]) == ("FAILED", made["pod"], made["jobId"])
    fljob("gc", "-n", namespace, "--older-than", "0s", check=0)
    fljob("status", release, "-n", namespace, check=3)


def test_a_shortage_is_shown_and_terminated(fljob, job_folder, namespace):
    args = launch_args(job_folder(cpu="64"), namespace, "-o", "json")
    release = json.loads(fljob(*args, "true", check=0).stdout)["release"]
    end = time.monotonic() + 120
    while True:
        row = json.loads(fljob("status", release, "-n", namespace, "-o", "json", check=0).stdout)
        if (row["pending"] or {}).get("code") == "NodesTooSmall":  # no node has 64 CPUs
            break
        assert time.monotonic() < end, row
    assert row["pending"]["action"] == "WAIT_FOR_RESOURCES"
    assert "Insufficient cpu" in row["pending"]["detail"]
    fljob("terminate", release, "-n", namespace, check=0)


def test_a_live_job_is_not_launched_twice(fljob, job_folder, namespace):
    args = launch_args(job_folder(), namespace, "--job-id", "same")
    release = json.loads(fljob(*args[:-1], "-o", "json", "--", "sleep", "600", check=0).stdout)["release"]
    assert "already running" in fljob(*args, "sleep", "60", check=4).stderr
    fljob("terminate", release, "-n", namespace, check=0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_during_the_install_leaves_nothing(start, job_folder, namespace, tmp_path, number):
    slow = tmp_path / "helm"
    real = subprocess.run(["which", "helm"], check=True, capture_output=True, text=True).stdout.strip()
    slow.write_text(
        f'#!/bin/sh\n[ "$1" = install ] && {{ "{real}" "$@"; touch "{tmp_path}/installed"; sleep 600; }}\nexec "{real}" "$@"\n'
    )
    slow.chmod(0o755)
    running = start(
        *launch_args(job_folder(), namespace), "sleep", "600", PATH=f"{tmp_path}:{os.environ['PATH']}"
    )
    end = time.monotonic() + 120
    while not (tmp_path / "installed").exists():
        assert time.monotonic() < end
        time.sleep(0.05)
    running.send_signal(number)
    out, err = running.communicate(timeout=120)
    assert running.returncode == 130, out + err
    assert "Traceback" not in err
    assert kubectl("get", "secret", "-n", namespace, "-o", "name") == ""
    kubectl("wait", "--for=delete", "pod", "--all", "-n", namespace, "--timeout=120s")


@pytest.mark.smoke
def test_an_interrupt_while_waiting_leaves_the_job_running(start, fljob, job_folder, namespace):
    # As a table it shows the log from the start of the job on, and its state no more.
    running = start(*launch_args(job_folder(), namespace, "--wait", "-o", "json"), "sleep", "600")
    assert "STARTING" in running.stderr.readline() or running.poll() is None
    for line in running.stderr:
        if "RUNNING" in line:
            break
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=120)
    assert running.returncode == 130
    assert "the job goes on" in err
    (row,) = json.loads(fljob("list", "-n", namespace, "-o", "json", check=0).stdout)
    assert row["state"] == "RUNNING"
    fljob("terminate", row["release"], "-n", namespace, check=0)


@pytest.fixture
def used_up(namespace):
    """A quota of the namespace that admits no pod for now."""
    kubectl("create", "quota", "quota", "--hard=pods=0", "-n", namespace)
    kubectl("wait", "--for=jsonpath={.status.hard}", "quota/quota", "-n", namespace, "--timeout=60s")


def test_launch_without_wait_is_let_in_when_a_quota_is_free_again(
    start, fljob, job_folder, namespace, used_up
):
    running = start(*launch_args(job_folder(), namespace, "-o", "json"), "sleep", "600")
    assert any("WAIT_FOR_RESOURCES QuotaExceeded (pending_timeout: " in line for line in running.stderr)
    kubectl("patch", "quota", "quota", "-n", namespace, "-p", '{"spec": {"hard": {"pods": "1"}}}')
    out, err = running.communicate(timeout=120)
    assert running.returncode == 0, err
    fljob("terminate", json.loads(out)["release"], "-n", namespace, check=0)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_of_a_launch_that_waits_for_a_quota_leaves_nothing(
    start, job_folder, namespace, used_up, number, code
):
    running = start(*launch_args(job_folder(), namespace), "true")
    assert any("QuotaExceeded" in line and "STARTING" in line for line in running.stderr)
    running.send_signal(number)
    out, err = running.communicate(timeout=120)
    assert (running.returncode, out) == (code, ""), err
    assert "nothing is left of it" in err
    assert kubectl("get", "pod,secret", "-n", namespace, "-o", "name") == ""


def test_a_secret_reaches_the_job_through_the_command_line(
    fljob, job_folder, namespace, monkeypatch, cluster_env
):
    monkeypatch.setitem(cluster_env, "TOKEN", "canary-2187")
    args = launch_args(job_folder(), namespace, "--secret-env", "TOKEN", "--wait")
    done = fljob(*args, "sh", "-c", "test ${#TOKEN} = 11", check=0)
    assert "canary-2187" not in done.stdout + done.stderr


def test_bad_surroundings_have_one_clear_error_each(
    fljob, job_folder, namespace, tmp_path, monkeypatch, cluster_env
):
    folder = job_folder()
    nowhere = tmp_path / "nowhere.yaml"
    view = json.loads(kubectl("config", "view", "--raw", "-o", "json"))
    for cluster in view["clusters"]:
        cluster["cluster"]["server"] = "https://127.0.0.1:1"
    nowhere.write_text(json.dumps(view))
    cases = [
        (
            ("launch", str(folder), "--site", "a", "-n", "no-such-namespace", "--", "x"),
            3,
            "no-such-namespace",
        ),
        (("list", "-n", namespace, "--kubeconfig", str(nowhere)), 5, "refused"),
        (("list", "-n", namespace, "--kubeconfig", "no-such-file"), 2, "no-such-file"),
        (("list", "-n", namespace, "--context", "no-such-context"), 2, "no-such-context"),
    ]
    for args, code, word in cases:
        done = fljob(*args, check=code)
        assert word in done.stderr
        assert "Traceback" not in done.stderr
    monkeypatch.setitem(cluster_env, "PATH", "/nonexistent")
    done = fljob(*launch_args(folder, namespace), "x", check=8)
    assert "helm" in done.stderr


@pytest.mark.smoke
def test_a_missing_right_is_named(fljob, job_folder, namespace, tmp_path):
    config = tmp_path / "nobody.yaml"
    account(namespace, (), config, "nobody")
    args = launch_args(job_folder(), namespace, "--kubeconfig", str(config))
    done = fljob(*args, "x", check=6)
    assert 'cannot get resource "pods"' in done.stderr
    assert "grant the right to get pods" in done.stderr
    # With pods allowed, the next missing right is Helm's.
    granted(
        namespace, {Right("pods", verb) for verb in ("get", "list", "watch", "create", "delete")}, "nobody"
    )
    done = fljob(*args, "x", check=6)
    assert "secrets" in done.stderr


def test_a_launch_joins_the_same_live_job_and_refuses_another(fljob, job_folder, namespace):
    folder, words = job_folder(), ("sh", "-c", f"{TOLD}; echo the end; exit 5")
    args = launch_args(folder, namespace, "--job-id", "same", "--or-attach")
    first = json.loads(fljob(*args[:-1], "-o", "json", "--", *words, check=0).stdout)
    again = json.loads(fljob(*args[:-1], "-o", "json", "--", *words, check=0).stdout)
    assert (first.get("joined"), again.pop("joined")) == (None, True)
    assert again == first
    refused = fljob(*args, "sh", "-c", "true", check=4).stderr
    assert "it differs in args, command" in refused or "it differs in command" in refused
    kubectl("wait", "--for=condition=Ready", f"pod/{first['pod']}", "-n", namespace, "--timeout=120s")
    # It joins while the job runs, and is told what the job says then.
    told = threading.Timer(15.0, tell, (first["pod"], namespace))
    told.start()
    done = fljob(*args[:-1], "--wait", "--", *words, check=5 + 4)  # AppError
    told.join()
    assert "the end" in done.stdout
    fljob("terminate", "same", "-n", namespace, check=0)
