"""Rows of causes that heal: the cause is taken away, and the job must succeed, with the product's own clocks.

Each cause is seen first, then goes; a job that fails here is a wrong fail.
"""

from __future__ import annotations

from functools import partial

from launcher.core.catalogue import CATALOGUE, Code
from launcher.core.pending.clocks import Action
from launcher.core.spec.site import Timeouts
from tests.cluster.matrix.registry import mend
from tests.cluster.matrix.row import Row
from tests.cluster.matrix.scene import Scene, fake_node, filler, on_fake_node
from tests.cluster.matrix.volumes import CLAIM, DATASET, LATE_CLASS

__all__ = ["HEALING"]

# For causes that pending_timeout bounds: its default, which the k8s block of a row overrides.
_PATIENT = {"pending_timeout": 120}
_ROOM = "memory: 8Gi, ephemeral-storage: 10Gi"


def _heals(code: Code, *, action: Action = Action.WAIT, return_code: int = 104, **more) -> Row:
    """Return a row whose own clock is as long as in the product, not as short as in the rest of the matrix."""
    clock = CATALOGUE[code].limit.value
    graces = {clock: getattr(Timeouts(), clock)} if hasattr(Timeouts(), clock) else {}
    more = {"graces": graces, "fixture": False, **more}
    return Row(code=code, action=action, return_code=return_code, **more)


def answer_well(scene: Scene) -> None:
    """Let the registry answer as it should; the kubelet asks again after ten to forty seconds."""
    scene.undo.append(mend(scene.namespace))


troubled = partial(_heals, Code.IMAGE_PULL_TRANSIENT, heal=answer_well)
_IMAGES = tuple(
    troubled(
        name=f"image-{status}-heals",
        how=f"a registry that answers {status} for a while",
        image=f"$registry/until-mended/{status}/$ns/$shell",
    )
    for status in (429, 500, 503)
)


def remove_filler(scene: Scene) -> None:
    """Take the other pod away; kwok has no process to wait for."""
    scene.kubectl("delete", "pod", "filler", "--force", "--grace-period=0")


short = partial(
    _heals,
    Code.INSUFFICIENT_RESOURCES,
    action=Action.WAIT_FOR_RESOURCES,
    k8s=_PATIENT,
    values=on_fake_node(),
    heal=remove_filler,
)
others = partial(
    _heals, Code.POD_CONSTRAINT, action=Action.WAIT_FOR_RESOURCES, k8s=_PATIENT, heal=remove_filler
)
_PORT = "ports: [{containerPort: 80, hostPort: 80}]"
_OTHER = "topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {filler: $ns}}"
_APART = f"affinity: {{podAntiAffinity: {{requiredDuringSchedulingIgnoredDuringExecution: [{{{_OTHER}}}]}}}}"

_SHORTAGES = (
    short(
        name="cpu-freed",
        how="another pod has the CPU and goes",
        objects=fake_node() + filler(container='resources: {requests: {cpu: "3"}}'),
        k8s={"cpu": "3", **_PATIENT},
    ),
    short(
        name="gpu-freed",
        how="the only GPU belongs to another pod, which goes",
        objects=fake_node(f'{{cpu: "4", {_ROOM}, pods: "110", nvidia.com/gpu: "1"}}')
        + filler(container='resources: {limits: {nvidia.com/gpu: "1"}}'),
        k8s={"num_of_gpus": 1, **_PATIENT},
    ),
    short(
        name="too-many-pods-freed",
        how="a node with room for one pod, and another pod on it, which goes",
        objects=fake_node(f'{{cpu: "4", {_ROOM}, pods: "1"}}') + filler(),
    ),
    others(
        name="host-port-freed",
        how="another pod has the host port and goes",
        objects=fake_node() + filler(container=_PORT),
        values=on_fake_node() + f"container: {{spec: {{{_PORT}}}}}",
    ),
    others(
        name="anti-affinity-freed",
        how="a pod that the job must not be near goes",
        objects=fake_node() + filler(),
        values=on_fake_node(_APART),
    ),
)

