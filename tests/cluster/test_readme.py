"""The first job of the README, command by command: a reader sees what the page shows."""

from __future__ import annotations

import re
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from launcher.core.names import LABEL_JOB_ID
from tests.cluster.conftest import ROOT, kubectl

pytestmark = pytest.mark.cluster

README = (ROOT / "README.md").read_text()
NAMESPACE, IMAGE = "fl", "python:3.11-slim"
# These only look: asked again until they show what the page shows, since a pod needs a moment.
READS = re.compile(r"fljob (?:list|status)\b")
SECONDS = 60.0
# What another cluster, another day and another version say otherwise.
NODE = re.compile(r"fljob-worker\d*")
NAME = re.compile(r"[\w/-]*\b(?:hello|big)-1\b[\w/-]*")


def steps() -> Iterator[tuple[str, list[str]]]:
    """Yield each command of the README's sessions, and the lines that it prints there."""
    for session in re.findall(r"^```console\n(.*?)^```", README, re.MULTILINE | re.DOTALL):
        for step in re.split(r"^\$ ", session, flags=re.MULTILINE)[1:]:
            command, *shown = step.splitlines()
            yield command, shown


def pattern(line: str, namespace: str) -> re.Pattern[str]:
    """Return what a line of the page stands for: the same words, with any numbers and any node."""
    words = []
    for word in line.split():
        own = re.sub(rf"^(namespace/)?{NAMESPACE}(?=$|/)", rf"\g<1>{namespace}", word)
        if word == "...":
            words.append(".*")
        elif NODE.fullmatch(word):
            words.append(r"\S+")
        elif NAME.fullmatch(word) or own != word:
            words.append(re.escape(own))
        else:
            words.append(re.sub(r"\d+", r"\\d+", re.escape(word)))
    return re.compile(r"\s+".join(words) + r"\s*")


def shows(printed: str, shown: list[str], namespace: str) -> bool:
    """Tell whether the last lines that were printed are those of the page; progress may come before."""
    last = printed.splitlines()[-len(shown) :] if shown else []
    expected = [pattern(line, namespace) for line in shown]
    return len(last) == len(shown) and all(map(re.Pattern.fullmatch, expected, last))


@pytest.fixture
def own_namespace(cluster_env):
    """The name of a namespace that the README's first command makes; afterwards nothing of a job is in it."""
    name = f"t-{uuid.uuid4().hex[:8]}"
    yield name
    left = kubectl("get", "pod,secret", "-n", name, "-l", LABEL_JOB_ID, "-o", "name")
    kubectl("delete", "namespace", name, "--wait=false")
    assert left == ""


def test_the_first_job_of_the_readme(cluster_env, image, own_namespace, tmp_path):
    programs = f"{Path(sys.executable).parent}:{cluster_env['PATH']}"
    environment = {**cluster_env, "PATH": programs, "COLUMNS": "400"}

    def run(command: str) -> str:
        done = subprocess.run(
            ["bash", "-c", command],
            env=environment,
            cwd=tmp_path,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=180,
        )
        assert done.returncode == 0, f"{command}: exit code {done.returncode}\n{done.stdout}"
        return done.stdout

    for command, shown in steps():
        own = re.sub(rf"(-n|namespace) {NAMESPACE}\b", rf"\1 {own_namespace}", command).replace(IMAGE, image)
        end = time.monotonic() + SECONDS
        printed = run(own)
        while READS.match(command) and not shows(printed, shown, own_namespace) and time.monotonic() < end:
            time.sleep(0.5)
            printed = run(own)
        assert shows(printed, shown, own_namespace), f"{own}\n{printed}\nbut the README shows\n" + "\n".join(
            shown
        )
