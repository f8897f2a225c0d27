"""Rows of pods that are not scheduled; the scheduler is the real one in all of them."""

from __future__ import annotations

from functools import partial

from launcher.core.catalogue import Code
from launcher.core.patience import Action
from tests.cluster.matrix.row import Row
from tests.cluster.matrix.scene import fake_node, filler, on_fake_node

__all__ = ["UNSCHEDULED"]

# A node that is large enough and closed to the job: the real nodes are short of what others could have.
_LARGE = fake_node(
    '{cpu: "40", memory: 400Gi, ephemeral-storage: 2Ti, pods: "110", hugepages-2Mi: 1Gi, '
    'nvidia.com/gpu: "8", nvidia.com/mig-1g.5gb: "7"}'
)

short = partial(
    Row, code=Code.INSUFFICIENT_RESOURCES, action=Action.WAIT_FOR_RESOURCES, return_code=104, objects=_LARGE
)
nowhere = partial(Row, code=Code.NO_MATCHING_NODE, action=Action.WAIT, return_code=101)
others = partial(Row, code=Code.POD_CONSTRAINT, action=Action.WAIT_FOR_RESOURCES, return_code=104)
_SOON = {"pending_timeout": 1}

_SHORTAGES = (
    short(name="short-of-cpu", how="cpu: 36 where nodes have 2", k8s={"cpu": "36", **_SOON}),
    short(name="short-of-memory", how="memory: 300Gi", k8s={"memory": "300Gi", **_SOON}),
    short(name="short-of-storage", how="ephemeral_storage: 1Ti", k8s={"ephemeral_storage": "1Ti", **_SOON}),
    short(
        name="short-of-hugepages",
        how="hugepages-2Mi: 4Mi on nodes without",
        values="resources: {requests: {hugepages-2Mi: 4Mi}, limits: {hugepages-2Mi: 4Mi}}",
        k8s=_SOON,
    ),
    short(name="short-of-gpu", how="one GPU on nodes without", k8s={"num_of_gpus": 1, **_SOON}),
    short(
        name="short-of-mig",
        how="a MIG slice on nodes without",
        values='resources: {requests: {nvidia.com/mig-1g.5gb: "1"}, limits: {nvidia.com/mig-1g.5gb: "1"}}',
        k8s=_SOON,
    ),
    short(
        name="gpu-taken",
        how="the only GPU of the cluster belongs to another pod",
        objects=fake_node(
            '{cpu: "4", memory: 8Gi, ephemeral-storage: 10Gi, pods: "110", nvidia.com/gpu: "1"}'
        )
        + filler(container='resources: {limits: {nvidia.com/gpu: "1"}}'),
        values=on_fake_node(),
        k8s={"num_of_gpus": 1, **_SOON},
    ),
    short(
        name="too-many-pods",
        how="a node with room for no pod",
        objects=fake_node('{cpu: "4", memory: 8Gi, ephemeral-storage: 10Gi, pods: "0"}'),
        values=on_fake_node(),
        k8s=_SOON,
    ),
    short(
        name="no-patience",
        how="a shortage with pending_timeout 0",
        k8s={"cpu": "36", "pending_timeout": 0},
        action=Action.FAIL,
        fixture=False,
    ),
)

_NODES = (
    nowhere(
        name="node-selector",
        how="a nodeSelector that no node has",
        values="pod: {spec: {nodeSelector: {no-such: label}}}",
    ),
)

_PODS = (
    others(
        name="host-port",
        how="another pod has the host port",
        objects=fake_node() + filler(container="ports: [{containerPort: 80, hostPort: 80}]"),
        values=on_fake_node() + "container: {spec: {ports: [{containerPort: 80, hostPort: 80}]}}",
        k8s=_SOON,
    ),
)

UNSCHEDULED: tuple[Row, ...] = (*_SHORTAGES, *_NODES, *_PODS)
