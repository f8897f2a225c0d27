"""`fljob logs -f` over a connection that is cut, on a real cluster."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from benchmarks.proxy import through

pytestmark = pytest.mark.cluster

COUNT = "for n in $(seq 1 40); do echo line $n; echo at the same time $n >&2; sleep 0.2; done; printf 'no line end'"


@pytest.mark.parametrize("trouble", ["cut", "silence"])
def test_a_followed_log_is_whole_over_everything_that_happens_to_its_connection(
    launch, cluster_env, tmp_path, trouble
):
    handle = launch(command=("sh", "-c", COUNT))
    proxy, config = through(cluster_env["KUBECONFIG"], tmp_path)
    words = ["logs", handle.job.release, "-n", handle.job.namespace, "--kubeconfig", config, "-f"]
    with (tmp_path / "out").open("w") as out:
        following = subprocess.Popen([sys.executable, "-m", "launcher", *words], env=cluster_env, stdout=out)
        while not (tmp_path / "out").read_text():
            assert following.poll() is None
            time.sleep(0.05)
        for _ in range(3):
            time.sleep(1.3)
            if trouble == "cut":
                proxy.cut()
            else:
                proxy.fall_silent()
                time.sleep(0.2)
                proxy.recover()
        assert following.wait(timeout=120) == 0
    proxy.close()
    handle.terminate()
    shown = (tmp_path / "out").read_text().splitlines()
    wanted = [f"{said} {number}" for number in range(1, 41) for said in ("line", "at the same time")]
    assert sorted(shown) == sorted([*wanted, "no line end"])
