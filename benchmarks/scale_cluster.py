"""The namespace, the nodes and the pods of benchmarks/scale.py, seen from outside the parent."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from kubernetes import client, config

TAINT = "fake.fljob.internal/node"
PODS_PER_NODE = 110
WRITERS = 16
OWN = "fljob.internal/job-id"


class Cluster:
    """The namespace and the nodes of the benchmark, and the end of its pods."""

    def __init__(self, namespace: str, *, is_standin: bool) -> None:
        self.namespace, self._is_standin = namespace, is_standin
        api = config.new_client_from_config(os.environ["KUBECONFIG"])
        api.configuration.connection_pool_maxsize = WRITERS
        self.core = client.CoreV1Api(client.ApiClient(api.configuration))

    @property
    def template(self) -> dict[str, Any]:
        """The pod template of the study: on our nodes, and running until it is told to end."""
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"annotations": {"fake.fljob.internal/run-for": "24h"}},
            "spec": {
                "nodeSelector": {"fake": self.namespace},
                "tolerations": [{"key": TAINT, "operator": "Exists"}],
            },
        }

    def up(self, jobs: int, *, is_fake: bool = True) -> None:
        """Make the namespace, and the nodes for fake pods."""
        if self._is_standin:
            return
        self.core.create_namespace({"metadata": {"name": self.namespace}})
        if is_fake:
            self._make_nodes(jobs)
        time.sleep(2)  # the namespace's ServiceAccount

    def _make_nodes(self, jobs: int) -> None:
        amounts = {"cpu": "32", "memory": "512Gi", "ephemeral-storage": "10Ti", "pods": str(PODS_PER_NODE)}
        for number in range(jobs // PODS_PER_NODE + 1):
            name = f"{self.namespace}-{number}"
            self.core.create_node(
                {
                    "metadata": {
                        "name": name,
                        "annotations": {"kwok.x-k8s.io/node": "fake"},
                        "labels": {
                            "type": "kwok",
                            "fake": self.namespace,
                            "kubernetes.io/arch": "amd64",
                            "kubernetes.io/hostname": name,
                        },
                    },
                    "spec": {"taints": [{"key": TAINT, "effect": "NoSchedule"}]},
                    "status": {"allocatable": amounts, "capacity": amounts},
                }
            )

    def down(self) -> None:
        if self._is_standin:
            return
        self.core.delete_namespace(self.namespace)
        self.core.delete_collection_node(label_selector=f"fake={self.namespace}")

    def listed(self, kind: str) -> list[dict[str, Any]]:
        method = getattr(self.core, f"list_namespaced_{kind}")
        return json.loads(method(self.namespace, _preload_content=False).data)["items"]

    def pods(self) -> list[dict[str, Any]]:
        return [
            pod
            for pod in self.listed("pod")
            if pod["metadata"]["name"][0] == "0" or "j0" in pod["metadata"]["name"][:2]
        ]

    def until_running(self, jobs: int) -> None:
        until(lambda: sum(pod["status"].get("phase") == "Running" for pod in self.pods()) >= jobs, 600)

    def end_all(self) -> dict[str, float]:
        """Let every pod succeed, as its kubelet would write it, and return when each end was written."""
        ended: dict[str, float] = {}

        def end(pod: dict[str, Any]) -> None:
            at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            state = {"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": at, "finishedAt": at}}
            known = pod["status"].get("containerStatuses") or [{"name": pod["spec"]["containers"][0]["name"]}]
            one = {"image": "x", "imageID": "", "ready": False, "restartCount": 0, **known[0], "state": state}
            status = {"status": {"phase": "Succeeded", "containerStatuses": [one]}}
            name = pod["metadata"]["name"]
            self.core.patch_namespaced_pod_status(name, self.namespace, status, _preload_content=False)
            ended[name] = time.time()

        with ThreadPoolExecutor(WRITERS) as pool:
            list(pool.map(end, self.pods()))
        return ended

    def left(self) -> dict[str, int]:
        """Return what is there of the jobs, by label and by Helm's records."""
        secrets = [one["metadata"].get("labels") or {} for one in self.listed("secret")]
        return {
            "pods": len(self.pods()),
            "releases": sum(one.get("owner") == "helm" for one in secrets),
            "Secrets": sum(OWN in one and one.get("owner") != "helm" for one in secrets),
        }


def until(check: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not check():
        if time.monotonic() > end:
            return False
        time.sleep(0.5)
    return True
