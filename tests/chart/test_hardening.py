"""Hardening: a default applies where the values say nothing else; false, 0 and "" are values, null leaves it out."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from tests.chart.conftest import container, pod


def pod_spec(spec: dict[str, Any], security: str = "baseline") -> dict[str, Any]:
    made: dict[str, Any] = pod({"podSecurity": security, "pod": {"spec": spec}})["spec"]
    return made


def pod_context(given: dict[str, Any], security: str = "baseline") -> dict[str, Any]:
    made: dict[str, Any] = pod_spec({"securityContext": given}, security)["securityContext"]
    return made


def container_context(given: dict[str, Any], security: str = "baseline") -> dict[str, Any] | None:
    layer = {"podSecurity": security, "container": {"spec": {"securityContext": given}}}
    return container(layer).get("securityContext")


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, False),
        ({"automountServiceAccountToken": True}, True),
        ({"automountServiceAccountToken": False}, False),
        ({"serviceAccountName": "x"}, None),
        ({"serviceAccount": "x"}, None),
        ({"serviceAccountName": ""}, False),
        ({"serviceAccountName": "x", "automountServiceAccountToken": False}, False),
        ({"serviceAccountName": "x", "automountServiceAccountToken": True}, True),
    ],
)
def test_no_token_without_service_account(spec, expected):
    assert pod_spec(spec).get("automountServiceAccountToken") is expected


def test_grace_period_by_default():
    assert pod_spec({})["terminationGracePeriodSeconds"] == 1


@pytest.mark.parametrize("seconds", [0, 1, 30])
def test_grace_period_as_given(seconds):
    assert pod_spec({"terminationGracePeriodSeconds": seconds})["terminationGracePeriodSeconds"] == seconds


@pytest.mark.parametrize("security", ["baseline", "restricted"])
@pytest.mark.parametrize(
    "given",
    [{"type": "Unconfined"}, {"type": "Localhost", "localhostProfile": "p.json"}, {"type": "RuntimeDefault"}],
)
def test_seccomp_profile_as_given(given, security):
    assert pod_context({"seccompProfile": given}, security)["seccompProfile"] == given


@pytest.mark.parametrize("security", ["baseline", "restricted"])
@pytest.mark.parametrize("given", [{}, {"runAsUser": 0}, {"fsGroup": 1000, "runAsGroup": 0}])
def test_seccomp_profile_by_default(given, security):
    made = pod_context(given, security)
    assert made["seccompProfile"] == {"type": "RuntimeDefault"}
    assert given.items() <= made.items()


@pytest.mark.parametrize(
    ("given", "security", "expected"),
    [
        ({}, "baseline", None),
        ({}, "restricted", True),
        ({"runAsNonRoot": False}, "baseline", False),
        ({"runAsNonRoot": False}, "restricted", False),
        ({"runAsNonRoot": True}, "baseline", True),
        ({"runAsNonRoot": True}, "restricted", True),
    ],
)
def test_run_as_non_root_is_default_under_restricted(given, security, expected):
    assert pod_context(given, security).get("runAsNonRoot") is expected


PRIVILEGED: list[dict[str, Any]] = [{}, {"privileged": False}, {"privileged": True}]
ADDED: list[dict[str, Any]] = [
    {},
    {"capabilities": {}},
    {"capabilities": {"add": []}},
    {"capabilities": {"add": ["NET_ADMIN", "SYS_PTRACE"]}},
    {"capabilities": {"add": ["NET_ADMIN", "SYS_ADMIN"]}},
    {"capabilities": {"add": ["CAP_SYS_ADMIN"]}},
]
SAID: list[dict[str, Any]] = [{}, {"allowPrivilegeEscalation": False}, {"allowPrivilegeEscalation": True}]


@pytest.mark.parametrize(("privileged", "added", "said"), [*itertools.product(PRIVILEGED, ADDED, SAID)])
def test_privilege_escalation_default(privileged, added, said):
    escalates = privileged.get("privileged", False) or any(
        "SYS_ADMIN" in str(item) for item in added.values()
    )
    expected = said.get("allowPrivilegeEscalation", None if escalates else False)
    made = container_context({**privileged, **added, **said}) or {}
    assert made.get("allowPrivilegeEscalation") is expected
    # No capabilities are printed as none, whether the values have an empty map of them or not.
    given = {key: value for key, value in {**privileged, **added, **said}.items() if value != {}}
    assert given.items() <= made.items()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {"drop": ["ALL"]}),
        ({"capabilities": {}}, {"drop": ["ALL"]}),
        ({"capabilities": {"add": ["NET_BIND_SERVICE"]}}, {"add": ["NET_BIND_SERVICE"], "drop": ["ALL"]}),
        ({"capabilities": {"drop": []}}, {"drop": []}),
        ({"capabilities": {"drop": ["NET_RAW"]}}, {"drop": ["NET_RAW"]}),
    ],
)
def test_all_capabilities_are_dropped_by_default_under_restricted(given, expected):
    made = container_context(given, "restricted") or {}
    assert made["capabilities"] == expected


def test_no_capability_is_dropped_under_baseline():
    assert container_context({"capabilities": {"add": ["NET_ADMIN"]}}) == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"add": ["NET_ADMIN"]},
    }


def test_privileged_container_is_not_hardened():
    assert container_context({"privileged": True}) == {"privileged": True}


def test_other_containers_are_not_hardened():
    others = {"containers": [{"name": "s", "image": "i"}], "initContainers": [{"name": "i", "image": "i"}]}
    made = pod({"podSecurity": "restricted", "extra": others})["spec"]
    assert {"containers": made["containers"][1:], "initContainers": made["initContainers"]} == others


def test_service_links_are_not_set():
    assert "enableServiceLinks" not in pod_spec({})
    assert pod_spec({"enableServiceLinks": False})["enableServiceLinks"] is False
