"""What pending jobs cost the API server, counted by itself: sixty requests a minute in total, however many they are."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from benchmarks.counting import account, counted, forget
from launcher.core.catalogue import Code
from launcher.core.catalogue.returncodes import ReturnCode
from launcher.edges.clock import SystemClock
from launcher.edges.helm import HelmReleases
from launcher.edges.kube import KubeClient, KubePods, KubeSecrets
from launcher.usecases.ports import World
from tests.cluster.conftest import CHART

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.exclusive(
        "measures requests a minute; a busy server breaks watches off, which costs requests"
    ),
]

# Requests a minute. Seen: 20, for one job as for a hundred; the rest is slack for a watch that breaks off and is
# opened again, and for a test shorter than a minute. One request a second and job (FLARE's own) would be 1200.
BUDGET = 60.0
JOBS, SECONDS = 20, 30.0
AT_ONCE = 4
PENDING_WITHIN = 120.0
SETTLE = 5.0  # the last launch has its events listed, and the watch of events is open


@pytest.fixture
def counting(namespace, tmp_path):
    """An account of its own, as it is called and as the world of one process."""
    config = str(account(namespace, namespace, tmp_path))
    kube = KubeClient(config)
    pods = KubePods(kube)
    yield World(HelmReleases(chart=CHART, kubeconfig=config), pods, KubeSecrets(kube), SystemClock())
    pods.stop()
    forget(namespace)


def is_short(handle):
    verdict = handle.track.verdict
    return verdict is not None and verdict.code is Code.INSUFFICIENT_RESOURCES


def test_many_pending_jobs_keep_to_one_budget(launch, gone, counting, namespace):
    def pending(_):
        handle = launch(through=counting, cpu="999", pending_timeout=None)
        threading.Thread(target=handle.wait, daemon=True).start()
        return handle

    with ThreadPoolExecutor(AT_ONCE) as pool:
        handles = list(pool.map(pending, range(JOBS)))
    end = time.monotonic() + PENDING_WITHIN
    while not all(map(is_short, handles)):
        assert time.monotonic() < end, [handle.track.verdict for handle in handles]
        time.sleep(0.2)
    time.sleep(SETTLE)
    before, begin = counted(namespace), time.monotonic()
    time.sleep(SECONDS)
    rate = (counted(namespace) - before) / (time.monotonic() - begin) * 60
    still = [handle.poll() for handle in handles]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda handle: handle.terminate(), handles))
    assert still == [ReturnCode.UNKNOWN] * JOBS
    assert all(handle.track.outcome.code is Code.TERMINATED for handle in handles)
    assert before >= 2 * JOBS, "the counter does not see this account: a launch is several requests"
    assert rate <= BUDGET, f"{JOBS} pending jobs cost {rate:.0f} requests a minute"
    for handle in handles:
        gone(handle)
