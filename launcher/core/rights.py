"""The RBAC rights that the parent process of a site needs in the namespace of its jobs.

``nvflare deploy prepare`` (2.9.0) grants what FLARE's launcher needs; Helm must also list the records of its
releases, and its server-side apply patches what it creates (without it: ``cannot patch resource "pods"``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from launcher.core.releases import StorageDriver

__all__ = ["LIST_NODES", "PREPARED", "Right", "needed", "role_rules"]


@dataclass(frozen=True, order=True)
class Right:
    """One verb on one resource of one API group (empty = core)."""

    resource: str
    verb: str
    group: str = ""


def _rights(resource: str, *verbs: str, group: str = "") -> frozenset[Right]:
    return frozenset(Right(resource, verb, group) for verb in verbs)


# What a kit prepared by FLARE 2.9.0 has already.
PREPARED = (
    _rights("pods", "create", "delete", "get", "list", "watch")
    | _rights("events", "get", "list", "watch")
    | _rights("secrets", "create", "get", "update", "patch", "delete")
)
_JOBS = (
    PREPARED
    | _rights("pods", "patch")  # server-side apply
    | _rights("pods/log", "get")  # the end of a failed job's log goes into the parent's log
    | _rights("secrets", "list")  # per-job Secrets, by label
)
_DRIVERS: dict[StorageDriver, frozenset[Right]] = {
    "secret": frozenset[Right](),  # release records are Secrets: nothing beyond what jobs need
    "configmap": _rights("configmaps", "create", "get", "list", "update", "delete"),
}


# Cluster-wide, so it is optional. The nodes show whether a request can ever be met, and which taints keep a
# pod away (kube-scheduler 1.36 does not name them).
LIST_NODES = Right("nodes", "list")


def needed(driver: StorageDriver = "secret") -> frozenset[Right]:
    """Return all rights that are needed with one of Helm's storage drivers, ``secret`` or ``configmap``."""
    return _JOBS | _DRIVERS[driver]


def role_rules(rights: frozenset[Right]) -> list[dict[str, Any]]:
    """Return the rules of a Role, sorted, one per resource."""
    verbs: dict[tuple[str, str], list[str]] = {}
    for right in sorted(rights):
        verbs.setdefault((right.group, right.resource), []).append(right.verb)
    return [
        {"apiGroups": [group], "resources": [resource], "verbs": verbs[group, resource]}
        for group, resource in sorted(verbs)
    ]
