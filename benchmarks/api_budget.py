"""Count what pending jobs cost the API server: requests a minute, by launcher and number of jobs.

benchmarks/api_budget.py --namespace NAME [--jobs 1,10,100] [--seconds 60] CLASS [CLASS ...]

Run it with the cluster's administrator in KUBECONFIG. Each launcher gets a ServiceAccount of its own and a
FlowSchema that matches it, so the API server itself counts (counting.py). Launchers are driven through
launch_job; the jobs ask for more CPU than any node has.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from counting import account, counted, forget, kubectl
from launchers import context, workspace

FLARE_LAUNCHES_AT_ONCE = 200  # its launch_job blocks until the pod runs
OURS_AT_ONCE = 4


def pending(namespace: str) -> int:
    pods = json.loads(kubectl("get", "pod", "-n", namespace, "-o", "json"))["items"]
    return sum(pod["status"].get("phase") == "Pending" for pod in pods)


def until(check: Any, seconds: float, what: str) -> None:
    end = time.monotonic() + seconds
    while not check():
        if time.monotonic() > end:
            raise SystemExit(f"not within {seconds:.0f} s: {what}")
        time.sleep(1)


def measure(launcher: Any, name: str, given: argparse.Namespace, jobs: int, root: Path) -> float:
    """Return requests a minute while ``jobs`` jobs are pending and nothing else happens."""
    spec = {"image": "localhost/none:1", "cpu": "999", "cpu_request": "999"}
    handles: list[Any] = []

    def follow(number: int) -> None:
        job = f"00000000-0000-4000-8000-{number:012d}"
        handle = launcher.launch_job(
            {"job_id": job, "launcher_spec": {"default": {"k8s": spec}}}, context(job, root)
        )
        handles.append(handle)
        threading.Thread(target=handle.wait, daemon=True).start()

    pool = ThreadPoolExecutor(OURS_AT_ONCE if name == "ours" else FLARE_LAUNCHES_AT_ONCE)
    for number in range(jobs):
        pool.submit(follow, number)
    until(lambda: pending(given.namespace) == jobs, 300, f"{jobs} pending pods")
    if name == "ours":
        until(lambda: len(handles) == jobs, 300, f"{jobs} handles")
    time.sleep(5)
    before, begin = counted(name), time.monotonic()
    time.sleep(given.seconds)
    rate = (counted(name) - before) / (time.monotonic() - begin) * 60
    kubectl("delete", "pod", "--all", "-n", given.namespace, "--grace-period=0", "--force")
    with ThreadPoolExecutor(OURS_AT_ONCE) as enders:
        list(enders.map(lambda handle: handle.terminate(), list(handles)))
    pool.shutdown(wait=True)
    until(lambda: pending(given.namespace) == 0, 120, "no pod left")
    return rate


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("classes", nargs="+")
    parser.add_argument("--namespace", required=True)
    parser.add_argument("--jobs", default="1,10,100")
    parser.add_argument("--seconds", type=float, default=60)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    root = workspace()
    print("requests a minute while jobs are pending, counted by the API server")
    for path in given.classes:
        module, _, kind = path.rpartition(".")
        name = "ours" if module.startswith("launcher") else "flare"
        config = account(name, given.namespace, folder)
        arguments = {"config_file_path": str(config), "namespace": given.namespace, "pending_timeout": None}
        launcher = getattr(importlib.import_module(module), kind)(**arguments)
        try:
            for jobs in map(int, given.jobs.split(",")):
                print(
                    f"{kind:24} {jobs:4} jobs {measure(launcher, name, given, jobs, root):8.0f}", flush=True
                )
        finally:
            forget(name)


if __name__ == "__main__":
    sys.exit(main())
