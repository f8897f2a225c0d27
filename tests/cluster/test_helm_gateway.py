"""The helm edge on a real API server: what it installs, what it refuses, and that failures leave nothing.

Helm 4 applies on the server's side, which is a patch and knows every field; Helm 3 creates objects on its own. Where that
makes a difference, the test says what is right for each.
"""

from __future__ import annotations

import base64
import concurrent.futures
import copy
import gzip
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import kubernetes
import pytest
import yaml

from launcher.core.views import Presence
from launcher.edges.helm import HelmReleases
from launcher.errors import (
    Cancelled,
    Conflict,
    Denied,
    InvalidInput,
    LauncherError,
    LeftBehind,
    NotFound,
    Rejected,
    Unavailable,
)
from tests import helms
from tests.cluster.conftest import CHART, ROOT, broken_webhook, happens, kubectl, runs_helm

pytestmark = pytest.mark.cluster

LABELS = {
    "fljob.internal/job-id": "gateway",
    "fljob.internal/site": "site-1",
    "fljob.internal/role": "client",
    "fljob.internal/attempt": "1",
}
# The pods need not run: a gate keeps them from being scheduled, so they are gone as soon as deleted.
POD_SPEC = {"schedulingGates": [{"name": "test.example/hold"}]}
VALUES: dict[str, Any] = {
    "job": {"id": "gateway", "site": "site-1", "role": "client"},
    "labels": LABELS,
    "image": {"reference": "registry.invalid/none:1"},
    "command": ["/bin/true"],
    "pod": {"name": "p1", "spec": POD_SPEC},
    "resources": {"requests": {"cpu": "1m", "memory": "8Mi"}, "limits": {"cpu": "10m", "memory": "16Mi"}},
}


def values(**changes: Any) -> dict[str, Any]:
    """Return the values with some of them changed; ``pod_spec`` is added to pod.spec."""
    result = copy.deepcopy(VALUES)
    result["pod"]["spec"].update(changes.pop("pod_spec", {}))
    return result | changes


def objects(namespace: str) -> list[str]:
    """Return the pods, release records and policies of a namespace."""
    kinds = "pod,secret,configmap,networkpolicy"
    names = kubectl("get", kinds, "-n", namespace, "-o", "name").split()
    return [name for name in names if name != "configmap/kube-root-ca.crt"]


def wait_until_empty(namespace: str) -> list[str]:
    """Return what is still there when the pods that were deleted have had time to end."""
    end = time.monotonic() + 120
    while (left := objects(namespace)) and time.monotonic() < end:
        time.sleep(0.2)
    return left


def kubeconfig(tmp_path: Path, change: Callable[[dict[str, Any]], None]) -> str:
    """Write the current kubeconfig, changed, and return its path."""
    config = json.loads(kubectl("config", "view", "--raw", "--minify", "--flatten", "-o", "json"))
    change(config)
    path = tmp_path / "kubeconfig"
    path.write_text(json.dumps(config))
    return str(path)


@pytest.fixture
def releases(cluster_env) -> HelmReleases:
    return HelmReleases(chart=CHART)


@pytest.fixture
def limited(namespace, tmp_path) -> Callable[..., HelmReleases]:
    """Return a function that makes a gateway whose user only has the rights ``verbs:resource`` ..."""

    def make(*rights: str) -> HelmReleases:
        kubectl("create", "serviceaccount", "limited", "-n", namespace)
        for number, right in enumerate(rights):
            verbs, resource = right.split(":")
            role = f"limited-{number}"
            kubectl("create", "role", role, f"--verb={verbs}", f"--resource={resource}", "-n", namespace)
            user = f"--serviceaccount={namespace}:limited"
            kubectl("create", "rolebinding", role, f"--role={role}", user, "-n", namespace)
        token = kubectl("create", "token", "limited", "-n", namespace).strip()
        path = kubeconfig(tmp_path, lambda config: config["users"][0].update(user={"token": token}))
        return HelmReleases(chart=CHART, kubeconfig=path)

    return make


