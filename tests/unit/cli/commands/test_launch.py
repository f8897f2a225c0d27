"""``fljob launch``: what is installed, where its Secrets come from, and what a refusal leaves."""

from __future__ import annotations

import json
import os
import signal
import threading
from dataclasses import replace

import pytest

import launcher.cli
from launcher.edges.clock import SystemClock
from launcher.errors import Reason, Rejected, Unavailable
from launcher.usecases.telling.noting import Noting
from tests.fakes import exited, running
from tests.unit.cli.conftest import LAUNCH, installed, known_as, show

CANARY = "canary-1138"


def test_launch_says_what_it_made(fake, fljob):
    code, out, _ = fljob(*LAUNCH, "-o", "json", "--", "python", "-c", "1")
    name, pod = installed(fake)
    assert code == 0
    assert json.loads(out) == {"release": name, "namespace": "fl", "jobId": "a1", "pod": pod.name}
    assert fake.releases.values[name]["command"] == ["python", "-c", "1"]


def test_the_command_may_have_options_of_its_own(fake, fljob):
    fljob(*LAUNCH, "--", "sh", "-c", "x", "--wait", "-o", "y")
    name, _ = installed(fake)
    assert fake.releases.values[name]["command"] == ["sh", "-c", "x", "--wait", "-o", "y"]


def test_launch_wants_a_command(fake, fljob):
    code, _, err = fljob(*LAUNCH)
    assert (code, fake.releases.log) == (2, [])
    assert "after --" in err
    assert "command" in err


def test_launch_takes_the_command_of_the_site(fake, fljob, folder):
    (folder / "fljob.yaml").write_text("command: [python3, run.py]\n")
    assert fljob(*LAUNCH)[0] == 0
    name, _ = installed(fake)
    assert fake.releases.values[name]["command"] == ["python3", "run.py"]


def test_a_second_launch_of_a_live_job_is_refused(fake, fljob):
    fljob(*LAUNCH, "--", "x")
    show(fake, running())
    code, _, err = fljob(*LAUNCH, "--", "x")
    assert code == 4
    assert "already running" in err
    assert "fljob terminate" in err


def test_an_unavailable_cluster_refuses_the_launch(fake, fljob):
    fake.pods.unavailable = "connection refused"
    code, _, err = fljob(*LAUNCH, "--", "x")
    assert code == 5
    assert "connection refused" in err


def test_secrets_come_from_the_environment_and_go_nowhere_else(fake, fljob, monkeypatch):
    monkeypatch.setenv("TOKEN", CANARY)
    code, out, err = fljob(*LAUNCH, "--secret-env", "TOKEN", "--", "x")
    assert code == 0
    name, pod = installed(fake)
    assert fake.secrets.items == {f"nvflare-cred-{pod.name}": {"TOKEN": CANARY.encode()}}
    assert CANARY not in out + err + json.dumps(fake.releases.values[name])
    reference = {"name": f"nvflare-cred-{pod.name}", "key": "TOKEN"}
    assert {"name": "TOKEN", "valueFrom": {"secretKeyRef": reference}} in fake.releases.values[name]["env"]


def test_a_secret_may_be_any_bytes(fake, fljob, monkeypatch):
    monkeypatch.setenv("KEY", os.fsdecode(b"k\xff"))
    assert fljob(*LAUNCH, "--secret-env", "KEY", "--", "x")[0] == 0
    assert list(fake.secrets.items.values()) == [{"KEY": b"k\xff"}]


def test_a_secret_that_is_not_set_is_named(fljob):
    code, _, err = fljob(*LAUNCH, "--secret-env", "NO_SUCH_TOKEN", "--", "x")
    assert code == 2
    assert "--secret-env NO_SUCH_TOKEN" in err


@pytest.mark.parametrize("command", [("render",), ("launch", "--secret-env", "HOME")])
def test_a_site_that_is_not_utf_8_is_refused(fljob, command):
    code, _, err = fljob(*command, "meta.json", "--site", os.fsdecode(b"s\xff"), "--", "x")
    assert code == 2
    assert "--site: must be valid Unicode" in err


def test_help_of_launch_says_where_the_code_comes_from(fljob):
    assert "must be in the image" in " ".join(fljob("launch", "--help")[1].split())


def test_launch_and_wait_leave_a_diagnosis_without_credentials(fake, fljob, monkeypatch, tmp_path):
    monkeypatch.setenv("MY_TOKEN", CANARY)
    fake.pods.lines = {"": [f"with {CANARY}"]}
    fake.pods.script = [exited(7)]
    play = fake.pods.play

    def keep_names():
        (known,) = fake.pods.items.values()
        named = {"name": known.name, "labels": known.labels, "annotations": known.annotations}
        fake.pods.script = [replace(pod, **named) for pod in fake.pods.script]
        play()

    fake.pods.play = keep_names
    options = ("--secret-env", "MY_TOKEN", "--wait", "--diagnose", "why", "-o", "json")
    code, out, err = fljob(*LAUNCH, *options, "--", "x")
    assert code == 9
    assert json.loads(out)["outcome"]["code"] == "AppError"
    assert "diagnosis in why: AppError" in err
    assert (tmp_path / "why/logs/job.log").read_text() == "with ***\n"
    files = [path.read_text() for path in (tmp_path / "why").rglob("*.*") if path.is_file()]
    assert CANARY not in out + err + "".join(files)


