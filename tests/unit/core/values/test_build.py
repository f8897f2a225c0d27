"""Values of a job: layers from weak to strong, and the launcher's above them all."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from launcher.core.spec.jobspec import EnvVar
from launcher.core.spec.podtemplate import prepare_template
from launcher.core.spec.site import SiteConfig
from launcher.core.values.build import build_values
from tests.unit.core.values.sample import EMPTY, SHIPPED, SITE, SPEC, spec_with, values

# --- the whole -------------------------------------------------------------------------------------------


def test_values_of_a_job():
    assert values() == {
        "job": {"id": "abc", "site": "site#1", "role": "client", "study": "cancer"},
        "labels": {
            "fljob.internal/job-id": "abc",
            "fljob.internal/site": "site1-7be6d130",
            "fljob.internal/role": "client",
            "fljob.internal/attempt": "1",
        },
        "image": {"reference": "acme/job:1"},
        "imagePullSecrets": [{"name": "pull"}],
        "command": ["python3"],
        "args": ["-u", "-m", "job"],
        "env": [
            {"name": "A", "value": "1"},
            {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "cred", "key": "TOKEN"}}},
        ],
        "workspace": {"mountPath": "/ws", "sizeLimit": "2Gi"},
        "startupKit": {"secretName": "kit"},
        "datasets": {"data-1": {"claimName": "pvc", "mountPath": "/data/cancer/x", "readOnly": True}},
        "secretMounts": {
            "secret-1": {"secretName": "tls", "mountPath": "/tls", "items": {"ca": "ca.pem"}},
            "secret-2": {"secretName": "db", "mountPath": "/db"},
        },
        "resources": {"requests": {"cpu": "500m"}, "limits": {"cpu": "2", "nvidia.com/gpu": "1"}},
        "podSecurity": "baseline",
        "pod": {
            "spec": {"securityContext": {"runAsUser": 1000}},
            "name": "abc-site1",
            "annotations": {"fljob.internal/pending-timeout": "120"},
        },
        "container": {"name": "container-abc"},
    }


def test_a_job_with_nothing_but_the_necessary():
    bare = spec_with(
        env=(),
        datasets=(),
        secret_mounts=(),
        image_pull_secrets=(),
        security_context={},
        startup_secret="",
        study="",
    )
    result = values(bare)
    assert (result["env"], result["imagePullSecrets"], result["startupKit"]) == ([], [], {"secretName": ""})
    assert "spec" not in result["pod"]
    assert "datasets" not in result


def test_the_same_input_gives_the_same_bytes():
    assert json.dumps(values()) == json.dumps(values())


def test_labels_are_valid_whatever_the_names_are():
    labels = values(spec_with(site="Größe " * 20, attempt=3))["labels"]
    assert sorted(labels) == [f"fljob.internal/{key}" for key in ("attempt", "job-id", "role", "site")]
    assert len(labels["fljob.internal/site"]) <= 63
    assert labels["fljob.internal/attempt"] == "3"


def test_only_a_job_of_a_federation_is_marked_as_one():
    marked, by_hand = (values(spec)["labels"] for spec in (spec_with(federation="0123456789abcdef"), SPEC))
    assert marked.items() - by_hand.items() == {("fljob.internal/federation", "0123456789abcdef")}


@pytest.mark.parametrize(
    ("timeout", "text"), [(None, "none"), (0.0, "0"), (120.0, "120"), (0.5, "0.5"), (1e6, "1000000")]
)
def test_pending_timeout_is_an_annotation(timeout, text):
    annotations = values(spec_with(pending_timeout=timeout))["pod"]["annotations"]
    assert annotations == {"fljob.internal/pending-timeout": text}


@settings(max_examples=20, deadline=None)
@given(st.text(st.characters(codec="utf-8")))
def test_any_text_of_a_job_arrives_unchanged(text):
    spec = spec_with(image=text, args=(text,), env=(EnvVar("A", text),))
    result = values(spec)
    assert (result["image"]["reference"], result["args"], result["env"][0]["value"]) == (text, [text], text)
    assert set(result) == set(values())


@settings(max_examples=20, deadline=None)
@given(st.text(st.characters(codec="utf-8")))
def test_any_name_of_a_job_arrives_unchanged(text):
    names = ("job_id", "site", "study", "pod_name", "container_name", "startup_secret", "ephemeral_storage")
    spec = spec_with(**dict.fromkeys(names, text), workspace_mount_path=text, command=(text,))
    result = values(spec)
    assert result["job"] == {"id": text, "site": text, "role": "client", "study": text}
    assert (result["workspace"], result["startupKit"]) == (
        {"mountPath": text, "sizeLimit": text},
        {"secretName": text},
    )
    assert (result["pod"]["name"], result["container"]["name"], result["command"]) == (text, text, [text])


# --- layers -----------------------------------------------------------------------------------------------


def test_layers_from_weak_to_strong():
    """site.yaml.j2 < site values < pod template < study < mounts < job."""
    order = {}
    layers = ["site", "config", "template", "study", "mounts", "job"]
    for position in range(1, len(layers) + 1):
        said = {name: f"image: {{pullPolicy: {name}}}" for name in layers[:position]}
        pod = {"spec": {"containers": [{"imagePullPolicy": "template"}]}}
        spec = spec_with(
            pod_template=prepare_template(pod, "pod.yaml", "container-abc") if "template" in said else None
        )
        site = SiteConfig(values={"image": {"pullPolicy": "config"}} if "config" in said else {})
        files = {
            **EMPTY,
            "site.yaml.j2": said.get("site", ""),
            "studies/cancer.yaml.j2": said.get("study", ""),
            "mounts.yaml.j2": said.get("mounts", ""),
            "job.yaml.j2": said.get("job", ""),
        }
        order[position] = build_values(spec, site, files)["image"]["pullPolicy"]
    assert list(order.values()) == layers


def test_the_launcher_stands_above_all_layers():
    """What others may add to is the launcher's where the names are the same."""
    text = """
        env: [{name: A, value: theirs}, {name: B, value: theirs}]
        imagePullSecrets: [{name: pull, of: theirs}, {name: theirs}]
    """
    result = build_values(SPEC, SITE, {**SHIPPED, "job.yaml.j2": text})
    assert result["env"][:2] == [{"name": "A", "value": "1"}, {"name": "B", "value": "theirs"}]
    assert result["imagePullSecrets"] == [{"name": "pull"}, {"name": "theirs"}]


