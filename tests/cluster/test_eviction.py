"""Who empties a node: a job with a budget stays, one without goes; and of the budget nothing stays."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from functools import partial

import pytest
import yaml

from launcher.core.catalogue import Code
from launcher.core.names import LABEL_JOB_ID
from tests.cluster.conftest import ROOT, SITE, happens, kubectl
from tests.cluster.kits import prepared_kit

pytestmark = pytest.mark.cluster

until = partial(happens, seconds=60)
MARKS = {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false", "karpenter.sh/do-not-disrupt": "true"}
PROTECTED = {"disruption": {"marks": True, "budget": True}}
REFUSED = "Cannot evict pod as it would violate the pod's disruption budget"


def evict(pod: str, namespace: str) -> str:
    """Ask for an eviction as `kubectl drain` and autoscalers do; return what the API server objects to."""
    eviction = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": pod, "namespace": namespace},
    }
    path = f"/api/v1/namespaces/{namespace}/pods/{pod}/eviction"
    command = ["kubectl", "create", "--raw", path, "-f", "-"]
    done = subprocess.run(command, input=json.dumps(eviction), capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stderr


def budgets(namespace: str) -> str:
    return kubectl("get", "poddisruptionbudget", "-n", namespace, "-o", "name")


def is_guarded(namespace: str) -> bool:
    """Tell whether the budget has counted a pod that is ready."""
    path = "jsonpath={.items[*].status.currentHealthy}"
    return kubectl("get", "poddisruptionbudget", "-n", namespace, "-o", path) == "1"


@pytest.fixture
def guarded(launch, namespace):
    """A job that runs behind a budget."""
    handle = launch("sleep 600", values=PROTECTED)
    assert until(lambda: is_guarded(namespace))
    return handle


def test_a_running_job_with_a_budget_is_not_evicted(guarded, namespace):
    job = guarded.job
    annotations = json.loads(kubectl("get", "pod", job.pod_name, "-n", namespace, "-o", "json"))["metadata"]
    assert MARKS.items() <= annotations["annotations"].items()
    said = evict(job.pod_name, namespace)
    assert REFUSED in said
    assert "(TooManyRequests)" in said  # 429
    node = kubectl("get", "pod", job.pod_name, "-n", namespace, "-o", "jsonpath={.spec.nodeName}")
    # Nothing is cordoned or deleted: the API server only says what it would do.
    drain = [
        "kubectl",
        "drain",
        node,
        "--dry-run=server",
        "--force",
        "--delete-emptydir-data",
        "--timeout=8s",
    ]
    drain.append(f"--pod-selector={LABEL_JOB_ID}={job.job_id}")
    done = subprocess.run(drain, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert REFUSED in done.stderr
    # The budget is no obstacle to its owner.
    guarded.terminate()
    assert budgets(namespace) == ""


def test_a_running_job_without_a_budget_is_evicted(launch, namespace, gone):
    handle = launch("sleep 600", values={"disruption": {"marks": True}})
    assert until(
        lambda: kubectl("get", "pod", "-n", namespace, "-o", "jsonpath={.items[*].status.phase}") == "Running"
    )
    assert budgets(namespace) == ""
    assert evict(handle.job.pod_name, namespace) == ""
    assert handle.wait().code is Code.DRAINED
    handle.terminate()
    gone(handle)


def test_a_pending_job_is_evicted_all_the_same(launch, namespace):
    """Kubernetes looks at no budget for a pod that does not run, and nothing is lost."""
    handle = launch("true", values=PROTECTED, cpu="999", cpu_request="999")
    assert until(lambda: "/" in budgets(namespace))
    assert evict(handle.job.pod_name, namespace) == ""
    handle.terminate()
    assert budgets(namespace) == ""


def test_a_job_that_ends_takes_its_budget_along(launch, namespace, gone):
    handle = launch("sleep 1", values=PROTECTED)
    assert handle.wait().code is Code.SUCCESS
    gone(handle)
    assert budgets(namespace) == ""


@pytest.mark.parametrize("moment", ["pod", "poddisruptionbudget"])
def test_a_removal_that_was_killed_is_finished_by_the_next(guarded, namespace, fljob, cluster_env, moment):
    """Killed with its helm as soon as the first of the two is gone, or the second."""
    release = guarded.job.release
    command = [sys.executable, "-m", "launcher", "terminate", release, "-n", namespace, "--now"]
    removing = subprocess.Popen(
        command, env=cluster_env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while removing.poll() is None and kubectl("get", moment, "-n", namespace, "-o", "name"):
        time.sleep(0.02)
    removing.kill()
    removing.wait()
    # It may have come to its end before.
    done = fljob("terminate", release, "-n", namespace, "--now")
    assert done.returncode == 0 or "there is no" in done.stderr
    assert until(lambda: budgets(namespace) == "")
    assert kubectl("get", "pod", "-n", namespace, "-o", "name") == ""


def test_a_site_that_asks_for_budgets_has_them(fljob, namespace, job_folder, tmp_path):
    """The setting of fljob.yaml, by the command line."""
    config = tmp_path / "fljob.yaml"
    config.write_text(f"site: {SITE}\nnamespace: {namespace}\nprotect: budget\n")
    options = ("--config", str(config))
    launched = fljob("launch", str(job_folder()), *options, "-o", "json", "--", "sleep", "600", check=0)
    assert until(lambda: is_guarded(namespace))
    release = json.loads(launched.stdout)["release"]
    fljob("terminate", release, *options, "--now", check=0)
    assert budgets(namespace) == ""


def test_a_parent_with_a_budget_is_not_evicted(fljob, namespace, image, tmp_path):
    """The chart of its kit is taken by the API server as a whole; of the parent, its labels are enough."""
    kit = prepared_kit(tmp_path, image, namespace)
    fljob("kit", "adopt", "--kit", str(kit), "--protect", check=0)
    words = ["helm", "template", "site-1", str(kit / "helm_chart"), "-n", namespace]
    rendered = subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    kubectl("apply", "-n", namespace, "--dry-run=server", "-f", "-", stdin=rendered)
    objects = {one["kind"]: one for one in yaml.safe_load_all(rendered)}
    template = objects["Deployment"]["spec"]["template"]["metadata"]
    assert MARKS.items() <= template["annotations"].items()
    container = {"name": "parent", "image": image, "command": ["sleep", "600"]}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "parent", **template},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 1},
    }
    made = yaml.safe_dump_all([objects["PodDisruptionBudget"], pod])
    kubectl("apply", "-n", namespace, "-f", "-", stdin=made)
    assert until(lambda: is_guarded(namespace))
    assert REFUSED in evict("parent", namespace)
    # The job beside it is not its own.
    assert kubectl("get", "pod", "-n", namespace, "-l", LABEL_JOB_ID, "-o", "name") == ""
