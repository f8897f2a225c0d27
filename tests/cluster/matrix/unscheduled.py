"""Rows of pods that are not scheduled; the scheduler is the real one in all of them."""

from __future__ import annotations

from functools import partial

from launcher.core.catalogue import Code
from launcher.core.pending.clocks import Action
from tests.cluster.matrix.row import KWOK, Row
from tests.cluster.matrix.scene import Scene, fake_node, filler, on_fake_node, priority_class

__all__ = ["UNSCHEDULED"]

# A node that is large enough and closed to the job: the real nodes are short of what others could have.
_LARGE = fake_node(
    '{cpu: "40", memory: 400Gi, ephemeral-storage: 2Ti, pods: "110", hugepages-2Mi: 1Gi, '
    'nvidia.com/gpu: "8", nvidia.com/mig-1g.5gb: "7"}'
)
_SOON = {"pending_timeout": 1}

short = partial(
    Row, code=Code.INSUFFICIENT_RESOURCES, action=Action.WAIT_FOR_RESOURCES, return_code=104, objects=_LARGE
)
too_small = partial(
    Row,
    code=Code.NODES_TOO_SMALL,
    action=Action.WAIT_FOR_RESOURCES,
    return_code=104,
    says="the largest node has",
)
nowhere = partial(Row, code=Code.NO_MATCHING_NODE, action=Action.WAIT, return_code=101)
others = partial(Row, code=Code.POD_CONSTRAINT, action=Action.WAIT_FOR_RESOURCES, return_code=104, k8s=_SOON)

_SHORTAGES = (
    short(name="short-of-cpu", how="cpu: 36 where nodes have fewer", k8s={"cpu": "36", **_SOON}),
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
        how="the only GPU belongs to another pod",
        objects=fake_node(
            '{cpu: "4", memory: 8Gi, ephemeral-storage: 10Gi, pods: "110", nvidia.com/gpu: "1"}'
        )
        + filler(container='resources: {limits: {nvidia.com/gpu: "1"}}'),
        values=on_fake_node(),
        k8s={"num_of_gpus": 1, **_SOON},
    ),
    short(
        name="mig-taken",
        how="the only MIG slice belongs to another pod",
        objects=fake_node(
            '{cpu: "4", memory: 8Gi, ephemeral-storage: 10Gi, pods: "110", nvidia.com/mig-1g.5gb: "1"}'
        )
        + filler(container='resources: {limits: {nvidia.com/mig-1g.5gb: "1"}}'),
        values=on_fake_node()
        + 'resources: {requests: {nvidia.com/mig-1g.5gb: "1"}, limits: {nvidia.com/mig-1g.5gb: "1"}}',
        k8s=_SOON,
    ),
    short(
        name="too-many-pods",
        how="a node with room for one pod, and another pod on it",
        objects=fake_node('{cpu: "4", memory: 8Gi, ephemeral-storage: 10Gi, pods: "1"}') + filler(),
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
    short(
        name="launch-timeout",
        how="a shortage that may last, and the launcher's timeout",
        k8s={"cpu": "36", "pending_timeout": None},
        timeout=20,  # from the launch on: helm's time counts, and the shortage must be seen before the end
        ends_as=Code.LAUNCH_TIMEOUT,
        fixture=False,
    ),
    Row(
        name="impossible-cpu",
        how="cpu: 64 where no node has as many, and no autoscaler",
        k8s={"cpu": "64"},
        may_grow=False,
        code=Code.IMPOSSIBLE_REQUEST,
        action=Action.WAIT_FOR_RESOURCES,
        return_code=101,
    ),
    too_small(
        name="too-small-for-cpu",
        how="cpu: 64 where no node has as many, and perhaps an autoscaler",
        k8s={"cpu": "64", **_SOON},
        fixture=False,
    ),
    too_small(
        name="device-that-no-node-has",
        how="a device that no node has: its plugin may be starting, or DRA serve it",
        values='resources: {requests: {example.com/none: "1"}, limits: {example.com/none: "1"}}',
        k8s=_SOON,
        may_grow=False,
    ),
)


def preempted_filler(scene: Scene) -> None:
    """Let the pod go that is being preempted."""
    scene.free("pod", "filler")


