"""Values: one merge rule, one way to print, and nothing of the launcher's can be taken away."""

from __future__ import annotations

import copy
import dataclasses
import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from launcher.core.spec.jobspec import Dataset, EnvVar, JobSpec, Resources, Role, SecretKey, SecretMount
from launcher.core.spec.podtemplate import prepare_template
from launcher.core.spec.site import SiteConfig
from launcher.core.values.build import build_values, emit, job_labels, merge
from launcher.errors import InvalidInput

FOLDER = Path(__file__).parents[4] / "values"
SHIPPED = {path.relative_to(FOLDER).as_posix(): path.read_text() for path in FOLDER.rglob("*.j2")}
EMPTY = {"site.yaml.j2": "", "mounts.yaml.j2": "", "job.yaml.j2": ""}
SITE = SiteConfig()

SPEC = JobSpec(
    job_id="abc",
    site="site#1",
    role=Role.CLIENT,
    study="cancer",
    namespace="fl",
    release="fj-abc",
    pod_name="abc-site1",
    container_name="container-abc",
    image="acme/job:1",
    command=("python3",),
    args=("-u", "-m", "job"),
    env=(EnvVar("A", "1"), EnvVar("TOKEN", secret=SecretKey("cred", "TOKEN"))),
    resources=Resources({"cpu": "500m"}, {"cpu": "2", "nvidia.com/gpu": "1"}),
    ephemeral_storage="2Gi",
    workspace_mount_path="/ws",
    startup_secret="kit",
    datasets=(Dataset("data-1", "pvc", "/data/cancer/x", read_only=True),),
    secret_mounts=(
        SecretMount("secret-1", "tls", "/tls", {"ca": "ca.pem"}),
        SecretMount("secret-2", "db", "/db"),
    ),
    image_pull_secrets=("pull",),
    security_context={"runAsUser": 1000},
    pod_template=None,
    pending_timeout=120.0,
)

SCALARS = st.one_of(
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(codec="utf-8")),
)
KEYS = st.text(st.characters(codec="utf-8"), max_size=20)
PLAIN = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


def spec_with(**changes):
    return dataclasses.replace(SPEC, **changes)


def values(spec=SPEC, site=SITE, **files):
    """Build values with the shipped templates, some of them replaced: ``site_file``, ``study_file``."""
    names = {"site_file": "site.yaml.j2", "study_file": "studies/cancer.yaml.j2"}
    return build_values(spec, site, {**SHIPPED, **{names[key]: text for key, text in files.items()}})


# --- the whole -------------------------------------------------------------------------------------------


def test_values_of_a_job():
    assert values() == {
        "job": {"id": "abc", "site": "site#1", "role": "client", "study": "cancer"},
        "labels": job_labels(SPEC),
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
    labels = job_labels(spec_with(site="Größe " * 20, attempt=3))
    assert sorted(labels) == [f"fljob.internal/{key}" for key in ("attempt", "job-id", "role", "site")]
    assert len(labels["fljob.internal/site"]) <= 63
    assert labels["fljob.internal/attempt"] == "3"


def test_only_a_job_of_a_federation_is_marked_as_one():
    assert job_labels(spec_with(federation="0123456789abcdef")).items() - job_labels(SPEC).items() == {
        ("fljob.internal/federation", "0123456789abcdef")
    }


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
            "site.yaml.j2": said.get("site", ""),
            "studies/cancer.yaml.j2": said.get("study", ""),
            "mounts.yaml.j2": said.get("mounts", ""),
            "job.yaml.j2": said.get("job", ""),
        }
        order[position] = build_values(spec, site, files)["image"]["pullPolicy"]
    assert list(order.values()) == layers


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


def test_a_template_that_leaves_the_job_out_changes_nothing_that_is_owned():
    result = build_values(SPEC, SITE, EMPTY)
    for key in ("job", "labels", "image", "command", "args", "env", "workspace", "startupKit", "container"):
        assert result[key] == values()[key]


