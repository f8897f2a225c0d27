"""A field that Kubernetes does not have is named with its source, its key path and the field meant."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from launcher.core.spec.podtemplate import prepare_template
from launcher.core.spec.site import SiteConfig
from launcher.core.values.build import build_values
from launcher.core.values.fields import refuse_unknown_fields
from launcher.errors import InvalidInput
from tests.unit.core.values.sample import SHIPPED, SITE, SPEC, spec_with

SCHEMA = Path(__file__).parents[4] / "charts" / "fljob" / "values.schema.json"
DEFINITIONS = json.loads(SCHEMA.read_text())["$defs"]
NEWER = "remove it; for a field that is newer than the chart see its README, `chart` of fljob.yaml"

# (values, where, the field, of what, the cure)
UNKNOWN: list[tuple[dict[str, Any], str, str, str, str]] = [
    ({"pod": {"spec": {"nodeSelectr": {}}}}, "pod.spec", "nodeSelectr", "PodSpec", "did you mean nodeSelector?"),
    ({"pod": {"spec": {"hostNetwrok": True}}}, "pod.spec", "hostNetwrok", "PodSpec", "did you mean hostNetwork?"),
    ({"pod": {"spec": {"zzz": 1}}}, "pod.spec", "zzz", "PodSpec", NEWER),
    ({"pod": {"spec": {"tolerations": [{}, {"kee": "a"}]}}}, "pod.spec.tolerations[1]", "kee", "Toleration", "did you mean key?"),
    ({"container": {"spec": {"livenesProbe": {}}}}, "container.spec", "livenesProbe", "Container", "did you mean livenessProbe?"),
    ({"container": {"spec": {"lifecycle": {"preStop": {"exce": {}}}}}}, "container.spec.lifecycle.preStop", "exce", "LifecycleHandler", "did you mean exec?"),
    ({"extra": {"volumes": [{"name": "v", "empytDir": {}}]}}, "extra.volumes[0]", "empytDir", "Volume", "did you mean emptyDir?"),
    ({"extra": {"volumeMounts": [{"readonly": True}]}}, "extra.volumeMounts[0]", "readonly", "VolumeMount", "did you mean readOnly?"),
    ({"extra": {"containers": [{"envs": []}]}}, "extra.containers[0]", "envs", "Container", "did you mean env?"),
    ({"extra": {"initContainers": [{"envs": []}]}}, "extra.initContainers[0]", "envs", "Container", "did you mean env?"),
    ({"env": [{"name": "A", "valueFrom": {"secretRef": {}}}]}, "env[0].valueFrom", "secretRef", "EnvVarSource", "did you mean secretKeyRef?"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("layer", "where", "field", "kind", "cure"), UNKNOWN, ids=lambda value: str(value)[:50]
)
def test_unknown_field_is_named(layer, where, field, kind, cure):
    with pytest.raises(InvalidInput) as caught:
        refuse_unknown_fields(layer, DEFINITIONS, "site.yaml.j2")
    assert str(caught.value) == f"site.yaml.j2: {where}: {field} is no field of a {kind}\n  cure: {cure}"


@pytest.mark.parametrize(
    "layer",
    [
        {},
        {"pod": None},
        {"pod": {"spec": None}},
        {"pod": {"spec": {"nodeSelector": {"any.name/x": "y"}, "affinity": None, "overhead": {"cpu": 1}}}},
        {"pod": {"spec": {"tolerations": "of another type, which others refuse"}}},
        {"extra": {"volumes": [{"flocker": {"anything": 1}}, "no mapping", None]}},
        {"container": {"spec": {"securityContext": {"capabilities": {"drop": "auto"}}}}},
        {"other": {"spec": {"nodeSelectr": 1}}},
    ],
)
def test_what_there_is_passes(layer):
    refuse_unknown_fields(layer, DEFINITIONS, "x")


@pytest.mark.parametrize(
    "definitions",
    [
        {},
        {"k8s.PodSpec": None},
        {"k8s.PodSpec": {"properties": []}},
        {"k8s.PodSpec": {"properties": {"nodeSelectr": True}, "additionalProperties": False}},
        {"k8s.PodSpec": {"properties": {}, "additionalProperties": True}},
        {"text": {"type": "string"}},
    ],
)
def test_a_chart_of_the_sites_own_says_what_it_takes(definitions):
    refuse_unknown_fields({"pod": {"spec": {"nodeSelectr": {"a": ["b"]}}}}, definitions, "x")


def test_text_of_others_is_cut_and_escaped():
    with pytest.raises(InvalidInput) as caught:
        refuse_unknown_fields({"pod": {"spec": {"\x1b[2J" + "x" * 100_000: 1}}}, DEFINITIONS, "x")
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("site", "files", "source"),
    [
        (SiteConfig(values={"pod": {"spec": {"hostNetwrok": True}}}), {}, "site configuration: values"),
        (SITE, {"studies/cancer.yaml.j2": "pod: {spec: {hostNetwrok: true}}"}, "studies/cancer.yaml.j2"),
        (SITE, {"site.yaml.j2": "pod: {spec: {hostNetwrok: true}}"}, "site.yaml.j2"),
    ],
)
def test_the_layer_is_named(site, files, source):
    with pytest.raises(InvalidInput, match="hostNetwrok is no field of a PodSpec") as caught:
        build_values(SPEC, site, {**SHIPPED, **files}, DEFINITIONS)
    assert str(caught.value).startswith(source)


def test_a_pod_template_is_a_layer():
    manifest = {"spec": {"nodeSelectr": {"a": "b"}, "containers": [{"name": "x"}]}}
    template = prepare_template(manifest, "study.yaml", "container-abc")
    with pytest.raises(InvalidInput, match="did you mean nodeSelector"):
        build_values(spec_with(pod_template=template), SITE, SHIPPED, DEFINITIONS)
    assert build_values(spec_with(pod_template=template), SITE, SHIPPED)["pod"]["spec"]["nodeSelectr"] == {
        "a": "b"
    }


def test_the_launchers_own_values_have_known_fields():
    refuse_unknown_fields(build_values(SPEC, SITE, SHIPPED), DEFINITIONS, "values")
