"""Checks of a namespace before jobs run in it: does it exist, what is in it, which rights are granted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from launcher.core.flare.roll_out import NodeImages
from launcher.edges.kube.client import KubeClient
from launcher.edges.kube.listwatch import no_list
from launcher.edges.kube.untyped import as_map, as_maps, as_name, as_text
from launcher.errors import Conflict, NotFound, Rejected

__all__ = ["KubeAccess"]

_WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


class KubeAccess:
    """Read-only requests to the API server; each may raise ``Unavailable`` or ``Denied``."""

    def __init__(self, kube: KubeClient) -> None:
        self._kube = kube

    def allowed(self, group: str, resource: str, verb: str, namespace: str) -> bool:
        """Return whether a verb is allowed; every authenticated user may create a SelfSubjectAccessReview."""
        resource, _, subresource = resource.partition("/")
        attributes = {
            "group": group,
            "resource": resource,
            "subresource": subresource,
            "verb": verb,
            "namespace": namespace,
        }
        body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview"}
        answer = self._kube.call(
            f"ask whether {verb} {resource} is allowed in {namespace}",
            self._kube.core.create_self_subject_access_review,
            {**body, "spec": {"resourceAttributes": attributes}},
        )
        return bool(as_map(answer.get("status")).get("allowed"))

    def user(self) -> str:
        """Return the user that the API server takes us for; before Kubernetes 1.28 it is empty."""
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        try:
            answer = self._kube.call("ask who we are", self._kube.core.request, _WHO, verb="POST", body=body)
        except NotFound:
            return ""
        return as_text(as_map(as_map(answer.get("status")).get("userInfo")).get("username"))

    def has_namespace(self, namespace: str) -> bool:
        """Return whether a namespace exists, by creating a Secret in dry-run mode.

        The parent of a site has no right to read namespaces; lists of a missing namespace are empty, and all
        rights in it may be granted. Only creating says ``namespaces "x" not found``.

        Raises:
            Denied: the right to create Secrets is missing.
        """
        body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "fljob-doctor"}}
        create = self._kube.core.create_namespaced_secret
        try:
            self._kube.call(f"try out namespace {namespace}", create, namespace, body, dry_run="All")
        except NotFound:
            return False
        except (Conflict, Rejected):
            return True  # such as an exhausted quota: admission saw the namespace
        return True

    def node_images(self) -> list[NodeImages]:
        """Return all nodes with the images that they say they have; it needs the right to list nodes."""
        action = "list nodes"
        items, version = self._kube.list_all(action, self._list_nodes, "")
        if not version:
            raise no_list(action)
        return [_node_images(one) for one in items]

    def _list_nodes(self, _: str, **options: Any) -> Any:
        return self._kube.core.list_node(**options)

    def claim_phase(self, name: str, namespace: str) -> str | None:
        """Return the phase of a PersistentVolumeClaim, such as ``Bound``; None = there is none."""
        action = f"read persistentvolumeclaim {namespace}/{name}"
        read = self._kube.core.read_namespaced_persistent_volume_claim
        try:
            return as_text(as_map(self._kube.call(action, read, name, namespace).get("status")).get("phase"))
        except NotFound:
            return None

    def has_secret(self, name: str, namespace: str) -> bool:
        """Return whether a Secret exists; its content is dropped."""
        try:
            self._kube.call(
                f"read secret {namespace}/{name}", self._kube.core.read_namespaced_secret, name, namespace
            )
        except NotFound:
            return False
        return True


def _node_images(raw: Mapping[str, Any]) -> NodeImages:
    """Return what a node says of its images; one that is cordoned or tainted is not open."""
    metadata, spec = as_map(raw.get("metadata")), as_map(raw.get("spec"))
    listed = list(as_maps(as_map(raw.get("status")).get("images")))
    closing = (taint for taint in as_maps(spec.get("taints")) if taint.get("effect") != "PreferNoSchedule")
    return NodeImages(
        name=as_name(metadata.get("name")),
        images={name: _bytes(one.get("sizeBytes")) for one in listed for name in _texts(one.get("names"))},
        count=len(listed),
        labels={key: as_text(value) for key, value in as_map(metadata.get("labels")).items()},
        is_open=not spec.get("unschedulable") and next(closing, None) is None,
    )


def _bytes(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _texts(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
