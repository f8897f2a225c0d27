"""What is drift and what is none: recordings of a cluster (tests/data/drift), and cases made of them."""

from __future__ import annotations

import base64
import copy
from pathlib import Path

import pytest
import yaml

from launcher.core.drift import Installed, Why, drift_of
from launcher.core.managed_fields import entries_of, owners

FOLDER = Path(__file__).parents[2] / "data" / "drift"
IMAGE = "spec.containers[<job>].image"
ROLE = 'metadata.labels["fljob.internal/role"]'
NOTE = 'metadata.annotations["someone.example/note"]'
GATE = "spec.schedulingGates[test.example/hold].name"
CPU = "spec.containers[<job>].resources.requests.cpu"
# Recording -> whether it is drift, and each finding: why, one of its places, who.
RECORDED = {
    "untouched": (False, []),
    "label": (True, [(Why.CHANGED, ROLE, "kubectl-label (Update) at ")]),
    "unlabel": (True, [(Why.CHANGED, 'metadata.labels["fljob.internal/attempt"]', "")]),
    "annotation": (False, [(Why.ADDED, NOTE, "kubectl-annotate (Update) at ")]),
    "image": (True, [(Why.CHANGED, IMAGE, "kubectl-set (Update) at ")]),
    "deadline": (True, [(Why.CHANGED, "spec.activeDeadlineSeconds", "kubectl-patch (Update) at ")]),
    "gate": (
        False,
        [
            (Why.ADMITTED, GATE, ""),
            (Why.ADDED, 'spec.nodeSelector["kubernetes.io/os"]', "kubectl-patch (Update) at "),
        ],
    ),
    "resize": (False, [(Why.RESIZED, CPU, "kubectl-patch (Update of resize) at ")]),
    "injected": (
        False,
        [
            (Why.AT_CREATION, 'metadata.annotations["kubectl.kubernetes.io/default-container"]', ""),
            (Why.ADDED, "spec.containers[mesh-proxy].image", ""),
        ],
    ),
}


def recorded(name):
    found = yaml.safe_load((FOLDER / f"{name}.yaml").read_text())
    return found["manifest"], found["pod"]


def judged(manifest, live, answer=None):
    (found,) = drift_of([Installed(manifest, live, answer)]).objects
    return found


def told(found):
    return [(one.why, {change.path for change in one.changes}, one.who) for one in found.findings]


@pytest.fixture
def job():
    """The manifest and the pod of a job that nobody has touched, for changing."""
    return recorded("untouched")


@pytest.mark.parametrize("name", RECORDED)
def test_a_recording(name):
    is_drifted, wanted = RECORDED[name]
    found = judged(*recorded(name))
    assert found.is_drifted is is_drifted
    assert not found.is_gone
    assert len(found.findings) == len(wanted)
    for (why, path, who), (seen, paths, by) in zip(wanted, told(found), strict=True):
        assert seen is why
        assert path in paths
        assert by.startswith(who)
        assert bool(by) is bool(who)


def test_a_debugging_container_and_what_a_queue_has_done():
    manifest, pod = recorded("debug")
    found = judged(manifest, pod)
    assert not found.is_drifted
    assert {why for why, _, _ in told(found)} == {Why.ADMITTED, Why.ADDED}
    assert any("ephemeralcontainers" in who for _, _, who in told(found))


def test_a_pod_that_is_gone(job):
    found = judged(job[0], None)
    assert found.is_gone
    assert found.is_drifted


def toleration(pod):
    pod["spec"]["tolerations"] = [{"key": "node.kubernetes.io/not-ready", "operator": "Exists"}]


def service_account_volume(pod):
    pod["spec"]["volumes"].append({"name": "kube-api-access-x", "projected": {"sources": []}})
    container(pod)["volumeMounts"].append({"name": "kube-api-access-x", "mountPath": "/var/run/secrets/x"})


