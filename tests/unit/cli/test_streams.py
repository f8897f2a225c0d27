"""Streams that are closed, full, or read no further: a line at most, and no traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from launcher.cli.log_stream import LogStream
from tests.fakes import exited
from tests.jobs import make_spec
from tests.unit.cli.conftest import show

ROOT = Path(__file__).parents[3]
FLJOB = f"{sys.executable} -m launcher"
WARNS = {"name": "x", "launcher_spec": {"default": {"k8s": {"image": "i", "memroy": "1Gi"}}}}
FULL = "error: cannot write the output: No space left on device\n"


@pytest.fixture(params=["", "1"], ids=["buffer", "no buffer"])
def shell(request):
    """Return what runs a script of bash and returns (exit code of its first program, stdout, stderr)."""
    return lambda script: run(script, PYTHONUNBUFFERED=request.param)


def run(script, **env):
    done = subprocess.run(
        ["bash", "-c", f"{script}; exit ${{PIPESTATUS[0]}}"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | env,
        timeout=60,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("command", ["version", "--version", "--help", "list --help", "rbac -n fl"])
def test_an_output_that_cannot_be_written_is_an_error_of_one_line(shell, command):
    assert shell(f"{FLJOB} {command} >/dev/full") == (2, "", FULL)


@pytest.mark.parametrize("command", ["version", "--help", "rbac -n fl"])
def test_a_reader_that_has_gone_is_no_error(shell, command):
    assert shell(f"{FLJOB} {command} | true") == (0, "", "")


@pytest.mark.usefixtures("printing_helm")
@pytest.mark.parametrize("output", ["text", "json", "markdown"])
@pytest.mark.parametrize(("other", "code"), [("old", 0), ("new", 1), ("wrong", 2)])
def test_a_difference_that_nobody_reads_is_one(shell, folder, output, other, code):
    """`fljob diff ... | head -1` in a script: 0 is an answer, "the same"."""
    for name, text in (("old", "site: s\nimage: a:1\n"), ("new", "site: s\nimage: a:2\n"), ("wrong", "")):
        (folder / f"{name}.yaml").write_text(text)
    (folder / "meta.json").write_text("{}")
    command = f"{FLJOB} diff meta.json --config old.yaml --to-config {other}.yaml -o {output}"
    assert shell(f"{command} | true")[0] == code
    assert shell(f"{command} >&-")[0] == code
    assert shell(f"{command} >/dev/full") == (2, "", FULL)


@pytest.mark.parametrize("reader", ["| true", ">&-"])
def test_what_a_check_has_found_stays_found_when_nobody_reads_it(shell, reader, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", "/nowhere")
    assert shell(f"PATH=/nowhere {FLJOB} doctor -n fl {reader}")[0] == 1


@pytest.mark.parametrize("closed", [">&-", "<&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_empty(shell, closed):
    code, _, errors = shell(f"{FLJOB} version {closed}")
    assert (code, errors) == (0, "")


@pytest.mark.parametrize("stream", ["2>/dev/full", "2>&-", ">/dev/full 2>/dev/full"])
def test_an_error_that_nobody_reads_keeps_its_exit_code(shell, stream):
    assert shell(f"{FLJOB} nosuch {stream}") == (2, "", "")


@pytest.mark.parametrize(
    ("env", "has_colours"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "dumb"}, False),
        ({"TERM": ""}, False),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
        ({"TERM": "xterm", "NO_COLOR": ""}, True),
    ],
    ids=str,
)
def test_colours_are_for_terminals_that_know_them(fljob, release, monkeypatch, env, has_colours):
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    code, out, _ = fljob("list", "-n", "fl")
    assert (code, release in out, "\x1b[" in out) == (0, True, has_colours)
    code, _, errors = fljob("status", "nope", "-n", "fl")
    assert (code, "error:" in errors, "\x1b[" in errors) == (3, True, has_colours)


@pytest.fixture
def unread():
    """A stream whose reader has gone."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stream:
        yield stream


@pytest.mark.parametrize("args", [(), ("-o", "json")], ids=str)
@pytest.mark.parametrize(("exit_code", "code", "left"), [(0, 0, 0), (101, 101, 1)])
def test_a_job_is_waited_for_though_nobody_reads_of_it(
    fake, fljob, release, monkeypatch, unread, args, exit_code, code, left
):
    show(fake, exited(exit_code))
    monkeypatch.setattr(sys, "stdout", unread)
    assert fljob("wait", release, "-n", "fl", *args)[0] == code
    assert len(fake.releases.items) == left


def test_stdout_is_given_up_when_nobody_reads_a_log(fake, service, unread, monkeypatch, capsys):
    job = service.launch(make_spec()).job
    monkeypatch.setattr(sys, "stdout", unread)
    LogStream(fake.world.pods, job, lambda line: line)._print()
    unread.write("what comes after it is dropped")
    unread.flush()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("stream", ["2>/dev/full", "2> >(true)", "2>&-"])
def test_warnings_that_nobody_reads_end_no_command(shell, folder, stream):
    (folder / "meta.json").write_text(json.dumps(WARNS))
    script = f"{FLJOB} render meta.json --site s"
    code, out, errors = shell(script)
    assert (code, "memroy" in errors) == (0, True), errors
    assert shell(f"{script} {stream}") == (0, out, "")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
@pytest.mark.parametrize("command", ["render", "render -o json"])
def test_what_an_encoding_does_not_have_is_escaped(shell, tmp_path, encoding, command):
    (tmp_path / "meta.json").write_text(json.dumps(WARNS))
    made = f"PYTHONIOENCODING={encoding} {FLJOB} {command} {tmp_path}/meta.json --site s -n fl -- echo x\u2192 | cat -v"
    code, out, errors = shell(made)
    assert (code, "Traceback" in errors) == (0, False)
    assert out
