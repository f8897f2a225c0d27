"""Secrets. Values are written and not returned; what can be had is a mask that hides them in a text.

A parent that takes over a running job is the one reader: FLARE must know the token that the job process has.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

from launcher.core.foreign import quoted
from launcher.core.jobref import RELEASE_ANNOTATION
from launcher.core.names import LABEL_FEDERATION, LABEL_JOB_ID, LABEL_SITE, STARTUP_PREFIX
from launcher.core.redaction import masker
from launcher.core.views import PodView, SecretView
from launcher.edges.kube.client import KubeClient
from launcher.edges.kube.translate import when
from launcher.edges.kube.untyped import as_bytes, as_map, as_maps, as_text
from launcher.errors import Conflict, NotFound, Unavailable
from launcher.logs import logger

__all__ = ["KubeSecrets"]

_LOG = logger(__name__)
_TRIES = 3


class KubeSecrets:
    """Opaque Secrets of jobs and sites (port ``Secrets``)."""

    def __init__(self, client: KubeClient) -> None:
        self._client = client

    def put(
        self,
        name: str,
        namespace: str,
        data: Mapping[str, bytes],
        labels: Mapping[str, str],
        *,
        replace: bool = True,
    ) -> bool:
        """Create a Secret (True), or replace or keep an existing one (False); tries three times on a race.

        One of the same job that is to be kept and has this very content is as good as made (True). What
        replaces another is a new object: its uid and its time tell whose launch it is of.

        Raises:
            Conflict: the one that is there is not that of the job (and site) of ``labels``.
            Unavailable: another writer was faster, three times.
            LauncherError: the API server refused; the message never holds a value.
        """
        metadata = {"name": name, "namespace": namespace, "labels": dict(labels)}
        content = _encoded(data)
        body = {"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": metadata, "data": content}
        core, where, is_new = self._client.core, f"{namespace}/{name}", True
        for _ in range(_TRIES + 1):
            try:
                self._client.call(f"create secret {where}", core.create_namespaced_secret, namespace, body)
            except Conflict:
                if not replace:
                    return self._has(name, namespace, body)
            else:
                return is_new
            is_new = not self._remove_own(name, namespace, labels) and is_new
        raise Unavailable(f"cannot write secret {where}: somebody else keeps changing it")

    def _has(self, name: str, namespace: str, body: Mapping[str, Any]) -> bool:
        """Tell whether there is a Secret of the same job with the same content."""
        try:
            found = self._read(name, namespace)
        except NotFound:
            return False
        is_same_job = _is_of_same_job(as_map(found.get("metadata")), body["metadata"]["labels"])
        return is_same_job and as_map(found.get("data")) == body["data"]

    def _remove_own(self, name: str, namespace: str, labels: Mapping[str, str]) -> bool:
        """Delete the Secret of the same job; False when it was deleted or changed meanwhile."""
        try:
            found = as_map(self._read(name, namespace).get("metadata"))
        except NotFound:
            return False
        if not _is_of_same_job(found, labels):
            raise _anothers(f"{namespace}/{name}", found, labels)
        try:
            self._delete_just(found, name, namespace)
        except (NotFound, Conflict):
            return False
        return True

    def _delete_just(self, metadata: Mapping[str, Any], name: str, namespace: str) -> None:
        """Delete the very Secret that was looked at, as it was; raises NotFound and Conflict."""
        delete = self._client.core.delete_namespaced_secret
        seen = {key: metadata.get(key) for key in ("uid", "resourceVersion")}
        action = f"delete secret {namespace}/{name}"
        self._client.call(action, delete, name, namespace, body={"preconditions": seen})

    def own(self, name: str, namespace: str, pod: PodView) -> None:
        """Make ``pod`` the owner, so that Kubernetes deletes the Secret with the pod."""
        owner = {"apiVersion": "v1", "kind": "Pod", "name": pod.name, "uid": pod.uid}
        body = {"metadata": {"ownerReferences": [owner]}}
        action = f"patch secret {namespace}/{name}"
        self._client.call(action, self._client.core.patch_namespaced_secret, name, namespace, body)

    def put_shared(
        self, name: str, namespace: str, data: Mapping[str, bytes], labels: Mapping[str, str]
    ) -> bool:
        """Make a Secret that all jobs of a site share hold ``data``; False when the one there is another's.

        It is ours when its federation label is that of ``labels``, or when it has none (older launchers wrote
        none) and the same content.

        Raises:
            Unavailable: three tries met another writer each.
            LauncherError: the API server refused; the message never holds a value.
        """
        where = f"{namespace}/{name}"
        content = _encoded(data)
        for _ in range(_TRIES):
            try:
                found = self._read(name, namespace)
            except NotFound:
                if self.put(name, namespace, data, labels, replace=False):
                    return True
                continue
            try:
                metadata, there = as_map(found.get("metadata")), as_map(found.get("data"))
                mark = as_map(metadata.get("labels")).get(LABEL_FEDERATION, "")
                if mark != labels.get(LABEL_FEDERATION, "") and (mark or there != content):
                    return False
                if mark and there == content:
                    return True
                metadata = {**metadata, "labels": {**as_map(metadata.get("labels")), **labels}}
                self._replace(name, namespace, {**found, "metadata": metadata, "data": content})
            except (NotFound, Conflict):
                continue  # deleted or changed since: from the start
            return True
        raise Unavailable(f"cannot write secret {where}: somebody else keeps changing it")

    def delete(
        self,
        name: str,
        namespace: str,
        is_ours: Callable[[SecretView], bool] = lambda _: True,
        *,
        holding: Mapping[str, bytes] | None = None,
    ) -> bool:
        """Delete a Secret with our job-id label; see :class:`launcher.usecases.ports.Secrets`."""

        def is_credential(found: Mapping[str, Any]) -> bool:
            metadata = as_map(found.get("metadata"))
            holds = holding is None or as_map(found.get("data")) == _encoded(holding)
            return _is_credential(metadata) and holds and is_ours(_view(metadata))

        return self._delete(name, namespace, is_credential)

    def delete_shared(self, name: str, namespace: str) -> bool:
        """Delete the Secret of a startup kit and return True, as when there is none; another's stays."""
        return self._delete(name, namespace, lambda found: _is_startup_kit(as_map(found.get("metadata"))))

    def _delete(self, name: str, namespace: str, is_ours: Callable[[Mapping[str, Any]], bool]) -> bool:
        for _ in range(_TRIES):
            try:
                found = self._read(name, namespace)
                if not is_ours(found):
                    _LOG.warning("secret %s/%s is not, or no longer, ours: left alone", namespace, name)
                    return False
                self._delete_just(as_map(found.get("metadata")), name, namespace)
            except NotFound:
                return True
            except Conflict:
                continue  # changed, or another one of the name, since
            return True
        raise Unavailable(f"cannot delete secret {namespace}/{name}: somebody else keeps making it anew")

    def shared(self, namespace: str) -> Mapping[str, SecretView]:
        """Return the Secrets of startup kits, by name, without their values."""
        return self._views(namespace, f"{LABEL_FEDERATION},!{LABEL_JOB_ID},owner!=helm", _is_startup_kit)

    def _replace(self, name: str, namespace: str, body: Mapping[str, Any]) -> None:
        replace = self._client.core.replace_namespaced_secret
        self._client.call(f"replace secret {namespace}/{name}", replace, name, namespace, body)

    def _read(self, name: str, namespace: str) -> Mapping[str, Any]:
        read = self._client.core.read_namespaced_secret
        found: Mapping[str, Any] = self._client.call(f"read secret {namespace}/{name}", read, name, namespace)
        return found

    def mask(self, name: str, namespace: str) -> Callable[[str], str]:
        """Return a function that hides the Secret's values in a text.

        Raises:
            NotFound: there is no such Secret.
            LauncherError: the API server refused, or could not be reached.
        """
        data = as_map(self._read(name, namespace).get("data"))
        return masker(_decoded(value) for value in data.values())

    def credentials(self, name: str, namespace: str) -> Mapping[str, str]:
        """Return the content of a per-job Secret.

        Raises:
            NotFound: there is no such Secret.
            Conflict: it is not a job's: it has no label of ours, or is of a Helm release.
            LauncherError: the API server refused, or could not be reached.
        """
        found = self._read(name, namespace)
        if not _is_credential(as_map(found.get("metadata"))):
            raise Conflict(f"secret {namespace}/{name} is not a job's")
        return {as_text(key): _decoded(value) for key, value in as_map(found.get("data")).items()}

    def list(self, namespace: str) -> Mapping[str, SecretView]:
        """Return the Secrets that carry our job-id label, by name, without their values.

        One that has no name is left out, with a warning: it is nobody's to remove, and spares nobody else's.
        """
        return self._views(namespace, f"{LABEL_JOB_ID},owner!=helm", lambda _: True)

    def _views(
        self, namespace: str, selector: str, is_wanted: Callable[[Mapping[str, Any]], bool]
    ) -> Mapping[str, SecretView]:
        answer = self._client.call(
            f"list secrets in namespace {namespace}",
            self._client.core.list_namespaced_secret,
            namespace,
            label_selector=selector,
        )
        found = [as_map(item.get("metadata")) for item in as_maps(answer.get("items"))]
        unreadable = sum(not as_text(one.get("name")) for one in found)
        if unreadable:
            _LOG.warning("%d of the secrets in namespace %s have no name", unreadable, namespace)
        named = [one for one in found if as_text(one.get("name")) and is_wanted(one)]
        return {as_text(one["name"]): _view(one) for one in named}

    def namespaces(self) -> set[str]:
        """Return the namespaces that have Secrets with our job-id label."""
        answer = self._client.call(
            "list secrets of all namespaces",
            self._client.core.list_secret_for_all_namespaces,
            label_selector=f"{LABEL_JOB_ID},owner!=helm",
        )
        found = {
            as_text(as_map(item.get("metadata")).get("namespace")) for item in as_maps(answer.get("items"))
        }
        return found - {""}


