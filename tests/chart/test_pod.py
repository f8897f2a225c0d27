"""What the pod looks like, value by value."""

from __future__ import annotations

import json

import pytest

from tests.chart.conftest import CHART, helm, merged

OWNED_POD = ["containers", "initContainers", "volumes", "restartPolicy", "imagePullSecrets"]
OWNED_CONTAINER = ["name", "image", "imagePullPolicy", "command", "args", "env", "volumeMounts", "resources"]


def main(pod):
    return pod["spec"]["containers"][0]


@pytest.mark.parametrize(
    "text",
    [
        "on",
        "2.10",
        "a: b",
        "line\nline",
        'q"uote',
        "{{ .Values }}",
        "ünïcode 病院",
        "",
        " x ",
        "0o17",
        "null",
        "~",
        "$(HOME)",
    ],
)
def test_text_arrives_unchanged(pod, text):
    env = [{"name": "X", "value": text}]
    made = pod(
        {
            "env": env,
            "pod": {"annotations": {"example.com/x": text}},
            "args": [text],
            "job": {"site": text or "s"},
        }
    )
    assert main(made)["env"] == env
    assert main(made)["args"] == [text]
    assert made["metadata"]["annotations"]["example.com/x"] == text
    assert made["metadata"]["annotations"]["fljob.internal/site"] == (text or "s")


def test_the_job_container_is_first_and_named(pod):
    made = pod({"extra": {"containers": [{"name": "a-sidecar", "image": "x"}]}, "container": {"name": "zz"}})
    assert [c["name"] for c in made["spec"]["containers"]] == ["zz", "a-sidecar"]
    assert made["metadata"]["annotations"]["kubectl.kubernetes.io/default-container"] == "zz"


def test_helm_decides_the_namespace(pod):
    assert "namespace" not in pod()["metadata"]


def test_the_pod_is_never_restarted(pod):
    assert pod()["spec"]["restartPolicy"] == "Never"


def test_environment_keeps_its_order(pod):
    env = [{"name": name, "value": "$(A)"} for name in "CABZ"]
    assert main(pod({"env": env}))["env"] == env


@pytest.mark.parametrize("study", ["", "cancer"])
def test_the_study_is_named_only_when_there_is_one(pod, study):
    annotations = pod({"job": {"study": study}})["metadata"]["annotations"]
    assert annotations.get("fljob.internal/study", "") == study
    assert ("fljob.internal/study" in annotations) == bool(study)


def test_volumes_and_mounts_come_in_the_documented_order(pod):
    made = pod(
        {
            "startupKit": {"secretName": "kit"},
            "datasets": {"data-x": {"claimName": "c", "mountPath": "/data/x", "readOnly": True}},
            "secretMounts": {"secret-y": {"secretName": "s", "mountPath": "/y", "items": {"k": "p"}}},
            "extra": {
                "volumes": [{"name": "z", "emptyDir": {}}],
                "volumeMounts": [{"name": "z", "mountPath": "/z"}],
            },
        }
    )
    order = ["workspace-job", "startup-kit", "data-x", "secret-y", "z"]
    assert [v["name"] for v in made["spec"]["volumes"]] == order
    assert [m["name"] for m in main(made)["volumeMounts"]] == order
    assert main(made)["volumeMounts"][1] == {
        "name": "startup-kit", "mountPath": "/var/tmp/nvflare/workspace/startup", "readOnly": True,
    }  # fmt: skip
    assert made["spec"]["volumes"][3] == {
        "name": "secret-y",
        "secret": {"secretName": "s", "items": [{"key": "k", "path": "p"}]},
    }


def test_the_working_directory_is_the_workspace_unless_said_otherwise(pod):
    assert main(pod())["workingDir"] == "/var/tmp/nvflare/workspace"
    assert main(pod({"container": {"spec": {"workingDir": "/x"}}}))["workingDir"] == "/x"


