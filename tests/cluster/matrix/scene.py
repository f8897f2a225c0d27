"""Where a row plays: its namespace, its words, kubectl, and its job once that is launched."""

from __future__ import annotations

import string
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from launcher.usecases.handle import JobHandle

__all__ = ["Scene", "fake_node", "filler", "on_fake_node", "priority_class"]

_KUBECTL = ("kubectl", "--request-timeout=60s")


@dataclass
class Scene:
    """The stage of one row.

    Attributes:
        namespace: of this row alone.
        job_id: of its job.
        words: what stands for ``$word`` in the row's texts.
        handle: the job, once it is launched.
        undo: what else is to be done in the end.
    """

    namespace: str
    job_id: str
    words: Mapping[str, str]
    handle: JobHandle | None = None
    applied: list[str] = field(default_factory=list)
    undo: list[Callable[[], object]] = field(default_factory=list)

    def fill(self, text: str) -> str:
        """Return a text of the row with its words filled in."""
        return string.Template(text).safe_substitute(self.words)

    def read(self, text: str) -> Any:
        """Return a YAML text of the row as objects, None for an empty one."""
        return yaml.safe_load(self.fill(text))

    def kubectl(self, *args: str, stdin: str | None = None, check: bool = True) -> str:
        """Run kubectl in the namespace of the row and return what it prints."""
        command = [*_KUBECTL, "-n", self.namespace, *(self.fill(arg) for arg in args)]
        done = subprocess.run(command, input=stdin, check=False, capture_output=True, text=True)
        assert not check or done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout

    def apply(self, text: str) -> None:
        """Create objects, remembered for :meth:`clean`; returns when fake nodes among them are ready."""
        if not text:
            return
        filled = self.fill(text)
        self.applied.append(filled)
        self.kubectl("apply", "-f", "-", stdin=filled)
        for item in yaml.safe_load_all(filled):
            kind, name = item["kind"], item["metadata"]["name"]
            if kind == "Node" and "annotations" in item["metadata"]:
                self.wait("condition=Ready", f"node/{name}")
                taint = "jsonpath={.spec.taints[?(@.key=='node.kubernetes.io/not-ready')].key}"
                while self.kubectl("get", "node", name, "-o", taint):
                    time.sleep(0.2)
            if kind == "Pod":
                self.wait("jsonpath={.status.phase}=Running", f"pod/{name}")

    def wait(self, condition: str, what: str) -> None:
        """Wait for a condition; the limit of one request would cut the watch, so there is none."""
        self.kubectl("wait", f"--for={condition}", what, "--timeout=120s", "--request-timeout=0")

    def restore(self) -> None:
        """Give the cluster back what :attr:`undo` says; a second call does nothing."""
        while self.undo:
            self.undo.pop()()

    def clean(self) -> None:
        """Remove what was applied, last things first; finalizers do not hold it."""
        self.restore()
        for text in reversed(self.applied):
            for item in yaml.safe_load_all(text):
                if item["metadata"].get("finalizers"):
                    self.free(item["kind"].lower(), item["metadata"]["name"])
            self.kubectl(
                "delete", "--ignore-not-found", "--wait=false", "--now", "-f", "-", stdin=text, check=False
            )

    def free(self, kind: str, name: str) -> None:
        """Take the finalizers of an object away."""
        patch = '{"metadata": {"finalizers": null}}'
        self.kubectl("patch", kind, name, "--type=merge", "-p", patch, check=False)

    @property
    def pod(self) -> str:
        """Name of the job's pod."""
        assert self.handle is not None
        return self.handle.job.pod_name

    @property
    def uid(self) -> str:
        """Uid of the job's pod."""
        return self.kubectl("get", "pod", self.pod, "-o", "jsonpath={.metadata.uid}")

    def event(
        self, reason: str, message: str, *, kind: str = "Warning", count: int = 1, source: str = ""
    ) -> None:
        """Write an event about the job's pod, as a component of the cluster would."""
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"generateName": "matrix-", "namespace": self.namespace},
            "involvedObject": {
                "apiVersion": "v1",
                "kind": "Pod",
                "name": self.pod,
                "namespace": self.namespace,
                "uid": self.uid,
            },
            "reason": reason,
            "message": message,
            "type": kind,
            "count": count,
            "source": {"component": source or "cluster-autoscaler"},
            "firstTimestamp": _now(),
            "lastTimestamp": _now(),
        }
        self.kubectl("create", "-f", "-", stdin=yaml.safe_dump(event))


def _now() -> str:
    return subprocess.run(
        ["date", "-u", "+%FT%TZ"], capture_output=True, text=True, check=True
    ).stdout.strip()


TAINT = "fake.fljob.internal/node"


def fake_node(
    allocatable: str = '{cpu: "4", memory: 8Gi, ephemeral-storage: 10Gi, pods: "110"}', extra: str = ""
) -> str:
    """Return the row's own fake node ``$node``: tainted, labelled ``fake: $ns``, without an os label.

    The kube-proxy of the cluster selects by that label, so it stays away.
    """
    return f"""
apiVersion: v1
kind: Node
metadata:
  name: $node
  annotations: {{kwok.x-k8s.io/node: fake}}
  labels: {{type: kwok, fake: $ns, kubernetes.io/arch: amd64, kubernetes.io/hostname: $node}}
spec:
  {extra}
  taints: [{{key: {TAINT}, effect: NoSchedule}}]
status:
  allocatable: {allocatable}
  capacity: {allocatable}
"""


_PLACE = f"""
    nodeSelector: {{fake: $ns}}
    tolerations: [{{key: {TAINT}, operator: Exists}}]
"""


def on_fake_node(spec: str = "", annotations: str = "{}") -> str:
    """Return values that bring the job to the row's fake node."""
    return f"pod:\n  annotations: {annotations}\n  spec:\n    {spec}{_PLACE}"


def filler(spec: str = "", container: str = "", labels: str = "{filler: $ns}", metadata: str = "") -> str:
    """Return another pod, which runs on the row's fake node for an hour."""
    return f"""---
apiVersion: v1
kind: Pod
metadata:
  name: filler
  namespace: $ns
  labels: {labels}
  annotations: {{fake.fljob.internal/run-for: 1h}}
  {metadata}
spec:
    {spec}{_PLACE}
    containers:
    - name: main
      image: none.invalid/none
      {container}
"""


def priority_class(value: int) -> str:
    """Return a PriorityClass ``$ns``."""
    return f"""---
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {{name: $ns}}
value: {value}
---
"""
