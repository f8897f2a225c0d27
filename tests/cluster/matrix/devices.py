"""Rows of jobs that use devices by claim (dynamic resource allocation); scheduler and controllers are the real ones.

A ResourceSlice made by hand offers the devices: no driver is needed until a kubelet prepares one.
"""

from __future__ import annotations

from functools import partial

from launcher.core.catalogue import Code
from launcher.core.pending.clocks import Action
from tests.cluster.matrix.row import Row
from tests.cluster.matrix.scene import Scene, fake_node, filler, on_fake_node

__all__ = ["DEVICES"]

_CLASS = """---
apiVersion: resource.k8s.io/v1
kind: DeviceClass
metadata: {name: $ns.example.com}
spec: {selectors: [{cel: {expression: 'device.driver == "$ns.example.com"'}}]}
---
apiVersion: resource.k8s.io/v1
kind: ResourceClaimTemplate
metadata: {name: one-gpu, namespace: $ns}
spec: {spec: {devices: {requests: [{name: gpu, exactly: {deviceClassName: $ns.example.com}}]}}}
"""
# %s: the node that has the one device.
_SLICE = """---
apiVersion: resource.k8s.io/v1
kind: ResourceSlice
metadata: {name: $ns}
spec:
  driver: $ns.example.com
  nodeName: %s
  pool: {name: $ns, generation: 1, resourceSliceCount: 1}
  devices: [{name: gpu-0}]
"""
_CLAIM = "resourceClaims: [{name: gpu, resourceClaimTemplateName: one-gpu}]"
_USE = "resources: {claims: [{name: gpu}]}"
_HELD = fake_node() + _CLASS + _SLICE % "$node" + filler(spec=_CLAIM, container=_USE)
_ON_NODE = f"{on_fake_node(_CLAIM)}\n{_USE}"
_SOON = {"pending_timeout": 1}


def end_filler(scene: Scene) -> None:
    """Let the pod go that holds the device."""
    scene.kubectl("delete", "pod", "filler", "--now")


def taint_device(scene: Scene) -> None:
    """Say of the device what its driver would say of a broken one: whoever uses it must leave."""
    taint = '{"key": "example.com/broken", "effect": "NoExecute"}'
    devices = f'{{"spec": {{"devices": [{{"name": "gpu-0", "taints": [{taint}]}}]}}}}'
    scene.kubectl("patch", "resourceslice", "$ns", "--type=merge", "-p", devices)


taken = partial(
    Row,
    code=Code.DEVICES_UNAVAILABLE,
    action=Action.WAIT_FOR_RESOURCES,
    return_code=104,
    says="cannot allocate all claims",
)

DEVICES: tuple[Row, ...] = (
    Row(
        name="device-claimed",
        how="a device that is free",
        objects=fake_node() + _CLASS + _SLICE % "$node",
        values=_ON_NODE,
        code=Code.SUCCESS,
        return_code=0,
        fixture=False,
    ),
    taken(
        name="device-taken",
        how="the only device belongs to another pod",
        objects=_HELD,
        values=_ON_NODE,
        k8s=_SOON,
    ),
    taken(
        name="device-freed",
        how="the only device belongs to another pod, which ends",
        objects=_HELD,
        values=_ON_NODE,
        k8s={"pending_timeout": 60},
        heal=end_filler,
        fixture=False,
    ),
    taken(
        name="device-none",
        how="a class of devices that no node has",
        objects=_CLASS,
        values=f"pod: {{spec: {{{_CLAIM}}}}}\n{_USE}",
        k8s=_SOON,
    ),
    Row(
        name="device-tainted",
        how="a device that its driver taints while the job uses it",
        objects=fake_node() + _CLASS + _SLICE % "$node",
        values=f"{on_fake_node(_CLAIM, annotations='{fake.fljob.internal/run-for: 1h}')}\n{_USE}",
        act=taint_device,
        code=Code.DEVICE_TAINTED,
        return_code=104,
    ),
    Row(
        name="device-template-missing",
        how="the template of a ResourceClaim does not exist",
        values=f"pod: {{spec: {{{_CLAIM}}}}}\n{_USE}",
        code=Code.RESOURCE_CLAIM_MISSING,
        action=Action.WAIT,
        return_code=101,
        says="FailedResourceClaimCreation: ",
    ),
    Row(
        name="device-not-prepared",
        how="a device on a real node that has no driver for it",
        objects=_CLASS + _SLICE % "$worker",
        values=f"pod: {{spec: {{{_CLAIM}}}}}\n{_USE}",
        code=Code.DEVICES_NOT_READY,
        action=Action.WAIT,
        return_code=104,
        says="FailedPrepareDynamicResources: ",
    ),
)
