"""Fields that the chart owns cannot be set elsewhere: the error has key path, value and cure."""

from __future__ import annotations

import pytest

from launcher.core.names import label_value
from launcher.edges.helm.parsing import values_json
from tests.chart.conftest import CHART, at, helm, minimal, pod, refusal

OWNED = [
    ("pod.spec.containers", [{"name": "x"}], "this list", "extra.containers"),
    ("pod.spec.initContainers", [], "this list", "move it to extra.initContainers"),
    ("pod.spec.volumes", [], "this list", "move it to datasets, secretMounts or extra.volumes"),
    ("pod.spec.imagePullSecrets", [{"name": "x"}], "this list", "move it to imagePullSecrets"),
    ("pod.spec.restartPolicy", "Always", '"Always"', "take it out, the pod of a job is never restarted"),
    ("pod.spec.restartPolicy", "Never", '"Never"', "take it out"),
    ("container.spec.name", "x", '"x"', "move it to container.name"),
    ("container.spec.image", "x:1", '"x:1"', "move it to image.reference"),
    ("container.spec.imagePullPolicy", "Always", '"Always"', "move it to image.pullPolicy"),
    ("container.spec.command", ["x"], "this list", "move it to command"),
    ("container.spec.args", [], "this list", "move it to args"),
    ("container.spec.env", [{"name": "A", "value": "canary"}], "this list", "move it to env"),
    ("container.spec.volumeMounts", [], "this list", "extra.volumeMounts"),
    ("container.spec.resources", {}, "this map", "move it to resources"),
    ("container.spec.resources", {"limits": {"cpu": "1"}}, "this map", "move it to resources"),
    (
        "container.spec.restartPolicy",
        "Always",
        '"Always"',
        "take it out, the pod of a job is never restarted",
    ),
    ("container.spec.restartPolicyRules", [{"action": "Restart"}], "this list", "never restarted"),
]


@pytest.mark.parametrize(("path", "value", "shown", "cure"), OWNED)
def test_owned_field_is_refused(path, value, shown, cure):
    said = refusal(at(path, value))
    assert f"{path}: {shown} belongs to the chart: " in said
    assert cure in said


@pytest.mark.parametrize("part", ["initContainers", "containers"])
def test_sidecar_that_would_restart_the_job_is_refused(part):
    rules = [
        {"action": "Restart"},
        {"action": "RestartAllContainers", "exitCodes": {"operator": "In", "values": [3]}},
    ]
    sidecar = {"name": "proxy", "image": "p:1", "restartPolicy": "Never", "restartPolicyRules": rules}
    said = refusal({"extra": {part: [{"name": "first", "image": "f:1"}, sidecar]}})
    assert (
        f'extra.{part}[1].restartPolicyRules[1].action: "RestartAllContainers" would restart the job' in said
    )
    made = pod({"extra": {part: [{**sidecar, "restartPolicyRules": rules[:1]}]}})
    assert made["spec"][part][-1]["restartPolicyRules"] == rules[:1]


def test_upgrade_is_refused_with_the_reason():
    values = values_json(minimal()).decode()
    done = helm("template", "fj-test", str(CHART), "-n", "fl", "--is-upgrade", "--values", "-", stdin=values)
    assert done.returncode != 0
    assert (
        "release fj-test: a job is never upgraded, it runs once with the values that it was installed with: "
        "install another release, or first `helm uninstall fj-test --namespace fl`"
    ) in done.stderr


CLAIM = {"name": "gpu", "resourceClaimTemplateName": "one-gpu"}


@pytest.mark.parametrize("claims", [None, [], [{**CLAIM, "name": "other"}]])
def test_claim_that_the_pod_does_not_have_is_refused(claims):
    given = {} if claims is None else at("pod.spec.resourceClaims", claims)
    said = refusal(given, at("resources.claims", [{"name": "gpu"}]))
    assert 'resources.claims[0].name: "gpu" is no claim of the pod: add it to pod.spec.resourceClaims' in said


def test_refused_environment_is_not_shown():
    assert "canary" not in refusal(at("container.spec.env", [{"name": "A", "value": "canary"}]))


@pytest.mark.parametrize(
    ("part", "key"),
    [
        ("labels", "fljob.internal/job-id"),
        ("labels", "fljob.internal/anything"),
        ("labels", "fljob.internal/pending-timeout"),
        ("labels", "fljob.internal/retention"),
        ("annotations", "fljob.internal/job-id"),
        ("annotations", "fljob.internal/site"),
        ("annotations", "fljob.internal/study"),
        ("annotations", "fljob.internal/pending-timeouts"),
    ],
)
def test_launcher_key_is_refused(part, key):
    said = refusal({"pod": {part: {key: "x"}}})
    assert f"""pod.{part}["{key}"]: "x" cannot be set, the key is the launcher's: take it out""" in said


