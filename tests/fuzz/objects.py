"""Malformed objects of the API server: pods, events, nodes and releases as nobody should write them."""

from __future__ import annotations

import functools
import json
import random
from collections.abc import Iterator, Mapping
from typing import Any

import click
import yaml

from launcher.cli.jobs_table import make_table
from launcher.core.pending.clocks import WaitPolicy
from launcher.core.report.bundle import event_json, event_line
from launcher.core.report.status import cause_line, cause_rows, describe, verdict_line
from launcher.core.views import PodEvent, PodView, Seen
from launcher.edges.helm.parsing import release_of_list, release_of_status
from launcher.edges.kube.translate import event_view, node_view, pod_view
from launcher.usecases.service import Service
from tests.fakes import SHORTAGE, FakePods, FakeWorld, make_pod
from tests.fuzz.texts import grafted, mutated
from tests.recorded import FOLDER

__all__ = ["EVENT", "NODE", "RELEASE", "RawPods", "drifted", "hostile_pod", "one_object"]

WAITING = 'exec: "/none": stat /none: no such file or directory'
POD = {
    "metadata": {
        "name": "job-1", "namespace": "fl", "uid": "u1", "creationTimestamp": "2026-01-01T00:00:00Z",
        "deletionTimestamp": None, "deletionGracePeriodSeconds": 30,
        "labels": {"fljob.internal/job-id": "a1", "fljob.internal/attempt": "1", "fljob.internal/site": "site-1"},
        "annotations": {"meta.helm.sh/release-name": "fj-a", "fljob.internal/pending-timeout": "120"},
    },
    "spec": {
        "nodeName": "", "nodeSelector": {"a": "b"}, "volumes": [{"persistentVolumeClaim": {"claimName": "c"}}],
        "tolerations": [{"key": "a", "effect": "NoSchedule"}], "initContainers": [{"name": "i"}],
        "containers": [{"name": "job", "image": "img:1", "resources": {"requests": {"cpu": "1"}, "limits": {"memory": "1Gi"}}}],
    },
    "status": {
        "phase": "Pending", "reason": "", "message": "",
        "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": SHORTAGE, "lastTransitionTime": "2026-01-01T00:00:00Z"}],
        "containerStatuses": [{"name": "job", "restartCount": 0, "state": {"waiting": {"reason": "CreateContainerError", "message": WAITING}}, "lastState": {}}],
    },
}  # fmt: skip
ENDED = {
    "terminated": {
        "exitCode": 137,
        "reason": "OOMKilled",
        "message": "x",
        "finishedAt": "2026-01-01T01:00:00Z",
    }
}
EVENT = {
    "metadata": {"name": "e", "creationTimestamp": "2026-01-01T00:00:00Z"}, "type": "Warning", "reason": "FailedMount",
    "message": 'MountVolume.SetUp failed: secret "x" not found', "count": 3, "lastTimestamp": "2026-01-01T00:01:00Z",
    "involvedObject": {"uid": "u1", "name": "job-1"}, "source": {"component": "kubelet"}, "series": {"count": 2},
}  # fmt: skip
NODE = {"metadata": {"name": "n", "labels": {"a": "b"}}, "spec": {"taints": [{"key": "a", "effect": "NoSchedule"}]}, "status": {"allocatable": {"cpu": "4"}}}  # fmt: skip
RELEASE = {"name": "fj-a", "namespace": "fl", "status": "deployed", "revision": "1", "version": 1, "updated": "2026-01-01 00:00:00.1 +0000 UTC", "info": {"status": "deployed", "last_deployed": "2026-01-01T00:00:00Z"}, "config": {"job": {"id": "a1", "site": "site-1"}, "pod": {"name": "job-1"}, "labels": {}}}  # fmt: skip


