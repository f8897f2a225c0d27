"""What the chart prints, byte for byte.

``pytest tests/chart --update-goldens`` writes it anew; git shows what changed.
"""

from __future__ import annotations

import os
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from tests.chart.conftest import ALL_CASES, CHART, CI_CASES, case_arguments, helm, render_case

GOLDENS = Path(__file__).parent / "goldens"
# Both ends: the newest Kubernetes with a schema here, and the oldest that Chart.yaml admits.
KUBERNETES = ("1.29", "1.36")


@pytest.mark.parametrize("case", ALL_CASES)
def test_the_chart_prints_its_golden(case, check_golden):
    check_golden(render_case(case), GOLDENS / f"{case}.yaml")


def test_every_golden_has_a_case():
    assert {path.stem for path in GOLDENS.iterdir()} == set(ALL_CASES)


@pytest.mark.parametrize("case", CI_CASES)
def test_no_cluster_can_change_what_is_printed(case):
    env = {
        **os.environ,
        "KUBECONFIG": "/nonexistent/kubeconfig",
        "KUBERNETES_SERVICE_HOST": "192.0.2.1",  # an address that nobody has
        "HELM_KUBEAPISERVER": "https://192.0.2.1",
        "HELM_NAMESPACE": "elsewhere",
    }
    assert render_case(case, env) == render_case(case)


@pytest.mark.parametrize("release", KUBERNETES)
@pytest.mark.parametrize("case", ALL_CASES)
def test_every_object_is_valid_kubernetes(case, release):
    for item in yaml.safe_load_all((GOLDENS / f"{case}.yaml").read_text()):
        kubernetes_validate.validate(item, release, strict=True)


@pytest.mark.parametrize("release", KUBERNETES)
def test_what_a_new_site_applies_first_is_valid_kubernetes(release):
    claim, pod = yaml.safe_load_all((CHART.parents[1] / "examples" / "new-site.yaml").read_text())
    for item in (claim, pod):
        kubernetes_validate.validate(item, release, strict=True)
    (volume,) = pod["spec"]["volumes"]
    assert volume["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]


def test_the_validation_sees_an_unknown_field():
    item = yaml.safe_load((GOLDENS / "minimal.yaml").read_text())
    item["spec"]["containers"][0]["imagePullPolice"] = "Always"
    with pytest.raises(kubernetes_validate.ValidationError, match="imagePullPolice"):
        kubernetes_validate.validate(item, KUBERNETES[-1], strict=True)


@pytest.mark.parametrize("case", ALL_CASES)
def test_lint_has_no_complaint(case):
    done = helm("lint", "--strict", str(CHART), *case_arguments(case))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("case", ALL_CASES)
def test_helm_decides_the_namespace(case):
    for item in yaml.safe_load_all((GOLDENS / f"{case}.yaml").read_text()):
        assert "namespace" not in item["metadata"]
