"""The CronJob that cleans up: its rights are the Role's, and its pod is one that a restricted namespace takes."""

from __future__ import annotations

import json

import pytest

from launcher.core.janitor import Janitor, manifests
from launcher.core.rights import NETWORK_POLICIES, Right, cleaning, needed, role_rules


def made(**changes):
    """Return kind -> object."""
    given = {
        "namespace": "fl",
        "image": "r/fljob:1",
        "schedule": "@daily",
        "arguments": ("-n", "fl"),
        "rights": cleaning(),
        "settings": {},
    }
    return {one["kind"]: one for one in manifests(Janitor(**{**given, **changes}))}


def test_the_account_of_the_pod_is_bound_to_its_rights_in_one_namespace():
    found = made()
    assert list(found) == ["ServiceAccount", "Role", "RoleBinding", "CronJob"]
    assert {one["metadata"]["namespace"] for one in found.values()} == {"fl"}
    assert found["Role"]["rules"] == role_rules(cleaning())
    [subject] = found["RoleBinding"]["subjects"]
    pod = found["CronJob"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    account = found["ServiceAccount"]["metadata"]["name"]
    assert (subject["name"], pod["serviceAccountName"]) == (account, account)
    assert found["RoleBinding"]["roleRef"]["name"] == found["Role"]["metadata"]["name"]
    assert pod["containers"][0]["args"] == ["gc", "-n", "fl"]


def test_everywhere_it_is_a_clusterrole_that_is_named_after_its_namespace():
    found = made(everywhere=True)
    assert {"ClusterRole", "ClusterRoleBinding"} < set(found)
    assert found["ClusterRole"]["metadata"] == {
        "name": "fljob-gc-fl",
        "labels": {"app.kubernetes.io/name": "fljob-gc"},
    }
    assert found["ClusterRoleBinding"]["roleRef"]["name"] == "fljob-gc-fl"


def test_what_a_site_judges_by_goes_along():
    found = made(settings={"pending_timeout": None}, pull_secrets=("registry",))
    assert json.loads(found["ConfigMap"]["data"]["fljob.yaml"]) == {"pending_timeout": None}
    pod = found["CronJob"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert pod["containers"][0]["args"][-2:] == ["--config", "/etc/fljob/fljob.yaml"]
    assert pod["imagePullSecrets"] == [{"name": "registry"}]
    assert {mount["name"] for mount in pod["containers"][0]["volumeMounts"]} == {
        volume["name"] for volume in pod["volumes"]
    }


@pytest.mark.parametrize(("driver", "more"), [("secret", frozenset()), ("configmap", NETWORK_POLICIES)])
def test_a_janitor_makes_nothing_and_has_less_than_a_parent(driver, more):
    rights = cleaning(driver, more)
    assert {right.verb for right in rights} == {"delete", "get", "list", "watch"}
    optional = {right for right in rights if right.resource == "leases"}
    assert rights - optional < needed(driver, more)
    assert (Right("networkpolicies", "delete", "networking.k8s.io") in rights) is bool(more)
    assert (Right("configmaps", "delete") in rights) is (driver == "configmap")
