"""What people read fits a terminal of 50 columns, and one of 40: every command, its answers and its errors."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import replace
from pathlib import Path

import click
import pytest

from launcher.cli.command_table import COMMANDS
from launcher.cli.commands.doctor.check import Check, run_checks
from launcher.cli.planned import plan_text
from launcher.cli.width import output_width
from launcher.core.catalogue import Code
from launcher.core.names import startup_secret_name
from launcher.core.pending.clocks import WaitPolicy
from launcher.core.plan.rows import Answer, Plan, Row, Stage, bad, unknown
from launcher.core.report.history import to_line
from launcher.core.views import PodEvent
from launcher.edges.disk import history
from launcher.errors import Denied, InvalidInput, Unavailable
from launcher.usecases.startup import put_startup_kit
from tests.fakes import START, exited, raising, unscheduled
from tests.jobs import make_spec
from tests.kits import write_kit
from tests.terminals import Terminal
from tests.unit.cli.conftest import LAUNCH, show
from tests.unit.core.report.test_history import JOBS

ROOT = Path(__file__).parents[3]
JOB = ("meta.json", "--site", "site-1", "-n", "fl", "--job-id", "a1")
LONG = "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint {gpu: only}"
NAME = "persistentvolumeclaim/the-data-of-a-study-with-a-long-name"


@pytest.fixture(params=[40, 50])
def same(request, monkeypatch):
    """Return a function that prints twice, into a pipe and on a narrow terminal, and compares the two."""

    def compare(prints):
        monkeypatch.delenv("COLUMNS", raising=False)
        wide = prints()
        monkeypatch.setenv("COLUMNS", str(request.param))
        narrow = prints()
        assert fits(narrow, request.param) == [], narrow
        assert narrow.split() == wide.split()  # nothing is cut
        assert any(len(line) > request.param for line in wide.splitlines())  # a line for each thing

    return compare


def fits(text, width):
    """Return the lines that are too long, and are neither one word nor one command."""
    lines = [line for line in text.splitlines() if len(line) > width]
    return [line for line in lines if " " in re.sub(r"`[^`]*`|^fljob .*", "x", line)]


@pytest.fixture
def prints(fljob):
    """Return a function that makes one of a command, which returns all that it says."""
    return lambda *words: lambda: "".join(fljob(*words)[1:])


def test_events(fake, prints, release, same):
    reasons = ("FailedScheduling", "AReasonOfSomebodyElseThatIsTooLong")
    fake.pods.event_list = tuple(PodEvent(one, LONG, "Warning", START, 12) for one in reasons)
    same(prints("events", release, "-n", "fl"))


def test_events_to_come(fake, prints, release, same):
    show(fake, exited(7))
    fake.pods.event_list = (PodEvent("Pulled", LONG, last_seen=START),)
    same(prints("events", release, "-n", "fl", "-f"))


def test_events_of_a_pod_that_is_gone(fake, prints, release, same):
    (name,) = fake.pods.items
    fake.pods.show(None, name)
    same(prints("events", release, "-n", "fl"))


@pytest.mark.usefixtures("capsys")
def test_plan(same):
    rows = (
        Row(what=f"Pod {'p' * 40}", answer=Answer.OK, detail="would be created"),
        unknown("fit", Stage.NODES, f"no right to list nodes: {LONG}", cure="`fljob rbac --nodes` prints it"),
        bad(NAME, Code.MISSING_REF, Stage.START, "there is none at all"),
    )
    same(lambda: plan_text(Plan(rows, WaitPolicy()), output_width()))


@pytest.mark.usefixtures("printing_helm")
@pytest.mark.parametrize("command", ["plan", "launch"])
def test_what_a_launch_would_meet(prints, folder, same, command):
    (folder / "fljob.yaml").write_text("values: {job: {id: mine}}\n")
    more = ("--dry-run", "client") if command == "launch" else ()
    same(prints(command, *JOB, *more, "--", "x"))


def test_doctor(same, capsys):
    wrong = InvalidInput(f"still has FLARE's own launcher: {LONG}", cure="`fljob kit adopt --kit DIR`")
    checks = [
        Check(f"claim {NAME}", lambda: f"Bound, of which nobody knows: {LONG}"),
        Check("kit", raising(wrong)),
        Check("images", raising(wrong), needs_all=True),
        Check(NAME, raising(Denied("no")), may_be_denied=True),
    ]
    same(lambda: (run_checks(checks), capsys.readouterr().out)[1])


def write_history(folder):
    """Write the history of a parent whose workspace is a folder."""
    jobs = [replace(one, study=one.study and "a-study-of-the-heart-with-a-long-name") for one in JOBS]
    (folder / history.FILE).parent.mkdir(parents=True, exist_ok=True)
    (folder / history.FILE).write_text("".join(map(to_line, jobs)) + "no record\n")


@pytest.mark.parametrize("by", ["study", "code", "job"])
def test_usage(prints, folder, same, by):
    write_history(folder)
    same(prints("usage", "--by", by))


def test_gc(fake, prints, fljob, same):
    fljob(*LAUNCH, "--job-id", "a-job-id-that-somebody-has-made-up-by-hand", "--", "x")
    show(fake, exited(1))
    same(prints("gc", "-A", "--older-than", "0s", "--dry-run"))


@pytest.mark.parametrize("command", ["gc", "list"])
def test_a_part_of_the_namespaces(fake, prints, same, monkeypatch, command):
    for port in (fake.secrets, fake.pods):
        monkeypatch.setattr(port, "namespaces", raising(Denied("no right in all namespaces")))
        monkeypatch.setattr(port, "list", raising(Denied("no right to list any of these objects here")))
    same(prints(command, "-A"))


def test_secrets_of_kits(fake, prints, same):
    spec = make_spec(startup_secret=startup_secret_name("site-1"))
    put_startup_kit(fake.world, spec, "fed", {"rootCA.pem": b"x"})
    same(prints("kit", "secrets", "-n", "fl"))


@pytest.mark.usefixtures("printing_helm")
def test_diff(prints, folder, same):
    for name, image in (("old", "img:1"), ("new", f"registry.example.test/{'x' * 40}:2")):
        studies = {"format_version": 2, "studies": {f"heart-{one}": {} for one in range(9)}}
        files = {"local/study_runtime.yaml": studies, "fljob/fljob.yaml": {"image": image}}
        write_kit(folder / name, workspace="/mnt/ws", files=files)
    same(prints("diff", "--kit", "old", "--to-kit", "new"))


def test_a_diagnosis(fake, prints, release, folder, same):
    show(fake, unscheduled())
    same(prints("diagnose", release, "-n", "fl", "-o", "d", "--force"))


def test_a_job_that_is_waited_for(fake, prints, release, same):
    show(fake, unscheduled())
    same(prints("wait", release, "-n", "fl", "--timeout", "0"))
    same(prints("logs", release, "-n", "fl"))


def test_what_to_do_next_can_be_copied(fake, fljob, release, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    show(fake, unscheduled())
    assert (
        f"fljob wait {release} -n fl" in fljob("wait", release, "-n", "fl", "--timeout", "0")[2].splitlines()
    )
    show(fake, exited(7))
    assert f"fljob terminate {release} -n fl" in fljob("wait", release, "-n", "fl", "--keep")[2].splitlines()


@pytest.mark.parametrize("command", ["list", "status"])
def test_a_job(fake, fljob, release, monkeypatch, command):
    """What a list has no room for it leaves out."""
    show(fake, unscheduled())
    words = ("list", "-A") if command == "list" else ("status", release, "-n", "fl")
    for width in (40, 50):
        monkeypatch.setenv("COLUMNS", str(width))
        assert fits(fljob(*words)[1], width) == []


def test_a_job_that_has_ended(fake, prints, release, same):
    show(fake, exited(7))
    same(prints("wait", release, "-n", "fl", "--keep"))


def test_what_a_launch_says(fljob, monkeypatch):
    monkeypatch.setenv("COLUMNS", "50")
    code, out, err = fljob(*LAUNCH, "--", "x")
    assert (code, err, fits(out, 50)) == (0, "", [])
    assert len(out) > 50


@pytest.mark.parametrize(
    "words",
    [
        ("template", *JOB, "--namespace", "A_namespace_that_no_cluster_has"),
        ("template", "a/folder/of/a/job/that/is/not/there/meta.json", *JOB[1:]),
        ("launch", *JOB, "--an-option-that-nobody-has", "x"),
        ("status", "a-job-that-is-not-there", "-n", "fl"),
        ("forget-every-job-that-there-has-ever-been",),
    ],
)
def test_errors(prints, same, words):
    same(prints(*words))


def test_an_error_of_the_cluster(fake, prints, same, monkeypatch):
    monkeypatch.setattr(fake.releases, "list", raising(Unavailable(LONG, cure=f"wait, and then {LONG}")))
    same(prints("list", "-n", "fl"))


@pytest.mark.parametrize("command", ["", *COMMANDS, "kit adopt", "kit secrets", "federation status"])
def test_help(fljob, monkeypatch, command):
    """At 50: click makes it no narrower."""
    monkeypatch.setenv("COLUMNS", "50")
    assert [line for line in fljob(*command.split(), "--help")[1].splitlines() if len(line) > 50] == []


@pytest.mark.parametrize(
    ("words", "other"),
    [("usage", "2>/dev/null"), ("template a/folder/of/a/job/nonesuch/meta.json --site a", ">/dev/null")],
)
def test_a_terminal_has_its_own_width(tmp_path, words, other):
    """Without COLUMNS, and also where the other one of stdout and stderr is none."""
    write_history(tmp_path)
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    script = f"cd {tmp_path}; {sys.executable} -m launcher {words} {other}"
    terminal = Terminal(["sh", "-c", script], env, (50, 24))
    try:
        terminal.end()
        text = click.unstyle(terminal.sent)
        assert text.count("\n") > 2
        assert fits(text, 50) == []
    finally:
        terminal.close()
