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


POLICY = {
    "apiGroups": ["networking.k8s.io"],
    "resources": ["networkpolicies"],
    "verbs": ["create", "delete", "get", "patch"],
}


def rules(fljob, *options):
    code, out, err = fljob("rbac", *options)
    assert code == 0
    return next(yaml.safe_load_all(out))["rules"], err


@pytest.mark.parametrize(
    ("config", "templates"),
    [
        ("values: {networkPolicy: {enabled: true}}", {}),
        ("values_dir: v", {"site.yaml.j2": "networkPolicy: {enabled: true}"}),
        ("values_dir: v", {"studies/s-1.yaml.j2": "networkPolicy: {enabled: true}"}),
        ("values_dir: v", {"job.yaml.j2": "networkPolicy: {enabled: {{ (job.study == 's-1') | emit }}}",
                           "studies/s-1.yaml.j2": ""}),
    ],
)  # fmt: skip
def test_the_rights_for_network_policies_come_with_them(fljob, folder, config, templates):
    plain, _ = rules(fljob)
    (folder / "fljob.yaml").write_text(config)
    for name, text in templates.items():
        (folder / "v" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "v" / name).write_text(text)
    more, err = rules(fljob)
    assert (POLICY in more, POLICY in plain, err) == (True, False, "")
    assert [rule for rule in more if rule != POLICY] == plain


def test_a_policy_that_is_not_enabled_needs_no_right(fljob, folder):
    (folder / "fljob.yaml").write_text("values: {networkPolicy: {enabled: false}}")
    assert POLICY not in rules(fljob)[0]


@pytest.mark.parametrize(
    ("config", "verbs"),
    [
        ("", ["create", "list", "patch", "watch"]),
        ("events: true", ["create", "list", "patch", "watch"]),
        ("events: false", ["list", "watch"]),
    ],
)
def test_the_right_to_write_events_comes_with_the_setting(fljob, folder, config, verbs):
    (folder / "fljob.yaml").write_text(config)
    (events,) = (rule for rule in rules(fljob)[0] if rule["resources"] == ["events"])
    assert events == {"apiGroups": [""], "resources": ["events"], "verbs": verbs}


BUDGETS = {
    "apiGroups": ["policy"],
    "resources": ["poddisruptionbudgets"],
    "verbs": ["create", "delete", "get", "patch"],
}


@pytest.mark.parametrize(
    ("config", "granted"),
    [
        ("protect: budget", True),
        ("values: {disruption: {budget: true}}", True),
        ("protect: marks", False),
        ("protect: budget\nvalues: {disruption: {budget: false}}", False),
    ],
)
def test_the_rights_for_budgets_come_with_them(fljob, folder, config, granted):
    (folder / "fljob.yaml").write_text(config)
    assert (BUDGETS in rules(fljob)[0]) is granted


def own_chart(folder, printed, code=0):
    (folder / "chart").mkdir()
    (folder / "chart/Chart.yaml").write_text("name: own\n")
    helm = folder / "helm"
    helm.write_text(f"#!/bin/sh\ncat <<'END'\n{printed}\nEND\nexit {code}\n")
    helm.chmod(0o700)
    (folder / "fljob.yaml").write_text(f"chart: {folder / 'chart'}\nhelm: {helm}\n")


def test_the_rights_for_what_a_chart_of_the_site_prints(fljob, folder):
    own_chart(folder, "apiVersion: v1\nkind: ConfigMap\n---\napiVersion: v1\nkind: Pod\n---\n")
    verbs = ["create", "delete", "get", "patch"]
    found, err = rules(fljob)
    assert {"apiGroups": [""], "resources": ["configmaps"], "verbs": verbs} in found
    assert err == ""


@pytest.mark.parametrize(("printed", "code"), [("kind: [", 0), ("", 1)])
def test_a_chart_that_cannot_be_rendered_is_told(fljob, folder, printed, code):
    plain, _ = rules(fljob)
    own_chart(folder, printed, code)
    found, err = rules(fljob)
    assert found == plain
    assert err.startswith("warning: rights for what the chart makes beside the pod are not included: ")
