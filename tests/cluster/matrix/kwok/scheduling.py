"""Rows of pods that a scheduler looks at which does not exist: the test writes what it would say."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from launcher.core.catalogue import Code
from launcher.core.pending.clocks import Action
from tests.cluster.matrix.row import KWOK, Row
from tests.cluster.matrix.scene import Scene

__all__ = ["SCHEDULING"]

_NOBODY = "pod: {spec: {schedulerName: nobody}}"


def _status(status: Mapping[str, Any]) -> Callable[[Scene], None]:
    def write(scene: Scene) -> None:
        patch = json.dumps({"status": status})
        scene.kubectl("patch", "pod", scene.pod, "--subresource=status", "--type=strategic", "-p", patch)

    return write


def _says(reason: str, message: str) -> Callable[[Scene], None]:
    condition = {"type": "PodScheduled", "status": "False", "reason": reason, "message": message}
    return _status({"conditions": [condition]})


scheduler = partial(
    Row, values=_NOBODY, when=Code.NO_SCHEDULER, action=Action.WAIT, return_code=104, provenance=KWOK
)
refused = partial(_says, "Unschedulable")
_TAINTS = "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 "

SCHEDULING: tuple[Row, ...] = (
    # framework/runtime and plugins/volumebinding, ten minutes after a node was chosen
    scheduler(
        name="bind-deadline",
        how="a scheduler that has waited ten minutes for a provisioner",
        act=_says(
            "SchedulerError",
            'running PreBind plugin "VolumeBinding": binding volumes: context deadline exceeded',
        ),
        code=Code.VOLUME_UNBOUND,
    ),
    scheduler(
        name="device-bind-deadline",
        how="a scheduler that has waited ten minutes for a device",
        act=_says(
            "SchedulerError",
            'running PreBind plugin "DynamicResources": claim gpu binding timeout: device binding',
        ),
        code=Code.RESOURCE_CLAIM_PENDING,
    ),
    scheduler(
        name="scheduler-error",
        how="a scheduler whose extender does not answer",
        act=_says(
            "SchedulerError",
            'Post "http://extender/filter": dial tcp 10.0.0.9:80: connect: connection refused',
        ),
        code=Code.SCHEDULER_ERROR,
    ),
    scheduler(
        name="binding",
        how="a scheduler that has chosen a node and waits",
        act=_status({"nominatedNodeName": "node-1"}),
        code=Code.BINDING,
    ),
    scheduler(
        name="unknown-clause",
        how="a clause of the scheduler that no rule knows, beside a taint",
        act=refused(f"{_TAINTS}node(s) were painted green."),
        code=Code.UNSCHEDULABLE,
        says="no rule knows 'node(s) were painted green'",
    ),
    scheduler(
        name="gang-incomplete",
        how="a pod group that is not whole",
        act=refused("waiting for minCount pods from a gang to appear in scheduling queue"),
        code=Code.GANG_INCOMPLETE,
        action=Action.WAIT_FOR_RESOURCES,
        k8s={"pending_timeout": 2},
    ),
    scheduler(
        name="driver-missing",
        how="a CSI driver that no node has",
        act=refused(f"{_TAINTS}ebs.csi.aws.com CSI driver is not installed on the node."),
        code=Code.DRIVER_MISSING,
    ),
    scheduler(
        name="feature-missing",
        how="nodes of an older release than the scheduler",
        act=refused(
            "0/3 nodes are available: 3 node declared features check failed - unsatisfied requirements: "
            "RestartAllContainersOnContainerExits."
        ),
        code=Code.FEATURE_MISSING,
        return_code=101,
    ),
)