# By label and by name. By label alone the scheduler reports the other nodes, too, and 1.36 names no taint; by name alone
# the nodes of other rows count as well, of which one may be cordoned just now.
_ONLY_THE_NODE = on_fake_node(
    "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: "
    "[{matchFields: [{key: metadata.name, operator: In, values: [$node]}]}]}}}"
)
_CLOSED = "fake.fljob.internal/closed=$ns:NoSchedule"


def close_node(scene: Scene) -> None:
    """Give the row's fake node a taint besides the one that keeps the pods of other rows away."""
    scene.kubectl("taint", "node", "$node", _CLOSED)


def open_node(scene: Scene) -> None:
    """Take that taint away."""
    scene.kubectl("taint", "node", "$node", f"{_CLOSED}-")


def uncordon(scene: Scene) -> None:
    """Let pods come to the row's fake node."""
    scene.kubectl("uncordon", "$node")


def _report(scene: Scene, ready: str, reason: str) -> None:
    condition = (
        f'{{"type": "Ready", "status": "{ready}", "reason": "{reason}", "message": "said by the test"}}'
    )
    patch = f'{{"status": {{"conditions": [{condition}]}}}}'
    scene.kubectl("patch", "node", "$node", "--subresource=status", "-p", patch)


def sicken(scene: Scene) -> None:
    """Report that the row's fake node is not ready, as its kubelet would; return when the controller has tainted it."""
    _report(scene, "False", "KubeletNotReady")
    scene.wait('jsonpath={.spec.taints[?(@.key=="node.kubernetes.io/not-ready")].effect}', "node/$node")


def revive(scene: Scene) -> None:
    """Report that the node is ready again; then the controller takes the taint away."""
    _report(scene, "True", "KubeletReady")


_NODES = (
    _heals(
        Code.NODE_NOT_READY,
        name="cordoned-heals",
        how="the one node that may be used is cordoned for a while",
        objects=fake_node(extra="unschedulable: true"),
        values=on_fake_node(),
        heal=uncordon,
    ),
    _heals(
        Code.NODE_NOT_READY,
        name="node-not-ready-heals",
        how="the one node that may be used is not ready and comes back",
        objects=fake_node(),
        before=sicken,
        values=on_fake_node(),
        heal=revive,
    ),
    _heals(
        Code.TAINT_NOT_TOLERATED,
        name="taint-removed",
        how="the one node that may be used has a taint for a while",
        objects=fake_node(),
        before=close_node,
        values=_ONLY_THE_NODE,
        heal=open_node,
        return_code=101,
    ),
)

_OF_CLASS = 'storageClassName: "%s"'
_VOLUME = """---
apiVersion: v1
kind: PersistentVolume
metadata: {name: $ns}
spec:
  capacity: {storage: 1Mi}
  accessModes: [ReadWriteOnce]
  storageClassName: "%s"
  hostPath: {path: /tmp}
  claimRef: {name: claim, namespace: $ns}
"""
claimed = partial(_heals, values=DATASET)
_VOLUMES = (
    claimed(
        Code.VOLUME_UNBOUND,
        name="claim-bound",
        how="a claim whose volume comes later",
        objects=CLAIM % _OF_CLASS % "",
        heal=lambda scene: scene.apply(_VOLUME % ""),
    ),
    claimed(
        Code.VOLUME_UNBOUND,
        name="claim-bound-late",
        how="a claim that is bound with its first pod, and a volume that comes later",
        objects=LATE_CLASS + CLAIM % _OF_CLASS % "$ns",
        heal=lambda scene: scene.apply(_VOLUME % "$ns"),
    ),
    claimed(
        Code.PVC_MISSING,
        name="claim-created",
        how="a dataset whose claim comes later, with its volume",
        heal=lambda scene: scene.apply(_VOLUME % "" + CLAIM % _OF_CLASS % ""),
        return_code=101,
    ),
)

HEALING: tuple[Row, ...] = (*_IMAGES, *_SHORTAGES, *_NODES, *_VOLUMES)
