"""Rows of pods that wait for a volume; scheduler and volume controller are the real ones in all of them."""

from __future__ import annotations

from functools import partial

from launcher.core.catalogue import Code
from launcher.core.pending.clocks import Action
from tests.cluster.matrix.row import Row
from tests.cluster.matrix.scene import Scene, fake_node, filler, on_fake_node

__all__ = ["CLAIM", "DATASET", "LATE_CLASS", "VOLUMES"]

volume = partial(Row, action=Action.WAIT)

# %s: which StorageClass, or which volume.
CLAIM = """---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: claim, namespace: $ns}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}, %s}
"""
_VOLUME = """---
apiVersion: v1
kind: PersistentVolume
metadata: {name: $ns}
spec:
  capacity: {storage: 1Mi}
  accessModes: [ReadWriteOnce]
  hostPath: {path: /nowhere}
  claimRef: {name: claim, namespace: $ns}
  nodeAffinity: {required: {nodeSelectorTerms: [
    {matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [elsewhere]}]}]}}
"""
LATE_CLASS = """---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: $ns}
provisioner: kubernetes.io/no-provisioner
volumeBindingMode: WaitForFirstConsumer
"""
DATASET = "datasets: {data-x: {claimName: claim, mountPath: /x, readOnly: true}}"

# Nobody makes its volumes: the scheduler chooses a node and waits for them.
_SLOW_CLASS = LATE_CLASS.replace("kubernetes.io/no-provisioner", "nobody.example.com")
_MADE = """---
apiVersion: v1
kind: PersistentVolume
metadata: {name: $ns}
spec:
  capacity: {storage: 1Mi}
  accessModes: [ReadWriteOnce]
  storageClassName: $ns
  hostPath: {path: /tmp}
  claimRef: {name: claim, namespace: $ns}
"""
_EPHEMERAL = """
extra:
  volumes:
  - name: scratch
    ephemeral: {volumeClaimTemplate: {spec: {
      accessModes: [ReadWriteOnce], storageClassName: $ns, resources: {requests: {storage: 1Mi}}}}}
  volumeMounts: [{name: scratch, mountPath: /scratch}]
"""
_NOT_MADE = "(ExternalProvisioning: Waiting for a volume to be created either by the external provisioner 'nobody.example.com'"
slow = partial(volume, code=Code.VOLUME_UNBOUND, return_code=104)

_OF_ONE_POD = """---
apiVersion: v1
kind: PersistentVolume
metadata: {name: $ns}
spec:
  capacity: {storage: 1Mi}
  accessModes: [ReadWriteOncePod]
  storageClassName: ""
  csi: {driver: nobody.example.com, volumeHandle: x}
  claimRef: {name: claim, namespace: $ns}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: claim, namespace: $ns}
spec: {storageClassName: "", volumeName: $ns, accessModes: [ReadWriteOncePod], resources: {requests: {storage: 1Mi}}}
"""
_HOLDS = "volumes: [{name: x, persistentVolumeClaim: {claimName: claim}}]"
in_use = partial(
    volume,
    code=Code.VOLUME_IN_USE,
    action=Action.WAIT_FOR_RESOURCES,
    return_code=104,
    objects=fake_node() + _OF_ONE_POD + filler(spec=_HOLDS),
    values=f"{on_fake_node()}\n{DATASET}",
    says="ReadWriteOncePod access mode",
)
_BLOCK = """---
apiVersion: v1
kind: PersistentVolume
metadata: {name: $ns}
spec:
  capacity: {storage: 1Mi}
  accessModes: [ReadWriteOnce]
  volumeMode: Block
  local: {path: /tmp}
  claimRef: {name: claim, namespace: $ns}
  nodeAffinity: {required: {nodeSelectorTerms: [
    {matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [$worker]}]}]}}
"""


def make_volume(scene: Scene) -> None:
    """Make the volume by hand, as a slow provisioner would at last."""
    scene.apply(_MADE)


def end_filler(scene: Scene) -> None:
    """Let the pod go that holds the claim."""
    scene.kubectl("delete", "pod", "filler", "--now")


VOLUMES: tuple[Row, ...] = (
    slow(
        name="claim-not-provisioned",
        how="a claim that is bound with its first pod, and a provisioner that does nothing",
        objects=_SLOW_CLASS + CLAIM % "storageClassName: $ns",
        values=DATASET,
        says=f"claim claim {_NOT_MADE}",
    ),
    slow(
        name="claim-provisioned-late",
        how="a claim that is bound with its first pod, and a provisioner that is slow",
        objects=_SLOW_CLASS + CLAIM % "storageClassName: $ns",
        values=DATASET,
        graces={"bind": 60},
        heal=make_volume,
        fixture=False,
    ),
    slow(
        name="ephemeral-not-provisioned",
        how="an ephemeral volume whose provisioner does nothing",
        objects=_SLOW_CLASS,
        values=_EPHEMERAL,
        says=f"claim $pod-scratch {_NOT_MADE}",
        graces={"bind": 60, "heal": 60},
    ),
    in_use(
        name="claim-of-one-pod", how="a claim that another pod has for itself", k8s={"pending_timeout": 1}
    ),
    in_use(
        name="claim-of-one-pod-freed",
        how="a claim that another pod has for itself, and that pod ends",
        k8s={"pending_timeout": 60},
        heal=end_filler,
        fixture=False,
    ),
    volume(
        name="claim-of-mode-block",
        how="a volume of mode Block that is mounted as a file system",
        objects=_BLOCK + CLAIM % 'storageClassName: "", volumeName: $ns, volumeMode: Block',
        values=DATASET,
        says="volumeMode Block",
        code=Code.VOLUME_CONFIG,
        return_code=101,
    ),
    volume(
        name="claim-missing",
        how="a dataset whose claim does not exist",
        values=DATASET,
        code=Code.PVC_MISSING,
        return_code=101,
    ),
    volume(
        name="claim-unbound",
        how="a claim that nobody binds",
        objects=CLAIM % 'storageClassName: ""',
        values=DATASET,
        says="claim claim (FailedBinding: no persistent volumes available",
        code=Code.VOLUME_UNBOUND,
        return_code=104,
    ),
    volume(
        name="claim-class-missing",
        how="a claim of a StorageClass that does not exist",
        objects=CLAIM % "storageClassName: $ns-none",
        values=DATASET,
        says='claim claim (ProvisioningFailed: storageclass.storage.k8s.io "$ns-none" not found)',
        code=Code.VOLUME_UNBOUND,
        return_code=104,
    ),
    volume(
        name="claim-no-volume",
        how="a claim that is bound with its first pod, and no volume",
        objects=LATE_CLASS + CLAIM % "storageClassName: $ns",
        values=DATASET,
        code=Code.VOLUME_UNBOUND,
        return_code=104,
    ),
    volume(
        name="claim-elsewhere",
        how="a bound volume that only another node reaches",
        objects=_VOLUME + CLAIM % 'storageClassName: "", volumeName: $ns',
        values=DATASET,
        code=Code.VOLUME_ZONE_CONFLICT,
        return_code=101,
        before=lambda scene: scene.wait("jsonpath={.status.phase}=Bound", "pvc/claim"),
    ),
)