@pytest.mark.smoke
def test_install_status_list_uninstall(releases, namespace):
    releases.install("r1", namespace, values(), LABELS)
    seen = releases.status("r1", namespace)
    assert seen.presence is Presence.FOUND
    assert (seen.value.status, seen.value.revision) == ("deployed", 1)
    assert seen.value.values == values()
    assert [view.name for view in releases.list(namespace)] == ["r1"]
    pod = json.loads(kubectl("get", "pod", "p1", "-n", namespace, "-o", "json"))
    assert pod["metadata"]["labels"].items() >= LABELS.items()
    assert releases.uninstall("r1", namespace) is True
    assert releases.uninstall("r1", namespace) is False
    assert releases.status("r1", namespace).presence is Presence.ABSENT
    assert releases.list(namespace) == ()
    assert wait_until_empty(namespace) == []


def test_releases_of_others_are_not_listed(releases, namespace):
    releases.install("r1", namespace, values(), {"team": "other"})
    assert releases.list(namespace) == ()
    releases.uninstall("r1", namespace)
    assert wait_until_empty(namespace) == []


def test_releases_in_configmaps(namespace):
    releases = HelmReleases(chart=CHART, storage_driver="configmap")
    releases.install("r1", namespace, values(), LABELS)
    assert [view.name for view in releases.list(namespace)] == ["r1"]
    assert not [name for name in objects(namespace) if name.startswith("secret/")]
    releases.uninstall("r1", namespace)
    assert wait_until_empty(namespace) == []


@pytest.mark.smoke
def test_a_name_in_use_is_refused_and_its_release_untouched(releases, namespace):
    releases.install("r1", namespace, values(), LABELS)
    before = kubectl("get", "pod", "p1", "-n", namespace, "-o", "jsonpath={.metadata.uid}")
    with pytest.raises(Conflict, match="the name is in use"):
        releases.install("r1", namespace, values(command=["/bin/false"]), LABELS)
    with pytest.raises(Conflict, match="Pod 'p1' exists already"):
        releases.install("r2", namespace, values(), LABELS)
    assert kubectl("get", "pod", "p1", "-n", namespace, "-o", "jsonpath={.metadata.uid}") == before
    assert [view.name for view in releases.list(namespace)] == ["r1"]
    releases.uninstall("r1", namespace)
    assert wait_until_empty(namespace) == []


def test_many_installs_of_one_name_have_one_winner(releases, namespace):
    def install(_number: int) -> str:
        try:
            releases.install("r1", namespace, values(), LABELS)
        except Conflict:
            return "refused"
        return "installed"

    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        results = list(pool.map(install, range(5)))
    assert sorted(results) == ["installed", *["refused"] * 4]
    assert releases.status("r1", namespace).value.status == "deployed"
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert any(pool.map(lambda _: releases.uninstall("r1", namespace), range(4)))
    assert wait_until_empty(namespace) == []


def test_a_field_that_kubernetes_does_not_know(releases, namespace):
    """The chart's schema refuses it: the API server leaves it out, and warns a Helm 3 that does not pass it on."""
    with pytest.raises(InvalidInput, match=r"pod\.spec: additional properties 'nodeName2' not allowed"):
        releases.install("r1", namespace, values(pod_spec={"nodeName2": "x"}), LABELS)
    assert wait_until_empty(namespace) == []


QUOTA = {"kind": "ResourceQuota", "apiVersion": "v1", "metadata": {"name": "q"}}
LIMITS = {"kind": "LimitRange", "apiVersion": "v1", "metadata": {"name": "l"}}


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"pod_spec": {"dnsPolicy": "bogus"}}, "InvalidSpec", "spec.dnsPolicy"),
        ({"pod_spec": {"priorityClassName": "nope"}}, "PriorityClassMissing", "'nope'"),
        ({"pod_spec": {"serviceAccountName": "nope"}}, "ServiceAccountMissing", "'nope'"),
        ({"pod_spec": {"runtimeClassName": "nope"}}, "RuntimeClassMissing", "'nope'"),
        ({"args": [os.urandom(1_000_000).hex()]}, "ReleaseTooBig", "1 MiB"),
    ],
)
def test_a_refused_job_leaves_nothing(releases, namespace, changes, code, said):
    with pytest.raises(Rejected, match=said) as caught:
        releases.install("r1", namespace, values(**changes), LABELS)
    assert caught.value.reason == code
    assert objects(namespace) == []


