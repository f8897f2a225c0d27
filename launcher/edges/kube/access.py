"""Checks of a namespace before jobs run in it: does it exist, what is in it, which rights are granted."""

from __future__ import annotations

from kubernetes import client

from launcher.edges.kube.client import KubeClient
from launcher.errors import Conflict, NotFound, Rejected

__all__ = ["KubeAccess"]


class KubeAccess:
    """Read-only requests to the API server; each may raise ``Unavailable`` or ``Denied``."""

    def __init__(self, kube: KubeClient) -> None:
        self._kube = kube
        self._authorization = client.AuthorizationV1Api(kube.core.api_client)

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
            self._authorization.create_self_subject_access_review,
            {**body, "spec": {"resourceAttributes": attributes}},
        )
        return bool(answer.get("status", {}).get("allowed"))

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

    def claim_phase(self, name: str, namespace: str) -> str | None:
        """Return the phase of a PersistentVolumeClaim, such as ``Bound``; None = there is none."""
        action = f"read persistentvolumeclaim {namespace}/{name}"
        read = self._kube.core.read_namespaced_persistent_volume_claim
        try:
            return str(self._kube.call(action, read, name, namespace).get("status", {}).get("phase", ""))
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