@pytest.mark.parametrize(("study", "applies"), [("cancer", True), ("other", False), ("", False)])
def test_a_study_template_is_for_its_study_only(study, applies):
    result = values(spec_with(study=study), study_file="networkPolicy: {enabled: true}")
    assert ("networkPolicy" in result) is applies


def test_the_shipped_example_study():
    result = values(spec_with(study="example"))
    assert result["pod"]["spec"]["nodeSelector"] == {"kubernetes.io/os": "linux"}
    assert result["pod"]["spec"]["securityContext"] == {"runAsUser": 1000}
    assert result["env"][0] == {"name": "EXAMPLE_ROLE", "value": "client"}


def test_environment_of_all_layers_merges_by_name_in_order():
    main = {"env": [{"name": "T", "value": "t"}, {"name": "A", "value": "t"}]}
    spec = spec_with(
        pod_template=prepare_template({"spec": {"containers": [main]}}, "pod.yaml", "container-abc")
    )
    site = SiteConfig(values={"env": [{"name": "S", "value": "s"}, {"name": "T", "value": "s"}]})
    assert [(item["name"], item.get("value")) for item in values(spec, site)["env"]] == [
        ("S", "s"),
        ("T", "t"),
        ("A", "1"),
        ("TOKEN", None),
    ]


def test_an_environment_item_in_kubernetes_own_form_is_passed_through():
    raw = {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
    assert values(spec_with(env=(EnvVar("IP", raw=raw),)))["env"] == [raw]


def test_yaml_anchors_and_merge_keys_work():
    text = "pod: &a {annotations: {x: y}}\ncontainer: {spec: {ports: [{<<: {a: b}, <<: {c: d}}]}}"
    assert values(site_file=text)["container"]["spec"]["ports"] == [{"a": "b", "c": "d"}]


def test_a_pod_template_cannot_keep_a_reserved_name():
    main = {"env": [{"name": "PYTHONPATH", "value": "theirs"}]}
    spec = spec_with(
        env=(EnvVar("PYTHONPATH", "ours"),),
        pod_template=prepare_template({"spec": {"containers": [main]}}, "pod.yaml", "container-abc"),
    )
    assert values(spec)["env"] == [{"name": "PYTHONPATH", "value": "ours"}]
