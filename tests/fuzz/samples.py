"""Files that are right and use every key that is read: what the generators wound."""

from __future__ import annotations

from typing import Any

__all__ = ["KINDS", "META", "POD_TEMPLATE", "SITE", "STUDY_DATA", "STUDY_RUNTIME"]

KINDS = ("meta", "site", "study", "template")
META: dict[str, Any] = {
    "name": "job",
    "job_id": "a1",
    "study": "s",
    "launcher_spec": {
        "default": {
            "k8s": {"image": "img:1", "cpu": "1", "memory": "1Gi", "python_path": "/usr/bin/python3"},
            "docker": {"image": "other"},
        },
        "site-1": {
            "k8s": {
                "num_of_gpus": 1,
                "pending_timeout": 10,
                "ephemeral_storage": "1Gi",
                "cpu_request": "500m",
                "memory_request": "1Gi",
            }
        },
        "server": {"k8s": {"cpu": 2}},
    },
    "resource_spec": {
        "site-1": {"num_of_cpus": 1, "k8s": {"memory_request": "1Gi"}, "process": {"num_of_gpus": 1}},
        "@default": {"num_of_cpus": 1, "num_of_gpus": 0, "memory": "1Gi"},
    },
    "deploy_map": {"app": ["@ALL"]},
    "min_clients": 1,
}
SITE: dict[str, Any] = {
    "namespace": "fl",
    "image": "img:1",
    "default_python_path": "/usr/bin/python3",
    "workspace_mount_path": "/w",
    "ephemeral_storage": "1Gi",
    "pending_timeout": 10,
    "timeout": 600,
    "image_pull_secrets": ["a"],
    "security_context": {"runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}},
    "pod_security": "restricted",
    "policy": "graceful",
    "values": {
        "pod": {"annotations": {"a": "b"}, "labels": {"team": "a"}, "spec": {"nodeSelector": {"a": "b"}}},
        "container": {"spec": {"livenessProbe": {"exec": {"command": ["true"]}}}},
        "env": [{"name": "A", "value": "b"}],
        "networkPolicy": {"enabled": True},
        "extra": {"volumes": [{"name": "v", "emptyDir": {}}]},
    },
    "timeouts": {"start": 5, "pull": 30, "queue": None},
    "command": ["python3"],
    "pass_env": ["AWS_PROFILE"],
    "helm": "helm",
    "storage_driver": "secret",
    "protect": "budget",
}
_ENV = {"env": {"A": "b", "N": 1}, "secret_env": {"T": {"source": "sec", "key": "t"}}}
POD_TEMPLATE: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "t", "labels": {"a": "b"}, "annotations": {"c": "d"}},
    "spec": {
        "containers": [
            {
                "name": "nvflare_job",
                "image": "img:3",
                "imagePullPolicy": "Always",
                "env": [{"name": "B", "value": "c"}, {"name": "S", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}],
                "volumeMounts": [{"name": "v", "mountPath": "/v"}],
                "resources": {"limits": {"nvidia.com/gpu": "1"}},
                "livenessProbe": {"exec": {"command": ["true"]}},
            },
            {"name": "side", "image": "img:4"},
        ],
        "initContainers": [{"name": "init", "image": "img:5", "restartPolicy": "Always"}],
        "volumes": [{"name": "v", "emptyDir": {}}],
        "imagePullSecrets": [{"name": "p"}],
        "nodeSelector": {"a": "b"},
        "tolerations": [{"key": "a", "effect": "NoSchedule"}],
        "securityContext": {"runAsUser": 1},
        "resourceClaims": [{"name": "gpu", "resourceClaimTemplateName": "t"}],
    },
}  # fmt: skip
STUDY_RUNTIME: dict[str, Any] = {
    "format_version": 2,
    "studies": {
        "s": {
            "container": {"image": "img:2"},
            **_ENV,
            "datasets": {"d": {"source": "claim", "mode": "ro", "type": "mount"}},
            "secret_mounts": {"m": {"source": "sec", "mount_path": "/m", "items": {"k": "f"}}},
            "pod_template": POD_TEMPLATE,
        },
        "other": {"env": {"X": True}},
    },
}
STUDY_DATA: dict[str, Any] = {"s": {"d": {"source": "claim", "mode": "rw"}}, "other": {}}
