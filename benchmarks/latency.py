"""How long launch takes, and how soon wait() returns after the job process has exited; medians of n jobs.

    eval "$(scripts/cluster env)"; $(scripts/venv)/bin/python benchmarks/latency.py "$(scripts/demo.d/images busybox)" 20

The job prints /proc/uptime as its last act, and the same clock is read when wait() returns: the nodes of the
kind cluster are containers of this machine.
"""

from __future__ import annotations

import random
import statistics
import subprocess
import sys
import time
import uuid
from functools import partial
from pathlib import Path

from launcher.core.flare.meta import parse_meta
from launcher.core.pending.clocks import WaitPolicy
from launcher.core.spec.assemble import Request, build_jobspec
from launcher.core.spec.site import SiteConfig
from launcher.core.spec.study import Study
from launcher.core.values.build import build_values
from launcher.edges.clock import SystemClock
from launcher.edges.disk.chart_files import chart_path
from launcher.edges.disk.site_files import values_templates
from launcher.edges.helm import HelmReleases
from launcher.edges.kube import KubeClient, KubePods, KubeSecrets
from launcher.usecases.ports import World
from launcher.usecases.service import Service

NAMESPACE = "fljob-bench"


def uptime() -> float:
    """Return seconds since the machine started."""
    return float(Path("/proc/uptime").read_text().split()[0])


def one(service: Service, site: SiteConfig, image: str) -> tuple[float, float]:
    """Run one job; return seconds of launch, and seconds from its last act to the return of wait()."""
    meta = {"launcher_spec": {"default": {"k8s": {"image": image}}}}
    # At a random moment of the second: the kubelet looks at containers once a second, and what follows the end
    # of the job before would always meet it in the same part of it.
    command = ("sh", "-c", f"sleep {1 + random.random():.3f}; cat /proc/uptime")
    request = Request(job_id=str(uuid.uuid4()), site="site-1", command=command)
    spec = build_jobspec(request, parse_meta(meta, "site-1"), Study(), site)
    start = time.monotonic()
    handle = service.launch(spec)
    launched = time.monotonic() - start
    outcome = handle.wait(timeout=60)
    seen = uptime()
    if outcome is None or not outcome.succeeded:
        raise SystemExit(f"the job did not succeed: {handle.track}")
    logs = list(service.world.pods.logs(handle.job.pod_name, NAMESPACE))
    handle.close(60)
    return launched, seen - float(logs[-1].split()[0])


def show(name: str, values: list[float]) -> None:
    """Print median and 95th percentile."""
    ordered = sorted(values)
    p95 = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    print(f"{name:32} p50 {statistics.median(ordered):.2f} s   p95 {p95:.2f} s   n {len(ordered)}")


def template(times: int) -> list[float]:
    """Return seconds of `fljob template`, interpreter and helm included."""
    found = []
    for _ in range(times):
        start = time.monotonic()
        args = ["template", "examples/train", "--config", "examples/fljob.yaml", "--study", "penguins"]
        subprocess.run([sys.executable, "-m", "launcher", *args], check=True, capture_output=True)
        found.append(time.monotonic() - start)
    return found


def main(image: str, jobs: int) -> None:
    """Measure and print."""
    site = SiteConfig(namespace=NAMESPACE)
    client = KubeClient()
    world = World(HelmReleases(chart=chart_path(site)), KubePods(client), KubeSecrets(client), SystemClock())
    render = partial(build_values, site=site, templates=values_templates(site))
    subprocess.run(["kubectl", "create", "namespace", NAMESPACE], check=True, capture_output=True)
    try:
        subprocess.run(
            ["kubectl", "wait", "--for=create", "serviceaccount/default", "-n", NAMESPACE, "--timeout=30s"],
            check=True,
            capture_output=True,
        )
        pairs = [one(Service(world, WaitPolicy(), render), site, image) for _ in range(jobs)]
    finally:
        subprocess.run(
            ["kubectl", "delete", "namespace", NAMESPACE, "--wait=false"], check=True, capture_output=True
        )
    show("launch", [launched for launched, _ in pairs])
    show("last act of the job -> wait()", [noticed for _, noticed in pairs])
    show("fljob template", template(jobs))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
