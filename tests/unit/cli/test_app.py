"""Every end of a command is an exit code and a sentence, and none is a traceback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from launcher.errors import Denied, Unavailable
from tests.unit.cli.conftest import LAUNCH

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (("nosuch",), 2, "No such command"),
        (("launch",), 2, "META"),
        (("status", "nope", "-n", "fl"), 3, "no job release 'nope'"),
        (("template", "nowhere", "--site", "a"), 2, "nowhere"),
        (("template", "meta.json"), 2, "--site"),
        (("template", "meta.json", "--site", "a", "--job-id", "bad id"), 2, "job id"),
        (("template", "meta.json", "--site", "a", "--config", "nope.yaml"), 2, "nope.yaml"),
        (("gc", "--older-than", "soon"), 2, "24h"),
        (("list", "-o", "xml"), 2, "xml"),
    ],
)
def test_a_mistake_has_one_clear_error(fljob, args, code, words):
    found, out, err = fljob(*args)
    assert (found, out) == (code, "")
    assert words in err
    assert "Traceback" not in err


@pytest.mark.parametrize("error", [Unavailable("a", cure="b"), Denied("a", cure="b")])
def test_an_error_says_what_to_do(fake, fljob, error):
    fake.releases.install_error = error
    assert fljob(*LAUNCH, "--", "x")[2] == "error: a\n  cure: b\n"


def test_a_signal_during_the_imports_is_no_traceback(tmp_path):
    (tmp_path / "click.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    done = subprocess.run(
        [sys.executable, "-m", "launcher", "list"],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": f"{tmp_path}:{ROOT}", "PATH": ""},
        check=False,
    )
    assert (done.returncode, done.stderr) == (130, "interrupted\n")