def test_a_launch_that_is_refused_leaves_a_diagnosis_too(fake, fljob, tmp_path, monkeypatch):
    monkeypatch.setenv("MY_TOKEN", CANARY)
    fake.releases.install_error = Rejected(
        f"no pod for {CANARY}", reason=Reason.POD_SECURITY, cure="ask for less"
    )
    options = ("--secret-env", "MY_TOKEN", "--wait", "--diagnose", "why")
    code, _, err = fljob(*LAUNCH, *options, "--", "x")
    assert code == 7
    assert err.startswith("diagnosis in why: AdmissionDenied: ")
    assert f"error: no pod for {CANARY}" in err  # the words of the cluster, as without --diagnose
    files = {path.name: path.read_text() for path in (tmp_path / "why").iterdir()}
    assert "Cure: ask for less" in files["cause.txt"]
    assert "reference: img:1" in files["values.yaml"]
    assert "pod.yaml: not asked for: the launch was refused" in files["missing.txt"]
    assert CANARY not in "".join(files.values())


def test_a_diagnosis_of_a_refusal_that_cannot_be_written_changes_nothing(fake, fljob, tmp_path):
    def refuse(*_args, **_more):
        (tmp_path / "why").write_text("somebody made a file of that name meanwhile")
        raise Rejected("no pod", reason=Reason.POD_SECURITY)

    fake.releases.install = refuse
    code, _, err = fljob(*LAUNCH, "--wait", "--diagnose", "why", "--", "x")
    assert code == 7
    assert "error: no pod" in err


def test_a_folder_in_use_is_refused_before_anything_is_launched(fake, fljob):
    code, _, err = fljob(*LAUNCH, "--wait", "--diagnose", ".", "--", "x")
    assert (code, fake.releases.log) == (2, [])
    assert "--diagnose: . exists and is not empty" in err
    assert "--force" not in err


def test_diagnose_without_wait_is_a_mistake(fake, fljob):
    code, _, err = fljob(*LAUNCH, "--diagnose", "why", "--", "x")
    assert (code, fake.releases.log) == (2, [])
    assert "--diagnose needs --wait" in err


QUOTA = Rejected(
    "quota 'q' is exhausted: requested: pods=1, used: pods=3, limited: pods=3",
    cure="wait",
    reason=Reason.QUOTA_EXCEEDED,
)


@pytest.fixture
def busy(fake, folder, capsys):
    """Return a function that launches by the real clock, where a quota refuses the pod until ``then`` is called."""
    fake.releases.install_error = QUOTA

    def run(*args, then=None, after=1.2):
        timer = threading.Timer(after, then or (lambda: None))
        timer.start()
        try:
            with pytest.raises(SystemExit) as done:
                launcher.cli.main([*LAUNCH, *args, "--", "x"], world=replace(fake.world, clock=SystemClock()))
        finally:
            timer.cancel()
        return (done.value.code, *capsys.readouterr())

    return run


def test_launch_without_wait_tries_a_quota_again_and_says_so(fake, busy):
    code, out, err = busy("-o", "json", then=lambda: setattr(fake.releases, "install_error", None))
    name, pod = installed(fake)
    assert (code, json.loads(out)["release"], json.loads(out)["pod"]) == (0, name, pod.name)
    assert f"{name}  STARTING  WAIT_FOR_RESOURCES QuotaExceeded (pending_timeout: " in err
    assert "requested: pods=1, used: pods=3, limited: pods=3" in err


def test_launch_without_wait_gives_up_after_pending_timeout_and_leaves_nothing(
    fake, busy, folder, monkeypatch
):
    monkeypatch.setenv("TOKEN", CANARY)
    (folder / "fljob.yaml").write_text("pending_timeout: 0.5\n")
    code, out, err = busy("--secret-env", "TOKEN")
    assert (code, out) == (7, "")
    assert "error: quota 'q' is exhausted" in err
    assert fake.is_empty


def test_launch_without_wait_ends_when_trying_again_is_of_no_use(fake, busy):
    refuse = Rejected(
        "the admission policy 'p' refused an object: no", cure="ask", reason=Reason.POLICY_DENIED
    )
    code, _, err = busy(then=lambda: setattr(fake.releases, "install_error", refuse))
    assert (code, fake.is_empty) == (7, True)
    assert "the admission policy 'p' refused an object: no" in err


