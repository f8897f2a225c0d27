"""Rows of pods that ended, or were taken away, in ways that want hardware or another controller."""

from __future__ import annotations

from collections.abc import Callable

import yaml

from launcher.core.catalogue import Code
from launcher.core.lifecycle.state import JobState
from launcher.core.pending.clocks import Action
from tests.cluster.matrix.kwok.status import container, failed, fake_row, terminated
from tests.cluster.matrix.row import Row
from tests.cluster.matrix.scene import Scene

__all__ = ["ENDS"]

_TARGET = {"type": "DisruptionTarget", "status": "True"}
_ENDS = (
    failed(
        "node-shutdown",
        "Terminated",
        "Pod was terminated in response to imminent node shutdown.",
        Code.NODE_SHUTDOWN,
        conditions=[
            {
                **_TARGET,
                "reason": "TerminationByKubelet",
                "message": "Pod was terminated in response to imminent node shutdown.",
            }
        ],
    ),
    failed(
        "node-shutting-down",
        "NodeShutdown",
        "Pod was rejected as the node is shutting down.",
        Code.NODE_SHUTDOWN,
    ),
    failed(
        "unexpected-admission",
        "UnexpectedAdmissionError",
        "Pod was rejected: Allocate failed due to no healthy devices present; cannot allocate unhealthy devices "
        "nvidia.com/gpu, which is unexpected",
        Code.ADMISSION,
    ),
    failed(
        "out-of-gpu",
        "OutOfnvidia.com/gpu",
        "Pod was rejected: Node didn't have enough resource: nvidia.com/gpu, requested: 1, used: 1, capacity: 1",
        Code.ADMISSION,
    ),
    failed(
        "out-of-pods",
        "OutOfpods",
        "Pod was rejected: Node didn't have enough resource: pods, requested: 1, used: 110, capacity: 110",
        Code.ADMISSION,
    ),
    failed(
        "evicted-memory",
        "Evicted",
        "The node was low on resource: memory. Threshold quantity: 100Mi, available: 40Mi. Container job was using "
        "900Mi, request is 64Mi, has larger consumption of memory. ",
        Code.EVICTED,
        conditions=[
            {**_TARGET, "reason": "TerminationByKubelet", "message": "The node was low on resource: memory. "}
        ],
    ),
    failed(
        "evicted-disk",
        "Evicted",
        "The node was low on resource: ephemeral-storage. Threshold quantity: 1Gi, available: 900Mi. ",
        Code.EVICTED,
    ),
    failed(
        "preempted-by-kubelet",
        "Preempting",
        "Preempted in order to admit critical pod",
        Code.PREEMPTED,
    ),
    failed("provider-failed", "ProviderFailed", "the provider could not create the pod", Code.POD_FAILED),
    failed(
        "node-lost-reason", "NodeLost", "Node n1 which was running pod p1 is unresponsive", Code.NODE_LOST
    ),
    terminated(
        "status-unknown",
        137,
        "ContainerStatusUnknown",
        "The container could not be located when the pod was terminated",
        Code.NODE_LOST,
        104,
    ),
    terminated("status-unknown-to-runtime", 255, "Unknown", "", Code.NODE_LOST, 104),
    fake_row(
        "init-status-unknown",
        "an init container that the node has lost",
        Code.NODE_LOST,
        104,
        {
            "phase": "Failed",
            "initContainerStatuses": [
                {
                    **container(terminated={"exitCode": 137, "reason": "ContainerStatusUnknown"}),
                    "name": "init",
                }
            ],
        },
        "extra: {initContainers: [{name: init, image: none.invalid/none}]}",
    ),
    fake_row(
        "sidecar-oom-first",
        "a sidecar that is killed for lack of memory before the job starts",
        Code.SIDECAR_OOM,
        104,
        {
            "phase": "Failed",
            "containerStatuses": [
                {**container(terminated={"exitCode": 137, "reason": "OOMKilled"}), "name": "sidecar"}
            ],
        },
        "extra: {containers: [{name: sidecar, image: none.invalid/none, resources: {limits: {memory: 16Mi}}}]}",
    ),
    fake_row(
        "phase-unknown",
        "a node that stopped reporting, as before Kubernetes 1.27",
        Code.UNKNOWN_PHASE,
        104,
        {
            "phase": "Unknown",
            "reason": "NodeLost",
            "message": "Node n1 which was running pod p1 is unresponsive",
        },
        action=Action.WAIT,
        ends_as=Code.NODE_LOST,
        graces={"api": 3},
    ),
)

_RUNS = {
    "phase": "Running",
    "containerStatuses": [{**container(running={"startedAt": "2026-01-01T00:00:00Z"}), "ready": True}],
}


def _condition_then_delete(kind: str, reason: str, message: str) -> Callable[[Scene], None]:
    def act(scene: Scene) -> None:
        condition = {"type": kind, "status": "True", "reason": reason, "message": message}
        patch = yaml.safe_dump({"status": {"conditions": [condition]}}, width=1000)
        scene.kubectl("patch", "pod", scene.pod, "--subresource=status", "-p", patch)
        scene.kubectl("delete", "pod", scene.pod, "--wait=false")

    return act


_TAKEN = (
    fake_row(
        "queue-preempted",
        "Kueue's condition TerminationTarget, then a delete",
        Code.QUEUE_PREEMPTED,
        104,
        _RUNS,
        act=_condition_then_delete(
            "TerminationTarget", "Preempted", "Preempted to accommodate a workload due to prioritization"
        ),
        when=JobState.RUNNING,
    ),
    fake_row(
        "shutdown-then-deleted",
        "DisruptionTarget TerminationByKubelet, then a delete",
        Code.NODE_SHUTDOWN,
        104,
        _RUNS,
        act=_condition_then_delete(
            "DisruptionTarget",
            "TerminationByKubelet",
            "Pod was terminated in response to imminent node shutdown.",
        ),
        when=JobState.RUNNING,
    ),
)

ENDS: tuple[Row, ...] = (*_ENDS, *_TAKEN)