# --- what belongs to the launcher -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("job: {id: other}", 'job.id: belongs to the launcher \\("abc"\\) and cannot be "other"'),
        (
            "labels: {team: a}",
            r'labels.team: belongs to the launcher and cannot be "a"\n  cure: set it in `pod.labels`',
        ),
        ("workspace: {sizeLimit: 9Gi}", "`ephemeral_storage` of fljob.yaml decide"),
        ("labels: {fljob.internal/role: server}", "labels.fljob.internal/role"),
        ("image: {reference: x}", "image.reference"),
        ("command: [sh]", "command"),
        ("args: []", "args"),
        ("workspace: {mountPath: /other}", "workspace.mountPath"),
        ("startupKit: {secretName: x}", "startupKit.secretName"),
        ("pod: {name: x}", "pod.name"),
        ("container: {name: x}", "container.name"),
        ("pod: {annotations: {fljob.internal/site: x}}", "pod.annotations: fljob.internal/site belongs"),
        ("pod: {annotations: {fljob.internal/pending-timeout: none}}", "pod.annotations"),
        ("pod: {labels: {fljob.internal/x: y}}", "pod.labels"),
        ("pod: {spec: {restartPolicy: Always}}", "pod.spec: restartPolicy belongs"),
        ("pod: {spec: {containers: []}}", "pod.spec: containers belongs"),
        ("container: {spec: {image: x}}", "container.spec: image belongs"),
        ("env: [{name: PYTHONPATH, value: x}]", "env: PYTHONPATH belongs"),
        ("nodeSelector: {a: b}", 'unknown key "nodeSelector"'),
        ("pod: x", "pod: must be a mapping"),
        ("pod: {spec: x}", "pod.spec: must be a mapping"),
        ("env: {A: b}", "env: must be a list"),
    ],
)
@pytest.mark.parametrize("source", ["studies/cancer.yaml.j2", "site.yaml.j2", "site configuration"])
def test_no_layer_can_take_it(source, text, where):
    site = SiteConfig(values=yaml.safe_load(text)) if source == "site configuration" else SITE
    files = {} if source == "site configuration" else {source: text}
    with pytest.raises(InvalidInput, match=where) as error:
        build_values(SPEC, site, {**SHIPPED, **files})
    assert error.value.where.startswith(source)
    assert error.value.cure


def test_saying_the_same_as_the_launcher_is_fine():
    assert values(study_file="job: {id: abc}\nimage: {reference: 'acme/job:1'}") == values()


# --- templates with mistakes --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: {{ jobb.image | emit }}", "site.yaml.j2: line 2: 'jobb' is undefined"),
        ("{{ job.imag | emit }}", "site.yaml.j2: line 1: .*has no attribute 'imag'"),
        ("\n\na: {{ job.image }}", "site.yaml.j2: line 3: interpolation does not end in `| emit`"),
        ("a: {{ nope }}", "site.yaml.j2: line 1: 'nope' is undefined"),
        ("a: {{ job.pod_template | emit }}", "site.yaml.j2: line 1: null is refused"),
        ("\n{% if %}", "site.yaml.j2: line 2: "),
        ("{{ job.args[7] | emit }}", "site.yaml.j2: line 1: .*has no element 7"),
        ("{{ 1 // 0 | emit }}", "site.yaml.j2: line 1: "),
        ("{{ job.__class__.__mro__ | emit }}", "site.yaml.j2: line 1: .*unsafe"),
        ("{% include 'x' %}", "site.yaml.j2: line 1: x"),
        ("{{ range(3) | emit }}", "'range' is undefined"),
        ("a: [", "site.yaml.j2: prints no YAML"),
        (
            "pod:\n  name: a\n  name: b",
            "site.yaml.j2: prints no YAML: key 'name' occurs twice .*printed line 3",
        ),
        ("pod: {annotations: {d: 2026-99-99}}", "site.yaml.j2: prints no YAML"),
        ("- a", "site.yaml.j2: must be a mapping"),
        ("text", "site.yaml.j2: must be a mapping"),
        ("pod: {spec: {nodeSelector: }}", "site.yaml.j2: pod.spec.nodeSelector: null is refused"),
        ("extra: {volumes: [{name: x, emptyDir: }]}", r"site.yaml.j2: extra.volumes\[0\].emptyDir: null"),
        ("pod: {annotations: {d: 2026-01-01}}", "site.yaml.j2: pod.annotations.d: must be text"),
        ("pod: {annotations: {on: x}}", "site.yaml.j2: pod.annotations: must have text as keys, not true"),
    ],
)
def test_mistakes_name_file_place_and_cure(text, message):
    with pytest.raises(InvalidInput, match=message) as error:
        values(site_file=text)
    assert error.value.cure


