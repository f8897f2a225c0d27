"""Values of a job: layers from weak to strong, and the launcher's above them all."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from launcher.core.spec.jobspec import EnvVar
from launcher.core.spec.podtemplate import prepare_template
from launcher.core.spec.site import SiteConfig
from launcher.core.values.build import build_values
from launcher.edges.disk.site_files import values_templates
from launcher.errors import InvalidInput
from tests.unit.core.values.sample import EMPTY, SHIPPED, SITE, SPEC, spec_with, values

EXAMPLES = Path(__file__).parents[4] / "examples/values"

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


def test_a_study_of_the_examples_name_gets_nothing_of_it():
    named, other = values(spec_with(study="example")), values(spec_with(study="other"))
    assert {key: value for key, value in named.items() if key not in ("job", "labels")} == {
        key: value for key, value in other.items() if key not in ("job", "labels")
    }


def test_the_example_study_once_a_site_has_adopted_it():
    site = SiteConfig(values_dir=str(EXAMPLES))
    result = build_values(spec_with(study="example"), site, values_templates(site))
    assert result["pod"]["spec"]["nodeSelector"] == {"kubernetes.io/os": "linux"}
    assert result["pod"]["labels"] == {"app.kubernetes.io/part-of": "example"}
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


# --- null leaves out ---------------------------------------------------------------------------------------

NO_CONTEXT = {"seccompProfile": {"type": None}, "runAsNonRoot": None}


def pod_spec(made):
    return made["pod"].get("spec", {})


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        ({}, None),
        ({"seccompProfile": None}, {"seccompProfile": {"type": None}}),
        ({"runAsUser": 5, "seccompProfile": None}, {"runAsUser": 5, "seccompProfile": {"type": None}}),
    ],
)
def test_null_in_the_security_context_of_the_site(context, expected):
    assert pod_spec(values(spec_with(security_context=context))).get("securityContext") == expected


def test_null_in_the_values_of_the_site():
    site = replace(SITE, values={"pod": {"spec": {"securityContext": None}}, "podSecurity": None})
    made = values(site=site)
    assert pod_spec(made)["securityContext"] == NO_CONTEXT
    assert made["podSecurity"] is None


def test_null_in_a_template():
    template = "pod: {spec: {terminationGracePeriodSeconds: null}}\npodSecurity: {{ none | emit }}\n"
    made = values(study_file=template)
    assert pod_spec(made)["terminationGracePeriodSeconds"] is None
    assert made["podSecurity"] is None


def test_null_of_a_weak_layer_lasts_beside_what_a_strong_one_adds():
    template = "pod: {spec: {securityContext: {fsGroup: 7}}}\n"
    site = replace(SITE, values={"pod": {"spec": {"securityContext": None}}})
    made = values(study_file=template, site=site)
    assert pod_spec(made)["securityContext"] == {**NO_CONTEXT, "fsGroup": 7}


def test_null_in_a_pod_template():
    manifest = {
        "metadata": {"labels": None, "creationTimestamp": None},
        "spec": {
            "automountServiceAccountToken": None,
            "affinity": {"nodeAffinity": None},
            "nodeSelector": None,
            "volumes": None,
            "tolerations": [{"key": "a", "value": None}],
            "containers": [
                {
                    "name": "nvflare_job",
                    "imagePullPolicy": None,
                    "resources": None,
                    "env": None,
                    "securityContext": {"capabilities": None},
                },
                {"name": "log", "image": "l", "workingDir": None},
            ],
        },
    }
    spec = spec_with(
        pod_template=prepare_template(manifest, "pod.yaml", "container-abc"), security_context={}
    )
    made = values(spec, site=replace(SITE, values={"pod": {"spec": {"nodeSelector": {"disk": "ssd"}}}}))
    assert made["image"] == {"reference": "acme/job:1", "pullPolicy": None}
    assert pod_spec(made) == {
        "automountServiceAccountToken": None,
        "affinity": {"nodeAffinity": None},
        "nodeSelector": None,
        "tolerations": [{"key": "a"}],
    }
    assert made["container"]["spec"] == {"securityContext": {"capabilities": {"drop": None}}}
    assert made["extra"]["containers"] == [{"name": "log", "image": "l"}]


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        ({"command": None}, "command: belongs to the launcher .* cannot be null"),
        (
            {"workspace": {"sizeLimit": None}},
            "workspace.sizeLimit: belongs to the launcher .* cannot be null",
        ),
        ({"pod": {"name": None}}, "pod.name: belongs to the launcher .* cannot be null"),
        ({"pod": {"labels": {"team": None}}}, "pod.labels.team: null leaves nothing out"),
        (
            {"pod": {"annotations": {"fljob.internal/site": None}}},
            "fljob.internal/site belongs to the launcher",
        ),
        ({"pod": {"spec": {"containers": None}}}, "containers belongs to the launcher"),
        ({"pod": {"spec": {"tolerations": [{"value": None}]}}}, r"tolerations\[0\].value: null is refused"),
    ],
)
def test_a_null_that_cannot_leave_anything_out_is_refused(layer, said):
    with pytest.raises(InvalidInput, match=said):
        values(site=replace(SITE, values=layer))


def test_any_null_is_for_the_sites_own_chart_to_judge():
    site = replace(SITE, values={"pod": {"labels": {"team": None}}, "env": None}, chart="/c")
    made = values(site=site)
    assert made["pod"]["labels"] == {"team": None}
    assert [item["name"] for item in made["env"]] == ["A", "TOKEN"]


@pytest.mark.parametrize(
    ("site", "template", "asked", "grace"),
    [
        (None, None, None, None),
        (30, None, None, 30),
        (30, 60, None, 60),
        (30, 60, 90, 90),
        (None, None, 90, 90),
    ],
)
def test_the_grace_period_of_the_job_wins_over_that_of_its_study_and_site(site, template, asked, grace):
    manifest = {"spec": {"terminationGracePeriodSeconds": template, "containers": [{}]}} if template else None
    spec = spec_with(
        grace_period=asked,
        pod_template=manifest and prepare_template(manifest, "pod.yaml", SPEC.container_name),
    )
    made = values(spec, site=SiteConfig(grace_period=site))
    assert made["pod"].get("spec", {}).get("terminationGracePeriodSeconds") == grace


@pytest.mark.parametrize(
    ("protect", "disruption"),
    [
        ("none", None),  # a chart of the site's own may know no such key
        ("marks", {"marks": True, "budget": False}),
        ("budget", {"marks": True, "budget": True}),
    ],
)
def test_what_is_protected_is_a_value_of_the_chart(protect, disruption):
    site = replace(SITE, protect=protect)
    assert build_values(SPEC, site, SHIPPED).get("disruption") == disruption