@pytest.mark.parametrize("key", ["helm.sh/hook", "helm.sh/resource-policy", "meta.helm.sh/release-name"])
def test_annotation_of_helm_is_refused(key):
    said = refusal({"pod": {"annotations": {key: "test"}}})
    assert f"""pod.annotations["{key}"]: "test" cannot be set, the key is Helm's: take it out""" in said


JOB_ID = "0f0c1a3e-3c2b-4a51-9d7e-5f1f6c0b7a11"


@pytest.mark.parametrize(
    ("key", "label", "value", "before"),
    [
        ("id", "job-id", "zzz", JOB_ID),
        ("id", "job-id", "a" * 63, JOB_ID),
        ("site", "site", "site-2", "site-1"),
        ("role", "role", "server", "client"),
    ],
)
def test_labels_must_match_job(key, label, value, before):
    label = f"fljob.internal/{label}"
    said = refusal(at(f"job.{key}", value))
    assert f'labels["{label}"]: "{before}" is not job.{key}, which is "{value}": change one of them' in said
    said = refusal({"labels": {label: value}})
    assert f'labels["{label}"]: "{value}" is not job.{key}, which is "{before}": change one of them' in said
    assert pod(at(f"job.{key}", value), {"labels": {label: value}})["metadata"]["labels"][label] == value


@pytest.mark.parametrize("text", ["a" * 64, "Klinik Süd#1", "-a", "a-", "a b", "a\nb", "a\n", "."])
@pytest.mark.parametrize(("key", "label"), [("id", "job-id"), ("site", "site")])
def test_text_unfit_for_a_label_has_a_hashed_label(key, label, text):
    label = f"fljob.internal/{label}"
    assert label_value(text) != text
    made = pod(at(f"job.{key}", text), {"labels": {label: label_value(text)}})
    assert made["metadata"]["labels"][label] == label_value(text)


DATASET = {"claimName": "c", "mountPath": "/a", "readOnly": True}
SECRET = {"secretName": "s", "mountPath": "/b"}
KIT = {"startupKit": {"secretName": "kit"}}
WORKSPACE = "/var/tmp/nvflare/workspace"

