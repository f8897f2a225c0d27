"""What somebody who is new types first, and what the answer leads to."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from launcher.cli.command_table import COMMANDS
from launcher.core import names
from launcher.core.jobref import RELEASE_ANNOTATION
from tests.fakes import exited, make_pod
from tests.jobs import make_release
from tests.unit.cli.conftest import show

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        *(("ls", "list"), ("lst", "list"), ("stop", "terminate"), ("delete", "terminate"), ("run", "launch")),
        *(("statsu", "status"), ("log", "logs"), ("describe", "status"), ("complete", "completion")),
    ],
)
def test_a_command_that_does_not_exist_names_the_one_that_is_meant(fljob, typed, meant):
    code, out, err = fljob(typed)
    assert (code, out) == (2, "")
    assert f"No such command '{typed}'. Did you mean" in err
    assert f"'{meant}'" in err


def test_a_word_like_no_command_is_not_guessed(fljob):
    assert "Did you mean" not in fljob("xyzzy")[2]


@pytest.mark.parametrize("command", ["launch", "template", "render"])
def test_an_option_of_the_jobs_command_leads_to_the_dashes(fljob, command):
    code, _, err = fljob(command, "meta.json", "--site", "s", "python3", "-c", "print(1)")
    assert code == 2
    assert "write `--` before COMMAND: `-- ... -c`" in err


def test_dashes_are_not_named_where_they_are_or_where_there_is_no_command(fljob):
    assert "before COMMAND" not in fljob("launch", "meta.json", "--oops", "--", "x")[2]
    assert "before COMMAND" not in fljob("list", "--oops")[2]


@pytest.mark.parametrize("command", ["status", "logs", "events", "terminate", "wait", "diagnose"])
@pytest.mark.parametrize("shorter", [lambda name: "a1", lambda name: name[:-3], lambda name: name[3:8]])
def test_a_job_may_be_named_by_its_id_or_a_beginning(fake, fljob, release, command, shorter, tmp_path):
    show(fake, exited(0, "Completed"))
    more = ("-o", str(tmp_path / "d")) if command == "diagnose" else ()
    code, _, err = fljob(command, shorter(release), "-n", "fl", *more)
    assert (code, "there is no job" in err) == (0, False), err


def test_a_beginning_of_two_jobs_is_asked_back(fake, fljob, release):
    fljob("launch", "meta.json", "--site", "site-2", "-n", "fl", "--job-id", "a1", "--", "x")
    code, _, err = fljob("terminate", "a1", "-n", "fl")
    assert code == 2
    assert "may mean 2 jobs" in err
    assert len(fake.releases.items) == 2


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_that_the_shell_can_read(fljob, shell, tmp_path):
    code, out, _ = fljob("completion", shell)
    assert code == 0
    assert "_FLJOB_COMPLETE" in out
    (tmp_path / "script").write_text(out)
    if shutil.which(shell):
        subprocess.run([shell, "-n", str(tmp_path / "script")], check=True)


def completed(words):
    """Return what the shell is offered for the last of ``words``."""
    script = "import launcher.cli; launcher.cli.main()"
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "_FLJOB_COMPLETE": "bash_complete"}
    env |= {
        "COMP_WORDS": " ".join(("fljob", *words)),
        "COMP_CWORD": str(len(words)),
        "KUBECONFIG": "/no/such",
    }
    done = subprocess.run(
        [sys.executable, "-c", script], env=env, capture_output=True, text=True, check=False, timeout=60
    )
    return offered(done.stdout), done.stderr


def offered(out):
    return [line.partition(",")[2] for line in out.splitlines() if line]


def test_commands_and_options_are_completed():
    assert completed(["l"])[0] == [name for name in COMMANDS if name.startswith("l")]
    assert "--state" in completed(["list", "--st"])[0]


def test_without_a_cluster_nothing_is_offered_and_nothing_said():
    assert completed(["status", "fj-"]) == ([], "")


@pytest.fixture
def completed_job(fljob, monkeypatch):
    """Return a function that returns what bash is offered for a job that somebody has begun to write."""

    def run(begun):
        monkeypatch.setenv("_FLJOB_COMPLETE", "bash_complete")
        monkeypatch.setenv("COMP_WORDS", f"fljob status -n fl {begun}")
        monkeypatch.setenv("COMP_CWORD", "4")
        return offered(fljob()[1])

    return run


def test_jobs_are_completed_by_release_and_by_id(release, completed_job):
    for begun, jobs in (("fj-", [release]), ("a", ["a1"]), ("zz", [])):
        assert completed_job(begun) == jobs


@pytest.mark.parametrize(
    "job_id", ["a1;touch /tmp/x", "a1$(id)", "a1 b", "a1`id`", "a1\nb", "-a1", "--now", "é"]
)
def test_what_a_shell_may_read_as_a_command_or_an_option_is_not_completed(fake, completed_job, job_id):
    release = names.release_name(job_id, "site-1")
    fake.releases.items = {release: make_release(name=release)}
    told = {names.ANNOTATION_JOB_ID: job_id, names.ANNOTATION_SITE: "site-1", RELEASE_ANNOTATION: release}
    fake.pods.show(
        make_pod(names.pod_name(job_id, "site-1"), annotations=told, labels={names.LABEL_JOB_ID: "x"})
    )
    assert completed_job('""') == [release]


def test_the_job_id_of_a_pod_without_a_release_is_not_completed(fake, release, completed_job):
    labels = {names.LABEL_JOB_ID: "c3"}
    fake.pods.show(make_pod("aaa", labels=labels, annotations={RELEASE_ANNOTATION: release}))
    fake.pods.show(make_pod("bbb", labels=labels))
    assert completed_job('""') == ["a1", "bbb", release]