@pytest.mark.parametrize(
    ("rule", "code", "said"),
    [
        ({**QUOTA, "spec": {"hard": {"pods": "0"}}}, "QuotaExceeded", "quota 'q' is exhausted.*pods=1"),
        ({**QUOTA, "spec": {"hard": {"secrets": "0"}}}, "QuotaExceeded", "quota 'q' is exhausted.*secrets=1"),
        (
            {**QUOTA, "spec": {"hard": {"limits.cpu": "1"}}},
            "QuotaNeedsMore",
            "every container says limits.cpu",
        ),
        (
            {**LIMITS, "spec": {"limits": [{"type": "Container", "max": {"memory": "1Mi"}}]}},
            "LimitRange",
            "maximum memory usage per Container is 1Mi",
        ),
    ],
)
def test_a_rule_of_the_namespace_is_named(releases, namespace, rule, code, said):
    kubectl("apply", "-n", namespace, "-f", "-", stdin=json.dumps(rule))
    if rule["kind"] == "ResourceQuota":  # enforced once its controller has counted
        kubectl("wait", "resourcequota/q", "-n", namespace, "--for=jsonpath={.status.hard}", "--timeout=120s")
    job = values(resources={"limits": {"memory": "16Mi"}})
    with pytest.raises(Rejected, match=said) as caught:
        releases.install("r1", namespace, job, LABELS)
    assert caught.value.reason == code
    assert objects(namespace) == []


def test_pod_security_is_named(releases, namespace):
    kubectl("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
    with pytest.raises(Rejected, match=r"enforces pod security restricted:latest: .*runAsNonRoot") as caught:
        releases.install("r1", namespace, values(), LABELS)
    assert caught.value.reason == "PodSecurity"
    assert objects(namespace) == []
    releases.install("r1", namespace, values(podSecurity="restricted"), LABELS)
    releases.uninstall("r1", namespace)
    assert wait_until_empty(namespace) == []


def test_a_broken_webhook_is_named(releases, namespace):
    kubectl("apply", "-f", "-", stdin=json.dumps(broken_webhook(namespace, "CREATE")))
    try:
        error = _refused(releases, namespace)
    finally:
        kubectl("delete", "validatingwebhookconfiguration", namespace)
    assert error.reason == "WebhookFailed"
    assert "the admission webhook 'hook.example.com' of the cluster does not work" in str(error)
    assert objects(namespace) == []


def _refused(releases: HelmReleases, namespace: str) -> Rejected:
    """Install until the API server has read the webhook, which takes it up to a second."""
    for _ in range(50):
        try:
            releases.install("r1", namespace, values(), LABELS)
        except Rejected as error:
            return error
        releases.uninstall("r1", namespace)
        wait_until_empty(namespace)
    raise AssertionError("the webhook was never asked")


def test_a_namespace_that_is_missing(releases):
    with pytest.raises(NotFound, match="there is no namespace 't-none'") as caught:
        releases.install("r1", "t-none", values(), LABELS)
    assert caught.value.cure == "`kubectl create namespace t-none`, or correct `namespace` of the site"
    assert releases.list("t-none") == ()
    assert releases.uninstall("r1", "t-none") is False


def test_a_namespace_that_is_being_deleted(releases, namespace):
    held = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "c", "finalizers": ["x.example/y"]}}
    kubectl("apply", "-n", namespace, "-f", "-", stdin=json.dumps(held))
    kubectl("delete", "namespace", namespace, "--wait=false")
    try:
        with pytest.raises(Rejected, match="is being deleted") as caught:
            releases.install("r1", namespace, values(), LABELS)
    finally:
        patch = '{"metadata": {"finalizers": null}}'
        kubectl("patch", "configmap", "c", "-n", namespace, "--type=merge", "-p", patch)
    assert caught.value.reason == "NamespaceTerminating"


def _closed_port(config: dict[str, Any]) -> None:
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"


