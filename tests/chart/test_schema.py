"""The schema: closed, described, in step with values.yaml, and every refusal names its key path."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
import yaml

from tests.chart.conftest import CHART, at, leaves, minimal, refusal, rendered

SCHEMA = json.loads((CHART / "values.schema.json").read_text())
VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
# Not in values.yaml: what another chart adds, and fields of Kubernetes of which the chart reads more than it gives.
NO_DEFAULT = {
    "global",
    "container.spec.securityContext.privileged",
    "container.spec.securityContext.capabilities.add",
}

DATASET = {"claimName": "c", "mountPath": "/x", "readOnly": True}
SECRET = {"secretName": "s", "mountPath": "/x"}

# (values, what helm must say)
BAD: list[tuple[dict[str, Any], str]] = [
    (at("nope", 1), "at '': additional properties 'nope' not allowed"),
    (at("job.id", ""), "at '/job/id': minLength"),
    (at("job.id", 7), "at '/job/id': got number, want string"),
    (at("job.site", ""), "at '/job/site': minLength"),
    (at("job.role", "admin"), "at '/job/role': value must be one of 'client', 'server'"),
    (at("job.role", None), "at '/job': missing property 'role'"),
    (at("job.extra", 1), "at '/job': additional properties 'extra' not allowed"),
    (at("labels", {"a": 1}), "at '/labels/a': got number, want string"),
    (at("labels", {"a": "not valid!"}), "at '/labels/a': 'not valid!' does not match"),
    (at("labels", {"a": "x" * 64}), "at '/labels/a'"),
    (at("labels", {"a b": "x"}), "at '/labels': additional properties 'a b' not allowed"),
    (at("labels", {"fljob.internal/federation": ""}), "at '/labels/fljob.internal~1federation': minLength"),
    (at("labels", {"fljob.internal/site": ""}), "at '/labels/fljob.internal~1site': minLength"),
    (
        at("labels", {"fljob.internal/role": "boss"}),
        "at '/labels/fljob.internal~1role': value must be one of",
    ),
    (
        at("labels", {"fljob.internal/attempt": "0"}),
        "at '/labels/fljob.internal~1attempt': '0' does not match",
    ),
    (
        at("labels", {"fljob.internal/attempt": 1}),
        "at '/labels/fljob.internal~1attempt': got number, want string",
    ),
    (at("image.reference", ""), "at '/image/reference': '' does not match"),
    (at("image.reference", "has space"), "at '/image/reference': 'has space' does not match"),
    (at("image.pullPolicy", "Sometimes"), "at '/image/pullPolicy': value must be one of"),
    (at("image.tag", "1"), "at '/image': additional properties 'tag' not allowed"),
    (at("imagePullSecrets", ["x"]), "at '/imagePullSecrets/0': got string, want object"),
    (at("imagePullSecrets", [{"name": "Upper"}]), "at '/imagePullSecrets/0/name': 'Upper' does not match"),
    (
        at("imagePullSecrets", [{"name": "x", "key": "y"}]),
        "at '/imagePullSecrets/0': additional properties 'key'",
    ),
    (at("command", []), "at '/command': minItems"),
    (at("command", "run me"), "at '/command': got string, want array"),
    (at("command", [1]), "at '/command/0': got number, want string"),
    (at("args", [None]), "at '/args/0': got null, want string"),
    (at("env", {"A": "b"}), "at '/env': got object, want null or array"),
    (at("env", [{"value": "x"}]), "at '/env/0': missing property 'name'"),
    (at("env", [{"name": "", "value": "x"}]), "at '/env/0/name': '' does not match"),
    (at("env", [{"name": "A=B", "value": "x"}]), "at '/env/0/name': 'A=B' does not match"),
    (at("env", [{"name": "A", "value": 1}]), "at '/env/0/value': got number, want string"),
    (at("env", [{"name": "A", "valve": "x"}]), "at '/env/0': additional properties 'valve' not allowed"),
    (at("env", [{"name": "A", "valueFrom": {}}]), "at '/env/0/valueFrom': minProperties"),
    (at("env", [{"name": "A", "valueFrom": {"a": {}, "b": {}}}]), "at '/env/0/valueFrom': maxProperties"),
    (
        at("env", [{"name": "A", "value": "x", "valueFrom": {"fieldRef": {}}}]),
        "at '/env/0/value': false schema",
    ),
    (at("workspace.mountPath", "relative"), "at '/workspace/mountPath': 'relative' does not match"),
    (at("workspace.mountPath", "/a:b"), "at '/workspace/mountPath': '/a:b' does not match"),
    (at("workspace.sizeLimit", "lots"), "at '/workspace/sizeLimit': 'lots' does not match"),
    (at("workspace.sizeLimit", 5), "at '/workspace/sizeLimit': got number, want string"),
    (at("startupKit.name", "x"), "at '/startupKit': additional properties 'name' not allowed"),
    (at("startupKit.secretName", "No!"), "at '/startupKit/secretName': 'No!' does not match"),
    (
        at("datasets.v", {"claimName": "c", "mountPath": "/x"}),
        "at '/datasets/v': missing property 'readOnly'",
    ),
    (at("datasets.v", {**DATASET, "readOnly": "yes"}), "at '/datasets/v/readOnly': got string, want boolean"),
    (at("datasets.v", {**DATASET, "mountPath": "x"}), "at '/datasets/v/mountPath': 'x' does not match"),
    (at("datasets.v", {**DATASET, "claimName": ""}), "at '/datasets/v/claimName': '' does not match"),
    (
        at("datasets.v", {**DATASET, "mode": "ro"}),
        "at '/datasets/v': additional properties 'mode' not allowed",
    ),
    (at("datasets.Bad_Name", DATASET), "at '/datasets': additional properties 'Bad_Name' not allowed"),
    (at("datasets", [DATASET]), "at '/datasets': got array, want null or object"),
    (at("secretMounts.v", {"mountPath": "/x"}), "at '/secretMounts/v': missing property 'secretName'"),
    (at("secretMounts.v", {**SECRET, "items": {"k": ""}}), "at '/secretMounts/v/items/k': minLength"),
    (
        at("secretMounts.v", {**SECRET, "readOnly": False}),
        "at '/secretMounts/v': additional properties 'readOnly'",
    ),
    (at("secretMounts", {"v" * 64: SECRET}), "at '/secretMounts': additional properties 'vvv"),
    (at("resources.limits.cpu", 1), "at '/resources/limits/cpu': got number, want string"),
    (at("resources.limits.memory", "1 Gi"), "at '/resources/limits/memory': '1 Gi' does not match"),
    (at("resources.requests.cpu", "-1"), "at '/resources/requests/cpu': '-1' does not match"),
    (
        at("resources.requests", {"a b": "1"}),
        "at '/resources/requests': additional properties 'a b' not allowed",
    ),
    (at("resources.devices", {}), "at '/resources': additional properties 'devices' not allowed"),
    (at("resources.claims", {}), "at '/resources/claims': got object, want null or array"),
    (at("resources.claims", [{"request": "a"}]), "at '/resources/claims/0': missing property 'name'"),
    (at("resources.claims", [{"name": "A"}]), "at '/resources/claims/0/name': 'A' does not match"),
    (
        at("resources.claims", [{"name": "a", "count": 1}]),
        "at '/resources/claims/0': additional properties 'count' not allowed",
    ),
    (at("pod.spec.resourceClaims", "x"), "at '/pod/spec/resourceClaims': got string, want null or array"),
    (
        at("extra.containers", [{"name": "x", "restartPolicyRules": "x"}]),
        "at '/extra/containers/0/restartPolicyRules': got string, want null or array",
    ),
    (at("podSecurity", "none"), "at '/podSecurity': value must be one of 'baseline', 'restricted'"),
    (at("pod.name", "Upper"), "at '/pod/name': 'Upper' does not match"),
    (at("pod.name", "a" * 64), "at '/pod/name'"),
    (at("pod.labels", {"a": "-"}), "at '/pod/labels/a': '-' does not match"),
    (at("pod.annotations", {"a": 1}), "at '/pod/annotations/a': got number, want string"),
    (
        at("pod.annotations", {"a/b/c": ""}),
        "at '/pod/annotations': additional properties 'a/b/c' not allowed",
    ),
    (at("pod.spec", []), "at '/pod/spec': got array, want null or object"),
    (at("pod.labels", {"a": None}), "at '/pod/labels/a': got null, want string"),
    (at("pod.annotations", {"a": None}), "at '/pod/annotations/a': got null, want string"),
    (at("pod.spec.securityContext", "x"), "at '/pod/spec/securityContext': got string, want null or object"),
    (at("container.name", "a.b"), "at '/container/name': 'a.b' does not match"),
    (at("container.image", "x"), "at '/container': additional properties 'image' not allowed"),
    (
        at("container.spec.securityContext", {"privileged": "no"}),
        "at '/container/spec/securityContext/privileged': got string, want null or boolean",
    ),
    (
        at("container.spec.securityContext", {"capabilities": {"add": "SYS_ADMIN"}}),
        "at '/container/spec/securityContext/capabilities/add': got string, want null or array",
    ),
    (at("extra.volumes", [{}]), "at '/extra/volumes/0': missing property 'name'"),
    (at("extra.volumeMounts", [{"name": "x"}]), "at '/extra/volumeMounts/0': missing property 'mountPath'"),
    (at("extra.containers", ["x"]), "at '/extra/containers/0': got string, want object"),
    (at("extra.initContainers", [{"name": ""}]), "at '/extra/initContainers/0/name': minLength"),
    (at("disruption.marks", "yes"), "at '/disruption/marks': got string, want null or boolean"),
    (at("disruption.budget", 1), "at '/disruption/budget': got number, want null or boolean"),
    (at("disruption", {"protect": True}), "at '/disruption': additional properties 'protect' not allowed"),
    (at("networkPolicy.enabled", "yes"), "at '/networkPolicy/enabled': got string, want null or boolean"),
    (at("test.image", "has space"), "at '/test/image': 'has space' does not match"),
    (at("test.serviceAccountName", "No!"), "at '/test/serviceAccountName': 'No!' does not match"),
    (at("test.command", ["x"]), "at '/test': additional properties 'command' not allowed"),
    (at("datasets.v", None), "at '/datasets/v': got null, want object"),
    (at("workspace.mountPath", None), "at '/workspace': missing property 'mountPath'"),
    (at("container.name", None), "at '/container': missing property 'name'"),
    (at("labels", None), "at '': missing property 'labels'"),
]


@pytest.mark.parametrize(("values", "said"), BAD, ids=lambda value: str(value)[:60])
def test_bad_value_is_refused_with_its_key_path(values, said):
    assert said in refusal(values)


QUANTITIES = [
    "0",
    "1",
    "1.5",
    ".5",
    "1.",
    "500m",
    "1e3",
    "1E",
    "1E-3",
    "8Gi",
    "+1",
    "100n",
    "5u",
    "1k",
    "2Pi",
]
GOOD: list[dict[str, Any]] = [
    at("job.site", "Klinik Süd#1 — 病院"),
    at("labels", {"fljob.internal/attempt": "12", "example.com/empty": ""}),
    at("image.reference", "localhost:5000/a/b@sha256:" + "0" * 64),
    at("env", [{"name": "A"}, {"name": "a.b-c", "value": ""}, {"name": "X", "valueFrom": {"fieldRef": {}}}]),
    at("datasets", {"a": DATASET, "b" * 63: {**DATASET, "mountPath": "/y z"}}),
    at("secretMounts", {"v": {**SECRET, "items": {"Any.Key_1": "deep/file"}}}),
    *(at("resources.limits", {"memory": quantity}) for quantity in QUANTITIES),
    at("resources.requests", {"nvidia.com/mig-1g.5gb": "1", "hugepages-2Mi": "4Mi"}),
    at("pod.name", "a" * 63),
    at("pod.annotations", {"a": "", "example.com/B_c.d": "x"}),
    at("startupKit.secretName", ""),
    at("container.spec.securityContext.capabilities", {"add": []}),
    {"global": {"any": "thing"}},
]


@pytest.mark.parametrize("values", GOOD, ids=lambda value: str(value)[:60])
def test_good_value_is_accepted(values):
    done = rendered(minimal(values))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("label", ["job-id", "site", "role", "attempt"])
def test_the_launchers_labels_are_required(label):
    values = minimal()
    del values["labels"][f"fljob.internal/{label}"]
    assert f"at '/labels': missing property 'fljob.internal/{label}'" in rendered(values).stderr


def test_defaults_alone_are_refused():
    said = rendered({}).stderr
    for path in ("/job/id", "/job/site", "/labels", "/image/reference", "/command", "/pod/name"):
        assert f"at '{path}'" in said


def test_the_schema_is_a_schema():
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def parts(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (key path, schema) of the values that have a name."""
    for key, entry in schema.get("properties", {}).items():
        yield f"{path}{key}", entry
        if not key.startswith("fljob.internal/") and f"{path}{key}" not in NO_DEFAULT:
            yield from parts(entry, f"{path}{key}.")


