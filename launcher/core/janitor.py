"""The CronJob that runs ``fljob gc``, with its account and exactly the rights that it needs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from launcher.core.rights import Right, role_rules

__all__ = ["Janitor", "manifests"]

_NAME = "fljob-gc"
_RBAC = "rbac.authorization.k8s.io"
_LABELS: Mapping[str, str] = {"app.kubernetes.io/name": _NAME}
_TMP = "/tmp"  # noqa: S108 - inside the pod, where helm wants a home that it may write
_CONFIG, _CONFIG_DIR = "fljob.yaml", "/etc/fljob"
# A run that takes longer hangs; the next one starts anew.
_LONGEST = 3600
_RESTRICTED: Mapping[str, Any] = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


@dataclass(frozen=True, kw_only=True)
class Janitor:
    """A CronJob that cleans up.

    Attributes:
        namespace: where it runs, and whose jobs it looks at unless it looks ``everywhere``.
        image: an image with fljob and helm.
        schedule: as cron has it.
        arguments: of ``fljob gc``.
        rights: what it needs.
        settings: of fljob.yaml, those by which it judges; none = no ConfigMap.
        everywhere: whether the rights are those in all namespaces.
        pull_secrets: registry Secrets for the image.
    """

    namespace: str
    image: str
    schedule: str
    arguments: tuple[str, ...]
    rights: frozenset[Right]
    settings: Mapping[str, Any]
    everywhere: bool = False
    pull_secrets: tuple[str, ...] = ()

    @property
    def metadata(self) -> dict[str, Any]:
        """Metadata of what is in the namespace."""
        return {"name": _NAME, "namespace": self.namespace, "labels": dict(_LABELS)}


def manifests(janitor: Janitor) -> list[dict[str, Any]]:
    """Return the objects, in the order in which they are applied."""
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": janitor.metadata}
    return [account, *_granted(janitor), *_config(janitor), _cronjob(janitor)]


def _granted(janitor: Janitor) -> list[dict[str, Any]]:
    kind = "Cluster" if janitor.everywhere else ""
    # A ClusterRole is in no namespace, so its name says whose it is.
    alone = {"name": f"{_NAME}-{janitor.namespace}", "labels": dict(_LABELS)}
    named = alone if janitor.everywhere else janitor.metadata
    head = {"apiVersion": f"{_RBAC}/v1", "metadata": named}
    return [
        {**head, "kind": f"{kind}Role", "rules": role_rules(janitor.rights)},
        {
            **head,
            "kind": f"{kind}RoleBinding",
            "roleRef": {"apiGroup": _RBAC, "kind": f"{kind}Role", "name": named["name"]},
            "subjects": [{"kind": "ServiceAccount", "name": _NAME, "namespace": janitor.namespace}],
        },
    ]


def _config(janitor: Janitor) -> list[dict[str, Any]]:
    data = {_CONFIG: json.dumps(janitor.settings, indent=2)}
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": janitor.metadata, "data": data}
    return [config] if janitor.settings else []


def _cronjob(janitor: Janitor) -> dict[str, Any]:
    template = {"metadata": {"labels": dict(_LABELS)}, "spec": _pod(janitor)}
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": janitor.metadata,
        "spec": {
            "schedule": janitor.schedule,
            "concurrencyPolicy": "Forbid",
            "successfulJobsHistoryLimit": 1,
            "failedJobsHistoryLimit": 1,
            "jobTemplate": {
                "spec": {"backoffLimit": 0, "activeDeadlineSeconds": _LONGEST, "template": template}
            },
        },
    }


def _pod(janitor: Janitor) -> dict[str, Any]:
    secrets = [{"name": name} for name in janitor.pull_secrets]
    volumes: list[dict[str, Any]] = [{"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}}]
    if janitor.settings:
        volumes.append({"name": "config", "configMap": {"name": _NAME}})
    return {
        "serviceAccountName": _NAME,
        "restartPolicy": "Never",
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "runAsGroup": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        **({"imagePullSecrets": secrets} if secrets else {}),
        "containers": [_container(janitor)],
        "volumes": volumes,
    }


def _container(janitor: Janitor) -> dict[str, Any]:
    mounts = [{"name": "tmp", "mountPath": _TMP}]
    arguments = ["gc", *janitor.arguments]
    if janitor.settings:
        mounts.append({"name": "config", "mountPath": _CONFIG_DIR})
        arguments += ["--config", f"{_CONFIG_DIR}/{_CONFIG}"]
    return {
        "name": "gc",
        "image": janitor.image,
        "command": ["python3", "-m", "launcher"],
        "args": arguments,
        "env": [{"name": "HOME", "value": _TMP}],
        "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}},
        "securityContext": dict(_RESTRICTED),
        "volumeMounts": mounts,
    }
