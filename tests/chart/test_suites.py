"""The chart's own suites, charts/fljob/tests: for reviewers with helm and helm-unittest, which renders with a Helm of its own."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.chart.conftest import CHART

SUITES = sorted((CHART / "tests").glob("*_test.yaml"))


def unittest(chart: Path) -> subprocess.CompletedProcess[str]:
    if shutil.which("helm-unittest") is None:
        pytest.fail(
            'helm-unittest is not on PATH: run `scripts/test chart`, or `eval "$(scripts/tools helm-unittest)"`'
        )
    return subprocess.run(
        ["helm-unittest", "--strict", str(chart)], capture_output=True, text=True, timeout=120
    )


def test_the_suites_pass(tmp_path):
    # A copy: helm-unittest makes a folder for snapshots beside the suites.
    done = unittest(shutil.copytree(CHART, tmp_path / "fljob"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Test Suites: {len(SUITES)} passed, {len(SUITES)} total" in done.stdout


# (file, text, what stands there instead, a suite that says so)
SABOTAGE = [
    ("templates/pod.yaml", "restartPolicy: Never", "restartPolicy: Always", "pod_test.yaml"),
    ("templates/networkpolicy.yaml", "ingress: []", "ingress: [{}]", "networkpolicy_test.yaml"),
    (
        "values.yaml",
        "allowPrivilegeEscalation: auto",
        "allowPrivilegeEscalation: true",
        "hardening_test.yaml",
    ),
    ("templates/_checks.tpl", '{{- include "fljob.refuseUpgrade" . -}}', "", "refusals_test.yaml"),
    ("values.schema.json", '"$ref": "#/$defs/k8s.PodSpec",', "", "refusals_test.yaml"),
]


@pytest.mark.parametrize(("file", "text", "instead", "suite"), SABOTAGE, ids=lambda value: value[:30])
def test_a_suite_fails_when_the_chart_does_something_else(tmp_path, file, text, instead, suite):
    chart = shutil.copytree(CHART, tmp_path / "fljob")
    assert text in (chart / file).read_text()
    (chart / file).write_text((chart / file).read_text().replace(text, instead))
    done = unittest(chart)
    assert done.returncode != 0
    assert re.search(rf"FAIL.*{suite}", done.stdout)
    assert {one.name for one in SUITES} >= {suite for *_, suite in SABOTAGE}
