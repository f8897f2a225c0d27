"""A real cluster: one namespace per test, gone afterwards; whatever a test leaves in it fails the test.

Tests run beside each other, each worker of pytest in a process of its own. What is not of a namespace is named after it
(fake nodes, webhooks, policies, volumes, classes), and what all workers need is made once, under a lock (images).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from launcher.composition import render_values
from launcher.core.flare.meta import parse_meta
from launcher.core.names import LABEL_JOB_ID, container_name, credential_secret_name, pod_name
from launcher.core.pending.clocks import WaitPolicy
from launcher.core.spec.assemble import Request, build_jobspec
from launcher.core.spec.jobspec import EnvVar, SecretKey
from launcher.core.spec.site import PendingPolicy, SiteConfig, Timeouts
from launcher.core.spec.study import Study
from launcher.core.views import Presence
from launcher.edges.clock import SystemClock
from launcher.edges.helm import HelmReleases
from launcher.edges.kube import KubeClient, KubePods, KubeRecords, KubeSecrets
from launcher.usecases.ports import World
from launcher.usecases.service import Service

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "fljob"
SITE = "site-1"
# A worker process takes more memory than the limit, and the shell passes on how it ended. Of a container that ends at
# the same moment, containerd loses the reason now and then (its issue 8180): 6 of 60 in bursts of twenty.
OOM = "sleep 2; tail /dev/zero || { sleep 1; exit 137; }"
# A job that ends when it is told to (:func:`tell`): on a busy machine three launches take longer than any sleep that is
# short.
TOLD = "until test -e /tmp/go; do sleep 1; done"
# How long the cause that a test is about may last. All other clocks keep the product's lengths: a busy machine shows
# causes of its own on the way, such as a scheduler that comes late or a kubelet that "failed to sync configmap cache".
SHORT = Timeouts(
    heal=5,
    bind=5,
    pull=3,
    pull_permanent=2,
    config=2,
    create=3,
    detach=3,
    start=30,
    impossible=2,
    no_scale_up=2,
)


def pytest_addoption(parser):
    parser.addoption("--record", metavar="FOLDER", help="write what the matrix sees as fixtures")


def pytest_collection_modifyitems(items):
    """Hold every `exclusive` to its reason: what can run beside others must."""
    for item in items:
        for mark in item.iter_markers("exclusive"):
            if not (mark.args and isinstance(mark.args[0], str)):
                raise pytest.UsageError(f"{item.nodeid}: exclusive wants its reason")


def tell(pod: str, namespace: str) -> None:
    """Tell a job of :data:`TOLD` to go on."""
    kubectl("exec", pod, "-n", namespace, "--", "touch", "/tmp/go")


def runs_helm(namespace: str) -> bool:
    """Return whether helm installs into a namespace; it is not always a direct child of its launcher."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended
            words = (process / "cmdline").read_bytes().split(b"\0")
            if b"install" in words and namespace.encode() in words:
                return True
    return False


