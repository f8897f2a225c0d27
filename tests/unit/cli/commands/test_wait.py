"""``fljob wait``: exit codes, last log lines, signals and the diagnosis of a failure."""

from __future__ import annotations

import json

import pytest

from launcher.cli.signals import Stopped
from tests.fakes import exited, main, running, scheduled
from tests.unit.cli.conftest import LAUNCH, show


@pytest.mark.parametrize(("exit_code", "expected"), [(0, 0), (7, 9), (103, 103)])
def test_wait_exits_with_the_return_code(fake, fljob, release, exit_code, expected):
    show(fake, exited(exit_code))
    code, out, _ = fljob("wait", release, "-n", "fl")
    assert code == expected
    assert out.startswith(release)


def test_wait_gives_up(fake, fljob, release):
    show(fake, running())
    code, _, err = fljob("wait", release, "-n", "fl", "--timeout", "1")
    assert code == 10
    assert f"fljob wait {release}" in err


def test_a_timeout_prints_the_job_and_the_command_that_goes_on(fake, fljob, release):
    show(fake, running())
    where = ("-n", "fl", "--context", "my c", "--kubeconfig", "k")
    code, out, err = fljob("wait", release, *where, "--timeout", "1", "-o", "json")
    row = json.loads(out)
    assert (code, row["release"], row["state"], row["outcome"]) == (10, release, "RUNNING", None)
    wanted = (
        f"has not ended after 1 s; wait on with: fljob wait {release} -n fl --kubeconfig k --context 'my c'"
    )
    assert err.splitlines()[-1] == f"{release} {wanted}"


def test_a_failure_ends_with_the_last_lines_of_the_log(fake, fljob, release):
    show(fake, exited(7))
    code, out, err = fljob("wait", release, "-n", "fl")
    assert (code, len(out.splitlines())) == (9, 2)
    assert err.endswith("  | line 1\n  | line 2\n")
    (pod,) = fake.pods.items
    assert ("logs", pod, "fl", "False", "5") in fake.pods.log


def test_of_the_last_lines_no_more_is_read_than_is_shown(fake, fljob, release):
    fake.pods.lines[""] = ["x" * 70_000, "never read"]
    show(fake, exited(7))
    err = fljob("wait", release, "-n", "fl")[2]
    assert "  | xxx" in err
    assert "never read" not in err


@pytest.mark.parametrize("pod", [exited(0, "Completed"), scheduled(main("waiting", "InvalidImageName", "x"))])
def test_no_log_lines_of_a_success_or_of_what_never_ran(fake, fljob, release, pod):
    show(fake, pod)
    fljob("wait", release, "-n", "fl")
    assert [entry for entry in fake.pods.log if entry[0] == "logs"] == []


@pytest.mark.parametrize(("kind", "expected"), [(KeyboardInterrupt, 130), (Stopped, 143)])
def test_both_signals_leave_the_job_and_say_how_to_go_on(fake, fljob, release, monkeypatch, kind, expected):
    show(fake, running())

    def stop(*_):
        raise kind

    monkeypatch.setattr(type(fake.pods.watch("fl")), "wait", stop)
    code, _, err = fljob("wait", release, "-n", "fl", "--context", "c")
    assert code == expected
    assert f"the job goes on; wait for it again: fljob wait {release} -n fl --context c" in err
    assert f"or end it: fljob terminate {release} -n fl --context c" in err


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
