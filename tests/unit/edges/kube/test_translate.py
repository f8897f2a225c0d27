"""API objects -> views: what is there arrives, and whatever else the JSON holds, nothing raises."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from launcher.core.ending.job_end import ended
from launcher.core.pending.classify import classify, needs_events
from launcher.core.views import ContainerKind, ContainerState, PodView, RestartRule
from launcher.edges.kube.translate import event_view, limit_range_view, pod_view, when

POD = {
    "metadata": {
        "name": "job-1",
        "namespace": "fl",
        "uid": "u1",
        "resourceVersion": "42",
        "creationTimestamp": "2026-01-01T10:00:00Z",
        "deletionTimestamp": "2026-01-01T11:00:00Z",
        "deletionGracePeriodSeconds": 1,
        "labels": {"a": "b"},
        "annotations": {"fljob.internal/job-id": "abc"},
    },
    "spec": {
        "nodeName": "node-1",
        "initContainers": [{"name": "fetch"}, {"name": "proxy", "restartPolicy": "Always"}],
        "containers": [
            {"name": "side"},
            {"name": "container-abc", "image": "i:1", "resources": {"limits": {"memory": "64Mi"}}},
        ],
    },
    "status": {
        "phase": "Running",
        "conditions": [
            {"type": "PodScheduled", "status": "True", "lastTransitionTime": "2026-01-01T10:00:01Z"}
        ],
        "initContainerStatuses": [
            {"name": "fetch", "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}
        ],
        "containerStatuses": [
            {
                "name": "side",
                "state": {"running": {}},
                "restartCount": 2,
                "lastState": {"terminated": {"exitCode": 3, "reason": "Error"}},
            },
            {
                "name": "container-abc",
                "state": {
                    "terminated": {
                        "exitCode": 137,
                        "reason": "OOMKilled",
                        "finishedAt": "2026-01-01T10:30:00Z",
                    }
                },
            },
        ],
    },
}


def test_a_pod_arrives_whole():
    pod = pod_view(POD)
    assert (pod.name, pod.namespace, pod.uid, pod.phase, pod.node, pod.resource_version) == (
        "job-1",
        "fl",
        "u1",
        "Running",
        "node-1",
        "42",
    )
    assert pod.created == datetime(2026, 1, 1, 10, tzinfo=timezone.utc)
    assert (pod.deleted, pod.grace_seconds) == (datetime(2026, 1, 1, 11, tzinfo=timezone.utc), 1)
    assert [(c.name, c.kind) for c in pod.containers] == [
        ("fetch", ContainerKind.INIT), ("proxy", ContainerKind.SIDECAR_INIT),
        ("side", ContainerKind.SIDECAR), ("container-abc", ContainerKind.MAIN),
    ]  # fmt: skip
    assert (pod.main.state, pod.main.exit_code, pod.main.reason, pod.main.memory_limit) == (
        ContainerState.TERMINATED,
        137,
        "OOMKilled",
        "64Mi",
    )
    side = pod.containers[2]
    assert (side.restarts, side.last_reason, side.last_exit_code) == (2, "Error", 3)
    assert pod.containers[1].state is ContainerState.NONE


DEFAULT = "kubectl.kubernetes.io/default-container"


def main_of(annotations, *containers, inits=()):
    spec = {
        "containers": [{"name": one} for one in containers],
        "initContainers": [{"name": one} for one in inits],
    }
    return pod_view(
        {**POD, "metadata": {**POD["metadata"], "annotations": annotations}, "spec": spec}
    ).main.name


@pytest.mark.parametrize(
    "annotation", [{}, {DEFAULT: "side"}, {DEFAULT: "nobody"}, {DEFAULT: "container-abc"}]
)
@pytest.mark.parametrize(
    "containers",
    [
        ("container-abc",),
        ("side", "container-abc"),
        ("container-abc", "side"),
        ("job", "container-abcd", "container-abc", "container-ab"),
    ],
)
def test_the_job_is_the_container_that_the_launcher_named(annotation, containers):
    annotations = {"fljob.internal/job-id": "abc", **annotation}
    assert main_of(annotations, *containers, inits=("first",)) == "container-abc"


@pytest.mark.parametrize("annotations", [{}, {DEFAULT: "other"}, {"fljob.internal/job-id": "xyz"}])
def test_without_a_container_of_that_name_the_first_one_is_the_job(annotations):
    assert main_of(annotations, "side", "other") == "side"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-01T10:00:00Z", datetime(2026, 1, 1, 10, tzinfo=timezone.utc)),
        ("2026-01-01T10:00:00.123456Z", datetime(2026, 1, 1, 10, 0, 0, 123456, tzinfo=timezone.utc)),
        ("2026-01-01T10:00:00.123456789Z", datetime(2026, 1, 1, 10, 0, 0, 123456, tzinfo=timezone.utc)),
        ("2026-01-01T12:00:00+02:00", datetime(2026, 1, 1, 10, tzinfo=timezone.utc)),
        ("2026-01-01T10:00:00.5Z", datetime(2026, 1, 1, 10, 0, 0, 500000, tzinfo=timezone.utc)),
        ("", None), ("yesterday", None), (None, None), (5, None), ({}, None),
    ],
)  # fmt: skip
def test_times(text, expected):
    assert when(text) == expected


@pytest.mark.parametrize(
    ("event", "hour"),
    [
        ({"eventTime": "2026-01-01T01:00:00.000000Z"}, 1),
        ({"lastTimestamp": "2026-01-01T02:00:00Z", "firstTimestamp": "2026-01-01T01:00:00Z"}, 2),
        (
            {
                "eventTime": "2026-01-01T01:00:00Z",
                "series": {"lastObservedTime": "2026-01-01T03:00:00Z", "count": 4},
            },
            3,
        ),
        ({"metadata": {"creationTimestamp": "2026-01-01T04:00:00Z"}, "lastTimestamp": None}, 4),
    ],
)
def test_an_event_has_the_newest_of_its_times(event, hour):
    assert event_view(event).last_seen.hour == hour


@pytest.mark.parametrize(
    ("event", "hour"),
    [
        ({"eventTime": "2026-01-01T01:00:00Z", "series": {"lastObservedTime": "2026-01-01T03:00:00Z"}}, 1),
        ({"lastTimestamp": "2026-01-01T04:00:00Z", "firstTimestamp": "2026-01-01T02:00:00Z"}, 2),
        (
            {
                "metadata": {"creationTimestamp": "2026-01-01T03:00:00Z"},
                "lastTimestamp": "2026-01-01T04:00:00Z",
            },
            3,
        ),
    ],
)
def test_an_event_has_the_oldest_of_its_times_as_well(event, hour):
    assert event_view(event).first_seen.hour == hour


def test_the_last_time_of_an_event_says_nothing_about_its_first():
    assert event_view({"lastTimestamp": "2026-01-01T04:00:00Z", "count": 7}).first_seen is None


def test_an_event_says_how_often():
    assert event_view({"count": 3}).count == 3
    assert event_view({"series": {"count": 7}, "count": 1}).count == 7
    assert event_view({}).count == 1


def nest(child):
    keys = st.sampled_from(
        [
            "metadata",
            "spec",
            "status",
            "name",
            "uid",
            "phase",
            "containers",
            "containerStatuses",
            "initContainers",
            "state",
            "waiting",
            "running",
            "terminated",
            "exitCode",
            "reason",
            "message",
            "conditions",
            "type",
            "labels",
            "annotations",
            "restartPolicy",
            "restartPolicyRules",
            "exitCodes",
            "values",
            "resources",
            "limits",
            "memory",
            "lastState",
        ]
    )
    return st.lists(child, max_size=3) | st.dictionaries(keys, child, max_size=5)


@pytest.mark.parametrize(
    ("path", "container"),
    [
        ("spec.containers{job}", "job"),
        ("spec.initContainers{mesh-proxy}", "mesh-proxy"),
        ("spec.containers{}", ""),
        ("spec", ""),
        (None, ""),
        (7, ""),
    ],
)
def test_event_says_which_container_it_is_about(path, container):
    assert event_view({"involvedObject": {"fieldPath": path}}).container == container


def test_line_end_of_a_probes_program_is_no_part_of_its_message():
    assert event_view({"message": "Liveness probe failed: does not answer\n"}).message.endswith("answer")
    assert event_view({"message": 7}).message == ""


def test_an_event_that_stands_for_many_says_what_they_say():
    said = "Liveness probe failed: took 3 s\n"
    found = event_view({"message": f"(combined from similar events): {said}", "reason": "Unhealthy"})
    assert found.message == said.rstrip()


@pytest.mark.parametrize(
    ("own", "of_pod", "policy"),
    [({}, "Never", "Never"), ({"restartPolicy": "Always"}, "Never", "Always"), ({}, None, ""), ({}, 7, "")],
)
def test_restart_policy_is_the_containers_else_the_pods(own, of_pod, policy):
    spec = {"restartPolicy": of_pod, "containers": [{"name": "job", **own}]}
    assert pod_view({"spec": spec}).main.restart_policy == policy


def test_restart_rules_of_a_container():
    codes = {"operator": "In", "values": [3, "x", True, 4]}
    rules = [
        {"action": "Restart", "exitCodes": codes},
        "x",
        {"action": 7},
        {"action": "Restart", "exitCodes": {"values": 3}},
    ]
    made = pod_view({"spec": {"containers": [{"name": "job", "restartPolicyRules": rules}]}})
    assert made.main.restart_rules == (
        RestartRule("Restart", "In", (3, 4)),
        RestartRule("", "", ()),
        RestartRule("Restart", "", ()),
    )


GARBAGE = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), nest, max_leaves=25)


@settings(max_examples=200, derandomize=True, deadline=None)
@given(GARBAGE)
def test_whatever_the_json_holds_there_is_a_view_and_a_decision(raw):
    pod = pod_view(raw)
    assert isinstance(pod, PodView)
    ended(pod)
    needs_events(pod)
    classify(pod, (event_view(raw),))


@settings(max_examples=100, derandomize=True, deadline=None)
@given(st.sampled_from(["metadata", "spec", "status"]), GARBAGE)
def test_one_spoilt_part_does_not_spoil_the_rest(part, garbage):
    pod = pod_view({**POD, part: garbage})
    if part != "metadata":
        assert pod.name == "job-1"
    ended(pod)
    classify(pod)


def test_claims_groups_and_devices_of_a_pod():
    spec = {
        "volumes": [
            {"name": "data", "persistentVolumeClaim": {"claimName": "study-data"}},
            {"name": "scratch", "ephemeral": {"volumeClaimTemplate": {}}},
            {"name": "tmp", "emptyDir": {}},
        ],
        "resourceClaims": [
            {"name": "gpu", "resourceClaimTemplateName": "one-gpu"},
            {"name": "nic", "resourceClaimName": "fast-nic"},
            {"name": "other"},
        ],
        "schedulingGroup": {"podGroupName": "trainers"},
    }
    pod = pod_view({"metadata": {"name": "job-1"}, "spec": spec})
    assert pod.claims == ("study-data", "job-1-scratch")
    assert pod.resource_claims == ("one-gpu", "fast-nic", "other")
    assert pod.pod_group == "trainers"
    assert pod_view({"spec": {"workloadRef": {"name": "w"}}}).pod_group == "w"


@pytest.mark.parametrize(
    ("path", "container"),
    [
        ("spec.containers{job}", "job"),
        ("spec.initContainers{fetch}", "fetch"),
        ("spec.ephemeralContainers{debug}", ""),
        ("spec.containers", ""),
        ("spec.volumes[0]", ""),
        ("", ""),
        (7, ""),
        ("spec.containers{a\x1b[31mb}", "a\\x1b[31mb"),
    ],
)
def test_event_names_its_container(path, container):
    assert event_view({"involvedObject": {"fieldPath": path}}).container == container


@pytest.mark.parametrize(
    ("limits", "defaults"),
    [
        (
            [{"type": "Container", "default": {"memory": "512Mi"}, "max": {"memory": "1Gi"}}],
            {"memory": "512Mi"},
        ),
        (
            [{"type": "Pod", "max": {"memory": "1Gi"}}, {"type": "Container", "default": {"cpu": "1"}}],
            {"cpu": "1"},
        ),
        ([{"type": "Container"}, {"type": "Container", "default": "x"}, None, 7], {}),
        ("x", {}),
        (None, {}),
    ],
)
def test_limit_range_has_the_limits_that_it_gives_to_containers(limits, defaults):
    view = limit_range_view({"metadata": {"name": "defaults"}, "spec": {"limits": limits}})
    assert (view.name, dict(view.defaults)) == ("defaults", defaults)


@pytest.mark.parametrize("raw", [None, 7, [], {}, {"metadata": 1, "spec": []}])
def test_limit_range_of_nonsense_is_empty(raw):
    assert dict(limit_range_view(raw).defaults) == {}
