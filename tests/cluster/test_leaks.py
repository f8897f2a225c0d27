"""Races, kills and outages at random moments: a small sample of benchmarks/leaks.py, on real pods.

A failure prints the seed; `python benchmarks/leaks.py --seed SEED --image IMAGE --only PART:NUMBER` is one case of it.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.cluster.conftest import ROOT

pytestmark = pytest.mark.cluster

NONE = {"--races": 0, "--kills": 0, "--outages": 0}


@pytest.mark.parametrize(("part", "cases"), [("--races", 6), ("--kills", 5), ("--outages", 1)])
def test_nothing_is_left_behind_lost_or_run_twice(cluster_env, image, part, cases):
    sizes = [str(word) for pair in (NONE | {part: cases}).items() for word in pair]
    command = [sys.executable, "benchmarks/leaks.py", *sizes, "--image", image, "--hurry", "--log"]
    done = subprocess.run(command, cwd=ROOT, env=cluster_env, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stdout + done.stderr
