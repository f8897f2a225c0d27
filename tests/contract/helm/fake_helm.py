"""A fake helm for the tests of the gateway: records its calls and gives the answers set for them."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MISSING = {"exit": 1, "stderr": "Error: release: not found\n"}

# Its answers are in files beside it: no environment variable reaches it.
_SCRIPT = """#!{python} -IS
import json, os, signal, subprocess, sys, time
here = os.path.dirname(os.path.abspath(sys.argv[0]))
verb = sys.argv[1]
number = len(os.listdir(os.path.join(here, "calls")))
with open(os.path.join(here, "answers.json")) as file:
    answers = json.load(file).get(verb, [{{}}])
earlier = sum(1 for name in os.listdir(os.path.join(here, "calls")) if name.endswith("-" + verb))
answer = answers[min(earlier, len(answers) - 1)]
time.sleep(answer.get("late", 0))
call = {{"argv": sys.argv[1:], "env": dict(os.environ), "pid": os.getpid(), "stdin": sys.stdin.read(),
        "session": os.getsid(0), "grandchild": 0, "kubeconfig": open(os.environ["KUBECONFIG"]).read()}}
if answer.get("ignore_term"):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if answer.get("grandchild"):
    quiet = subprocess.DEVNULL if answer["grandchild"] == "quiet" else None
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    call["grandchild"] = subprocess.Popen(
        [sys.executable, "-IS", "-c", code], stdout=quiet, stderr=quiet, stdin=subprocess.DEVNULL
    ).pid
path = os.path.join(here, "calls", "%03d-%d-%s" % (number, os.getpid(), verb))
with open(path + ".new", "w") as file:
    json.dump(call, file)
os.rename(path + ".new", path)
time.sleep(answer.get("sleep", 0))
sys.stdout.write(answer.get("stdout", ""))
sys.stderr.write(answer.get("stderr", ""))
sys.exit(answer.get("exit", 0))
"""


@dataclass(frozen=True)
class Call:
    """One recorded call."""

    argv: list[str]
    stdin: str
    env: Mapping[str, str]
    pid: int
    session: int
    grandchild: int
    kubeconfig: str

    def option(self, name: str) -> str:
        """Return the argument after ``name``."""
        return self.argv[self.argv.index(name) + 1]


class FakeHelm:
    """The program at ``path``; by default every verb succeeds, nothing is installed and nothing listed."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "helm"
        self._folder = folder
        self._answers: dict[str, tuple[dict[str, Any], ...]] = {
            "list": ({"stdout": "[]"},),
            "status": (MISSING,),
        }
        (folder / "calls").mkdir(parents=True)
        self.path.write_text(_SCRIPT.format(python=sys.executable))
        self.path.chmod(0o755)
        self._save()

    def answer(self, verb: str, *answers: dict[str, Any]) -> None:
        """Set the answers to calls of ``verb``, in order; the last answer is repeated.

        Keys: exit, stdout, stderr, late (seconds until it reads stdin), sleep (seconds at the end),
        ignore_term, grandchild (True or "quiet": no pipes).
        """
        self._answers[verb] = answers
        self._save()

    @property
    def calls(self) -> list[Call]:
        """All calls so far, oldest first."""
        paths = sorted(p for p in (self._folder / "calls").iterdir() if p.suffix != ".new")
        return [Call(**json.loads(path.read_text())) for path in paths]

    @property
    def verbs(self) -> list[str]:
        """The verbs of all calls so far."""
        return [call.argv[0] for call in self.calls]

    def wait_for(self, verb: str) -> Call:
        """Return the first call of ``verb`` as soon as it runs."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            for call in self.calls:
                if call.argv[0] == verb:
                    return call
            time.sleep(0.01)
        raise AssertionError(f"helm {verb} was not called")

    def _save(self) -> None:
        (self._folder / "answers.json").write_text(json.dumps(self._answers))


def is_alive(pid: int) -> bool:
    """Return whether a process runs (a zombie does not)."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def is_gone_within(pid: int, seconds: float) -> bool:
    """Return whether a process ends within ``seconds``."""
    end = time.monotonic() + seconds
    while is_alive(pid):
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True
