"""Accounts with few rights, and the kubeconfig of one."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import yaml

from launcher.core.rights import Right, role_rules
from tests.cluster.conftest import kubectl

__all__ = ["account", "granted", "kubeconfig_of"]

_GROUP = "rbac.authorization.k8s.io"


def account(namespace: str, rights: Iterable[Right], path: Path, name: str = "parent") -> None:
    """Write the kubeconfig of a ServiceAccount that has these rights in its namespace."""
    made = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": namespace}}
    kubectl("apply", "-f", "-", stdin=json.dumps(made))
    granted(namespace, rights, name)
    kubeconfig_of(name, namespace, path)


def granted(namespace: str, rights: Iterable[Right], name: str, of: str = "") -> None:
    """Give an account of this namespace, or of another one, these rights in it; those of before go."""
    named = {"metadata": {"name": name, "namespace": namespace}}
    subject = {"kind": "ServiceAccount", "name": name, "namespace": of or namespace}
    role = {"apiGroup": _GROUP, "kind": "Role", "name": name}
    objects = [
        {"apiVersion": f"{_GROUP}/v1", "kind": "Role", **named, "rules": role_rules(frozenset(rights))},
        {
            "apiVersion": f"{_GROUP}/v1",
            "kind": "RoleBinding",
            **named,
            "roleRef": role,
            "subjects": [subject],
        },
    ]
    kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(objects))


def kubeconfig_of(name: str, namespace: str, path: Path) -> None:
    """Write the kubeconfig of a ServiceAccount."""
    config = json.loads(kubectl("config", "view", "--raw", "--minify", "-o", "json"))
    token = kubectl("create", "token", name, "-n", namespace).strip()
    config["users"] = [{"name": config["contexts"][0]["context"]["user"], "user": {"token": token}}]
    path.write_text(json.dumps(config))