TWICE = [
    (at("datasets", {"workspace-job": DATASET}), "datasets.workspace-job", "workspace-job", "workspace"),
    ({**KIT, "datasets": {"startup-kit": DATASET}}, "datasets.startup-kit", "startup-kit", "startupKit"),
    ({**KIT, "secretMounts": {"startup-kit": SECRET}}, "secretMounts.startup-kit", "startup-kit", "startupKit"),
    ({"datasets": {"v": DATASET}, "secretMounts": {"v": SECRET}}, "secretMounts.v", "v", "datasets.v"),
    (at("extra.volumes", [{"name": "workspace-job"}]), "extra.volumes[0].name", "workspace-job", "workspace"),
    ({**KIT, **at("extra.volumes", [{"name": "startup-kit"}])}, "extra.volumes[0].name", "startup-kit", "startupKit"),
    (
        {"datasets": {"v": DATASET}, **at("extra.volumes", [{"name": "w"}, {"name": "v"}])},
        "extra.volumes[1].name", "v", "datasets.v",
    ),
    (
        {"secretMounts": {"v": SECRET}, **at("extra.volumes", [{"name": "v"}])},
        "extra.volumes[0].name", "v", "secretMounts.v",
    ),
    (at("extra.volumes", [{"name": "v"}, {"name": "v"}]), "extra.volumes[1].name", "v", "extra.volumes[0].name"),
    (
        at("extra.volumeMounts", [{"name": "v", "mountPath": WORKSPACE}]),
        "extra.volumeMounts[0].mountPath", WORKSPACE, "workspace",
    ),
    (
        {**KIT, **at("extra.volumeMounts", [{"name": "v", "mountPath": f"{WORKSPACE}/startup"}])},
        "extra.volumeMounts[0].mountPath", f"{WORKSPACE}/startup", "startupKit",
    ),
    ({"datasets": {"v": DATASET, "w": DATASET}}, "datasets.w.mountPath", "/a", "datasets.v.mountPath"),
    (
        {"datasets": {"v": DATASET}, "secretMounts": {"w": {**SECRET, "mountPath": "/a"}}},
        "secretMounts.w.mountPath", "/a", "datasets.v.mountPath",
    ),
    (at("extra.containers", [{"name": "job"}]), "extra.containers[0].name", "job", "container.name"),
    (at("extra.initContainers", [{"name": "job"}]), "extra.initContainers[0].name", "job", "container.name"),
    (
        {"extra": {"initContainers": [{"name": "a"}], "containers": [{"name": "b"}, {"name": "a"}]}},
        "extra.containers[1].name", "a", "extra.initContainers[0].name",
    ),
    (
        {**at("pod.spec.resourceClaims", [{"name": "g"}]), "resources": {"claims": [{"name": "g"}, {"name": "g"}]}},
        "resources.claims[1].name", "g", "resources.claims[0].name",
    ),
    ({"env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]}, "env[1].name", "A", "env[0].name"),
    # One path, written in two ways: what is mounted last would hide the other.
    ({"datasets": {"v": DATASET, "w": {**DATASET, "mountPath": "/a/"}}}, "datasets.w.mountPath", "/a", "datasets.v.mountPath"),
    (
        {"datasets": {"v": {**DATASET, "mountPath": "/b/../a"}}, "secretMounts": {"w": {**SECRET, "mountPath": "//a/."}}},
        "secretMounts.w.mountPath", "/a", "datasets.v.mountPath",
    ),
    (
        at("extra.volumeMounts", [{"name": "v", "mountPath": f"{WORKSPACE}/"}]),
        "extra.volumeMounts[0].mountPath", WORKSPACE, "workspace",
    ),
    (
        {**KIT, **at("extra.volumeMounts", [{"name": "v", "mountPath": f"{WORKSPACE}//startup"}])},
        "extra.volumeMounts[0].mountPath", f"{WORKSPACE}/startup", "startupKit",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("values", "path", "name", "owner"), TWICE)
def test_duplicate_name_is_refused(values, path, name, owner):
    assert f'{path}: "{name}" is already taken by {owner}: change one of them' in refusal(values)


SPREAD = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}
# Lists that are Kubernetes' own: where they stand, items that are one for server-side apply, and what is named.
KEYED = [
    ("imagePullSecrets", [{"name": "a"}, {"name": "a"}], "name", "a"),
    ("pod.spec.hostAliases", [{"ip": "192.0.2.1"}, {"ip": "192.0.2.1", "hostnames": ["b"]}], "ip", "192.0.2.1"),
    ("pod.spec.schedulingGates", [{"name": "a.b/c"}, {"name": "a.b/c"}], "name", "a.b/c"),
    ("pod.spec.resourceClaims", [{"name": "g"}, {"name": "g", "resourceClaimName": "x"}], "name", "g"),
    ("pod.spec.topologySpreadConstraints", [SPREAD, {**SPREAD, "maxSkew": 2}], "topologyKey", "zone DoNotSchedule"),
    ("container.spec.ports", [{"containerPort": 80}, {"containerPort": 80, "protocol": "TCP"}], "containerPort", "80 TCP"),
    ("container.spec.volumeDevices", [{"name": "v", "devicePath": "/d"}] * 2, "devicePath", "/d"),
    ("extra.containers[0].env", [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}], "name", "A"),
    ("extra.containers[0].ports", [{"containerPort": 1}] * 2, "containerPort", "1 TCP"),
    ("extra.initContainers[0].volumeMounts", [{"name": "v", "mountPath": "/d"}] * 2, "mountPath", "/d"),
    ("extra.containers[0].volumeMounts", [{"name": "v", "mountPath": one} for one in ("/d/", "/d")], "mountPath", "/d"),
]  # fmt: skip


def in_list(path, items):
    """Return values with a list; the container of a sidecar is made."""
    part, found, field = path.partition("[0].")
    return at(part, [{"name": "proxy", "image": "p:1", field: items}]) if found else at(path, items)


@pytest.mark.parametrize(("path", "items", "key", "name"), KEYED)
def test_item_that_is_there_twice_is_refused(path, items, key, name):
    said = refusal(in_list(path, items))
    assert f'{path}[1].{key}: "{name}" is already taken by {path}[0].{key}: change one of them' in said


@pytest.mark.parametrize(
    ("path", "items"),
    [
        ("container.spec.ports", [{"containerPort": 53}, {"containerPort": 53, "protocol": "UDP"}]),
        ("pod.spec.topologySpreadConstraints", [SPREAD, {**SPREAD, "whenUnsatisfiable": "ScheduleAnyway"}]),
        ("pod.spec.hostAliases", None),
        ("container.spec.ports", None),
        ("extra.containers[0].env", None),
    ],
)
def test_items_that_differ_in_a_key_are_two(path, items):
    assert pod(in_list(path, items))["kind"] == "Pod"
