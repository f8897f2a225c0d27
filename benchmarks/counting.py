"""An account of its own in the cluster, whose requests the API server itself counts.

A ServiceAccount with the rights of a parent gets a FlowSchema that matches it alone, and the counter is
apiserver_flowcontrol_dispatched_requests_total of that flow schema: one for every request, refused ones too, and for
every watch that is opened. So nothing that a client keeps to itself, such as a retry of its library, is missed.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import yaml

from launcher.core.rights import needed, role_rules

COUNTER = "apiserver_flowcontrol_dispatched_requests_total"


def kubectl(*words: str, stdin: str | None = None) -> str:
    return subprocess.run(["kubectl", *words], input=stdin, check=True, capture_output=True, text=True).stdout


def _flow_schema(name: str, namespace: str) -> dict[str, Any]:
    """Return the FlowSchema that matches every request of one ServiceAccount, and nothing else."""
    account = {"kind": "ServiceAccount", "serviceAccount": {"name": name, "namespace": namespace}}
    everything = {
        "verbs": ["*"],
        "apiGroups": ["*"],
        "resources": ["*"],
        "namespaces": ["*"],
        "clusterScope": True,
    }
    rule = {
        "subjects": [account],
        "resourceRules": [everything],
        "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
    }
    return {
        "apiVersion": "flowcontrol.apiserver.k8s.io/v1",
        "kind": "FlowSchema",
        "metadata": {"name": name},
        "spec": {
            "priorityLevelConfiguration": {"name": "workload-low"},
            "matchingPrecedence": 100,
            "rules": [rule],
        },
    }


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
        _flow_schema(name, namespace),
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


def forget(name: str) -> None:
    """Remove the FlowSchema of an account; the rest goes with its namespace."""
    kubectl("delete", "flowschema", name, "--ignore-not-found")