def test_schema_and_defaults_have_the_same_keys():
    known = {path for path, entry in parts(SCHEMA) if "properties" not in entry or path == "labels"}
    assert {path for path in known if "fljob.internal/" not in path} - NO_DEFAULT == set(leaves(VALUES))


def test_every_key_is_described():
    described = {path for path, entry in parts(SCHEMA) if entry.get("description", "").endswith(".")}
    assert {path for path, _ in parts(SCHEMA) if "fljob.internal/" not in path} == described


def objects_of(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every schema of an object, wherever it is."""
    if isinstance(schema, dict):
        if "object" in schema.get("type", ()):
            yield path, schema
        for key, entry in schema.items():
            yield from objects_of(entry, f"{path}/{key}")
    if isinstance(schema, list):
        for index, entry in enumerate(schema):
            yield from objects_of(entry, f"{path}/{index}")


def test_the_schema_is_closed():
    opened = {
        path
        for path, entry in objects_of(SCHEMA)
        if "additionalProperties" not in entry and "$ref" not in entry
    }
    # Of Kubernetes' fields those of which scripts/pod-schema leaves the content out.
    opened = {path for path in opened if not path.startswith("/$defs/k8s.")}
    assert opened == {"/properties/global", "/$defs/named/items"}


def test_what_closes_a_schema_by_reference_is_closed():
    for path, entry in objects_of(SCHEMA):
        if "$ref" in entry and "additionalProperties" not in entry:
            assert SCHEMA["$defs"][entry["$ref"].rpartition("/")[2]]["additionalProperties"] is False, path


def patterns(schema: Any) -> Iterator[str]:
    """Yield every pattern that helm may print; it prints none of patternProperties."""
    for key, entry in schema.items() if isinstance(schema, dict) else enumerate(schema):
        if key == "pattern" and isinstance(entry, str):
            yield entry
        elif isinstance(entry, (dict, list)):
            yield from patterns(entry)


@pytest.mark.parametrize("pattern", sorted(set(patterns(SCHEMA))))
def test_a_pattern_says_in_words_what_it_means(pattern):
    words = pattern.partition("|$.(")[2].removesuffix(")")
    assert re.fullmatch(r"[a-z][\w ,:;=-]+", words)
    for text in (words, f"({words})", f"\n({words})", f"x({words})", f"{words}\n({words})"):
        assert re.search(rf"$.({words})", text) is None


def test_helm_prints_the_words():
    assert "(an absolute path without a colon)" in refusal(at("workspace.mountPath", "relative"))


def test_schema_has_no_remote_reference():
    references = {line for line in json.dumps(SCHEMA, indent=0).splitlines() if '"$ref"' in line}
    assert references
    assert all('"#/$defs/' in line for line in references)


METADATA = yaml.safe_load((CHART / "Chart.yaml").read_text())


@pytest.mark.parametrize("key", ["links", "changes", "images"])
def test_lists_for_artifact_hub_are_lists(key):
    entries = yaml.safe_load(METADATA["annotations"][f"artifacthub.io/{key}"])
    assert isinstance(entries, list)
    if key == "changes":
        assert {entry["kind"] for entry in entries} <= {
            "added", "changed", "deprecated", "removed", "fixed", "security",
        }  # fmt: skip
        assert all(entry["description"] for entry in entries)


def test_annotations_are_text():
    assert all(isinstance(value, str) for value in METADATA["annotations"].values())