def _unknown_host(config: dict[str, Any]) -> None:
    config["clusters"][0]["cluster"]["server"] = "https://no-such-host.invalid:6443"


def _foreign_authority(config: dict[str, Any]) -> None:
    config["clusters"][0]["cluster"].pop("certificate-authority-data")


def _bad_token(config: dict[str, Any]) -> None:
    config["users"][0]["user"] = {"token": "canary"}


def _no_cluster(config: dict[str, Any]) -> None:
    config.clear()


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        (_closed_port, Unavailable, "nothing answers at 127.0.0.1:1"),
        (_unknown_host, Unavailable, "'no-such-host.invalid' cannot be resolved"),
        (_foreign_authority, Unavailable, "certificate is not accepted"),
        (_bad_token, Denied, "does not accept the token of user"),
        (_no_cluster, InvalidInput, "no cluster in it"),
    ],
)
@pytest.mark.usefixtures("cluster_env")
def test_a_kubeconfig_that_leads_nowhere(tmp_path, change, error, said):
    releases = HelmReleases(chart=CHART, kubeconfig=kubeconfig(tmp_path, change))
    asks: tuple[Callable[[], object], ...] = (
        lambda: releases.install("r1", "default", values(), LABELS),
        lambda: releases.uninstall("r1", "default"),
        lambda: releases.list("default"),
    )
    for ask in asks:
        with pytest.raises(error, match=said) as caught:
            ask()
        assert "canary" not in str(caught.value)
    if error is Unavailable:
        assert releases.status("r1", "default").presence is Presence.UNAVAILABLE


@pytest.mark.usefixtures("cluster_env")
def test_a_context_that_is_missing():
    with pytest.raises(InvalidInput, match="there is no context nope"):
        HelmReleases(chart=CHART, context="nope").install("r1", "default", values(), LABELS)


POLICIES = "networkpolicies.networking.k8s.io"
# The verb with which each Helm makes an object.
MAKES = {4: "patch", 3: "create"}
RECORDS = "get,list,create,update,delete:secrets"


@pytest.mark.parametrize(
    ("rights", "policy", "said"),
    [
        ((), False, "may not get pods"),
        ((RECORDS,), False, "may not get pods"),
        (("get,create,patch,delete:pods",), False, "may not create secrets"),
        ((RECORDS, "get,create,patch,delete:pods"), True, "may not get networkpolicies"),
        # The pod is created all the same: helm goes on after the object that was refused.
        ((RECORDS, "get,create,patch,delete:pods", f"get,delete:{POLICIES}"), True, "may not MAKE network"),
    ],
)
def test_a_missing_right_is_named_and_nothing_is_left(limited, namespace, rights, policy, said):
    releases = limited(*rights)
    with pytest.raises(Denied, match=said.replace("MAKE", MAKES[helms.major()])):
        releases.install("r1", namespace, values(networkPolicy={"enabled": policy}), LABELS)
    assert wait_until_empty(namespace) == []


def test_a_missing_right_to_make_pods_is_named(releases, limited, namespace):
    right = f"may not {MAKES[helms.major()]} pods"
    with pytest.raises(Denied if helms.major() > 3 else LeftBehind, match=right) as caught:
        limited(RECORDS, "get:pods").install("r1", namespace, values(), LABELS)
    if helms.major() == 3:  # asks to delete what it could not make, which is refused as well
        assert isinstance(caught.value.because, Denied)
        assert f"release {namespace}/r1 may be left" in str(caught.value)
        assert [view.status for view in releases.list(namespace)] == ["uninstalling"]
        assert releases.uninstall("r1", namespace) is True
    assert wait_until_empty(namespace) == []


def test_a_missing_right_to_delete_is_named_and_can_be_made_good(releases, limited, namespace):
    poor = limited(RECORDS, "get,create,patch:pods")
    poor.install("r1", namespace, values(), LABELS)
    # Helm 3 says which right is missing in a debug message only: the second try asks for those.
    with pytest.raises(Denied, match="may not delete pods"):
        poor.uninstall("r1", namespace)
    assert [view.status for view in releases.list(namespace)] == ["uninstalling"]
    assert releases.uninstall("r1", namespace) is True
    assert wait_until_empty(namespace) == []