def test_a_large_number_stays_a_number(pod):
    assert (
        pod({"pod": {"spec": {"securityContext": {"runAsUser": 1000680000}}}})["spec"]["securityContext"][
            "runAsUser"
        ]
        == 1000680000
    )


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, False),
        ({"automountServiceAccountToken": True}, True),
        ({"automountServiceAccountToken": False}, False),
        ({"serviceAccountName": "x"}, None),
    ],
)
def test_no_token_unless_asked_for(pod, spec, expected):
    assert pod({"pod": {"spec": spec}})["spec"].get("automountServiceAccountToken") is expected


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        ({}, False),
        ({"allowPrivilegeEscalation": True}, True),
        ({"allowPrivilegeEscalation": False}, False),
        ({"privileged": True}, None),
        ({"privileged": False}, False),
        ({"capabilities": {"add": ["SYS_ADMIN"]}}, None),
        ({"capabilities": {"add": ["CAP_SYS_ADMIN"]}}, None),
        ({"capabilities": {"add": ["NET_BIND_SERVICE"]}}, False),
    ],
)
def test_no_privilege_escalation_unless_the_api_would_refuse(pod, context, expected):
    made = main(pod({"container": {"spec": {"securityContext": context}}}))["securityContext"]
    assert made.get("allowPrivilegeEscalation") is expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [({}, "RuntimeDefault"), ({"seccompProfile": {"type": "Unconfined"}}, "Unconfined")],
)
def test_seccomp(pod, given, expected):
    assert (
        pod({"pod": {"spec": {"securityContext": given}}})["spec"]["securityContext"]["seccompProfile"][
            "type"
        ]
        == expected
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [({}, 1), ({"terminationGracePeriodSeconds": 0}, 0), ({"terminationGracePeriodSeconds": 30}, 30)],
)
def test_grace_period(pod, given, expected):
    assert pod({"pod": {"spec": given}})["spec"]["terminationGracePeriodSeconds"] == expected


