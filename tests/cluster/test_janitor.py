"""What cleans up by itself: who watches what is told by Leases, and the CronJob has exactly the rights it needs."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from functools import partial

import pytest
import yaml

from launcher.composition import make_service
from launcher.core import names
from launcher.core.rights import cleaning
from launcher.core.spec.site import SiteConfig
from launcher.core.watched import LeaseView, job_mark
from launcher.edges.kube import KubeLeases
from launcher.errors import LauncherError
from tests.cluster.accounts import account
from tests.cluster.conftest import ROOT, happens, kubectl

pytestmark = pytest.mark.cluster

SECONDS = 90.0
until = partial(happens, seconds=SECONDS)


def leases(namespace):
    return json.loads(kubectl("get", "lease", "-n", namespace, "-o", "json"))["items"]


def pods(namespace):
    found = kubectl("get", "pod", "-n", namespace, "-l", names.LABEL_JOB_ID, "-o", "name")
    return {name.removeprefix("pod/").split("-")[0] for name in found.split()}


def ended(fljob, job_folder, namespace, *jobs):
    """Launch jobs that fail, wait for their ends, and return job id -> release."""
    found = {}
    for job in jobs:
        words = ("launch", str(job_folder()), "--site", "site-1", "-n", namespace, "--job-id", job)
        done = fljob(*words, "-o", "json", "--", "sh", "-c", "exit 7", check=0)
        found[job] = json.loads(done.stdout)["release"]
        fljob("wait", job, "-n", namespace, check=9)
    return found


@pytest.fixture
def watcher(namespace):
    """The use cases of a process that watches."""
    service = make_service(SiteConfig(namespace=namespace))
    yield service.world.watching
    service.world.watching.stop()
    service.world.pods.stop()


def test_who_waits_says_so_and_takes_it_back(fljob, job_folder, namespace, cluster_env):
    release = (
        "launch",
        str(job_folder()),
        "--site",
        "site-1",
        "-n",
        namespace,
        "-o",
        "json",
        "--",
        "sleep",
        "14",
    )
    name = json.loads(fljob(*release, check=0).stdout)["release"]
    words = [sys.executable, "-m", "launcher", "wait", name, "-n", namespace]
    waiting = subprocess.Popen(words, env=cluster_env, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert until(lambda: leases(namespace))
    [lease] = leases(namespace)
    assert lease["metadata"]["annotations"][names.ANNOTATION_WATCHES] == job_mark(name)
    assert lease["spec"]["holderIdentity"]
    assert waiting.wait(SECONDS) == 0
    waiting.communicate()
    assert leases(namespace) == []


def test_gc_leaves_what_somebody_watches(fljob, job_folder, namespace, watcher, kube):
    jobs = ended(fljob, job_folder, namespace, "watched", "orphan")
    gone = LeaseView("dead_1", kube.server_time() and kube.server_time() - timedelta(hours=2))
    KubeLeases(kube).put("fljob-watcher-dead", namespace, gone)
    gc = ("gc", "-n", namespace, "--older-than", "0s", "-o", "json")
    with watcher.of(jobs["watched"], namespace):
        watcher.renew()
        assert {row["name"] for row in json.loads(fljob(*gc, check=0).stdout)} == {
            jobs["orphan"],
            "fljob-watcher-dead",
        }
        assert pods(namespace) == {"watched"}
    watcher.renew()
    assert leases(namespace) == []
    assert [row["name"] for row in json.loads(fljob(*gc, check=0).stdout)] == [jobs["watched"]]


def test_the_cronjob_has_the_rights_it_needs(fljob, job_folder, namespace, watcher):
    """Run once, it removes an orphan and leaves what somebody watches; the account is that of the manifests."""
    image = subprocess.run(
        [str(ROOT / "scripts/image"), "parent"], check=True, capture_output=True, text=True
    ).stdout.strip()
    jobs = ended(fljob, job_folder, namespace, "watched", "orphan")
    printed = fljob(
        "gc", "-n", namespace, "--older-than", "0s", "--cronjob", "--image", image, check=0
    ).stdout
    kubectl("apply", "-n", namespace, "-f", "-", stdin=printed)
    [role] = [one for one in yaml.safe_load_all(printed) if one["kind"] == "Role"]
    assert {verb for rule in role["rules"] for verb in rule["verbs"]} == {
        "delete",
        "get",
        "list",
        "watch",
    }
    with watcher.of(jobs["watched"], namespace):
        watcher.renew()
        kubectl("create", "job", "once", "--from=cronjob/fljob-gc", "-n", namespace)
        kubectl("wait", "--for=condition=Complete", "job/once", "-n", namespace, "--timeout=180s")
        said = kubectl("logs", "job/once", "-n", namespace)
        assert said.splitlines() == [f"removed release {jobs['orphan']}"]
        assert pods(namespace) == {"watched"}
    watcher.renew()
    kubectl("create", "job", "twice", "--from=cronjob/fljob-gc", "-n", namespace)
    kubectl("wait", "--for=condition=Complete", "job/twice", "-n", namespace, "--timeout=180s")
    assert pods(namespace) == set()


# Without them the reason of a pod that a node prepares is not known, and nothing is told: a job that is being
# made is none of this test's.
QUIET = {"events"}


def test_without_each_right_something_is_left_or_refused(
    fljob, job_folder, namespace, tmp_path, kube, caplog
):
    caplog.set_level("INFO")
    path = tmp_path / "kubeconfig"
    dead = LeaseView("dead_1", None)
    for right in sorted(one for one in cleaning() if one.resource not in QUIET):
        caplog.clear()
        ended(fljob, job_folder, namespace, "orphan")
        KubeLeases(kube).put("fljob-watcher-dead", namespace, dead)
        account(namespace, cleaning() - {right}, path)
        service = make_service(SiteConfig(namespace=namespace, kubeconfig=str(path)))
        said = ""
        try:
            list(service.sweep(namespace, 0.0))
        except LauncherError as error:
            said = str(error)
        service.world.pods.stop()
        assert right.resource in said + caplog.text, right
        fljob("gc", "-n", namespace, "--older-than", "0s", check=0)
        kubectl("delete", "lease", "-n", namespace, "--all")
    account(namespace, cleaning(), path)
    ended(fljob, job_folder, namespace, "orphan")
    service = make_service(SiteConfig(namespace=namespace, kubeconfig=str(path)))
    assert len(list(service.sweep(namespace, 0.0))) == 1
    service.world.pods.stop()


def test_gc_of_all_namespaces_goes_where_its_rights_let_it(fljob, job_folder, namespace, tmp_path):
    """An account of one namespace may not list all: neither what is in them, nor their names."""
    ended(fljob, job_folder, namespace, "orphan")
    path = tmp_path / "kubeconfig"
    account(namespace, cleaning(), path)
    done = fljob("gc", "-A", "--older-than", "0s", "--kubeconfig", str(path), check=6)
    assert "namespaces" in done.stderr
    group = "rbac.authorization.k8s.io"
    named = {"metadata": {"name": namespace}, "apiVersion": f"{group}/v1"}
    subjects = [{"kind": "ServiceAccount", "name": "parent", "namespace": namespace}]
    rules = [{"apiGroups": [""], "resources": ["namespaces"], "verbs": ["list"]}]
    reference = {"apiGroup": group, "kind": "ClusterRole", "name": namespace}
    objects = [
        {**named, "kind": "ClusterRole", "rules": rules},
        {**named, "kind": "ClusterRoleBinding", "roleRef": reference, "subjects": subjects},
    ]
    kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(objects))
    try:
        done = fljob("gc", "-A", "--older-than", "0s", "--kubeconfig", str(path), check=6)
    finally:
        kubectl("delete", "clusterrolebinding,clusterrole", namespace)
    assert f"in namespace {namespace}" in done.stdout
    assert "namespace default is left out" in done.stderr
    assert pods(namespace) == set()
