"""Secrets. Values are written and never returned; what can be had is a mask that hides them in a text."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any

from launcher.core.names import LABEL_FEDERATION, LABEL_JOB_ID
from launcher.core.redaction import masker
from launcher.core.views import PodView, SecretView
from launcher.edges.kube.client import KubeClient
from launcher.edges.kube.translate import when
from launcher.errors import Conflict, NotFound, Unavailable

__all__ = ["KubeSecrets"]

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
            try:
                action = f"replace secret {where}"
                self._client.call(action, core.replace_namespaced_secret, name, namespace, body)
            except (NotFound, Conflict):
                continue  # deleted or changed meanwhile
            return False
        raise Unavailable(f"cannot write secret {where}: somebody else keeps changing it")

    def own(self, name: str, namespace: str, pod: PodView) -> None:
        """Make ``pod`` the owner, so that Kubernetes deletes the Secret with the pod."""
        owner = {"apiVersion": "v1", "kind": "Pod", "name": pod.name, "uid": pod.uid}
        body = {"metadata": {"ownerReferences": [owner]}}
        action = f"patch secret {namespace}/{name}"
        self._client.call(action, self._client.core.patch_namespaced_secret, name, namespace, body)

    def delete(self, name: str, namespace: str) -> None:
        """Delete a Secret; absence is success."""
        try:
            self._client.call(
                f"delete secret {namespace}/{name}",
                self._client.core.delete_namespaced_secret,
                name,
                namespace,
            )
        except NotFound:
            return

    def mask(self, name: str, namespace: str) -> Callable[[str], str]:
        """Return a function that hides the Secret's values in a text.

        Raises:
            NotFound: there is no such Secret.
            LauncherError: the API server refused, or could not be reached.
        """
        read = self._client.core.read_namespaced_secret
        data = self._client.call(f"read secret {namespace}/{name}", read, name, namespace).get("data") or {}
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
    return SecretView(made, labels[LABEL_JOB_ID], labels.get(LABEL_FEDERATION, ""))


def _decoded(value: str) -> str:
    try:
        return base64.b64decode(value).decode("utf-8", "replace")
    except (binascii.Error, TypeError, ValueError):
        return ""
