"""The RBAC rights that the parent process of a site needs in the namespace of its jobs.

``nvflare deploy prepare`` (2.9.0) grants what FLARE's launcher needs; Helm must also list the records of its
releases, its server-side apply patches what it creates (without it: ``cannot patch resource "pods"``), and it
makes whatever else the chart prints, such as a NetworkPolicy.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from launcher.core.releases import StorageDriver

__all__ = [
    "LIST_NODES",
    "NETWORK_POLICIES",
    "POD_DISRUPTION_BUDGETS",
    "PREPARED",
    "WATCHING",
    "WRITE_EVENTS",
    "Right",
    "cleaning",
    "granted",
    "needed",
    "printed",
    "role_rules",
]


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
    (PREPARED - _rights("events", "get"))  # events are listed and watched
    | _rights("pods", "patch")  # server-side apply
    | _rights("pods/log", "get")  # the end of a failed job's log goes into the parent's log
    | _rights("secrets", "list")  # per-job Secrets, by label
)
_DRIVERS: dict[StorageDriver, frozenset[Right]] = {
    "secret": frozenset[Right](),  # release records are Secrets: nothing beyond what jobs need
    "configmap": _rights("configmaps", "create", "get", "list", "patch", "update", "delete"),
}
# Of a job that goes: its pod, its release (which Helm would mark first, and goes on where it may not) and its
# Secret; of a pod that a node prepares the events, which tell a download from a node that is stuck.
_CLEANED = (
    _rights("pods", "delete", "get", "list")
    | _rights("events", "list", "watch")
    | _rights("secrets", "delete", "get", "list")
    | _rights("leases", "delete", "list", group="coordination.k8s.io")
)
_RECORDS_CLEANED = _rights("configmaps", "delete", "get", "list")
# Helm looks whether there is one, makes it by server-side apply (`create` and `patch`) and deletes it.
_MAKES = ("create", "delete", "get", "patch")
NETWORK_POLICIES = _rights("networkpolicies", *_MAKES, group="networking.k8s.io")
POD_DISRUPTION_BUDGETS = _rights("poddisruptionbudgets", *_MAKES, group="policy")
# Optional: by its Lease a parent tells `fljob gc` which jobs it watches, and learns which install is slow; by
# that of its site, which of two parents acts.
WATCHING = _rights("leases", "create", "delete", "list", "patch", group="coordination.k8s.io")
# Optional, and wanted where the setting `events` is on: what was decided becomes an event on the pod, by
# server-side apply.
WRITE_EVENTS = _rights("events", "create", "patch")
# Cluster-wide, so it is optional. The nodes show whether a request can ever be met, and which taints keep a
# pod away (kube-scheduler 1.36 does not name them).
LIST_NODES = Right("nodes", "list")


def needed(driver: StorageDriver = "secret", more: frozenset[Right] = frozenset[Right]()) -> frozenset[Right]:
    """Return all rights that are needed.

    Args:
        driver: Helm's storage driver.
        more: those for what the chart prints beside the pod.
    """
    return _JOBS | _DRIVERS[driver] | more


def granted(
    driver: StorageDriver = "secret", more: frozenset[Right] = frozenset[Right]()
) -> frozenset[Right]:
    """Return the rights that a Role for a parent should have: those that are needed, and what is optional.

    Args:
        driver: Helm's storage driver.
        more: those for what the chart prints beside the pod, and for what the site has switched on.
    """
    return needed(driver, more) | WATCHING


def cleaning(
    driver: StorageDriver = "secret", more: frozenset[Right] = frozenset[Right]()
) -> frozenset[Right]:
    """Return the rights of ``fljob gc``: it makes nothing, changes nothing, and reads no log.

    Args:
        driver: Helm's storage driver.
        more: those for what the chart prints beside the pod, as for :func:`needed`.
    """
    records = _RECORDS_CLEANED if driver == "configmap" else frozenset[Right]()
    return _CLEANED | records | frozenset(one for one in more if one.verb in ("get", "delete"))


def printed(objects: Iterable[Any]) -> frozenset[Right]:
    """Return the rights that Helm needs for what a chart prints, whatever the objects hold."""
    found = frozenset[Right]()
    for one in objects:
        if isinstance(one, Mapping) and one.get("kind") and one.get("apiVersion"):
            group, slash, _ = str(one["apiVersion"]).partition("/")
            found |= _rights(_resource(str(one["kind"])), *_MAKES, group=group if slash else "")
    return found


def _resource(kind: str) -> str:
    """Return the resource of a kind as Kubernetes forms it where nobody says otherwise."""
    name = kind.lower()
    if name == "endpoints":
        return name
    if name.endswith("s"):
        return f"{name}es"
    return f"{name[:-1]}ies" if name.endswith("y") else f"{name}s"


def role_rules(rights: frozenset[Right]) -> list[dict[str, Any]]:
    """Return the rules of a Role, sorted, one per resource."""
    verbs: dict[tuple[str, str], list[str]] = {}
    for right in sorted(rights):
        verbs.setdefault((right.group, right.resource), []).append(right.verb)
    return [
        {"apiGroups": [group], "resources": [resource], "verbs": verbs[group, resource]}
        for group, resource in sorted(verbs)
    ]
