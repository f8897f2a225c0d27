"""Null leaves a default out: each of values.yaml in turn, each group of them, and what Kubernetes does without it."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml

from tests.chart.conftest import CHART, at, leaves, minimal, objects, pod, refusal

DEFAULTS = yaml.safe_load((CHART / "values.yaml").read_text())
# Without these there is no job, or none that its launcher finds again.
NEEDED = {
    "job.id",
    "job.site",
    "job.role",
    "labels",
    "image.reference",
    "command",
    "workspace.mountPath",
    "pod.name",
    "container.name",
}
SECCOMP = ("spec", "securityContext", "seccompProfile")
JOB = ("spec", "containers", 0)
# Key path -> the field of the pod that is not there any more, under `restricted`, where every default applies.
LEAVES_OUT: dict[str, tuple[Any, ...]] = {
    "image.pullPolicy": (*JOB, "imagePullPolicy"),
    "workspace.sizeLimit": ("spec", "volumes", 0, "emptyDir", "sizeLimit"),
    "pod.spec.terminationGracePeriodSeconds": ("spec", "terminationGracePeriodSeconds"),
    "pod.spec.automountServiceAccountToken": ("spec", "automountServiceAccountToken"),
    "pod.spec.securityContext.seccompProfile.type": SECCOMP,
    "pod.spec.securityContext.runAsNonRoot": ("spec", "securityContext", "runAsNonRoot"),
    "container.spec.workingDir": (*JOB, "workingDir"),
    "container.spec.securityContext.allowPrivilegeEscalation": (
        *JOB,
        "securityContext",
        "allowPrivilegeEscalation",
    ),
    "container.spec.securityContext.capabilities.drop": (*JOB, "securityContext", "capabilities"),
}
# Their default is nothing, or to add nothing.
EMPTY = {
    "job.study",
    "imagePullSecrets",
    "args",
    "env",
    "startupKit.secretName",
    "datasets",
    "secretMounts",
    "resources.requests",
    "resources.limits",
    "resources.claims",
    "pod.labels",
    "pod.annotations",
    "extra.volumes",
    "extra.volumeMounts",
    "extra.initContainers",
    "extra.containers",
    "disruption.marks",
    "disruption.budget",
    "networkPolicy.enabled",
    "test.image",
    "test.serviceAccountName",
}
RESTRICTED = {"podSecurity": "restricted"}


def without(made: dict[str, Any], path: tuple[Any, ...]) -> dict[str, Any]:
    """Return a copy of ``made`` without what is at ``path``, which must be there."""
    result = copy.deepcopy(made)
    part: Any = result
    for key in path[:-1]:
        part = part[key]
    del part[path[-1]]
    return result


def paths_below(path: str) -> list[str]:
    return [leaf for leaf in LEAVES_OUT if leaf == path or leaf.startswith(f"{path}.")]


def test_every_default_is_in_this_table():
    assert {*NEEDED, *LEAVES_OUT, *EMPTY, "podSecurity"} == set(leaves(DEFAULTS))


@pytest.mark.parametrize("path", LEAVES_OUT)
def test_null_leaves_a_default_out_and_nothing_else(path):
    assert pod(RESTRICTED, at(path, None)) == without(pod(RESTRICTED), LEAVES_OUT[path])


@pytest.mark.parametrize("path", sorted(EMPTY))
def test_null_is_as_good_as_an_empty_default(path):
    # The minimal values say nothing but what is needed.
    assert objects(at(path, None)) == objects()


@pytest.mark.parametrize("path", sorted(NEEDED))
def test_null_is_refused_where_there_is_no_job_without_it(path):
    above, _, key = path.rpartition(".")
    assert f"at '{'/' + above.replace('.', '/') if above else ''}': missing property '{key}'" in refusal(
        at(path, None)
    )


@pytest.mark.parametrize(
    "group",
    [
        "pod.spec",
        "pod.spec.securityContext",
        "pod.spec.securityContext.seccompProfile",
        "container.spec",
        "container.spec.securityContext",
        "container.spec.securityContext.capabilities",
    ],
)
def test_null_leaves_out_all_that_is_below(group):
    expected = pod(RESTRICTED)
    for path in paths_below(group):
        expected = without(expected, LEAVES_OUT[path])
    for part in (expected["spec"], expected["spec"]["containers"][0]):
        if not part.get("securityContext", True):
            del part["securityContext"]
    assert pod(RESTRICTED, at(group, None)) == expected


@pytest.mark.parametrize("group", ["startupKit", "resources", "extra", "disruption", "networkPolicy", "test"])
def test_null_leaves_out_a_group_of_empty_defaults(group):
    assert objects(at(group, None)) == objects()


def test_no_standard_adds_no_security_context():
    made = pod({"podSecurity": None})["spec"]
    assert "securityContext" not in made
    assert "securityContext" not in made["containers"][0]
    # The token is no part of a Pod Security Standard.
    assert made["automountServiceAccountToken"] is False


def test_what_the_values_say_stays_without_a_standard():
    given = {"seccompProfile": {"type": "RuntimeDefault"}, "runAsNonRoot": True}
    made = pod({"podSecurity": None}, at("pod.spec.securityContext", given))
    assert made["spec"]["securityContext"] == given


@pytest.mark.parametrize(
    ("path", "left"),
    [
        ("pod.spec.affinity", {"affinity": {}}),
        ("pod.spec.securityContext.seLinuxOptions", {}),
    ],
)
def test_null_in_a_field_without_a_default_is_not_printed(path, left):
    made = pod(at(f"{path}.nodeAffinity" if path.endswith("affinity") else path, None))["spec"]
    assert made == {**pod()["spec"], **left}


def test_null_in_a_list_of_kubernetes_is_not_printed():
    toleration = {"key": "a", "operator": "Exists", "value": None}
    made = pod(at("pod.spec.tolerations", [toleration]))["spec"]
    assert made["tolerations"] == [{"key": "a", "operator": "Exists"}]


def test_a_value_over_a_default_stands_alone():
    made = pod(at("pod.spec.securityContext.seccompProfile", {"type": "Localhost", "localhostProfile": "p"}))
    assert made["spec"]["securityContext"] == {
        "seccompProfile": {"type": "Localhost", "localhostProfile": "p"}
    }


def test_a_null_in_one_file_and_a_value_in_another():
    """As with ``-f site.yaml -f study.yaml``: the last one wins."""
    values = minimal(at("pod.spec.securityContext.runAsNonRoot", None))
    assert "runAsNonRoot" in str(pod(values, at("pod.spec.securityContext.runAsNonRoot", value=True)))
