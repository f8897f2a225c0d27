"""The requests to the API server that are made, under the names that the library ``kubernetes`` gives them.

Answers are JSON that others read, so the generated client and its models (0.5 s to import) are not needed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

__all__ = ["Api", "Send"]

# Sends a method, a path with its query, and a body; keyword arguments: ``content_type``, ``accept``,
# ``timeout``.
Send = Callable[..., Any]
# The API server merges lists of ownerReferences by uid, and maps by key.
_PATCH = "application/strategic-merge-patch+json"
_MERGE_PATCH, _JSON_PATCH = "application/merge-patch+json", "application/json-patch+json"
_METADATA = "application/json;as=PartialObjectMetadata{};g=meta.k8s.io;v=v1"
_APPLY = "application/apply-patch+yaml"
_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


class Api:
    """One method per request; ``options`` are query parameters in snake case, and ``_request_timeout``.

    Args:
        send: of the connection.
    """

    def __init__(self, send: Send) -> None:
        self._send = send

    def list_namespaced_pod(self, namespace: str, **options: Any) -> Any:
        """List the pods of a namespace, or watch them."""
        return self._ask("GET", _path(namespace, "pods"), options)

    def list_pod_for_all_namespaces(self, **options: Any) -> Any:
        """List the pods of all namespaces."""
        return self._ask("GET", "/api/v1/pods", options)

    def list_namespace(self, **options: Any) -> Any:
        """List the namespaces."""
        return self._ask("GET", "/api/v1/namespaces", options)

    def read_namespace(self, name: str, **options: Any) -> Any:
        """Read a namespace."""
        return self._ask("GET", _path(name), options)

    def read_namespaced_pod(self, name: str, namespace: str, **options: Any) -> Any:
        """Read a pod."""
        return self._ask("GET", _path(namespace, "pods", name), options)

    def read_namespaced_pod_log(self, name: str, namespace: str, **options: Any) -> Any:
        """Read the log of a container."""
        return self._ask("GET", _path(namespace, "pods", name, "log"), options)

    def delete_namespaced_pod(self, name: str, namespace: str, body: Any, **options: Any) -> Any:
        """Delete a pod."""
        return self._ask("DELETE", _path(namespace, "pods", name), options, body)

    def list_namespaced_event(self, namespace: str, **options: Any) -> Any:
        """List the events of a namespace, or watch them."""
        return self._ask("GET", _path(namespace, "events"), options)

    def apply_namespaced_event(self, name: str, namespace: str, body: Any, **options: Any) -> Any:
        """Create or change an event by server-side apply."""
        path = _path(namespace, "events", name)
        return self._ask("PATCH", path, options, json.dumps(body), content_type=_APPLY)

    def list_node(self, **options: Any) -> Any:
        """List the nodes."""
        return self._ask("GET", "/api/v1/nodes", options)

    def list_namespaced_secret(self, namespace: str, **options: Any) -> Any:
        """List the Secrets of a namespace."""
        return self._ask("GET", _path(namespace, "secrets"), options)

    def list_secret_for_all_namespaces(self, **options: Any) -> Any:
        """List the Secrets of all namespaces."""
        return self._ask("GET", "/api/v1/secrets", options)

    def read_namespaced_secret(self, name: str, namespace: str, **options: Any) -> Any:
        """Read a Secret."""
        return self._ask("GET", _path(namespace, "secrets", name), options)

    def create_namespaced_secret(self, namespace: str, body: Any, **options: Any) -> Any:
        """Create a Secret."""
        return self._ask("POST", _path(namespace, "secrets"), options, body)

    def replace_namespaced_secret(self, name: str, namespace: str, body: Any, **options: Any) -> Any:
        """Replace a Secret."""
        return self._ask("PUT", _path(namespace, "secrets", name), options, body)

    def patch_namespaced_secret(self, name: str, namespace: str, body: Any, **options: Any) -> Any:
        """Change a Secret by a strategic merge patch."""
        return self._ask("PATCH", _path(namespace, "secrets", name), options, body, content_type=_PATCH)

    def delete_namespaced_secret(self, name: str, namespace: str, body: Any, **options: Any) -> Any:
        """Delete a Secret."""
        return self._ask("DELETE", _path(namespace, "secrets", name), options, body)

    def read_namespaced_persistent_volume_claim(self, name: str, namespace: str, **options: Any) -> Any:
        """Read a claim."""
        return self._ask("GET", _path(namespace, "persistentvolumeclaims", name), options)

    def create_self_subject_access_review(self, body: Any, **options: Any) -> Any:
        """Ask whether the user may do something."""
        return self._ask("POST", _REVIEWS, options, body)

    def list_namespaced_limit_range(self, namespace: str, **options: Any) -> Any:
        """List the LimitRanges of a namespace."""
        return self._ask("GET", _path(namespace, "limitranges"), options)

    def list_namespaced_lease(self, namespace: str, **options: Any) -> Any:
        """List the Leases of a namespace."""
        return self._ask("GET", _leases(namespace), options)

    def apply_namespaced_lease(self, name: str, namespace: str, body: Any, **options: Any) -> Any:
        """Create or change a Lease by server-side apply."""
        text = json.dumps(body)  # which is YAML, too; the library makes no text of this content type itself
        return self._ask("PATCH", _leases(namespace, name), options, text, content_type=_APPLY)

    def create_namespaced_lease(self, namespace: str, body: Any, **options: Any) -> Any:
        """Create a Lease."""
        return self._ask("POST", _leases(namespace), options, body)

    def patch_namespaced_lease(self, name: str, namespace: str, body: Any, **options: Any) -> Any:
        """Change a Lease by a merge patch."""
        return self._ask("PATCH", _leases(namespace, name), options, body, content_type=_MERGE_PATCH)

    def delete_namespaced_lease(self, name: str, namespace: str, **options: Any) -> Any:
        """Delete a Lease."""
        return self._ask("DELETE", _leases(namespace, name), options)

    def apply_object(self, path: str, body: Any, **options: Any) -> Any:
        """Create or change an object of any kind by server-side apply; the names in ``path`` are quoted."""
        return self._ask("PATCH", path, options, json.dumps(body), content_type=_APPLY)

    def request(
        self,
        path: str,
        *,
        verb: str = "GET",
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        metadata_only: bool = False,
        **options: Any,
    ) -> Any:
        """Send a request about objects of any kind; the names in ``path`` are quoted.

        With ``metadata_only`` the answer is a list (of GET) or an object (else) without its content. A PATCH
        is a merge patch, of a list of steps a JSON patch.
        """
        patch = _JSON_PATCH if isinstance(body, list) else _MERGE_PATCH
        more = {"content_type": patch} if verb == "PATCH" else {}
        if metadata_only:
            more["accept"] = _METADATA.format("List" if verb == "GET" else "")
        return self._ask(verb, path, {**(query or {}), **options}, body, **more)

    def _ask(self, method: str, path: str, options: Mapping[str, Any], body: Any = None, **more: Any) -> Any:
        query = {
            _camel(name): str(value).lower() if isinstance(value, bool) else value
            for name, value in options.items()
            if name != "_request_timeout"
        }
        target = f"{path}?{urlencode(query, quote_via=quote)}" if query else path
        return self._send(method, target, body, timeout=options.get("_request_timeout"), **more)


def _path(namespace: str, *parts: str, root: str = "/api/v1") -> str:
    # Kubernetes has no name with a slash; whoever gives one must not ask for something else.
    return "/".join((f"{root}/namespaces", *(quote(part, safe="") for part in (namespace, *parts))))


def _leases(namespace: str, *name: str) -> str:
    return _path(namespace, "leases", *name, root="/apis/coordination.k8s.io/v1")


def _camel(name: str) -> str:
    """Return the name of a query parameter: ``label_selector`` is ``labelSelector``, ``_continue`` a word."""
    first, *others = name.strip("_").split("_")
    return first + "".join(word.capitalize() for word in others)
