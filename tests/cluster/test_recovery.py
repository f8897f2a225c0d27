"""The watch outlives what happens between it and the API server: all handles see the end soon after recovery."""

from __future__ import annotations

import os
import subprocess
import threading
import time

import pytest

from benchmarks.proxy import through
from launcher.core.catalogue import Code
from launcher.core.catalogue.returncodes import ReturnCode
from launcher.core.lifecycle.state import JobState
from launcher.core.spec.site import Timeouts
from launcher.core.views import Presence
from launcher.edges.clock import SystemClock
from launcher.edges.helm import HelmReleases
from launcher.edges.kube import KubeClient, KubePods, KubeSecrets
from launcher.edges.kube.watch import KubePodWatch
from launcher.usecases.ports import World
from tests.cluster.conftest import CHART, TOLD, kubectl, tell

pytestmark = pytest.mark.cluster

# Ten seconds by design; a busy machine may need as long again.
WITHIN = 20.0
JOBS = 3


@pytest.fixture
def proxy(cluster_env, tmp_path):
    proxy, path = through(os.environ["KUBECONFIG"], tmp_path)
    proxy.kubeconfig = path
    yield proxy
    proxy.close()


@pytest.fixture
def world(proxy, kube):
    """The real ports, with the watches behind the proxy; helm and what only looks go straight."""
    pods = KubePods(KubeClient(proxy.kubeconfig))
    yield World(HelmReleases(chart=CHART), pods, KubeSecrets(kube), SystemClock())
    pods.stop()


def followed(handles):
    """Wait for each handle on a thread of its own; return when each saw its end, and the threads."""
    ends: dict[str, float] = {}

    def follow(handle):
        assert handle.wait().code is Code.SUCCESS
        ends[handle.job.release] = time.monotonic()

    threads = [threading.Thread(target=follow, args=(handle,), daemon=True) for handle in handles]
    for thread in threads:
        thread.start()
    return ends, threads


def running(handles):
    for handle in handles:
        while handle.wait(timeout=0.2) is None and handle.track.state is not JobState.RUNNING:
            pass


def tell_all(handles):
    for handle in handles:
        tell(handle.job.pod_name, handle.job.namespace)


def ended(namespace):
    phases = "jsonpath={.items[*].status.phase}"
    end = time.monotonic() + 120
    while set(kubectl("get", "pod", "-n", namespace, "-o", phases).split()) != {"Succeeded"}:
        assert time.monotonic() < end
        time.sleep(0.5)


@pytest.mark.exclusive("measures how soon ends are seen")
@pytest.mark.parametrize("trouble", ["silence", "cut"])
def test_ends_during_an_outage_are_seen_after_it(launch, gone, proxy, namespace, trouble):
    handles = [launch(TOLD) for _ in range(JOBS)]
    running(handles)
    ends, threads = followed(handles)
    proxy.fall_silent()
    tell_all(handles)
    ended(namespace)
    time.sleep(1)
    assert ends == {}
    if trouble == "cut":
        proxy.cut()
        time.sleep(8)  # the pauses between tries have grown by then
    recovered = time.monotonic()
    proxy.recover()
    for thread in threads:
        thread.join(60)
    assert len(ends) == JOBS
    assert max(ends.values()) - recovered <= WITHIN
    for handle in handles:
        gone(handle)


def test_a_launch_waits_for_an_api_server_that_is_away(launch, gone, proxy):
    proxy.refuse()
    handle = launch("true", graces=Timeouts(api=60.0))
    assert handle.poll() is ReturnCode.UNKNOWN
    assert handle.track.verdict.code is Code.API_UNAVAILABLE
    assert handle.is_refused
    proxy.recover()
    assert handle.wait(timeout=60).code is Code.SUCCESS
    gone(handle)


def test_a_revision_that_the_server_has_forgotten_is_listed_anew(launch, gone, kube, namespace):
    class Late(KubePodWatch):
        """Follows from the beginning of time, once."""

        lists = 0

        def _list(self):
            self.lists += 1
            return "1" if super()._list() and self.lists == 1 else super()._list()

    handle = launch("sleep 300")
    watch = Late(kube, namespace)
    watch.start()
    watch.ready()
    end = time.monotonic() + 60
    while watch.lists < 2:  # 410: "too old resource version: 1"
        assert time.monotonic() < end
        time.sleep(0.1)
    assert watch.pod(handle.job.pod_name).presence is Presence.FOUND
    watch.stop()
    handle.terminate()
    gone(handle)


# It is there before the jobs: whatever its start takes, the jobs end after the kill.
KILLER = """
apiVersion: v1
kind: Pod
metadata: {name: killer}
spec:
  hostPID: true
  restartPolicy: Never
  nodeSelector: {node-role.kubernetes.io/control-plane: ""}
  tolerations: [{operator: Exists}]
  containers:
  - name: kill
    image: IMAGE
    command: [sleep, "600"]
    securityContext: {privileged: true}
"""


@pytest.mark.exclusive("kills the API server")
def test_the_api_server_restarts(launch, gone, namespace, image):
    kubectl("apply", "-n", namespace, "-f", "-", stdin=KILLER.replace("IMAGE", image))
    kubectl("wait", "--for=condition=Ready", "pod/killer", "-n", namespace, "--timeout=120s")
    handles = [launch(f"{TOLD}; sleep 12") for _ in range(JOBS)]
    running(handles)
    ends, threads = followed(handles)
    tell_all(handles)
    kill = ["kubectl", "exec", "killer", "-n", namespace, "--", "sh", "-c", "kill -9 $(pidof kube-apiserver)"]
    with subprocess.Popen(kill, stderr=subprocess.DEVNULL):  # it is cut off by what it does
        while ready():
            assert not ends
    while not ready():
        time.sleep(0.2)
    back = time.monotonic()
    for thread in threads:
        thread.join(180)
    assert len(ends) == JOBS
    # A job that had not ended yet when the server came back ends at most 13 s later.
    assert max(ends.values()) - back <= WITHIN + 13
    kubectl("delete", "pod", "killer", "-n", namespace, "--grace-period=0", "--force")
    for handle in handles:
        gone(handle)


def ready():
    try:
        return kubectl("get", "--raw", "/readyz", "--request-timeout=2s") == "ok"
    except subprocess.CalledProcessError:
        return False
