"""What the chart prints, byte for byte; `pytest tests/chart --update-goldens` writes it anew, git shows the change."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from tests.chart.conftest import CHART, helm

GOLDENS = Path(__file__).parent / "goldens"
CASES = ("minimal", "gpu", "full")
KUBERNETES = "1.36"


def render(case: str, env: dict[str, str] | None = None) -> str:
    values = str(CHART / "ci" / f"{case}-values.yaml")
    done = helm("template", "fj-test", str(CHART), "--namespace", "fl", "--values", values, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("case", CASES)
def test_the_chart_prints_its_golden(case, request):
    golden = GOLDENS / f"{case}.yaml"
    if request.config.getoption("--update-goldens"):
        golden.write_text(render(case))
    assert render(case) == golden.read_text()


def test_no_cluster_can_change_what_is_printed():
    env = {**os.environ, "KUBECONFIG": "/nonexistent", "KUBERNETES_SERVICE_HOST": "192.0.2.1"}
    assert render("full", env) == render("full")


@pytest.mark.parametrize("case", CASES)
def test_every_object_is_valid_kubernetes(case):
    for item in yaml.safe_load_all(render(case)):
        kubernetes_validate.validate(item, KUBERNETES, strict=True)


@pytest.mark.parametrize("case", CASES)
def test_lint_has_no_complaint(case):
    done = helm("lint", "--strict", str(CHART), "--values", str(CHART / "ci" / f"{case}-values.yaml"))
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_full_values_set_every_key():
    full = yaml.safe_load((CHART / "ci" / "full-values.yaml").read_text())
    default = yaml.safe_load((CHART / "values.yaml").read_text())

    def missing(known, given, prefix=""):
        for key, value in known.items():
            if key not in given:
                yield prefix + key
            elif isinstance(value, dict) and value:
                yield from missing(value, given[key], f"{prefix}{key}.")

    assert list(missing(default, full)) == []


def test_the_package_holds_only_what_rendering_needs(tmp_path):
    assert helm("package", str(CHART), "--destination", str(tmp_path)).returncode == 0
    (package,) = tmp_path.iterdir()
    names = {name.partition("/")[2] for name in tarfile.open(package).getnames()}
    assert {name for name in names if not name.startswith("templates/")} == {
        "Chart.yaml",
        "values.yaml",
        "values.schema.json",
    }
    assert package.stat().st_size < 20_000


def test_chart_and_package_have_one_version():
    project = (CHART.parents[1] / "pyproject.toml").read_text()
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert f'version = "{chart["version"]}"' in project
    assert f"nvflare=={chart['appVersion']}" in project