def test_restricted_adds_the_rest_of_the_standard(pod):
    made = pod({"podSecurity": "restricted"})
    assert made["spec"]["securityContext"]["runAsNonRoot"] is True
    assert main(made)["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    loose = pod({"podSecurity": "restricted", "pod": {"spec": {"securityContext": {"runAsNonRoot": False}}}})
    assert loose["spec"]["securityContext"]["runAsNonRoot"] is False


def test_the_template_may_relabel_but_not_the_launchers_labels(pod):
    labels = pod({"pod": {"labels": {"app.kubernetes.io/name": "mine", "team": "x"}}})["metadata"]["labels"]
    assert (labels["app.kubernetes.io/name"], labels["team"], labels["fljob.internal/role"]) == (
        "mine",
        "x",
        "client",
    )


def test_a_network_policy_selects_this_pod_only(objects):
    policy, pod = objects({"networkPolicy": {"enabled": True}})
    assert policy["spec"]["podSelector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
    assert policy["spec"]["ingress"] == []


COLLISIONS = [
    (
        {"extra": {"volumes": [{"name": "workspace-job", "emptyDir": {}}]}},
        'extra.volumes: the name "workspace-job"',
    ),
    ({"startupKit": {"secretName": "k"}, "extra": {"volumes": [{"name": "startup-kit"}]}}, "startup-kit"),
    (
        {
            "datasets": {"v": {"claimName": "c", "mountPath": "/a", "readOnly": True}},
            "secretMounts": {"v": {"secretName": "s", "mountPath": "/b"}},
        },
        "datasets, secretMounts",
    ),
    ({"pod": {"labels": {"fljob.internal/x": "y"}}}, 'pod.labels: "fljob.internal/x" is reserved'),
    (
        {"pod": {"annotations": {"fljob.internal/job-id": "y"}}},
        'pod.annotations: "fljob.internal/job-id" is reserved',
    ),
]


@pytest.mark.parametrize(("values", "message"), COLLISIONS)
def test_a_collision_is_refused_with_its_key(refused, values, message):
    assert message in refused(values)


BAD = [
    ({"nope": 1}, "nope"),
    ({"job": {"id": ""}}, "/job/id"),
    ({"job": {"site": ""}}, "/job/site"),
    ({"job": {"role": "admin"}}, "/job/role"),
    ({"job": {"extra": 1}}, "/job"),
    ({"labels": {"a": 1}}, "/labels/a"),
    ({"labels": {"a": "not valid!"}}, "/labels/a"),
    ({"image": {"reference": ""}}, "/image/reference"),
    ({"image": {"reference": "has space"}}, "/image/reference"),
    ({"image": {"pullPolicy": "Sometimes"}}, "/image/pullPolicy"),
    ({"image": {"tag": "1"}}, "/image"),
    ({"imagePullSecrets": ["x"]}, "/imagePullSecrets/0"),
    ({"imagePullSecrets": [{"name": "Upper"}]}, "/imagePullSecrets/0/name"),
    ({"command": []}, "/command"),
    ({"command": [1]}, "/command/0"),
    ({"args": [1]}, "/args/0"),
    ({"env": {"A": "b"}}, "/env"),
    ({"env": [{"value": "x"}]}, "/env/0"),
    ({"env": [{"name": "A", "value": 1}]}, "/env/0/value"),
    ({"env": [{"name": "A", "value": "x", "valueFrom": {"fieldRef": {}}}]}, "/env/0"),
    ({"workspace": {"mountPath": "relative"}}, "/workspace/mountPath"),
    ({"workspace": {"sizeLimit": "lots"}}, "/workspace/sizeLimit"),
    ({"workspace": {"sizeLimit": 5}}, "/workspace/sizeLimit"),
    ({"startupKit": {"name": "x"}}, "/startupKit"),
    ({"datasets": {"v": {"claimName": "c", "mountPath": "/x"}}}, "/datasets/v"),
    ({"datasets": {"v": {"claimName": "c", "mountPath": "x", "readOnly": True}}}, "/datasets/v/mountPath"),
    ({"datasets": {"Bad_Name": {"claimName": "c", "mountPath": "/x", "readOnly": True}}}, "Bad_Name"),
    ({"secretMounts": {"v": {"mountPath": "/x"}}}, "/secretMounts/v"),
    ({"resources": {"limits": {"cpu": 1}}}, "/resources/limits/cpu"),
    ({"resources": {"limits": {"memory": "1 Gi"}}}, "/resources/limits/memory"),
    ({"resources": {"claims": {}}}, "/resources"),
    ({"podSecurity": "none"}, "/podSecurity"),
    ({"pod": {"name": "Upper"}}, "/pod/name"),
    ({"pod": {"name": "a" * 64}}, "/pod/name"),
    ({"container": {"name": "a.b"}}, "/container/name"),
    ({"extra": {"volumes": [{}]}}, "/extra/volumes/0"),
    ({"extra": {"volumeMounts": [{"name": "x"}]}}, "/extra/volumeMounts/0"),
    ({"networkPolicy": {"enabled": "yes"}}, "/networkPolicy/enabled"),
    *(({"pod": {"spec": {key: []}}}, f"'{key}'") for key in OWNED_POD),
    *(({"container": {"spec": {key: "x"}}}, f"'{key}'") for key in OWNED_CONTAINER),
]


@pytest.mark.parametrize(("values", "place"), BAD, ids=lambda value: str(value)[:50])
def test_a_bad_value_is_refused_with_its_place(refused, values, place):
    assert place in refused(values)


@pytest.mark.parametrize("label", ["job-id", "site", "role", "attempt"])
def test_the_launchers_labels_are_required(label):
    values = merged()
    del values["labels"][f"fljob.internal/{label}"]
    done = helm("template", "x", str(CHART), "--values", "-", stdin=json.dumps(values))
    assert done.returncode != 0
    assert f"missing property 'fljob.internal/{label}'" in done.stderr