_PREEMPTION = dict(
    objects=priority_class(1000)
    + fake_node()
    # the finalizer holds the victim: as long as it is there, the node is being cleared
    + filler(
        container='resources: {requests: {cpu: "3"}}', metadata="finalizers: [fake.fljob.internal/stay]"
    ),
    values=on_fake_node("priorityClassName: $ns"),
    k8s={"cpu": "3", **_SOON},
    code=Code.NOMINATED,
    action=Action.WAIT_FOR_RESOURCES,
    return_code=104,
)
_AUTOSCALER = "pod didn't trigger scale-up: 1 max node group size reached"


def scale_up(scene: Scene) -> None:
    """Say what the cluster autoscaler says when it adds a node."""
    scene.event("TriggeredScaleUp", "pod triggered scale-up: [{gpu-pool 1->2 (max: 5)}]", kind="Normal")


def no_scale_up(scene: Scene) -> None:
    """Say what the cluster autoscaler says when no node group would help, for the third time."""
    scene.event("NotTriggerScaleUp", _AUTOSCALER, kind="Normal", count=3)


_HOPES = (
    Row(
        name="nominated",
        how="a pod of lower priority holds the node and leaves slowly",
        **_PREEMPTION,
        graces={"victims": 2},
        ends_as=Code.INSUFFICIENT_RESOURCES,
    ),
    Row(
        name="nominated-heals",
        how="a pod of lower priority leaves at last",
        **_PREEMPTION,
        graces={"victims": 30},
        heal=preempted_filler,
        fixture=False,
    ),
    short(
        name="scaling-up",
        how="an event of the autoscaler: it adds a node",
        k8s={"cpu": "36", "pending_timeout": 60},
        act=scale_up,
        when=Code.INSUFFICIENT_RESOURCES,
        code=Code.SCALING_UP,
        graces={"scale_up": 2},
        provenance=KWOK,
    ),
    short(
        name="scale-up-refused",
        how="events of the autoscaler: a node would not help, three times",
        k8s={"cpu": "36", "pending_timeout": 60},
        act=no_scale_up,
        when=Code.INSUFFICIENT_RESOURCES,
        code=Code.SCALE_UP_REFUSED,
        provenance=KWOK,
    ),
)

_ONLY_THE_NODE = """
pod:
  spec:
    affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [
      {matchFields: [{key: metadata.name, operator: In, values: [$node]}]}]}}}
"""


def label_a_node(scene: Scene) -> None:
    """Give the label to the row's fake node that the job looks for."""
    scene.kubectl("label", "node", "$node", "wanted=$ns")


_NODES = (
    nowhere(
        name="node-selector",
        how="a nodeSelector that no node has",
        values="pod: {spec: {nodeSelector: {no-such: label}}}",
    ),
    nowhere(
        name="node-selector-heals",
        how="a nodeSelector whose label comes later",
        objects=fake_node(),
        values=on_fake_node().replace("fake: $ns", "wanted: $ns"),
        graces={"config": 30},
        heal=label_a_node,
        fixture=False,
    ),
    nowhere(
        name="node-affinity",
        how="a required nodeAffinity that no node meets",
        values="pod: {spec: {affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: "
        "{nodeSelectorTerms: [{matchExpressions: [{key: gpu, operator: In, values: [h100]}]}]}}}}}",
    ),
    nowhere(
        name="node-name-affinity",
        how="a required nodeAffinity to the name of a node that is not there",
        values=_ONLY_THE_NODE,
    ),
    Row(
        name="taint",
        how="the one node that may be used has a taint",
        objects=fake_node(),
        values=_ONLY_THE_NODE,
        code=Code.TAINT_NOT_TOLERATED,
        action=Action.WAIT,
        return_code=101,
    ),
    Row(
        name="node-not-ready",
        how="the one node that may be used is not ready",
        objects=fake_node().replace("annotations: {kwok.x-k8s.io/node: fake}", "")
        + '  conditions: [{type: Ready, status: "False", reason: KubeletNotReady, message: cni plugin not initialized}]',
        values=_ONLY_THE_NODE.replace(
            "  spec:", "  spec:\n    tolerations: [{key: fake.fljob.internal/node, operator: Exists}]"
        ),
        code=Code.NODE_NOT_READY,
        action=Action.WAIT,
        return_code=104,
    ),
    Row(
        name="cordoned",
        how="the one node that may be used is cordoned",
        objects=fake_node(extra="unschedulable: true"),
        values=on_fake_node(),
        code=Code.NODE_NOT_READY,
        action=Action.WAIT,
        return_code=104,
    ),
)

