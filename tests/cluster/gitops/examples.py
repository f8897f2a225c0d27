"""The manifests of examples/gitops with the names of a test in them: registry, digests, namespaces, image, command."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.conftest import ROOT, happens, kubectl
from tests.cluster.gitops.registry import Registry

__all__ = ["Names", "conditions", "eventually", "found"]

GITOPS = ROOT / "examples/gitops"
NOTHING = "sha256:" + "0" * 64
WITHIN = 120.0
# What an engine follows, and takes away with what it has made.
_FOLLOWED = ("Application", "HelmRelease")


def found(kind: str, name: str, namespace: str) -> dict[str, Any] | None:
    """Return an object, None when it is not there."""
    text = kubectl("get", kind, name, "-n", namespace, "--ignore-not-found", "-o", "json")
    return json.loads(text) if text else None


def conditions(document: Mapping[str, Any] | None) -> dict[str, tuple[str, str]]:
    """Return type -> (status, message) of an object's conditions that are about what it says now."""
    if document is None:
        return {}
    now, made = document["metadata"]["generation"], document.get("status", {}).get("conditions", ())
    # Of the object as a whole a failure is no observed generation.
    current = [one for one in made if one.get("observedGeneration") == now]
    return {one["type"]: (one["status"], one.get("message", "")) for one in current}


def eventually(condition: Callable[[], object], shown: Callable[[], object], seconds: float = WITHIN) -> None:
    """Wait for a condition; what is shown is why it failed."""
    assert happens(condition, seconds, pause=0.5), shown()


@dataclass
class Names:
    """What a test fills into the examples, and what of it must be removed.

    Attributes:
        namespace: takes the place of both namespaces of the examples, and is part of every name outside of it.
        registry: where the charts are.
        image: of the job; has a shell.
        command: of the job, shell text.
    """

    namespace: str
    registry: Registry
    image: str = ""
    command: str = "echo ran"
    applied: list[dict[str, Any]] = field(default_factory=list)

    def documents(self, name: str, digest: str = NOTHING) -> list[dict[str, Any]]:
        """Return the objects of an example with the names of this test."""
        text = (GITOPS / name).read_text()
        changes = {
            "registry.example/train@" + NOTHING: self.image,
            NOTHING: digest,
            "registry.example/": f"{self.registry.pods}/",
            "namespace: fl-jobs": f"namespace: {self.namespace}",
            "name: fl-jobs": f"name: {self.namespace}",
            "namespace: fl}": f"namespace: {self.namespace}}}",
            "name: fl\n": f"name: {self.namespace}\n",
            "python3": "sh",
            "- /opt/train.py": f"- -c\n{{INDENT}}- {json.dumps(self.command)}",
        }
        for old, new in changes.items():
            if "{INDENT}" in new:
                text = "\n".join(self._indented(line, old, new) for line in text.split("\n"))
            text = text.replace(old, new)
        return [self._local(one) for one in yaml.safe_load_all(text) if one]

    @staticmethod
    def _indented(line: str, old: str, new: str) -> str:
        indent = line[: len(line) - len(line.lstrip())]
        return line.replace(old, new.replace("{INDENT}", indent)) if old in line else line

    def _local(self, document: dict[str, Any]) -> dict[str, Any]:
        """Say what is the test's own: a registry without certificate, names outside of the namespace, the user."""
        spec = document.get("spec", {})
        if document["kind"] == "OCIRepository":
            spec["insecure"] = True
        values = spec.get("values") or spec.get("source", {}).get("helm", {}).get("valuesObject")
        if values:  # of the job: its image has no user, and `podSecurity: restricted` wants one
            values["pod"]["spec"] = {"securityContext": {"runAsUser": 65534}}
        if document["kind"] in ("Application", "AppProject"):
            document["metadata"]["name"] += f"-{self.namespace}"
        if document["kind"] == "Application":
            document["spec"]["project"] += f"-{self.namespace}"
        return document

    def apply(self, name: str, digest: str = NOTHING, change: Callable[[Any], None] | None = None) -> None:
        """Apply an example; ``change`` may alter its objects before."""
        made = self.documents(name, digest)
        for document in made:
            if change:
                change(document)
        self.put(*made)

    def put(self, *documents: dict[str, Any]) -> None:
        """Apply objects, and remember them for the end."""
        self.applied += documents
        kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(documents))

    def keys(self) -> None:
        """Put the public key where the examples name it."""
        key = f"--from-file=cosign.pub={self.registry.keys / 'cosign.pub'}"
        kubectl("create", "secret", "generic", "cosign-keys", "-n", self.namespace, key)

    def get(self, kind: str, name: str) -> dict[str, Any] | None:
        """Return an object of the namespace, None when it is not there."""
        return found(kind, name, self.namespace)

    def reconcile(self, kind: str, name: str) -> None:
        """Have Flux look at an object now, and wait until it has."""
        asked = str(time.time_ns())
        kubectl(
            "annotate",
            kind,
            name,
            "-n",
            self.namespace,
            "--overwrite",
            f"reconcile.fluxcd.io/requestedAt={asked}",
        )

        def handled() -> bool:
            return (self.get(kind, name) or {}).get("status", {}).get("lastHandledReconcileAt") == asked

        eventually(handled, lambda: self.get(kind, name))

    def remove(self) -> None:
        """Remove what was applied, last first, and with it the namespace.

        First what an engine follows: it makes a parent anew that somebody else removes. An Application whose
        AppProject is gone can never be removed, so it has time; and Argo CD removes none in the midst of an
        operation, and tries one that fails five times, for three minutes: it is told to stop.
        """
        followed = [one for one in self.applied if one["kind"] in _FOLLOWED]
        others = [one for one in self.applied if one["kind"] not in _FOLLOWED]
        self._delete(followed)
        # A parent ignores SIGTERM: without this its claim, and the namespace, wait half a minute for it.
        here = ["-n", self.namespace, "--wait=false"]
        for words in (["deployment,replicaset"], ["pod", "--grace-period=1"]):
            kubectl("delete", *words, "--all", *here)
        self._delete(others)
        # The claim of a parent; /share of the nodes.
        shutil.rmtree(Path(os.environ["FLJOB_SHARE"], self.namespace), ignore_errors=True)

    def _delete(self, documents: list[dict[str, Any]]) -> None:
        for document in reversed(documents):
            meta = document["metadata"]
            where = ["-n", meta["namespace"]] if "namespace" in meta else []
            words = ["delete", document["kind"], meta["name"], *where, "--ignore-not-found", "--timeout=240s"]
            if document["kind"] == "Namespace":
                words.append("--wait=false")
            if document["kind"] == "Application":
                _stop_operation(meta)
            subprocess.run(["kubectl", *words], check=False, capture_output=True)


def _stop_operation(meta: dict[str, Any]) -> None:
    """Have Argo CD try an operation that fails no more, as `argocd app terminate-op` does."""
    status = (found("application", meta["name"], meta["namespace"]) or {}).get("status", {})
    if status.get("operationState", {}).get("phase") == "Running":
        patch = json.dumps({"status": {"operationState": {"phase": "Terminating"}}})
        words = ["patch", "application", meta["name"], "-n", meta["namespace"], "--type=merge", "-p", patch]
        subprocess.run(["kubectl", *words], check=False, capture_output=True)