class RawPods(FakePods):
    """Pods of which one is shown as the API server has it."""

    raw_pod: Any = None

    def play(self) -> None:
        """Show the next pod of the script; None = all are gone."""
        found = self.script.pop(0)
        for name in [] if found else list(self.items):
            self.show(None, name)
        if found:
            self.show(found)

    def raw(self, name: str, namespace: str) -> Seen[Mapping[str, Any]]:
        # The client makes an empty object of an answer that is none.
        del name, namespace
        return Seen.found(self.raw_pod if isinstance(self.raw_pod, dict) else {})

    def claim_events(self, namespace: str) -> Mapping[str, PodEvent]:
        del namespace
        return {}


_FAST = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@functools.cache
def _recorded() -> tuple[Any, ...]:
    """Return the pods that were recorded on clusters."""
    documents = [yaml.load(path.read_text(), Loader=_FAST) for path in sorted(FOLDER.glob("*.yaml"))]
    return tuple(document["pod"] for document in documents if document.get("pod"))


@functools.cache
def drifted() -> tuple[Any, ...]:
    """Return manifests and the pods that became of them, which were recorded on a cluster."""
    folder = FOLDER.parent / "drift"
    return tuple(yaml.load(path.read_text(), Loader=_FAST) for path in sorted(folder.glob("*.yaml")))


def hostile_pod(rng: random.Random) -> Any:
    """Return a pod in any state that was recorded, or made up, with hostile values at any depth."""
    if rng.random() < 0.5:
        return grafted(rng, rng.choice(_recorded()))
    pod = json.loads(json.dumps(POD))
    if rng.random() < 0.5:
        pod["spec"]["nodeName"] = "node-1"
        pod["status"]["conditions"][0] |= {"status": "True", "reason": "", "message": ""}
    if rng.random() < 0.3:
        pod["status"]["containerStatuses"][0]["state"] = rng.choice(({"running": {}}, ENDED))
        pod["status"]["phase"] = rng.choice(("Running", "Failed", "Succeeded", "Unknown"))
    if rng.random() < 0.2:
        pod["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:10Z"
    return mutated(rng, pod)


def one_object(rng: random.Random) -> Iterator[str]:
    """Yield what a user would read of a namespace with one malformed pod, its events, node and release."""
    fake, raw = FakeWorld(), hostile_pod(rng)
    fake.pods = RawPods(fake.clock)
    fake.releases.pods = fake.pods
    fake.pods.raw_pod = raw
    view = pod_view(raw)
    fake.pods.items = {
        "good": make_pod("good", annotations={"meta.helm.sh/release-name": "fj-good"}),
        view.name: view,
    }
    fake.pods.event_list = tuple(event_view(mutated(rng, EVENT)) for _ in range(rng.randrange(3)))
    fake.pods.node_list = (node_view(mutated(rng, NODE)),)
    for read in (release_of_list, release_of_status):
        release = read(mutated(rng, RELEASE))
        fake.releases.items[release.name] = release
    service = Service(fake.world, WaitPolicy(), lambda _: {})
    rows = []
    for found in service.jobs("fl"):
        row = service.describe(found)
        rows.append(row)
        yield describe(found.track, fake.clock.monotonic())
        yield cause_line(row)
        yield verdict_line(row)
        yield "".join(cause_rows(row, fake.clock.now()).values())
        yield json.dumps(row)
        yield json.dumps(row, ensure_ascii=False)
    assert any(row["pod"] and row["pod"]["name"] == "good" and row["state"] == "STARTING" for row in rows), (
        rows
    )
    yield from service.sweep("fl", 0.0, dry_run=True)
    yield from _printed(rows, fake, view, service)


def _printed(rows: list[Any], fake: FakeWorld, view: PodView, service: Service) -> Iterator[str]:
    yield click.unstyle("\n".join(make_table(rows, fake.clock.now(), width=80, namespaces=True)))
    for event in fake.pods.event_list:
        yield event_line(event, fake.clock.now())
        yield json.dumps(event_json(event), ensure_ascii=False)
    release = view.annotations.get("meta.helm.sh/release-name", "")
    bundle = service.diagnose(release, "fl", known=("canary-5309",))
    yield from bundle.files
    yield from bundle.files.values()
