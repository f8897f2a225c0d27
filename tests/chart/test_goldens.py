"""What the chart prints, byte for byte with Helm 4; with Helm 3 the same objects, in some cases a blank line apart.

``pytest tests/chart --update-goldens`` writes it anew; git shows what changed.
"""

from __future__ import annotations

import os
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from tests import helms
from tests.chart.conftest import ALL_CASES, CHART, CI_CASES, case_arguments, helm, render_case

GOLDENS = Path(__file__).parent / "goldens"
# The oldest that Chart.yaml admits, the newest with a schema here, the one of the test cluster, and one between.
KUBERNETES = ("1.29", "1.33", "1.36", "1.37")


# Where one object follows another Helm 4 prints a blank line between them, which Helm 3 does not.
SEVERAL_OBJECTS = frozenset({"disruption", "full", "network-policy", "test"})
# And one behind a hook.
HOOKS = frozenset({"test"})


@pytest.mark.parametrize("case", ALL_CASES)
def test_the_chart_prints_its_golden(case, request, check_golden):
    printed, golden = render_case(case), GOLDENS / f"{case}.yaml"
    if helms.major() == 4:
        check_golden(printed, golden)
        return
    assert not request.config.getoption("--update-goldens"), "the goldens are what Helm 4 prints"
    expected = golden.read_text()
    assert list(yaml.safe_load_all(printed)) == list(yaml.safe_load_all(expected))
    if case in SEVERAL_OBJECTS:
        expected = expected.replace("\n\n---\n", "\n---\n")
    assert printed == (expected.rstrip("\n") + "\n" if case in HOOKS else expected)


def test_several_objects_are_in_the_goldens_that_are_said_to_have_them():
    several = {path.stem for path in GOLDENS.iterdir() if path.read_text().count("\n---\n")}
    assert several == SEVERAL_OBJECTS


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
def test_new_site_example_is_valid_kubernetes(release):
    claim, pod = yaml.safe_load_all((CHART.parents[1] / "examples" / "new-site.yaml").read_text())
    for item in (claim, pod):
        kubernetes_validate.validate(item, release, strict=True)
    (volume,) = pod["spec"]["volumes"]
    assert volume["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]


def test_validation_detects_an_unknown_field():
    item = yaml.safe_load((GOLDENS / "minimal.yaml").read_text())
    item["spec"]["containers"][0]["imagePullPolice"] = "Always"
    with pytest.raises(kubernetes_validate.ValidationError, match="imagePullPolice"):
        kubernetes_validate.validate(item, KUBERNETES[-1], strict=True)


@pytest.mark.parametrize("case", ALL_CASES)
def test_lint_passes(case):
    done = helm("lint", "--strict", str(CHART), *case_arguments(case))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("case", ALL_CASES)
def test_namespace_is_left_to_helm(case):
    for item in yaml.safe_load_all((GOLDENS / f"{case}.yaml").read_text()):
        assert "namespace" not in item["metadata"]
