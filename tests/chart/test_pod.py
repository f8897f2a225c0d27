"""The pod, value by value."""

from __future__ import annotations

import pytest

from tests.chart.conftest import at, container, objects, pod

DATASET = {"claimName": "c", "mountPath": "/data/x", "readOnly": True}
VOLUMES = {
    "startupKit": {"secretName": "kit"},
    "datasets": {"data-x": DATASET, "data-a": {**DATASET, "mountPath": "/data/a", "readOnly": False}},
    "secretMounts": {
        "secret-y": {"secretName": "s", "mountPath": "/y", "items": {"k": "p"}},
        "secret-b": {"secretName": "t", "mountPath": "/b", "items": {}},
    },
    "extra": {
        "volumes": [{"name": "z", "emptyDir": {}}, {"name": "a", "emptyDir": {}}],
        "volumeMounts": [{"name": "z", "mountPath": "/z"}, {"name": "z", "mountPath": "/zz", "subPath": "s"}],
    },
}


def test_minimal_job_has_no_empty_fields():
    assert container() == {
        "name": "job",
        "image": "registry.example/nvflare-job:1",
        "imagePullPolicy": "Always",
        "command": ["/usr/local/bin/python3"],
        "workingDir": "/var/tmp/nvflare/workspace",
        "securityContext": {"allowPrivilegeEscalation": False},
        "volumeMounts": [{"name": "workspace-job", "mountPath": "/var/tmp/nvflare/workspace"}],
    }
    assert pod()["spec"] == {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
        "terminationGracePeriodSeconds": 1,
        "containers": [container()],
        "volumes": [{"name": "workspace-job", "emptyDir": {"sizeLimit": "1Gi"}}],
    }


def test_job_container_is_first_and_default():
    made = pod(at("extra.containers", [{"name": "a-sidecar", "image": "x"}]), at("container.name", "zz"))
    assert [item["name"] for item in made["spec"]["containers"]] == ["zz", "a-sidecar"]
    assert made["metadata"]["annotations"]["kubectl.kubernetes.io/default-container"] == "zz"


def test_environment_keeps_its_order():
    env = [{"name": name, "value": "$(A)"} for name in "CABZ"]
    assert container({"env": env})["env"] == env


@pytest.mark.parametrize("study", ["", "cancer"])
def test_study_label_is_set_only_with_a_study(study):
    annotations = pod(at("job.study", study))["metadata"]["annotations"]
    assert annotations.get("fljob.internal/study", "") == study
    assert ("fljob.internal/study" in annotations) == bool(study)


def test_pending_timeout_annotation():
    annotations = pod(
        {
            "pod": {
                "annotations": {
                    "fljob.internal/pending-timeout": "120",
                    "fljob.internal/retention": "failed=60",
                }
            }
        }
    )["metadata"]["annotations"]
    assert annotations["fljob.internal/pending-timeout"] == "120"
    assert annotations["fljob.internal/retention"] == "failed=60"


def test_devices_by_claim():
    """A claim of the pod and its use by the job container, alone and beside what is counted."""
    claim = {"name": "gpu", "resourceClaimTemplateName": "one-gpu"}
    used = at("resources.claims", [{"name": "gpu"}, {"name": "nic", "request": "fast"}])
    nic = {"name": "nic", "resourceClaimName": "shared"}
    made = pod(at("pod.spec.resourceClaims", [claim, nic]), used)
    assert made["spec"]["resourceClaims"] == [claim, nic]
    assert made["spec"]["containers"][0]["resources"] == used["resources"]
    both = container(at("pod.spec.resourceClaims", [claim, nic]), used, at("resources.limits", {"cpu": "1"}))
    assert both["resources"] == {"limits": {"cpu": "1"}, **used["resources"]}


def test_order_of_volumes():
    assert pod(VOLUMES)["spec"]["volumes"] == [
        {"name": "workspace-job", "emptyDir": {"sizeLimit": "1Gi"}},
        {"name": "startup-kit", "secret": {"secretName": "kit"}},
        {"name": "data-a", "persistentVolumeClaim": {"claimName": "c"}},
        {"name": "data-x", "persistentVolumeClaim": {"claimName": "c"}},
        {"name": "secret-b", "secret": {"secretName": "t"}},
        {"name": "secret-y", "secret": {"secretName": "s", "items": [{"key": "k", "path": "p"}]}},
        {"name": "z", "emptyDir": {}},
        {"name": "a", "emptyDir": {}},
    ]


def test_mounts_follow_the_order_of_volumes():
    assert container(VOLUMES)["volumeMounts"] == [
        {"name": "workspace-job", "mountPath": "/var/tmp/nvflare/workspace"},
        {"name": "startup-kit", "mountPath": "/var/tmp/nvflare/workspace/startup", "readOnly": True},
        {"name": "data-a", "mountPath": "/data/a", "readOnly": False},
        {"name": "data-x", "mountPath": "/data/x", "readOnly": True},
        {"name": "secret-b", "mountPath": "/b", "readOnly": True},
        {"name": "secret-y", "mountPath": "/y", "readOnly": True},
        {"name": "z", "mountPath": "/z"},
        {"name": "z", "mountPath": "/zz", "subPath": "s"},
    ]