@pytest.mark.parametrize(
    ("templates", "where"),
    [
        ({"site.yaml.j2": ""}, "mounts.yaml.j2: values template is missing"),
        ({**EMPTY, "jobs.yaml.j2": ""}, "jobs.yaml.j2"),
    ],
)
def test_files_that_are_missing_or_never_read(templates, where):
    with pytest.raises(InvalidInput, match=where):
        build_values(SPEC, SITE, templates)


# --- emit -------------------------------------------------------------------------------------------------


@given(PLAIN)
def test_yaml_and_json_read_back_what_emit_printed(value):
    text = emit(value)
    assert "\n" not in text
    for back in (yaml.safe_load(f"k: {text}")["k"], json.loads(text)):
        assert back == value
        assert repr(back) == repr(value)


@pytest.mark.parametrize(
    "value",
    [
        "a\nb: c",
        '"',
        "\\",
        "'",
        "{{ job }}",
        "{% if %}",
        "2.10",
        "on",
        "~",
        "#x",
        "\x85",
        "\u2028",
        "\ufeff",
        "\x7f",
        "😀",
        "\x00",
        1e16,
        1e-7,
        -0.0,
    ],
)
def test_hard_values_survive(value):
    assert yaml.safe_load(f"k: {emit(value)}") == {"k": value}


@pytest.mark.parametrize(
    "value", [None, float("nan"), float("inf"), "\ud800", object(), {1: 2}, [None], {"a": None}]
)
def test_what_cannot_be_printed(value):
    with pytest.raises(InvalidInput):
        emit(value)


# --- merge ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base", "over", "merged"),
    [
        ({"a": {"x": 1}}, {"a": {"y": 2}}, {"a": {"x": 1, "y": 2}}),
        ({"a": 1}, {"a": 2}, {"a": 2}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": 1}, {"a": 0}, {"a": 0}),
        ({"a": True}, {"a": False}, {"a": False}),
        ({"a": "x"}, {"a": ""}, {"a": ""}),
        ({"a": {"x": 1}}, {"a": {}}, {"a": {"x": 1}}),
        ({"a": [1]}, {"a": []}, {"a": []}),
        ({}, {"a": {"b": {}}}, {"a": {"b": {}}}),
    ],
)
def test_maps_merge_scalars_and_lists_replace(base, over, merged):
    before = copy.deepcopy((base, over))
    assert merge(base, over, "f") == merged
    assert (base, over) == before


@pytest.mark.parametrize(
    ("base", "over", "where"),
    [
        ({}, {"a": None}, "f: a: null is refused"),
        ({}, {"a": {"b": [{"c": None}]}}, r"f: a.b\[0\].c: null is refused"),
        ({"a": {"x": 1}}, {"a": 1}, "f: a: 1 cannot replace"),
        ({"a": {"b": [1]}}, {"a": {"b": {}}}, "f: a.b: {} cannot replace"),
    ],
)
def test_what_cannot_be_merged(base, over, where):
    with pytest.raises(InvalidInput, match=where) as error:
        merge(base, over, "f")
    assert error.value.cure


TREES = st.recursive(
    st.integers(), lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3), max_leaves=8
)
DISJOINT = st.tuples(
    *(st.dictionaries(st.sampled_from(keys), TREES, max_size=2) for keys in ("ab", "cd", "ef"))
)


@given(DISJOINT)
def test_merge_of_disjoint_keys_is_associative_and_commutative(maps):
    one, two, three = maps
    left = merge(merge(one, two, "f"), three, "f")
    assert left == merge(one, merge(two, three, "f"), "f")
    assert left == merge(merge(three, two, "f"), one, "f")


@given(st.dictionaries(KEYS, PLAIN, max_size=3))
def test_merge_with_nothing_and_with_itself_changes_nothing(tree):
    assert merge(tree, {}, "f") == merge({}, tree, "f") == merge(tree, tree, "f") == tree
