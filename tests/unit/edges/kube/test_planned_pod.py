"""A pod's JSON -> what it names and where it may run; whatever the JSON holds, there is no exception."""

from __future__ import annotations

import pytest

from launcher.core.plan.views import Need, Term
from launcher.edges.kube.planned_pod import planned_pod

SPEC = {
    "serviceAccountName": "robot",
    "priorityClassName": "high",
    "runtimeClassName": "gvisor",
    "priority": 7,
    "schedulerName": "default-scheduler",
    "schedulingGates": [{"name": "queue"}],
    "imagePullSecrets": [{"name": "pull"}],
    "resourceClaims": [{"name": "a", "resourceClaimName": "gpu"}, {"resourceClaimTemplateName": "tpl"}],
    "volumes": [
        {"name": "c", "persistentVolumeClaim": {"claimName": "data"}},
        {"name": "s", "secret": {"secretName": "kit", "items": [{"key": "k", "path": "p"}]}},
        {"name": "m", "configMap": {"name": "conf", "optional": True}},
        {"name": "p", "projected": {"sources": [{"secret": {"name": "proj"}}, {"serviceAccountToken": {}}]}},
        {"name": "w", "emptyDir": {}},
    ],
    "containers": [
        {
            "name": "job",
            "env": [
                {"name": "A", "value": "b"},
                {"name": "K", "valueFrom": {"secretKeyRef": {"name": "key", "key": "x", "optional": True}}},
            ],
            "envFrom": [{"configMapRef": {"name": "all"}}],
            "ports": [{"hostPort": 80}],
        }
    ],
    "affinity": {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [
                    {
                        "matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}],
                        "matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n"]}],
                    }
                ]
            }
        },
        "podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{}]},
    },
    "topologySpreadConstraints": [{"whenUnsatisfiable": "ScheduleAnyway"}],
}


def test_what_a_pod_names():
    found = planned_pod({"spec": SPEC}, "fl")
    named = [(one.use.kind, one.name, one.keys, one.optional) for one in found.references]
    assert named == [
        ("ServiceAccount", "robot", (), False),
        ("PriorityClass", "high", (), False),
        ("RuntimeClass", "gvisor", (), False),
        ("Secret", "pull", (), False),
        ("ResourceClaim", "gpu", (), False),
        ("ResourceClaimTemplate", "tpl", (), False),
        ("PersistentVolumeClaim", "data", (), False),
        ("Secret", "kit", ("k",), False),
        ("ConfigMap", "conf", (), True),
        ("Secret", "proj", (), False),
        ("Secret", "key", ("x",), True),
        ("ConfigMap", "all", (), False),
    ]
    assert [one.name for one in found.references if one.for_pull] == ["pull"]
    assert not any(one.use.is_namespaced for one in found.references if one.use.kind.endswith("Class"))
    assert found.references[-2].where == "container job, variable K"


def test_where_a_pod_may_run():
    found = planned_pod({"spec": SPEC}, "fl")
    assert found.terms == (Term((Need("zone", "In", ("a",)),), (Need("metadata.name", "In", ("n",)),)),)
    assert (found.gates, found.priority, found.scheduler) == (("queue",), 7, "default-scheduler")
    assert found.unjudged == (
        "podAffinity",
        "hostPort",
        "where volumes can be reached",
        "devices of ResourceClaims",
    )


@pytest.mark.parametrize(
    "raw", [None, 7, {"spec": []}, {"spec": dict.fromkeys(SPEC, 7)}, {"spec": {"volumes": [7]}}]
)
def test_nonsense_names_nothing(raw):
    found = planned_pod(raw, "fl")
    assert [one for one in found.references if one.name] == []
    assert found.terms == ()


def test_the_images_of_a_pod_each_once():
    spec = {
        "initContainers": [{"name": "i", "image": "a", "imagePullPolicy": "Always"}],
        "containers": [
            {"name": "job", "image": "b"},
            {"name": "log", "image": "a"},
            {"name": "odd", "image": 3},
        ],
        "volumes": [{"name": "v", "image": {"reference": "c", "pullPolicy": "Never"}}, {"name": "w"}],
    }
    found = planned_pod({"spec": spec}, "fl").images
    assert [(one.name, one.where, one.policy) for one in found] == [
        ("a", "container i", "Always"),
        ("b", "container job", ""),
        ("c", "volume v", "Never"),
    ]