@pytest.mark.parametrize("delay", [0.0, 0.03, 0.06, 0.09, 0.12, 0.15])
def test_a_cancelled_install_leaves_nothing(releases, namespace, delay):
    cancel = threading.Event()
    threading.Timer(delay, cancel.set).start()
    try:
        releases.install("r1", namespace, values(), LABELS, cancel)
    except Cancelled:
        assert releases.status("r1", namespace).presence is Presence.ABSENT
    else:  # helm was quicker
        releases.uninstall("r1", namespace)
    assert wait_until_empty(namespace) == []


@pytest.mark.parametrize("delay", [0.05, 0.1, 0.15])
def test_what_a_killed_launcher_leaves_can_be_uninstalled(releases, namespace, delay, cluster_env):
    code = (
        "import sys, json; from pathlib import Path; from launcher.edges.helm import HelmReleases\n"
        "import launcher.edges.helm.command; values = json.load(sys.stdin); print('ready', flush=True)\n"
        f"HelmReleases(chart=Path({str(CHART)!r})).install('r1', {namespace!r}, values, {LABELS!r})"
    )
    launcher = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=cluster_env,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert launcher.stdin is not None
    assert launcher.stdout is not None
    launcher.stdin.write(json.dumps(values()))
    launcher.stdin.close()
    launcher.stdout.readline()
    time.sleep(delay)
    launcher.kill()
    launcher.wait()
    launcher.stdout.close()
    assert happens(lambda: not runs_helm(namespace), 60)  # it ends by itself when its launcher is gone
    time.sleep(2)  # a request that was under way arrives
    releases.uninstall("r1", namespace)
    assert wait_until_empty(namespace) == []


@pytest.fixture
def kube_api(cluster_env):
    connect: Callable[[], Any] = kubernetes.config.new_client_from_config
    with connect() as client:
        yield kubernetes.client.CoreV1Api(client)


def test_more_than_256_releases_are_listed(releases, namespace, kube_api):
    api: Any = kube_api
    for number in range(260):
        api.create_namespaced_secret(namespace, _record(f"r{number:03}", namespace))
    assert len(releases.list(namespace)) == 260
    api.delete_collection_namespaced_secret(namespace)


def _record(name: str, namespace: str) -> dict[str, Any]:
    """Return the Secret in which helm keeps a release: JSON, gzip, base64 (and once more as a Secret)."""
    status = "pending-install" if name.endswith("7") else "deployed"
    chart = {"metadata": {"name": "fljob", "version": "0.1.0", "apiVersion": "v2"}}
    release = {"name": name, "namespace": namespace, "version": 1, "info": {"status": status}, "chart": chart}
    packed = base64.b64encode(gzip.compress(json.dumps(release).encode()))
    labels = {"owner": "helm", "name": name, "status": status, "version": "1", "fljob.internal/job-id": name}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "helm.sh/release.v1",
        "metadata": {"name": f"sh.helm.release.v1.{name}.v1", "labels": labels},
        "data": {"release": base64.b64encode(packed).decode()},
    }


def test_rendering_asks_no_cluster_and_never_changes(tmp_path):
    broken = tmp_path / "kubeconfig"
    broken.write_text("clusters: [")
    here = {"PATH": os.environ["PATH"], "KUBECONFIG": str(broken), "HOME": str(tmp_path)}
    texts = {HelmReleases(chart=CHART, environ=here).template("r1", "ns", values()) for _ in range(3)}
    [text] = texts
    assert [item["kind"] for item in yaml.safe_load_all(text)] == ["Pod"]


def test_wrong_values_name_their_key_path(releases):
    wrong = values(resources={"limits": {"cpu": 3}})
    with pytest.raises(InvalidInput, match=r"values: resources\.limits\.cpu: "):
        releases.template("r1", "ns", wrong)
    with pytest.raises(LauncherError, match="top level: additional properties 'nope' not allowed"):
        releases.template("r1", "ns", values(nope=1))