@pytest.mark.parametrize(
    ("number", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_launch_that_waits_for_a_quota_is_given_up_by_a_signal(fake, busy, monkeypatch, number, exit_code):
    monkeypatch.setenv("TOKEN", CANARY)
    code, out, err = busy("--secret-env", "TOKEN", then=lambda: os.kill(os.getpid(), number))
    assert (code, out) == (exit_code, "")
    assert "nothing is left of it" in err
    assert fake.is_empty


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_second_signal_disturbs_no_removal_of_what_was_given_up(fake, busy, monkeypatch, second):
    monkeypatch.setenv("TOKEN", CANARY)
    delete, stopped = fake.secrets.delete, threading.Event()

    def impatient(*args, **more):
        if stopped.is_set() and threading.current_thread() is threading.main_thread():
            signal.raise_signal(second)
        return delete(*args, **more)

    def stop():
        stopped.set()
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(fake.secrets, "delete", impatient)
    code, out, err = busy("--secret-env", "TOKEN", then=stop)
    assert (code, out, fake.is_empty) == (130, "", True)
    assert "nothing is left of it" in err


@pytest.mark.parametrize(
    ("error", "exit_code"),
    [
        (Rejected("webhook", reason=Reason.WEBHOOK_FAILED), 7),
        (Unavailable("refused", reason=Reason.CONNECTION_REFUSED), 5),
        (Rejected("too small", reason=Reason.QUOTA_TOO_SMALL), 7),
    ],
)
def test_launch_without_wait_tries_nothing_but_quotas_again(fake, busy, error, exit_code):
    fake.releases.install_error = error
    assert busy()[0] == exit_code
    assert len(fake.releases.log) == 1


def test_a_launch_joins_the_same_live_job(fake, fljob):
    join = (*LAUNCH, "--or-attach")
    assert fljob(*join, "--", "x")[1].startswith("launched fj-a1-")
    name, pod = installed(fake)
    assert fljob(*join, "--", "x") == (0, f"joined {name} (pod fl/{pod.name})\n", "")
    code, out, _ = fljob(*join, "-o", "json", "--", "x")
    assert (code, json.loads(out)["joined"]) == (0, True)
    code, _, err = fljob(*join, "--", "y")
    assert code == 4
    assert "it differs in command" in err


def test_without_a_job_id_there_is_nothing_to_join(fljob):
    code, _, err = fljob("launch", "meta.json", "--site", "site-1", "-n", "fl", "--or-attach", "--", "x")
    assert code == 2
    assert "--or-attach needs --job-id" in err


def test_a_job_that_is_kept_by_hand_is_under_no_retention_of_the_site(fake, fljob, folder):
    (folder / "fljob.yaml").write_text("retention: {succeeded: 60, failed: 60}\n")
    fljob(*LAUNCH, "--", "x")
    name, _ = installed(fake)
    annotations = fake.releases.values[name]["pod"]["annotations"]
    assert annotations["fljob.internal/retention"] == "succeeded=60 failed=60"
    show(fake, exited(0))
    fake.pods.script = [known_as(fake, exited(0))]
    fljob(*LAUNCH, "--wait", "--keep", "--", "x")
    assert "fljob.internal/retention" not in fake.releases.values[name]["pod"]["annotations"]


@pytest.mark.parametrize("end", [exited(7), exited(0)])
def test_of_a_job_that_is_kept_other_shells_know_where_its_time_went(fake, fljob, end):
    fake.notes = Noting(fake.releases, fake.clock)
    fake.pods.play = lambda: fake.pods.script and fake.pods.show(known_as(fake, fake.pods.script.pop(0)))
    fake.pods.script = [end]
    code, _, _ = fljob(*LAUNCH, "--wait", "--keep", "--", "x")
    name, _ = installed(fake)
    ledger = json.loads(fljob("status", name, "-n", "fl", "-o", "json")[1])["ledger"]
    assert (code, ledger["cause"]) == (0 if end.main.exit_code == 0 else 9, "")


@pytest.mark.usefixtures("printing_helm")
def test_a_dry_run_of_the_client_makes_the_objects_and_launches_nothing(fljob, fake):
    code, out, _ = fljob(*LAUNCH, "--dry-run", "client", "--", "x")
    assert code == 0
    assert out.endswith(": ok is made; no cluster was asked\n")
    code, out, _ = fljob(*LAUNCH, "--dry-run", "client", "-o", "json", "--", "x")
    assert json.loads(out)["returnCode"] == 0
    assert fake.releases.items == {}


@pytest.mark.parametrize("option", ["--wait", "--or-attach"])
def test_a_dry_run_has_nothing_to_wait_for(fljob, option):
    code, _, err = fljob(*LAUNCH, "--dry-run", "client", option, "--", "x")
    assert code == 2
    assert "--dry-run launches nothing" in err