def test_startup_kit_is_mounted_below_the_workspace():
    made = container({"workspace": {"mountPath": "/ws/"}, "startupKit": {"secretName": "kit"}})
    assert [mount["mountPath"] for mount in made["volumeMounts"]] == ["/ws/", "/ws/startup"]


@pytest.mark.parametrize("given", ["/x", "relative"])
def test_working_directory_defaults_to_workspace(given):
    assert container({"workspace": {"mountPath": "/ws"}})["workingDir"] == "/ws"
    assert container(at("container.spec.workingDir", given))["workingDir"] == given


@pytest.mark.parametrize(
    "given",
    [
        {"requests": {"cpu": "500m"}},
        {"limits": {"nvidia.com/gpu": "1", "memory": "1Gi"}},
        {"requests": {"cpu": "2"}, "limits": {"cpu": "2"}},
    ],
)
def test_resources_are_printed_as_given(given):
    assert container({"resources": given})["resources"] == given


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("hostNetwork", False),
        ("activeDeadlineSeconds", 0),
        ("schedulerName", ""),
        ("tolerations", []),
        ("nodeSelector", {}),
        ("runtimeClassName", "nvidia"),
        ("hostAliases", [{"ip": "10.0.0.1", "hostnames": ["server"]}]),
    ],
)
def test_other_pod_fields_are_passed_through(field, value):
    assert pod({"pod": {"spec": {field: value}}})["spec"][field] == value


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("tty", False),
        ("terminationMessagePath", ""),
        ("ports", []),
        ("lifecycle", {"preStop": {"sleep": {"seconds": 0}}}),
        ("envFrom", [{"configMapRef": {"name": "c", "optional": False}}]),
    ],
)
def test_other_container_fields_are_passed_through(field, value):
    assert container({"container": {"spec": {field: value}}})[field] == value


def test_a_large_number_stays_a_number():
    made = pod(at("pod.spec.securityContext.runAsUser", 1000680000))
    assert made["spec"]["securityContext"]["runAsUser"] == 1000680000


@pytest.mark.parametrize(
    ("key", "given", "printed"),
    [
        ("app.kubernetes.io/name", "mine", "mine"),
        ("app.kubernetes.io/name", "", ""),
        ("team", "x", "x"),
        ("team", "", ""),
    ],
)
def test_pod_template_may_change_labels(key, given, printed):
    assert pod({"pod": {"labels": {key: given}}})["metadata"]["labels"][key] == printed


def test_launcher_labels_override_pod_template():
    layer = {"labels": {"team": "launcher"}, "pod": {"labels": {"team": "template"}}}
    assert pod(layer)["metadata"]["labels"]["team"] == "launcher"


def test_every_object_has_launcher_labels():
    for item in objects({"networkPolicy": {"enabled": True}, "disruption": {"budget": True}}):
        assert {
            key: value for key, value in item["metadata"]["labels"].items() if key.startswith("fljob.")
        } == {
            "fljob.internal/job-id": "0f0c1a3e-3c2b-4a51-9d7e-5f1f6c0b7a11",
            "fljob.internal/site": "site-1",
            "fljob.internal/role": "client",
            "fljob.internal/attempt": "1",
        }


def test_network_policy_allows_egress_only():
    policy, made = objects({"networkPolicy": {"enabled": True}, "pod": {"labels": {"team": "x"}}})
    assert policy["spec"].pop("podSelector")["matchLabels"].items() <= made["metadata"]["labels"].items()
    assert policy["spec"] == {"policyTypes": ["Ingress", "Egress"], "ingress": [], "egress": [{}]}


MARKS = {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false", "karpenter.sh/do-not-disrupt": "true"}


def test_marks_are_two_more_annotations_and_nothing_else():
    before, after = pod(), pod({"disruption": {"marks": True}})
    annotations = after["metadata"].pop("annotations")
    assert annotations == {**before["metadata"].pop("annotations"), **MARKS}
    assert after == before


@pytest.mark.parametrize("said", ["4h", ""])
def test_an_annotation_of_the_values_wins_over_a_mark(said):
    own = {"karpenter.sh/do-not-disrupt": said}
    made = pod({"disruption": {"marks": True}, "pod": {"annotations": own}})
    assert {**made["metadata"]["annotations"], **MARKS, **own} == made["metadata"]["annotations"]


def test_a_budget_keeps_exactly_the_pod_of_the_job():
    budget, made = objects({"disruption": {"budget": True}, "pod": {"labels": {"team": "x"}}})
    assert budget["kind"] == "PodDisruptionBudget"
    wanted = budget["spec"].pop("selector")["matchLabels"]
    assert wanted.items() <= made["metadata"]["labels"].items()
    assert {"fljob.internal/job-id", "fljob.internal/site", "fljob.internal/attempt"} <= wanted.keys()
    # Kubernetes counts nothing else of a pod that no controller has made.
    assert budget["spec"] == {"minAvailable": 1}
    assert made == pod({"pod": {"labels": {"team": "x"}}})
