"""Count what pending jobs cost the API server: requests a minute, by launcher and number of jobs.

benchmarks/api_budget.py --namespace NAME [--jobs 1,10,100] [--seconds 60] CLASS [CLASS ...]

Run it with the cluster's administrator in KUBECONFIG. Each launcher gets a ServiceAccount of its own and a
FlowSchema that matches it, so the API server itself counts: apiserver_flowcontrol_dispatched_requests_total
of that flow schema, one for every request and for every watch that is opened. Launchers are driven through
launch_job; the jobs ask for more CPU than any node has.
"""

from __future__ import annotations

import argparse
import importlib
import json
import re
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml
from launchers import context, workspace

from launcher.core.rights import needed, role_rules

COUNTER = "apiserver_flowcontrol_dispatched_requests_total"
FLARE_LAUNCHES_AT_ONCE = 200  # its launch_job blocks until the pod runs
OURS_AT_ONCE = 4


def kubectl(*words: str, stdin: str | None = None) -> str:
    return subprocess.run(["kubectl", *words], input=stdin, check=True, capture_output=True, text=True).stdout


def account(name: str, namespace: str, folder: Path) -> Path:
    """Make a ServiceAccount with the rights of a parent and its FlowSchema; return a kubeconfig of it."""
    group = "rbac.authorization.k8s.io"
    meta = {"name": name, "namespace": namespace}
    subject = {"kind": "ServiceAccount", "name": name, "namespace": namespace}
    objects = [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta},
        {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": meta, "rules": role_rules(needed())},
        {
            "apiVersion": f"{group}/v1",
            "kind": "RoleBinding",
            "metadata": meta,
            "roleRef": {"apiGroup": group, "kind": "Role", "name": name},
            "subjects": [subject],
        },
        {
            "apiVersion": "flowcontrol.apiserver.k8s.io/v1",
            "kind": "FlowSchema",
            "metadata": {"name": name},
            "spec": {
                "priorityLevelConfiguration": {"name": "workload-low"},
                "matchingPrecedence": 100,
                "rules": [
                    {
                        "subjects": [
                            {
                                "kind": "ServiceAccount",
                                "serviceAccount": {"name": name, "namespace": namespace},
                            }
                        ],
                        "resourceRules": [
                            {
                                "verbs": ["*"],
                                "apiGroups": ["*"],
                                "resources": ["*"],
                                "namespaces": ["*"],
                                "clusterScope": True,
                            }
                        ],
                        "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
                    }
                ],
            },
        },
    ]
    kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(objects))
    token = kubectl("create", "token", name, "-n", namespace, "--duration=2h").strip()
    config = json.loads(kubectl("config", "view", "--raw", "--minify", "-o", "json"))
    config["users"] = [{"name": name, "user": {"token": token}}]
    config["contexts"] = [{"name": name, "context": {"cluster": config["clusters"][0]["name"], "user": name}}]
    config["current-context"] = name
    path = folder / f"{name}.json"
    path.write_text(json.dumps(config))
    return path


def counted(name: str) -> int:
    """Return how many requests the API server has dispatched for a flow schema."""
    lines = [line for line in kubectl("get", "--raw", "/metrics").splitlines() if line.startswith(COUNTER)]
    return sum(
        int(float(line.rsplit(" ", 1)[1])) for line in lines if re.search(rf'flow_schema="{name}"', line)
    )


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
            kubectl("delete", "flowschema", name)


if __name__ == "__main__":
    sys.exit(main())
