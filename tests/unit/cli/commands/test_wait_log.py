"""``launch --wait``: the log while the job runs, what stays with --keep, and what Ctrl-C leaves on the screen."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import pytest

from launcher.cli.live_line import live_line
from launcher.core.lifecycle.state import Observation, Track
from launcher.core.lifecycle.step import step
from launcher.core.pending.clocks import WaitPolicy
from launcher.core.views import Seen
from launcher.errors import Unavailable
from tests.fakes import START, FakeClock, exited, running, unscheduled
from tests.unit.cli.conftest import LAUNCH, show


@pytest.fixture
def then(fake):
    """Return a function that says which states the job will go through once it is launched."""

    def then(*pods):
        fake.pods.script = list(pods)
        play = fake.pods.play

        def named():
            (known,) = fake.pods.items.values()
            names = {"name": known.name, "labels": known.labels, "annotations": known.annotations}
            fake.pods.script = [replace(pod, **names) for pod in fake.pods.script]
            play()

        fake.pods.play = named

    return then


@pytest.mark.parametrize("states", [(exited(0, "Completed"),), (running(), exited(0, "Completed"))])
def test_the_log_of_a_job_that_succeeds_is_seen(fake, fljob, then, states):
    fake.pods.lines[""] = ["hello", "world"]
    then(*states)
    code, out, _ = fljob(*LAUNCH, "--wait", "--", "x")
    lines = out.splitlines()
    assert (code, lines[:2], len(lines)) == (0, ["hello", "world"], 3)
    assert "SUCCEEDED" in lines[2]
    assert fake.is_empty


def test_the_log_of_a_job_that_fails_is_printed_once(fake, fljob, then):
    then(exited(7))
    code, out, err = fljob(*LAUNCH, "--wait", "--", "x")
    assert (code, out.count("line 1"), err.count("line 1")) == (9, 1, 0)


def test_json_on_stdout_is_json_alone(fake, fljob, then):
    then(exited(7))
    code, out, err = fljob(*LAUNCH, "--wait", "-o", "json", "--", "x")
    assert (code, json.loads(out)["state"], "  | line 1" in err) == (9, "FAILED", True)


def test_the_secret_of_the_job_is_hidden_in_its_log(fake, fljob, then, monkeypatch):
    monkeypatch.setenv("MY_TOKEN", "canary-4711")
    fake.pods.lines[""] = ["with canary-4711"]
    then(exited(0))
    _, out, err = fljob(*LAUNCH, "--secret-env", "MY_TOKEN", "--wait", "--", "x")
    assert "with ***" in out
    assert "canary" not in out + err


def test_a_log_that_cannot_be_read_does_not_change_the_end(fake, fljob, then, monkeypatch):
    def broken(*_args, **_more):
        raise Unavailable("cannot read the log: 502")

    monkeypatch.setattr(fake.pods, "logs", broken)
    then(exited(0))
    code, out, err = fljob(*LAUNCH, "--wait", "--", "x")
    assert (code, "SUCCEEDED" in out, "no log: cannot read the log: 502" in err) == (0, True, True)


@pytest.mark.parametrize("end", [exited(0, "Completed"), exited(7)])
def test_keep_leaves_release_pod_and_log(fake, fljob, then, end):
    then(end)
    code, _, err = fljob(*LAUNCH, "--wait", "--keep", "--", "x")
    (release,) = fake.releases.items
    assert code == (0 if end.main.exit_code == 0 else 9)
    assert len(fake.pods.items) == 1
    assert f"remove it with: fljob terminate {release} -n fl" in err
    assert fljob("terminate", release, "-n", "fl")[0] == 0
    assert fake.is_empty


def test_wait_can_keep_too(fake, fljob, release):
    show(fake, exited(0, "Completed"))
    assert fljob("wait", release, "-n", "fl", "--keep")[0] == 0
    assert list(fake.releases.items) == [release]


def test_keep_without_wait_is_a_mistake(fake, fljob):
    code, _, err = fljob(*LAUNCH, "--keep", "--", "x")
    assert (code, fake.releases.log) == (2, [])
    assert "--keep needs --wait" in err


def test_ctrl_c_on_a_terminal_leaves_the_last_state(capsys, monkeypatch):
    monkeypatch.setattr(type(sys.stderr), "isatty", lambda _: True, raising=False)
    waits = step(Track(launched=0.0), Observation(0.0, START, Seen.found(unscheduled())), WaitPolicy())

    def interrupted():
        with live_line("fj-1", FakeClock()) as notify:
            notify(waits)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    last = capsys.readouterr().err.splitlines()[-2]
    assert last.startswith("fj-1  STARTING  WAIT_FOR_RESOURCES InsufficientResources")