_SAME = "topologyKey: kubernetes.io/arch, labelSelector: {matchLabels: {filler: $ns}}"
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"

_PODS = (
    others(
        name="host-port",
        how="another pod has the host port",
        objects=fake_node() + filler(container="ports: [{containerPort: 80, hostPort: 80}]"),
        values=on_fake_node() + "container: {spec: {ports: [{containerPort: 80, hostPort: 80}]}}",
    ),
    others(
        name="anti-affinity",
        how="a pod that the job must not be near is everywhere",
        objects=fake_node() + filler(),
        values=f"pod: {{spec: {{affinity: {{podAntiAffinity: {{{_REQUIRED}: [{{{_SAME}}}]}}}}}}}}",
    ),
    others(
        name="anti-affinity-of-others",
        how="a pod that must not be near the job is everywhere",
        objects=fake_node()
        + filler(
            f"affinity: {{podAntiAffinity: {{{_REQUIRED}: [{{topologyKey: kubernetes.io/arch, "
            "labelSelector: {matchLabels: {app.kubernetes.io/name: fljob}}}]}}"
        ),
    ),
    others(
        name="affinity",
        how="a pod that the job must be near is not there",
        values=f"pod: {{spec: {{affinity: {{podAffinity: {{{_REQUIRED}: [{{{_SAME}}}]}}}}}}}}",
    ),
    others(
        name="topology-spread",
        how="the only zone has more such pods than the spread allows",
        objects=fake_node() + filler(labels="{app.kubernetes.io/name: fljob}"),
        values=f"pod: {{spec: {{topologySpreadConstraints: [{{maxSkew: 1, minDomains: 2, "
        f"whenUnsatisfiable: DoNotSchedule, {_SAME.replace('filler: $ns', 'app.kubernetes.io/name: fljob')}}}]}}}}",
    ),
)


def open_gate(scene: Scene) -> None:
    """Take the gate away, as a queue does."""
    scene.kubectl(
        "patch", "pod", scene.pod, "--type=json", "-p", '[{"op": "remove", "path": "/spec/schedulingGates"}]'
    )


_GATED = dict(
    values="pod: {spec: {schedulingGates: [{name: example.com/queue}]}}",
    code=Code.SCHEDULING_GATED,
    action=Action.QUEUED,
    return_code=104,
)

_QUEUES = (
    Row(name="gate", how="a scheduling gate that nobody opens", **_GATED, graces={"queue": 2}),
    Row(
        name="gate-heals",
        how="a scheduling gate that is opened",
        **_GATED,
        graces={"queue": 60},
        heal=open_gate,
        fixture=False,
    ),
    Row(
        name="no-scheduler",
        how="a schedulerName that no scheduler has",
        values="pod: {spec: {schedulerName: nobody}}",
        code=Code.NO_SCHEDULER,
        action=Action.WAIT,
        return_code=104,
    ),
    Row(
        name="resource-claim-missing",
        how="a ResourceClaim (dynamic resource allocation) that does not exist",
        values="pod: {spec: {resourceClaims: [{name: x, resourceClaimName: none}]}}",
        code=Code.RESOURCE_CLAIM_PENDING,
        action=Action.WAIT,
        return_code=104,
    ),
    Row(
        name="resource-claim-unmet",
        how="a ResourceClaim of a DeviceClass that does not exist",
        objects="{apiVersion: resource.k8s.io/v1, kind: ResourceClaim, metadata: {name: claim, namespace: $ns}, "
        "spec: {devices: {requests: [{name: gpu, exactly: {deviceClassName: none.example.com}}]}}}",
        values="pod: {spec: {resourceClaims: [{name: x, resourceClaimName: claim}]}}",
        code=Code.RESOURCE_CLAIM_MISSING,
        action=Action.WAIT,
        return_code=101,
    ),
)

UNSCHEDULED: tuple[Row, ...] = (*_SHORTAGES, *_HOPES, *_NODES, *_PODS, *_QUEUES)
