"""What Helm's records of releases tell without helm: a request, and no process.

That is whether there is one, what it has made, and when, by the API server's clock: the times inside a record
are those of the machine on which helm ran.
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from launcher.core.names import ANNOTATION_LEDGER, ANNOTATION_POD_UID, LABEL_JOB_ID, LABEL_SITE
from launcher.core.releases import INSTALLING, StorageDriver
from launcher.core.revisions import Revision
from launcher.core.views import ObjectRef, Presence
from launcher.edges.kube.client import KubeClient
from launcher.edges.kube.errors import api_status
from launcher.edges.kube.listwatch import no_list
from launcher.edges.kube.objects import KubeObjects
from launcher.edges.kube.translate import when
from launcher.edges.kube.untyped import as_map, as_maps, as_text
from launcher.errors import Conflict, Denied, LauncherError, NotFound, Rejected, Unavailable

__all__ = ["KubeRecords"]

_KIND: Mapping[StorageDriver, str] = {"secret": "secrets", "configmap": "configmaps"}
# A Secret has a megabyte at most, and whoever may create one can make it a gigabyte when it is unpacked.
_LARGEST = 16 * 2**20
_NUMBER = re.compile(r"[0-9]{1,9}")
_GZIP = 16 + zlib.MAX_WBITS


class KubeRecords:
    """The objects in which Helm keeps its releases; of their content only the manifests are looked at.

    Args:
        client: sends the requests.
        driver: Helm's storage driver; the records of the other are not seen.
        objects: what the records name.
    """

    def __init__(self, client: KubeClient, driver: StorageDriver, objects: KubeObjects | None = None) -> None:
        self._client, self._kind = client, _KIND[driver]
        self._objects = objects or KubeObjects(client)

    def made(self, release: str, namespace: str) -> datetime | None:
        """Return when the first record of a release was made; None = there is none, or it does not say.

        Raises:
            LauncherError: it could not be asked for.
        """
        name = f"sh.helm.release.v1.{release}.v1"
        try:
            found = self._ask(f"get Helm's record {namespace}/{name}", namespace, f"/{quote(name)}")
        except NotFound:
            return None
        return when(as_map(found.get("metadata")).get("creationTimestamp"))

    def revisions(self, namespace: str, release: str = "") -> Mapping[tuple[str, str], tuple[Revision, ...]]:
        """Return the records of one release, or of all with our label; see ``launcher.edges.helm.Records``.

        Raises:
            LauncherError: they could not be asked for.
        """
        which = f"name={release}" if release else LABEL_JOB_ID
        items, revision = self._client.list_all(
            f"list Helm's records of {namespace or 'all namespaces'}{release and f'/{release}'}",
            partial(self._metadata, f"{_path(namespace)}/{self._kind}"),
            namespace,
            label_selector=f"owner=helm,{which}",
        )
        if not revision:  # not the API server's answer
            raise no_list("list Helm's records")
        found: dict[tuple[str, str], list[Revision]] = {}
        for item in items:
            metadata = as_map(item.get("metadata"))
            name = as_text(as_map(metadata.get("labels")).get("name"))
            found.setdefault((as_text(metadata.get("namespace")) or namespace, name), []).append(
                _revision(metadata)
            )
        return {key: tuple(sorted(some, key=lambda one: one.number)) for key, some in found.items()}

    def _metadata(self, path: str, _namespace: str, **query: Any) -> Any:
        return self._client.core.request(path, metadata_only=True, **query)

    def note_pod(self, release: str, namespace: str, uid: str) -> None:
        """Write into the record of a first install which pod it has made.

        Helm drops it when it writes the record again: on an upgrade by hand, and when it begins to uninstall.

        Raises:
            Rejected: it is noted, but Helm has not written that the release is installed.
            LauncherError: it was refused, or could not be asked for.
        """
        answer = self._annotate(release, namespace, {ANNOTATION_POD_UID: uid})
        if as_map(as_map(answer.get("metadata")).get("labels")).get("status") == INSTALLING:
            # Helm 4 ends with 0, and says on stderr: "failed to record the release" error="update: failed to
            # update: secrets \"sh.helm.release.v1.r1.v1\" is forbidden: ..."; Helm 3 says nothing.
            why = f"Helm could not write that release {release} is installed: it stays {INSTALLING}"
            asked = f"kubectl auth can-i update {self._kind} -n {namespace}"
            raise Rejected(why, cure=f"if `{asked}` says no, bind the Role that `fljob rbac` prints")

    def note_ledger(self, release: str, namespace: str, text: str, pod: str) -> None:
        """Write into the record of an install what was measured of its job, if it is that of this pod.

        Who still waits for a job that was launched again under its name must not write over the new one's.
        The API server compares (`test` of RFC 6902): nothing comes between.

        Raises:
            NotFound: there is no record.
            Conflict: it is that of another pod, or of none that is known.
            LauncherError: it was refused, or could not be asked for.
        """
        steps = [
            {"op": "test", "path": _pointer(ANNOTATION_POD_UID), "value": pod},
            {"op": "add", "path": _pointer(ANNOTATION_LEDGER), "value": text},
        ]
        try:
            self._patch(release, namespace, steps)
        except Rejected as error:
            if api_status(error.__cause__) != HTTPStatus.UNPROCESSABLE_ENTITY:
                raise  # a webhook's 400: 'admission webhook "x" denied the request'
            raise Conflict(f"Helm's record of release {release} is not that of pod {pod}") from error

    def _annotate(self, release: str, namespace: str, annotations: Mapping[str, str]) -> Mapping[str, Any]:
        return self._patch(release, namespace, {"metadata": {"annotations": dict(annotations)}})

    def _patch(self, release: str, namespace: str, body: Any) -> Mapping[str, Any]:
        name = f"sh.helm.release.v1.{release}.v1"
        path = f"{_path(namespace)}/{self._kind}/{quote(name)}"
        action = f"patch Helm's record, {self._kind[:-1]} {namespace}/{name}"
        request = self._client.core.request
        return as_map(self._client.call(action, request, path, verb="PATCH", body=body, metadata_only=True))

    def is_gone(self, release: str, namespace: str) -> bool:
        """Return whether there is certainly no record of any revision; False when that cannot be asked."""
        return self._list(release, namespace, 1) == []

    def manifest(self, release: str, namespace: str) -> str | None:
        """Return the manifests of a release, empty when there certainly is no record; None = ask helm.

        Helm alone knows what to do with several revisions, or with what it has not written.
        """
        found = self._list(release, namespace, 2)
        if not found:
            return None if found is None else ""
        return _manifest(found[0], self._kind) if len(found) == 1 else None

    def are_there(self, refs: Sequence[ObjectRef], release: str, namespace: str) -> bool:
        """Return whether all these objects of a release are certainly there, and stay.

        Raises:
            Unavailable: the cluster could not be asked.
        """
        return all(self._is_there(ref, release, namespace) for ref in refs)

    def _is_there(self, ref: ObjectRef, release: str, namespace: str) -> bool:
        try:
            seen = self._objects.look(ref)
        except Denied:
            return False  # nobody can tell
        if seen.presence is Presence.UNAVAILABLE:
            raise Unavailable(f"cannot see what release {release} has made: {seen.why}", cure=seen.cure)
        made = seen.value
        return made is not None and (made.release, made.namespace) == (release, namespace) and not made.stays

    def _list(self, release: str, namespace: str, most: int) -> list[Mapping[str, Any]] | None:
        """Return the first records of a release, None when they cannot be asked for."""
        # Labels of Helm's storage drivers (pkg/storage/driver/secrets.go), which its own queries use.
        # A list that asks for no version is never an old one.
        selector = f"owner=helm,name={release}"
        try:
            action = f"list Helm's records of {namespace}/{release}"
            answer = self._ask(action, namespace, labelSelector=selector, limit=most)
        except LauncherError:
            return None
        metadata, items = as_map(answer.get("metadata")), answer.get("items")
        found = list(as_maps(items))
        # `{}` and the like are not the API server's: whoever stands before it said that.
        if not metadata.get("resourceVersion") or not isinstance(items, list) or len(found) < len(items):
            return None
        # A page may have fewer than were asked for, even none.
        return None if metadata.get("continue") and len(found) < most else found

    def _ask(self, action: str, namespace: str, path: str = "", **query: Any) -> Mapping[str, Any]:
        path = f"{_path(namespace)}/{self._kind}{path}"
        return self._client.call(action, self._client.core.request, path, query=query)


def _path(namespace: str) -> str:
    return f"/api/v1/namespaces/{quote(namespace)}" if namespace else "/api/v1"


def _pointer(annotation: str) -> str:
    """Return where an annotation stands, as of RFC 6901."""
    return f"/metadata/annotations/{annotation.replace('~', '~0').replace('/', '~1')}"


def _revision(metadata: Mapping[str, Any]) -> Revision:
    labels, annotations = as_map(metadata.get("labels")), as_map(metadata.get("annotations"))
    number = as_text(labels.get("version"))
    return Revision(
        number=int(number) if _NUMBER.fullmatch(number) else 0,
        made=when(metadata.get("creationTimestamp")),
        pod_uid=as_text(annotations.get(ANNOTATION_POD_UID)),
        job_id=as_text(labels.get(LABEL_JOB_ID)),
        site=as_text(labels.get(LABEL_SITE)),
        ledger=as_text(annotations.get(ANNOTATION_LEDGER)),
    )


def _manifest(record: Mapping[str, Any], kind: str) -> str | None:
    """Return the manifests in a record; None when it is none that Helm 4.3 writes.

    That is JSON in gzip in base64 (pkg/storage/driver/util.go), and in a Secret in base64 again.
    """
    try:
        packed: Any = as_map(record.get("data")).get("release")
        for _ in range(2 if kind == "secrets" else 1):
            packed = base64.b64decode(packed, validate=True)
        unpacker = zlib.decompressobj(_GZIP)
        text = unpacker.decompress(packed, _LARGEST)
        manifest = json.loads(text)["manifest"] if unpacker.eof else None
    except (ValueError, TypeError, KeyError, zlib.error, RecursionError):
        return None
    return manifest if isinstance(manifest, str) and manifest else None