def happens(condition: Callable[[], object], seconds: float, pause: float = 0.2) -> bool:
    """Wait until a condition holds, for so many seconds at most; return whether it did."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(pause)
    return False


def kubectl(*args: str, stdin: str | None = None) -> str:
    """Run kubectl and return what it prints."""
    return subprocess.run(["kubectl", *args], input=stdin, check=True, capture_output=True, text=True).stdout


def broken_webhook(namespace: str, operation: str) -> dict[str, Any]:
    """Return a webhook for one operation on the pods of a namespace, behind which nobody listens."""
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": namespace},
        "webhooks": [
            {
                "name": "hook.example.com",
                "sideEffects": "None",
                "admissionReviewVersions": ["v1"],
                "timeoutSeconds": 2,
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
                "clientConfig": {"url": "https://127.0.0.1:1/x"},
                "rules": [
                    {
                        "apiGroups": [""],
                        "apiVersions": ["v1"],
                        "operations": [operation],
                        "resources": ["pods"],
                    }
                ],
            }
        ],
    }


@pytest.fixture(scope="session")
def cluster_env() -> dict[str, str]:
    """Environment of programs that talk to the cluster."""
    if not os.environ.get("KUBECONFIG"):
        pytest.fail(
            'no cluster: run `scripts/test cluster`, or `eval "$(scripts/cluster env)"` before pytest'
        )
    return {**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"}


@pytest.fixture(scope="session")
def image() -> str:
    """An image with a shell that every node can pull."""
    if not os.environ.get("FLJOB_TEST_IMAGE"):
        pytest.fail(
            "no image: run `scripts/test cluster`, or set FLJOB_TEST_IMAGE=$(scripts/demo.d/images busybox)"
        )
    return os.environ["FLJOB_TEST_IMAGE"]


@pytest.fixture
def namespace(cluster_env):
    """A namespace of this test; afterwards nothing of a job may be left in it."""
    name = f"t-{uuid.uuid4().hex[:8]}"
    kubectl("create", "namespace", name)
    # A pod is refused until the controller has made the account.
    kubectl("wait", "--for=create", "serviceaccount/default", "-n", name, "--timeout=120s")
    yield name
    kinds = "pod,secret,configmap,networkpolicy,poddisruptionbudget"
    left = kubectl("get", kinds, "-n", name, "-l", LABEL_JOB_ID, "-o", "name").split()
    left += kubectl("get", "secret", "-n", name, "-l", "owner=helm", "-o", "name").split()
    kubectl("delete", "namespace", name, "--wait=false")
    assert left == []


@pytest.fixture(scope="session")
def kube(cluster_env):
    """A client of the cluster."""
    return KubeClient()


@pytest.fixture
def world(kube):
    """The real ports."""
    pods = KubePods(kube)
    helm = HelmReleases(chart=CHART, records=KubeRecords(kube, "secret"))
    yield World(helm, pods, KubeSecrets(kube), SystemClock())
    pods.stop()


@pytest.fixture
def fljob(cluster_env):
    """Return a function that runs the command line and returns the finished process."""

    def run(*args: str, check: int | None = None, **options):
        command = [sys.executable, "-m", "launcher", *args]
        done = subprocess.run(
            command, env=cluster_env, capture_output=True, text=True, timeout=180, **options
        )
        if check is not None:
            assert done.returncode == check, (
                f"{args}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
            )
        return done

    return run


def meta(image: str, **k8s: object) -> dict[str, object]:
    """Return a job meta whose k8s block is ``k8s``."""
    return {"name": "t", "launcher_spec": {"default": {"k8s": {"image": image, "memory": "64Mi", **k8s}}}}


@pytest.fixture
def job_folder(tmp_path, image):
    """Return a function that makes a FLARE job folder with these keys in its k8s block."""

    def make(**k8s: object) -> Path:
        folder = tmp_path / f"job-{uuid.uuid4().hex[:6]}"
        folder.mkdir()
        (folder / "meta.json").write_text(json.dumps(meta(**{"image": image, **k8s})))
        return folder

    return make


@pytest.fixture
def launch(world, namespace, image):
    """Return a function that launches a job.

    Its keywords are keys of the k8s block, and these: command: shell text, or words; values: site values; policy,
    timeout, graces; secret: content of the per-job Secret; job_id; into: another namespace; through: another world.
    """

    def run(
        command="true",
        *,
        values=None,
        policy=PendingPolicy.GRACEFUL,
        timeout=None,
        secret=None,
        job_id=None,
        graces=None,
        patient=True,
        may_grow=True,
        into=None,
        through=None,
        **k8s,
    ):
        site = SiteConfig(
            site=SITE,
            namespace=into or namespace,
            values=values or {},
            ephemeral_storage="32Mi",
            max_pending_timeout=None,
        )
        job_id = job_id or str(uuid.uuid4())
        name = credential_secret_name(pod_name(job_id, SITE))
        request = Request(
            job_id=job_id,
            site=SITE,
            command=("sh", "-c", command) if isinstance(command, str) else command,
            secret_env=tuple(EnvVar(key, secret=SecretKey(name, key)) for key in secret or {}),
        )
        parsed = parse_meta(meta(**{"image": image, **k8s}), SITE)
        spec = build_jobspec(request, parsed, Study(), site)
        waits = WaitPolicy(policy, 120, timeout, graces or Timeouts(), may_grow)
        service = Service(through or world, waits, partial(render_values, site=site))
        return service.launch(spec, secret=secret, retry_refused=patient)

    return run


@pytest.fixture
def gone(world):
    """Return a function that asserts that nothing of a job is left."""

    def check(handle):
        assert handle.close(60)
        job = handle.job
        assert world.releases.status(job.release, job.namespace).presence is Presence.ABSENT
        assert world.pods.get(job.pod_name, job.namespace).presence is Presence.ABSENT
        assert kubectl("get", "secret", "-n", job.namespace, "-l", "!matrix", "-o", "name") == ""

    return check


@pytest.fixture(scope="session")
def workers(cluster_env):
    """The real workers, as objects."""
    real = "!type,!node-role.kubernetes.io/control-plane"
    return json.loads(kubectl("get", "nodes", "-l", real, "-o", "json"))["items"]


@pytest.fixture(scope="session")
def address(workers):
    """This machine's address as the nodes reach it."""
    from tests.cluster.matrix import registry  # noqa: PLC0415 - which imports this module

    found = next(a["address"] for a in workers[0]["status"]["addresses"] if a["type"] == "InternalIP")
    return registry.own_address(found)


@pytest.fixture(scope="session")
def bad_registry(address):
    """The registry that misbehaves."""
    from tests.cluster.matrix import registry  # noqa: PLC0415 - as above

    server = registry.Registry(address)
    yield server
    server.stop()


@pytest.fixture
def scene(namespace, image, workers, address):
    """The stage of one row, cleared afterwards."""
    from tests.cluster.matrix import registry  # noqa: PLC0415 - as above
    from tests.cluster.matrix.scene import Scene  # noqa: PLC0415

    job_id = str(uuid.uuid4())
    words = {
        "ns": namespace,
        "image": image,
        "shell": image.partition("/")[2],  # the image without its registry
        "node": f"fake-{namespace}",
        "worker": workers[0]["metadata"]["name"],
        "local": os.environ.get("FLJOB_REGISTRY", "localhost:5001"),
        "registry": registry.HOST,
        "plain": f"{address}:{registry.PORT}",
        "address": address,
        "pod": pod_name(job_id, SITE),
        "container": container_name(job_id),
    }
    stage = Scene(namespace, job_id, words)
    yield stage
    stage.clean()
