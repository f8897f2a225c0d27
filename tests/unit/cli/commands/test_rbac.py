"""``fljob rbac``: the Role of a site, and of the whole cluster only on request."""

from __future__ import annotations

import pytest
import yaml


@pytest.mark.parametrize(
    ("options", "namespace", "records"),
    [
        ((), "of-file", "configmaps"),
        (("--config", "other.yaml"), "default", "secrets"),
        (("-n", "fl", "--driver", "secret"), "fl", "secrets"),
    ],
)
def test_rbac_is_for_the_namespace_and_the_driver_of_the_site(fljob, folder, options, namespace, records):
    (folder / "fljob.yaml").write_text("namespace: of-file\nstorage_driver: configmap\n")
    (folder / "other.yaml").write_text("")
    code, out, _ = fljob("rbac", "--service-account", "a.b", *options)
    role, binding = yaml.safe_load_all(out)
    assert code == 0
    assert role["metadata"]["namespace"] == binding["subjects"][0]["namespace"] == namespace
    assert ("configmaps" in out) is (records == "configmaps")


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (("-n", "A_B"), '--namespace: must be the name of a namespace, not "A_B"'),
        (("-n", ""), '--namespace: must be the name of a namespace, not ""'),
        (("--service-account", "A B"), '--service-account: must be the name of a ServiceAccount, not "A B"'),
    ],
)
def test_a_name_that_kubernetes_refuses_is_refused_before(fljob, options, error):
    code, out, err = fljob("rbac", *options)
    assert (code, out) == (2, "")
    assert error in err
    assert "cure: use a-z" in err


def test_the_right_to_list_nodes_is_a_role_of_the_cluster_and_only_on_request(fljob):
    _, plain, _ = fljob("rbac", "-n", "fl", "--service-account", "site-1")
    _, more, _ = fljob("rbac", "-n", "fl", "--service-account", "site-1", "--nodes")
    assert "nodes" not in plain
    role, binding = list(yaml.safe_load_all(more))[2:]
    assert (role["kind"], role["rules"]) == (
        "ClusterRole",
        [{"apiGroups": [""], "resources": ["nodes"], "verbs": ["list"]}],
    )
    assert binding["roleRef"]["name"] == role["metadata"]["name"] == "fljob-nodes-fl-site-1"
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "site-1", "namespace": "fl"}]