def _view(metadata: Mapping[str, Any]) -> SecretView:
    labels = as_map(metadata.get("labels"))
    job, federation, site = (as_text(labels.get(one)) for one in (LABEL_JOB_ID, LABEL_FEDERATION, LABEL_SITE))
    return SecretView(
        created=when(metadata.get("creationTimestamp")),
        job_id=job,
        federation=federation,
        site=site,
        of_helm=_is_of_helm(metadata),
        uid=as_text(metadata.get("uid")),
        owners=tuple(as_text(one.get("uid")) for one in as_maps(metadata.get("ownerReferences"))),
    )


def _is_of_helm(metadata: Mapping[str, Any]) -> bool:
    labels, annotations = as_map(metadata.get("labels")), as_map(metadata.get("annotations"))
    return labels.get("app.kubernetes.io/managed-by") == "Helm" or bool(annotations.get(RELEASE_ANNOTATION))


def _is_credential(metadata: Mapping[str, Any]) -> bool:
    return LABEL_JOB_ID in as_map(metadata.get("labels")) and not _is_of_helm(metadata)


def _is_startup_kit(metadata: Mapping[str, Any]) -> bool:
    labels = as_map(metadata.get("labels"))
    is_named = as_text(metadata.get("name")).startswith(STARTUP_PREFIX)
    is_labelled = LABEL_FEDERATION in labels and LABEL_JOB_ID not in labels
    return is_named and is_labelled and not _is_of_helm(metadata)


def _is_of_same_job(found: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    there = as_map(found.get("labels"))
    same = all(there.get(key) == labels.get(key) for key in (LABEL_JOB_ID, LABEL_SITE))
    return same and not _is_of_helm(found)


def _anothers(where: str, found: Mapping[str, Any], labels: Mapping[str, str]) -> Conflict:
    there = as_map(found.get("labels"))
    whose = f"job {quoted(there[LABEL_JOB_ID])}" if LABEL_JOB_ID in there else "somebody else"
    return Conflict(
        f"secret {where} belongs to {whose}, not to job {quoted(labels.get(LABEL_JOB_ID))}",
        cure="wait until that job is gone, or remove the Secret by hand",
    )


def _encoded(data: Mapping[str, bytes]) -> dict[str, str]:
    return {key: base64.b64encode(value).decode("ascii") for key, value in data.items()}


def _decoded(value: Any) -> str:
    return as_bytes(value).decode("utf-8", "replace")
