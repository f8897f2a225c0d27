"""Fields that Kubernetes does not know are refused offline, with their key path, as its API server would."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from launcher.edges.helm.parsing import values_json
from tests.chart.conftest import ALL_CASES, CHART, at, case_arguments, helm, minimal, pod, refusal, rendered

SCHEMA = json.loads((CHART / "values.schema.json").read_text())
SIDECAR = {"name": "proxy", "image": "p:1"}
NOT_A_FIELD = "additional properties {!r} not allowed"

# (values, where, the field)
TYPOS: list[tuple[dict[str, Any], str, str]] = [
    (at("pod.spec.nodeSelectr", {"a": "b"}), "/pod/spec", "nodeSelectr"),
    (at("pod.spec.hostNetwrok", value=True), "/pod/spec", "hostNetwrok"),
    (at("pod.spec.ephemeralContainers", []), "/pod/spec", "ephemeralContainers"),
    (at("pod.spec.securityContext.runAsNonroot", value=True), "/pod/spec/securityContext", "runAsNonroot"),
    (at("pod.spec.tolerations", [{"key": "a", "effects": "x"}]), "/pod/spec/tolerations/0", "effects"),
    (at("pod.spec.affinity.nodeAfinity", {}), "/pod/spec/affinity", "nodeAfinity"),
    (at("pod.spec.resourceClaims", [{"name": "a", "claim": "x"}]), "/pod/spec/resourceClaims/0", "claim"),
    (at("container.spec.livenesProbe", {}), "/container/spec", "livenesProbe"),
    (at("container.spec.livenessProbe.httpGet.prot", 80), "/container/spec/livenessProbe/httpGet", "prot"),
    (at("env", [{"name": "A", "valueFrom": {"secretRef": {}}}]), "/env/0/valueFrom", "secretRef"),
    (at("extra.volumes", [{"name": "v", "empytDir": {}}]), "/extra/volumes/0", "empytDir"),
    (at("extra.volumes", [{"name": "v", "emptyDir": {"size": "1"}}]), "/extra/volumes/0/emptyDir", "size"),
    (at("extra.volumeMounts", [{"name": "v", "mountPath": "/x", "readonly": True}]), "/extra/volumeMounts/0", "readonly"),
    (at("extra.containers", [{**SIDECAR, "imagePolicy": "Always"}]), "/extra/containers/0", "imagePolicy"),
    (at("extra.initContainers", [{**SIDECAR, "envs": []}]), "/extra/initContainers/0", "envs"),
]  # fmt: skip


@pytest.mark.parametrize(("values", "where", "field"), TYPOS, ids=lambda value: str(value)[:60])
def test_unknown_field_is_refused_with_its_key_path(values, where, field):
    assert f"at '{where}': {NOT_A_FIELD.format(field)}" in refusal(values)


def test_lint_refuses_it_too():
    values = values_json(minimal(at("pod.spec.nodeSelectr", {"a": "b"}))).decode()
    done = helm("lint", str(CHART), "--values", "-", stdin=values)
    assert done.returncode != 0
    assert "at '/pod/spec': additional properties 'nodeSelectr' not allowed" in done.stdout


WRONG_TYPES = [
    (at("pod.spec.hostNetwork", "yes"), "at '/pod/spec/hostNetwork': got string, want null or boolean"),
    (at("pod.spec.priority", "1"), "at '/pod/spec/priority': got string, want null or integer"),
    (at("pod.spec.nodeSelector", {"a": 1}), "at '/pod/spec/nodeSelector/a': got number, want null or string"),
    (at("pod.spec.tolerations", {}), "at '/pod/spec/tolerations': got object, want null or array"),
    (at("pod.spec.automountServiceAccountToken", "never"), "at '/pod/spec/automountServiceAccountToken': value must be one of true, false"),
    (at("container.spec.securityContext.capabilities.drop", "none"), "does not match pattern '^auto$|$.(a list, or auto)'"),
    (at("extra.containers", [{**SIDECAR, "securityContext": {"allowPrivilegeEscalation": "auto"}}]), "/securityContext/allowPrivilegeEscalation': got string, want null or boolean"),
    (at("extra.containers", [{**SIDECAR, "securityContext": {"capabilities": {"drop": "auto"}}}]), "/securityContext/capabilities/drop': got string, want null or array"),
]  # fmt: skip


@pytest.mark.parametrize(("values", "said"), WRONG_TYPES, ids=lambda value: str(value)[:60])
def test_a_value_of_another_type_is_refused(values, said):
    assert said in refusal(values)


# What the API server takes: a quantity as a number, a port by name, null as not given, text for a number nowhere.
ACCEPTED = [
    at("extra.volumes", [{"name": "v", "emptyDir": {"sizeLimit": 1}}]),
    at("extra.volumes", [{"name": "v", "emptyDir": None}]),
    at("extra.volumes", [{"name": "v", "flocker": {"datasetName": "x"}}]),
    at("container.spec.livenessProbe", {"httpGet": {"port": "web"}}),
    at("container.spec.livenessProbe", {"httpGet": {"port": 80}}),
    at("pod.spec", {"affinity": {"nodeAffinity": None}, "nodeSelector": None, "tolerations": None}),
    at("pod.spec.resourceClaims", [{"name": "gpu", "resourceClaimTemplateName": "one"}]),
    at("pod.spec.hostUsers", value=False),
    at("extra.initContainers", [{**SIDECAR, "restartPolicy": "Always", "restartPolicyRules": []}]),
]


@pytest.mark.parametrize("values", ACCEPTED, ids=lambda value: str(value)[:60])
def test_what_kubernetes_takes_is_accepted(values):
    done = rendered(minimal(values))
    assert done.returncode == 0, done.stderr


def definitions(release: str) -> dict[str, Any]:
    folder = files("kubernetes_validate") / "kubernetes-json-schema" / f"v{release}.0-local"
    made: dict[str, Any] = json.loads((folder / "_definitions.json").read_text())["$defs"]
    return made


RELEASES = sorted(
    {
        one.name.removeprefix("v").removesuffix(".0-local")
        for one in (files("kubernetes_validate") / "kubernetes-json-schema").iterdir()
        if one.name.endswith(".0-local")
    },
    key=lambda release: int(release.partition(".")[2]),
)


def test_the_releases_of_the_chart_are_among_those_known():
    assert {"1.29", "1.37"} <= set(RELEASES)


@pytest.mark.parametrize("release", [one for one in RELEASES if int(one.partition(".")[2]) >= 29])
def test_no_field_of_a_release_that_the_chart_admits_is_unknown(release):
    known = definitions(release)
    own = {
        name.partition(".")[2]: entry for name, entry in SCHEMA["$defs"].items() if name.startswith("k8s.")
    }
    for name, entry in own.items():
        of_kubernetes = known.get(f"io.k8s.api.core.v1.{name}", {}).get("properties", {})
        assert set(of_kubernetes) - {"ephemeralContainers"} <= set(entry["properties"])


@pytest.mark.parametrize("case", ALL_CASES)
def test_what_the_cases_render_has_known_fields_only(case):
    """The rendered pod is what the definitions describe: they and the strict schemas of Kubernetes agree."""
    done = helm("template", "fj-test", str(CHART), *case_arguments(case))
    assert done.returncode == 0, done.stderr
    schema = {"$defs": SCHEMA["$defs"], "$ref": "#/$defs/k8s.PodSpec"}
    jsonschema.Draft202012Validator(schema).validate(pod_of(done.stdout)["spec"])


def pod_of(text: str) -> dict[str, Any]:
    return next(item for item in yaml.safe_load_all(text) if item and item["kind"] == "Pod")


# Kubernetes has that field; it cannot be set when a pod is created.
UNKNOWN = [row for row in TYPOS if row[2] != "ephemeralContainers"]


@pytest.mark.parametrize(("values", "where", "field"), UNKNOWN, ids=lambda value: str(value)[:60])
def test_kubernetes_own_schema_refuses_the_same(values, where, field):
    """With the schema of the chart left out, its rendered pod is what Kubernetes' strict schema refuses."""
    text = values_json(minimal(values)).decode()
    done = helm("template", "fj-test", str(CHART), "--skip-schema-validation", "--values", "-", stdin=text)
    assert done.returncode == 0, done.stderr
    with pytest.raises(kubernetes_validate.ValidationError, match=field):
        kubernetes_validate.validate(pod_of(done.stdout), "1.37", strict=True)


def test_a_field_of_a_newer_kubernetes_passes_without_the_schema():
    values = values_json(minimal(at("pod.spec.fromTheFuture", 1))).decode()
    done = helm("template", "x", str(CHART), "--skip-schema-validation", "--values", "-", stdin=values)
    assert pod_of(done.stdout)["spec"]["fromTheFuture"] == 1


def test_owned_field_still_has_its_cure():
    assert "belongs to the chart: move it to extra.initContainers" in refusal(
        at("pod.spec.initContainers", [])
    )
    assert pod()["spec"]["restartPolicy"] == "Never"