def injected_variable(pod):
    container(pod)["env"] = [{"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}]


def limit_range(pod):
    container(pod)["resources"]["limits"]["example.com/licence"] = "1"


def owner(pod):
    pod["metadata"]["ownerReferences"] = [{"kind": "Workload", "name": "w", "uid": "u"}]
    pod["metadata"]["finalizers"] = ["kueue.x-k8s.io/managed"]


def node(pod):
    pod["spec"]["nodeName"] = "node-7"


def other_texts(pod):
    container(pod)["resources"]["requests"] = {"cpu": "0.5", "memory": "65536Ki", "ephemeral-storage": "1Gi"}
    pod["spec"]["volumes"][0]["emptyDir"]["sizeLimit"] = "1024Mi"


def container(pod):
    return pod["spec"]["containers"][0]


NO_DRIFT = (toleration, service_account_volume, injected_variable, limit_range, owner, node, other_texts)


@pytest.mark.parametrize("change", NO_DRIFT)
def test_what_the_cluster_adds_is_no_drift(job, change):
    manifest, pod = job
    change(pod)
    assert not judged(manifest, pod).is_drifted


def test_what_a_limit_range_or_a_default_adds_is_not_even_told(job):
    manifest, pod = job
    for change in (toleration, service_account_volume, injected_variable, limit_range):
        change(pod)
    assert told(judged(manifest, pod)) == []


def test_what_a_webhook_changes_at_creation_is_that_of_helm(job):
    manifest, pod = job
    container(pod)["image"] = "mirror.example/busybox:1"
    found = judged(manifest, pod)
    assert told(found) == [(Why.AT_CREATION, {IMAGE}, "")]
    assert not found.is_drifted


def test_who_calls_himself_helm_later_is_no_creation(job):
    manifest, pod = job
    container(pod)["image"] = "b:2"
    pod["metadata"]["managedFields"][0]["time"] = "2030-01-01T00:00:00Z"
    ((why, _, who),) = told(judged(manifest, pod))
    assert (why, who) == (Why.CHANGED, "helm (Apply) at 2030-01-01T00:00:00Z")


def test_helm_3_is_known_by_its_name(job):
    manifest, pod = job
    pod["metadata"]["managedFields"][0]["operation"] = "Update"
    container(pod)["image"] = "mirror.example/busybox:1"
    assert not judged(manifest, pod).is_drifted


def test_a_change_in_the_second_of_the_creation_is_seen(job):
    manifest, pod = job
    helm = pod["metadata"]["managedFields"][0]
    name = container(pod)["name"]
    fields = helm["fieldsV1"]["f:spec"]["f:containers"][f'k:{{"name":"{name}"}}']
    fields.pop("f:image")
    mine = {"f:spec": {"f:containers": {f'k:{{"name":"{name}"}}': {"f:image": {}}}}}
    pod["metadata"]["managedFields"].append(
        {"manager": "x", "operation": "Update", "time": helm["time"], "fieldsV1": mine}
    )
    container(pod)["image"] = "b:2"
    ((why, _, who),) = told(judged(manifest, pod))
    assert (why, who) == (Why.CHANGED, f"x (Update) at {helm['time']}")


def test_what_the_api_server_takes_for_the_same_is_no_drift(job):
    manifest, pod = job
    container(manifest)["command"] = ["spelled", "otherwise"]
    assert judged(manifest, pod).findings
    assert told(judged(manifest, pod, answer=copy.deepcopy(pod))) == []


def test_what_the_api_server_would_change_is_drift():
    manifest, pod = recorded("image")
    answer = copy.deepcopy(pod)
    container(answer)["image"] = container(manifest)["image"]
    assert told(judged(manifest, pod, answer)) == told(judged(manifest, pod))


def test_values_of_secrets_are_compared_and_never_shown():
    text, packed = "hunter2hunter2", base64.b64encode(b"hunter2hunter2").decode()
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"a": text}}
    same = {**secret, "data": {"a": packed}}
    assert not judged(secret, same).findings
    found = judged(secret, {**secret, "data": {"a": "b3RoZXI="}})
    assert found.is_drifted
    assert text not in repr(found)
    assert packed not in repr(found)
    assert [one.text for one in found.findings[0].changes] == ['"***"', '"***" (another value)']


def test_a_policy_whose_rule_was_opened():
    manifest = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "p"},
        "spec": {"podSelector": {}, "egress": [{"ports": [{"port": 443}]}]},
    }
    live = copy.deepcopy(manifest)
    live["spec"]["egress"][0]["ports"][0]["protocol"] = "TCP"
    assert not judged(manifest, live).findings
    live["spec"]["egress"].append({})
    assert judged(manifest, live).is_drifted


@pytest.mark.parametrize(
    "fields",
    [
        None,
        1,
        [None],
        [{"fieldsV1": 1}],
        [{"manager": 5, "time": "x", "fieldsV1": {"f:spec": []}}],
        [{}] * 999,
    ],
)
def test_managed_fields_may_be_anything(job, fields):
    manifest, pod = job
    pod["metadata"]["managedFields"] = fields
    container(pod)["image"] = "b:2"
    assert judged(manifest, pod).is_drifted


def test_an_item_is_found_whatever_its_key_holds():
    fields = {"f:spec": {"f:x": {"k:{": {}, "k:[1]": {}, 'k:{"name":"a","more":1}': {"f:y": {}}, "v:1": {}}}}
    one = {"metadata": {"managedFields": [{"manager": "m", "operation": "Apply", "fieldsV1": fields}]}}
    assert [entry.manager for entry in owners(one, ("spec", "x", ("name", "a"), "y"))] == ["m"]
    assert owners(one, ("spec", "x", ("name", "b"))) == ()
    assert entries_of(one)[0].text == "m (Apply)"
