"""The rights of a parent: which, for which storage driver, and as rules of a Role."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launcher.core.rights import (
    LIST_NODES,
    NETWORK_POLICIES,
    POD_DISRUPTION_BUDGETS,
    PREPARED,
    WRITE_EVENTS,
    Right,
    cleaning,
    granted,
    needed,
    printed,
    role_rules,
)

RIGHTS = st.frozensets(
    st.builds(
        Right,
        st.sampled_from(["pods", "secrets"]),
        st.sampled_from(["get", "list"]),
        st.sampled_from(["", "apps"]),
    )
)


def test_prepared_rights_are_extended_for_helm():
    assert needed() - PREPARED == {Right("pods", "patch"), Right("pods/log", "get"), Right("secrets", "list")}
    assert PREPARED - needed() == {Right("events", "get")}  # FLARE grants it, and nothing uses it


def test_events_are_written_where_the_site_wants_it_and_nothing_needs_that():
    assert not needed() & WRITE_EVENTS
    assert not granted() & WRITE_EVENTS
    assert granted(more=WRITE_EVENTS) - granted() == WRITE_EVENTS
    assert {(right.resource, right.verb) for right in WRITE_EVENTS} == {
        ("events", "create"),
        ("events", "patch"),
    }
    assert cleaning(more=WRITE_EVENTS) == cleaning()


def test_secret_is_the_default_driver():
    assert needed() == needed("secret")


def test_configmap_driver_adds_configmaps_and_keeps_the_rest():
    added = needed("configmap") - needed("secret")
    assert {right.resource for right in added} == {"configmaps"}
    assert {right.verb for right in added} == {"create", "get", "list", "patch", "update", "delete"}
    assert needed("configmap") > needed("secret")


@pytest.mark.parametrize("driver", ["secret", "configmap"])
def test_nothing_outside_the_core_group_and_the_namespace(driver):
    assert {right.group for right in needed(driver)} == {""}
    assert LIST_NODES not in needed(driver)


def test_role_rules_are_sorted_and_one_per_resource():
    rights = {
        Right("pods", "list"),
        Right("pods", "get"),
        Right("jobs", "get", "batch"),
        Right("events", "watch"),
    }
    assert role_rules(frozenset(rights)) == [
        {"apiGroups": [""], "resources": ["events"], "verbs": ["watch"]},
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]},
        {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["get"]},
    ]
    assert role_rules(frozenset()) == []


@given(RIGHTS)
def test_role_rules_grant_exactly_the_rights(rights):
    granted = {
        Right(resource, verb, group)
        for rule in role_rules(rights)
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    assert granted == rights


@pytest.mark.parametrize("rights", [NETWORK_POLICIES, POD_DISRUPTION_BUDGETS])
def test_what_the_chart_prints_beside_the_pod_is_added(rights):
    added = needed(more=rights) - needed()
    assert added == rights
    assert {right.verb for right in added} == {"create", "delete", "get", "patch"}


@pytest.mark.parametrize(
    ("version", "kind", "group", "resource"),
    [
        ("networking.k8s.io/v1", "NetworkPolicy", "networking.k8s.io", "networkpolicies"),
        ("policy/v1", "PodDisruptionBudget", "policy", "poddisruptionbudgets"),
        ("v1", "ConfigMap", "", "configmaps"),
        ("v1", "Endpoints", "", "endpoints"),
        ("networking.k8s.io/v1", "Ingress", "networking.k8s.io", "ingresses"),
        ("example.com/v1alpha1", "Queue", "example.com", "queues"),
    ],
)
def test_rights_for_an_object_of_a_chart(version, kind, group, resource):
    found = printed([None, {"apiVersion": version, "kind": kind}, "text", {"kind": "X"}])
    assert found == {Right(resource, verb, group) for verb in ("create", "delete", "get", "patch")}


def test_the_pod_of_a_chart_needs_nothing_more():
    assert printed([{"apiVersion": "v1", "kind": "Pod"}]) < needed()
