"""The ports ``Leases`` and ``SiteLeases``: who watches which jobs, and which parent of a site acts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from launcher.core import names
from launcher.core.leader import SiteLease
from launcher.core.watched import LASTS, LeaseView, marks_from_text, marks_to_text
from launcher.edges.kube.client import KubeClient
from launcher.edges.kube.translate import when
from launcher.edges.kube.untyped import as_map, as_text
from launcher.errors import Conflict, NotFound

__all__ = ["KubeLeases"]

_GROUP = "coordination.k8s.io/v1"
# Who owns the fields that are applied: the API server wants a name.
_MANAGER = "fljob"


class KubeLeases:
    """Leases with our label; those of others (kubelets, leader elections) are neither seen nor touched."""

    def __init__(self, client: KubeClient) -> None:
        self._client = client

    def put(self, name: str, namespace: str, lease: LeaseView) -> None:
        """Apply the Lease: one request, whether there was one or not."""
        body = {
            "apiVersion": _GROUP,
            "kind": "Lease",
            "metadata": {
                "name": name,
                "labels": {names.LABEL_WATCHER: "true"},
                "annotations": {names.ANNOTATION_WATCHES: marks_to_text(lease.jobs)},
            },
            "spec": {
                "holderIdentity": lease.holder,
                "leaseDurationSeconds": LASTS,
                **({"renewTime": _micro_time(lease.renewed)} if lease.renewed else {}),
            },
        }
        apply = self._client.core.apply_namespaced_lease
        self._client.call(
            f"apply lease {namespace}/{name}",
            apply,
            name,
            namespace,
            body,
            field_manager=_MANAGER,
            force=True,
        )

    def list(self, namespace: str) -> Mapping[str, LeaseView]:
        """Return the Leases with our label, by name."""
        found, _ = self._client.list_all(
            f"list leases in namespace {namespace}",
            self._client.core.list_namespaced_lease,
            namespace,
            label_selector=names.LABEL_WATCHER,
        )
        return {as_text(as_map(one.get("metadata")).get("name")): _view(one) for one in found}

    def delete(self, name: str, namespace: str) -> None:
        """Delete a Lease; absence is success."""
        delete = self._client.core.delete_namespaced_lease
        try:
            self._client.call(f"delete lease {namespace}/{name}", delete, name, namespace)
        except NotFound:
            return

    def read(self, name: str, namespace: str) -> SiteLease:
        """Return the Lease of a site's parents; listed, which is the right that a parent has."""
        found, _ = self._client.list_all(
            f"list leases in namespace {namespace}",
            self._client.core.list_namespaced_lease,
            namespace,
            field_selector=f"metadata.name={name}",
        )
        return _site_lease(found[0]) if found else SiteLease()

    def write(self, name: str, namespace: str, lease: SiteLease) -> None:
        """Write the Lease of a site's parents; with another resource version a patch is refused."""
        core, body, what = self._client.core, _site_body(name, lease), f"lease {namespace}/{name}"
        if not lease.version:
            self._client.call(f"create {what}", core.create_namespaced_lease, namespace, body)
            return
        try:
            self._client.call(f"patch {what}", core.patch_namespaced_lease, name, namespace, body)
        except NotFound as error:  # somebody has deleted it since it was read
            raise Conflict(error.message) from error


def _site_body(name: str, lease: SiteLease) -> dict[str, Any]:
    return {
        "apiVersion": _GROUP,
        "kind": "Lease",
        # With the label `fljob gc` removes the Lease of a site that has had no parent for long.
        "metadata": {
            "name": name,
            "labels": {names.LABEL_WATCHER: "true"},
            **({"resourceVersion": lease.version} if lease.version else {}),
        },
        "spec": {
            "holderIdentity": lease.holder or None,
            "leaseDurationSeconds": LASTS,
            "leaseTransitions": lease.transitions,
            "acquireTime": _micro_time(lease.acquired) if lease.acquired else None,
            "renewTime": _micro_time(lease.renewed) if lease.renewed else None,
        },
    }


def _site_lease(raw: Mapping[str, Any]) -> SiteLease:
    spec = as_map(raw.get("spec"))
    return SiteLease(
        holder=as_text(spec.get("holderIdentity")),
        renewed=when(spec.get("renewTime")),
        acquired=when(spec.get("acquireTime")),
        transitions=changes if isinstance(changes := spec.get("leaseTransitions"), int) else 0,
        version=as_text(as_map(raw.get("metadata")).get("resourceVersion")),
    )


def _view(raw: Mapping[str, Any]) -> LeaseView:
    spec, annotations = as_map(raw.get("spec")), as_map(as_map(raw.get("metadata")).get("annotations"))
    return LeaseView(
        holder=as_text(spec.get("holderIdentity")),
        renewed=when(spec.get("renewTime")),
        jobs=marks_from_text(annotations.get(names.ANNOTATION_WATCHES)),
    )


def _micro_time(moment: datetime) -> str:
    """Return a time as Kubernetes writes a MicroTime: '2026-11-29T04:55:00.000000Z'."""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
