"""Rows of pods that wait for a volume; scheduler and volume controller are the real ones in all of them."""

from __future__ import annotations

from functools import partial

from launcher.core.catalogue import Code
from launcher.core.pending.clocks import Action
from tests.cluster.matrix.row import Row

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

VOLUMES: tuple[Row, ...] = (
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
