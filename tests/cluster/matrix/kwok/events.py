"""Rows of pods about which only an event tells anything."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from launcher.core.catalogue import Code
from launcher.core.pending.clocks import Action
from tests.cluster.matrix.kwok.status import waits
from tests.cluster.matrix.row import KWOK, Row
from tests.cluster.matrix.scene import Scene, fake_node, filler, on_fake_node

__all__ = ["EVENTS"]


def _says(reason: str, message: str) -> Callable[[Scene], None]:
    return lambda scene: scene.event(reason, message)


creating = partial(
    waits, reason="ContainerCreating", message="", action=Action.WAIT, when=Code.CREATING, return_code=104
)
_KUBELET = (
    creating(
        "volume-busy",
        act=_says(
            "FailedAttachVolume",
            'Multi-Attach error for volume "pvc-1" Volume is already exclusively attached to one node and can\'t be '
            "attached to another",
        ),
        code=Code.VOLUME_BUSY,
    ),
    creating(
        "volume-attach",
        act=_says(
            "FailedAttachVolume", 'AttachVolume.Attach failed for volume "pvc-1" : rpc error: deadline'
        ),
        code=Code.MOUNT,
    ),
    creating(
        "sandbox-network",
        act=_says(
            "FailedCreatePodSandBox",
            "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox: "
            'plugin type="calico" failed (add): error getting ClusterInformation: connection is unauthorized',
        ),
        code=Code.NETWORK_NOT_READY,
    ),
    creating(
        "network-not-ready",
        act=_says(
            "NetworkNotReady",
            "network is not ready: container runtime network not ready: NetworkReady=false "
            "reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized",
        ),
        code=Code.NETWORK_NOT_READY,
        says="cni plugin not initialized",
    ),
    creating(
        "status-not-read",
        act=_says("FailedSync", "error determining status: rpc error: code = Unknown desc = timeout"),
        code=Code.SANDBOX,
    ),
    creating(
        "volume-map",
        act=_says(
            "FailedMapVolume",
            'MapVolume.SetUpDevice failed for volume "pvc-1" : rpc error: code = DeadlineExceeded desc = context '
            "deadline exceeded",
        ),
        code=Code.MOUNT,
        says="MapVolume.SetUpDevice failed",
    ),
)


def _nominate(scene: Scene) -> None:
    """Say what Karpenter says when it makes a node for a pod (its pkg/controllers/provisioning)."""
    scene.event("Nominated", "Pod should schedule on: nodeclaim/default-x7k2p", kind="Normal")


def _no_pool(scene: Scene) -> None:
    """Say what Karpenter says when no instance type is large enough; once in five minutes."""
    message = (
        'Failed to schedule pod, incompatible with nodepool "default", daemonset overhead={"cpu":"180m","pods":"4"}, '
        "no instance type has enough resources, requirements=karpenter.sh/nodepool In [default], "
        'resources={"cpu":"64","pods":"5"}'
    )
    scene.event("FailedScheduling", message, source="karpenter")


def _refuse_in_turn(scene: Scene) -> None:
    """Say what the cluster autoscaler says while its reasons change: an event for each text."""
    for why in ("1 max node group size reached", "1 in backoff after failed scale-up", "2 Insufficient cpu"):
        scene.event("NotTriggerScaleUp", f"pod didn't trigger scale-up: {why}", kind="Normal")


# The scheduler is the real one, and there is a shortage: the row's own node is taken.
_AUTOSCALERS = (
    Row(
        name="nominated-by-karpenter",
        how="an event of Karpenter: it makes a node",
        objects=fake_node() + filler(container='resources: {requests: {cpu: "3"}}'),
        values=on_fake_node(),
        k8s={"cpu": "3", "pending_timeout": 60},
        act=_nominate,
        when=Code.INSUFFICIENT_RESOURCES,
        code=Code.SCALING_UP,
        action=Action.WAIT_FOR_RESOURCES,
        return_code=104,
        graces={"scale_up": 2},
        provenance=KWOK,
        says="Nominated: Pod should schedule on: nodeclaim/default-x7k2p",
    ),
    Row(
        name="refused-by-karpenter",
        how="one event of Karpenter: no instance type is large enough for what no node has",
        k8s={"cpu": "64", "pending_timeout": 60},
        act=_no_pool,
        when=Code.NODES_TOO_SMALL,
        code=Code.SCALE_UP_REFUSED,
        action=Action.WAIT_FOR_RESOURCES,
        return_code=104,
        provenance=KWOK,
        says="FailedScheduling: Failed to schedule pod, incompatible with nodepool",
        fixture=False,
    ),
    Row(
        name="scale-up-refused-in-turn",
        how="events of the cluster autoscaler: three refusals, each with another text",
        objects=fake_node() + filler(container='resources: {requests: {cpu: "3"}}'),
        values=on_fake_node(),
        k8s={"cpu": "3", "pending_timeout": 60},
        act=_refuse_in_turn,
        when=Code.INSUFFICIENT_RESOURCES,
        code=Code.SCALE_UP_REFUSED,
        action=Action.WAIT_FOR_RESOURCES,
        return_code=104,
        provenance=KWOK,
        fixture=False,
    ),
)

EVENTS: tuple[Row, ...] = (*_KUBELET, *_AUTOSCALERS)
