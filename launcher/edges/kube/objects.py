"""Objects of any kind by name: is it there, whose release made it, take it away."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from launcher.core.catalogue.reasons import cure_of
from launcher.core.foreign import shallow
from launcher.core.jobref import RELEASE_ANNOTATION
from launcher.core.views import MadeObject, ObjectRef, Seen
from launcher.edges.kube.client import KubeClient
from launcher.edges.kube.errors import looked
from launcher.edges.kube.untyped import as_map, as_maps
from launcher.errors import Conflict, NotFound, Reason, Rejected

__all__ = ["KubeObjects"]

_NAMESPACE_ANNOTATION = "meta.helm.sh/release-namespace"
# As Helm 4.3 applies: what others have changed since is not in its way.
_AS_HELM = {"field_manager": "helm", "force": True, "field_validation": "Ignore"}
_KEEP = "helm.sh/resource-policy"


class KubeObjects:
    """What a chart has made, of any kind; the API server is asked once for the resources of kinds."""

    def __init__(self, client: KubeClient) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._resources: dict[str, Mapping[str, tuple[str, bool]]] = {}

    def look(self, ref: ObjectRef) -> Seen[MadeObject]:
        """Read an object; ABSENT is certain.

        Raises:
            Denied: a right is missing.
        """
        seen = looked(lambda: self.read(ref))
        return Seen(seen.presence, _made(seen.value) if seen.value is not None else None, seen.why, seen.cure)

    def read(self, ref: ObjectRef) -> Mapping[str, Any]:
        """Return an object as it is; raises a LauncherError, NotFound when it certainly is not there."""
        path = self._path(ref)
        if not path:
            raise NotFound(f"the cluster knows no {ref.kind} of {ref.api_version}")
        return self._client.call(f"get {ref.text}", self._client.core.request, path)

    def try_out(self, ref: ObjectRef, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return an object as the API server would store it, webhooks included; nothing is stored.

        A POST, so that an object of that name is told; unknown fields are refused, as by server-side apply.

        Raises:
            LauncherError: what would be said to a creation.
        """
        path = self._path(ref)
        if not path:
            words = f"no matches for kind {ref.kind!r} in version {ref.api_version!r}"
            reason = Reason.UNKNOWN_KIND
            raise Rejected(f"cannot create {ref.text}: {words}", cure=cure_of(reason), reason=reason)
        query = {"dryRun": "All", "fieldValidation": "Strict", "fieldManager": "helm"}
        send, where = self._client.core.request, path.rpartition("/")[0]
        return self._client.call(f"create {ref.text}", send, where, verb="POST", query=query, body=body)

    def raw(self, ref: ObjectRef) -> Seen[Mapping[str, Any]]:
        """Read an object as it is, but for what is nested too deep; ABSENT is certain.

        Raises:
            Denied: a right is missing.
        """
        return looked(lambda: as_map(shallow(self.read(ref))))

    def applied(self, ref: ObjectRef, manifest: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what an object would be if Helm applied a manifest again; nothing is changed (a dry run).

        Raises:
            LauncherError: the right to patch is missing, it is refused, or there was no answer.
        """
        path, action = self._path(ref), f"try to apply {ref.text}"
        if not path:
            raise NotFound(f"the cluster knows no {ref.kind} of {ref.api_version}")
        answer = self._client.call(
            action, self._client.core.apply_object, path, manifest, dry_run="All", **_AS_HELM
        )
        return as_map(shallow(answer))

    def delete(self, ref: ObjectRef, uid: str) -> None:
        """Delete exactly the object with that uid; absence is success."""
        path, body = self._path(ref), {"preconditions": {"uid": uid}}
        if not path:
            return
        try:
            self._client.call(f"delete {ref.text}", self._client.core.request, path, verb="DELETE", body=body)
        except (NotFound, Conflict):
            return

    def _path(self, ref: ObjectRef) -> str:
        """Return the path of an object; empty when the cluster does not know its kind (any more)."""
        resource, is_namespaced = self._kinds(ref.api_version).get(ref.kind, ("", False))
        if not resource:
            return ""
        where = f"/namespaces/{quote(ref.namespace)}" if is_namespaced else ""
        return f"{_root(ref.api_version)}{where}/{resource}/{quote(ref.name)}"

    def _kinds(self, api_version: str) -> Mapping[str, tuple[str, bool]]:
        with self._lock:
            known = self._resources.get(api_version)
        if known is not None:
            return known
        try:
            answer = self._client.call(
                f"ask for the kinds of {api_version}", self._client.core.request, _root(api_version)
            )
        except NotFound:
            return {}
        kinds = {
            str(one.get("kind")): (str(one.get("name")), bool(one.get("namespaced")))
            for one in as_maps(answer.get("resources"))
            if "/" not in str(one.get("name"))
        }
        with self._lock:
            self._resources[api_version] = kinds
        return kinds


def _root(api_version: str) -> str:
    return f"/apis/{quote(api_version)}" if "/" in api_version else f"/api/{quote(api_version)}"


def _made(raw: Mapping[str, Any]) -> MadeObject:
    metadata = as_map(raw.get("metadata"))
    annotations = as_map(metadata.get("annotations"))
    return MadeObject(
        uid=str(metadata.get("uid") or ""),
        release=str(annotations.get(RELEASE_ANNOTATION) or ""),
        namespace=str(annotations.get(_NAMESPACE_ANNOTATION) or ""),
        stays=bool(metadata.get("deletionTimestamp")) or annotations.get(_KEEP) == "keep",
    )
