"""The commands that tell why: diagnose, events, and what status and wait say."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from launcher.core.views import PodEvent
from launcher.errors import Rejected, Unavailable
from tests.fakes import START, exited, running, unscheduled
from tests.unit.cli.conftest import LAUNCH, show

CANARY = "canary-1138"
PULLED = PodEvent("Pulled", "image is there", last_seen=START)
BACKOFF = PodEvent("BackOff", "back-off", "Warning", START, 2)


def test_diagnose_prints_the_cause_and_the_files(fake, fljob, release, tmp_path):
    show(fake, exited(7))
    code, out, err = fljob("diagnose", release, "-n", "fl", "-o", "why")
    assert (code, err) == (0, "")
    cause, *paths = out.splitlines()
    assert cause == (tmp_path / "why/cause.txt").read_text().strip()
    assert cause.startswith("AppError: The job process failed. ")
    assert sorted(paths) == sorted(
        str(path.relative_to(tmp_path)) for path in (tmp_path / "why").rglob("*.*") if path.is_file()
    )


def test_diagnose_refuses_a_folder_that_is_not_empty(fake, fljob, release, tmp_path):
    asked = len(fake.pods.log)
    code, out, err = fljob("diagnose", release, "-n", "fl", "-o", str(tmp_path))
    assert (code, out, len(fake.pods.log)) == (2, "", asked)
    assert f"{tmp_path} exists and is not empty" in err
    assert "--force" in err
    assert fljob("diagnose", release, "-n", "fl", "-o", str(tmp_path), "--force")[0] == 0
    assert (tmp_path / "meta.json").exists()


def test_diagnose_of_nothing(fljob, tmp_path):
    code, _, err = fljob("diagnose", "nope", "-n", "fl", "-o", "why")
    assert code == 3
    assert "no job release 'nope'" in err
    assert not (tmp_path / "why").exists()


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


def test_wait_writes_a_diagnosis_of_a_failure_only(fake, fljob, release, tmp_path):
    show(fake, exited(0))
    assert fljob("wait", release, "-n", "fl", "--diagnose", "why")[0] == 0
    assert not (tmp_path / "why").exists()
    fljob(*LAUNCH, "--", "x")
    show(fake, exited(7))
    code, _, err = fljob("wait", release, "-n", "fl", "--diagnose", "why")
    assert code == 9
    assert "diagnosis in why" in err
    assert (tmp_path / "why/pod.yaml").exists()


def test_a_launch_that_is_refused_leaves_a_diagnosis_too(fake, fljob, tmp_path, monkeypatch):
    monkeypatch.setenv("MY_TOKEN", CANARY)
    fake.releases.install_error = Rejected(f"no pod for {CANARY}", code="PodSecurity", cure="ask for less")
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
        raise Rejected("no pod", code="PodSecurity")

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


def test_events_are_a_table_or_json(fake, fljob, release):
    fake.pods.event_list = (PULLED, BACKOFF)
    fake.clock.time = 180
    code, out, _ = fljob("events", release, "-n", "fl")
    assert code == 0
    assert [line.split() for line in out.splitlines()] == [
        ["AGE", "TYPE", "REASON", "COUNT", "MESSAGE"],
        ["3m", "Normal", "Pulled", "1", "image", "is", "there"],
        ["3m", "Warning", "BackOff", "2", "back-off"],
    ]
    rows = json.loads(fljob("events", release, "-n", "fl", "-o", "json")[1])
    assert rows[1] == {
        "lastSeen": "2026-01-01T00:00:00+00:00", "type": "Warning", "reason": "BackOff", "count": 2,
        "message": "back-off", "source": "",
    }  # fmt: skip


def test_no_events_and_no_pod(fake, fljob, release):
    assert json.loads(fljob("events", release, "-n", "fl", "-o", "json")[1]) == []
    code, out, err = fljob("events", release, "-n", "fl")
    assert (code, out) == (0, "")
    assert "no events" in err
    (name,) = fake.pods.items
    fake.pods.show(None, name)
    code, _, err = fljob("events", release, "-n", "fl")
    assert code == 3
    assert "fljob status" in err


def test_following_prints_what_is_new_or_has_grown_until_the_end(fake, fljob, release, monkeypatch):
    (pod,) = fake.pods.items.values()
    grown = replace(BACKOFF, count=3, last_seen=START + timedelta(seconds=2))
    answers = iter(
        [(PULLED,), Unavailable("refused"), Unavailable("refused"), (PULLED, BACKOFF), (PULLED, grown)]
    )
    named = {"name": pod.name, "labels": pod.labels, "annotations": pod.annotations}
    fake.pods.script = [replace(one, **named) for one in (running(), running(), running(), exited(7))]

    def events(namespace, uid):
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(fake.pods, "events", events)
    monkeypatch.setattr(fake.pods, "list", lambda namespace: (replace(running(), **named),))
    code, out, err = fljob("events", release, "-n", "fl", "-f", "-o", "json")
    assert code == 0
    assert [(row["reason"], row["count"]) for row in map(json.loads, out.splitlines())] == [
        ("Pulled", 1), ("BackOff", 2), ("BackOff", 3),
    ]  # fmt: skip
    assert err.count("refused") == 1
    assert next(answers, None) is None


def test_following_a_job_that_has_ended_prints_the_head_once(fake, fljob, release):
    show(fake, exited(7))
    fake.pods.event_list = (PULLED,)
    assert fljob("events", release, "-n", "fl", "-f")[1].count("REASON") == 1


def test_status_tells_sentence_clock_and_cure(fake, fljob, release):
    show(fake, unscheduled())
    out = fljob("status", release, "-n", "fl")[1]
    assert "cause:    InsufficientResources: " in out
    assert "detail:   0/1 nodes are available: 1 Insufficient cpu." in out
    assert "(pending_timeout: about 120 s left by the cluster's clock)" in out
    assert "cure:     " in out
    pending = json.loads(fljob("status", release, "-n", "fl", "-o", "json")[1])["pending"]
    assert pending["clock"] == "pending_timeout"
    assert pending["summary"].endswith(".")
    assert pending["cure"]


@pytest.mark.parametrize(
    ("seconds", "left"),
    [(40, "about 80 s left by the cluster's clock"), (1000, "run out by the cluster's clock")],
)
def test_status_tells_what_is_left_for_a_job_that_has_waited_before_it_was_looked_at(
    fake, fljob, release, seconds, left
):
    show(fake, unscheduled())
    fake.clock.time += seconds - fake.clock.monotonic()
    assert f"(pending_timeout: {left})" in fljob("status", release, "-n", "fl")[1]
    row = json.loads(fljob("status", release, "-n", "fl", "-o", "json")[1])
    assert row["outcome"] is None
    assert row["pending"]["timing"] == "cluster"
    assert row["pending"]["since"] == START.isoformat()


def test_status_of_success_has_no_cure(fake, fljob, release):
    show(fake, exited(0))
    out = fljob("status", release, "-n", "fl")[1]
    assert "cause:    Success: The job process ended with exit code 0." in out
    assert "cure" not in out
    assert "detail" not in out


def test_wait_tells_sentence_clock_and_cure_while_it_waits(fake, fljob, release):
    show(fake, unscheduled())
    err = fljob("wait", release, "-n", "fl", "--timeout", "1")[2]
    assert "InsufficientResources (pending_timeout: 120 s left): " in err
    assert "\n  cure: " in err
    assert err.count("InsufficientResources") == 1
