"""The rights of a parent: which, for which storage driver, and as rules of a Role."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launcher.core.rights import LIST_NODES, PREPARED, Right, needed, role_rules

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
    assert needed() > PREPARED


def test_secret_is_the_default_driver():
    assert needed() == needed("secret")


def test_configmap_driver_adds_configmaps_and_keeps_the_rest():
    added = needed("configmap") - needed("secret")
    assert {right.resource for right in added} == {"configmaps"}
    assert {right.verb for right in added} == {"create", "get", "list", "update", "delete"}
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
