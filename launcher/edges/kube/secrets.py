"""Secrets. Values are written and never returned; what can be had is a mask that hides them in a text."""

from __future__ import annotations

import base64
import binascii
import logging
from collections.abc import Callable, Mapping
from typing import Any

from launcher.core.jobref import RELEASE_ANNOTATION
from launcher.core.names import LABEL_FEDERATION, LABEL_JOB_ID, LABEL_SITE
from launcher.core.redaction import masker
from launcher.core.views import PodView, SecretView
from launcher.edges.kube.client import KubeClient
from launcher.edges.kube.translate import when
from launcher.errors import Conflict, NotFound, Unavailable

__all__ = ["KubeSecrets"]

_LOG = logging.getLogger(__name__)
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

        Raises:
            Conflict: the one that is there is not that of the job (and site) of ``labels``.
            Unavailable: another writer was faster, three times.
            LauncherError: the API server refused; the message never holds a value.
        """
        metadata = {"name": name, "namespace": namespace, "labels": dict(labels)}
        content = {key: base64.b64encode(value).decode("ascii") for key, value in data.items()}
        body = {"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": metadata, "data": content}
        core, where = self._client.core, f"{namespace}/{name}"
        for _ in range(_TRIES):
            try:
                self._client.call(f"create secret {where}", core.create_namespaced_secret, namespace, body)
            except Conflict:
                if not replace:
                    return False
            else:
                return True
            if self._replace_own(name, namespace, body):
                return False
        raise Unavailable(f"cannot write secret {where}: somebody else keeps changing it")

    def _replace_own(self, name: str, namespace: str, body: Mapping[str, Any]) -> bool:
        """Replace the Secret of the same job; False when it was deleted or changed meanwhile."""
        metadata = body["metadata"]
        try:
            found = self._read(name, namespace)["metadata"]
        except NotFound:
            return False
        if not _is_of_same_job(found, metadata["labels"]):
            raise _anothers(f"{namespace}/{name}", found, metadata["labels"])
        # Only the one that was looked at is replaced.
        version = {"resourceVersion": found.get("resourceVersion")}
        try:
            self._replace(name, namespace, {**body, "metadata": {**metadata, **version}})
        except (NotFound, Conflict):
            return False
        return True

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
        content = {key: base64.b64encode(value).decode("ascii") for key, value in data.items()}
        for _ in range(_TRIES):
            if self.put(name, namespace, data, labels, replace=False):
                return True
            try:
                found = self._read(name, namespace)
                metadata, there = found["metadata"], found.get("data") or {}
                mark = (metadata.get("labels") or {}).get(LABEL_FEDERATION, "")
                if mark != labels.get(LABEL_FEDERATION, "") and (mark or there != content):
                    return False
                if mark and there == content:
                    return True
                metadata = {**metadata, "labels": {**(metadata.get("labels") or {}), **labels}}
                self._replace(name, namespace, {**found, "metadata": metadata, "data": content})
            except (NotFound, Conflict):
                continue  # deleted or changed since: from the start
            return True
        raise Unavailable(f"cannot write secret {where}: somebody else keeps changing it")

    def delete(self, name: str, namespace: str) -> bool:
        """Delete a Secret with our job-id label and return True, as when there is none; another's stays."""
        for _ in range(_TRIES):
            try:
                metadata = self._read(name, namespace)["metadata"]
                if not _is_credential(metadata):
                    _LOG.warning("secret %s/%s is not a job's: left alone", namespace, name)
                    return False
                self._client.call(
                    f"delete secret {namespace}/{name}",
                    self._client.core.delete_namespaced_secret,
                    name,
                    namespace,
                    body={"preconditions": {"uid": metadata.get("uid")}},
                )
            except NotFound:
                return True
            except Conflict:
                continue  # another one of the name since
            return True
        raise Unavailable(f"cannot delete secret {namespace}/{name}: somebody else keeps making it anew")

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
        data = self._read(name, namespace).get("data") or {}
        return masker(_decoded(value) for value in data.values())

    def list(self, namespace: str) -> Mapping[str, SecretView]:
        """Return the Secrets that carry our job-id label, by name, without their values."""
        answer = self._client.call(
            f"list secrets in namespace {namespace}",
            self._client.core.list_namespaced_secret,
            namespace,
            label_selector=f"{LABEL_JOB_ID},owner!=helm",
        )
        metadata = [item["metadata"] for item in answer.get("items") or ()]
        return {item["name"]: _view(item) for item in metadata}


def _view(metadata: Mapping[str, Any]) -> SecretView:
    labels = metadata["labels"]  # it was selected by one
    made = when(metadata.get("creationTimestamp"))
    return SecretView(
        made,
        labels[LABEL_JOB_ID],
        labels.get(LABEL_FEDERATION, ""),
        labels.get(LABEL_SITE, ""),
        _is_of_helm(metadata),
    )


def _is_of_helm(metadata: Mapping[str, Any]) -> bool:
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    return labels.get("app.kubernetes.io/managed-by") == "Helm" or RELEASE_ANNOTATION in annotations


def _is_credential(metadata: Mapping[str, Any]) -> bool:
    return LABEL_JOB_ID in (metadata.get("labels") or {}) and not _is_of_helm(metadata)


def _is_of_same_job(found: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    there = found.get("labels") or {}
    same = all(there.get(key) == labels.get(key) for key in (LABEL_JOB_ID, LABEL_SITE))
    return same and not _is_of_helm(found)


def _anothers(where: str, found: Mapping[str, Any], labels: Mapping[str, str]) -> Conflict:
    there = found.get("labels") or {}
    whose = f"job {there[LABEL_JOB_ID]!r}" if LABEL_JOB_ID in there else "somebody else"
    return Conflict(
        f"secret {where} belongs to {whose}, not to job {labels.get(LABEL_JOB_ID)!r}",
        cure="wait until that job is gone, or remove the Secret by hand",
    )


def _decoded(value: str) -> str:
    try:
        return base64.b64decode(value).decode("utf-8", "replace")
    except (binascii.Error, TypeError, ValueError):
        return ""
