"""Rows of the causes that keep a pod from being scheduled."""

from __future__ import annotations

from collections.abc import Mapping

from launcher.core.catalogue.codes import DESCRIBE_POD, Code, Entry, Limit, StrictRule
from launcher.core.catalogue.returncodes import ReturnCode

__all__ = ["UNSCHEDULED"]

_JOB = ReturnCode.EXECUTION_EXCEPTION
_INFRA = ReturnCode.INFRASTRUCTURE_ERROR
_FAIL, _RESOURCES, _WAIT = StrictRule.FAIL, StrictRule.RESOURCES, StrictRule.WAIT

UNSCHEDULED: Mapping[Code, Entry] = {
    Code.INSUFFICIENT_RESOURCES: Entry(
        "No node has enough free resources for the job.",
        "free or add resources, lower the request in launcher_spec, or raise pending_timeout",
        _INFRA,
        Limit.RESOURCES,
        _RESOURCES,
        relaunchable=True,
    ),
    Code.NODES_TOO_SMALL: Entry(
        "No node that is there now is large enough for the job; an autoscaler may add one.",
        "lower the request in launcher_spec, add a larger node, or raise pending_timeout; where no "
        "autoscaler runs, `autoscaler: none` ends such jobs early",
        _INFRA,
        Limit.RESOURCES,
        _RESOURCES,
        relaunchable=True,
    ),
    Code.IMPOSSIBLE_REQUEST: Entry(
        "The job asks for more than any node of the cluster has, and no larger one will be added.",
        "lower the request in launcher_spec, or add a larger node",
        _JOB,
        Limit.IMPOSSIBLE,
        _RESOURCES,
    ),
    Code.SCALING_UP: Entry(
        "The autoscaler is adding a node for the job.",
        "wait; if it lasts, look at the autoscaler",
        _INFRA,
        Limit.SCALE_UP,
        _RESOURCES,
        relaunchable=True,
    ),
    Code.SCALE_UP_REFUSED: Entry(
        "No free node fits the job, and the autoscaler says that a new one would not help.",
        "read the autoscaler's reasons in the detail; lower the request, or have its node groups changed",
        _INFRA,
        Limit.NO_SCALE_UP,
        _RESOURCES,
        relaunchable=True,
    ),
    Code.NOMINATED: Entry(
        "The scheduler has chosen a node and waits for pods of lower priority to leave it.",
        "wait",
        _INFRA,
        Limit.VICTIMS,
        _RESOURCES,
        relaunchable=True,
    ),
    Code.POD_CONSTRAINT: Entry(
        "Other pods occupy what the job's affinity, topology spread or host port needs.",
        "wait for the other pods, or relax the rule in the pod template",
        _INFRA,
        Limit.RESOURCES,
        _FAIL,
        relaunchable=True,
    ),
    Code.DEVICES_UNAVAILABLE: Entry(
        "No node has a free device for a ResourceClaim of the job.",
        "free devices, relax the selectors of the claim or its DeviceClass, or raise pending_timeout",
        _INFRA,
        Limit.RESOURCES,
        _FAIL,
        relaunchable=True,
    ),
    Code.VOLUME_IN_USE: Entry(
        "Another pod holds a volume that only one pod may use.",
        "end the other pod, give the job a claim of its own, or raise pending_timeout",
        _INFRA,
        Limit.RESOURCES,
        _FAIL,
        relaunchable=True,
    ),
    Code.GANG_INCOMPLETE: Entry(
        "The scheduler waits for the other pods of the job's pod group.",
        "look at the group and its other pods, or raise pending_timeout",
        _INFRA,
        Limit.RESOURCES,
        _FAIL,
        relaunchable=True,
    ),
    Code.VOLUME_UNBOUND: Entry(
        "A PersistentVolumeClaim of the job is not bound yet.",
        "check the claim's StorageClass and its provisioner with `kubectl describe pvc`",
        _INFRA,
        Limit.BIND,
        _FAIL,
        relaunchable=True,
    ),
    Code.RESOURCE_CLAIM_PENDING: Entry(
        "A ResourceClaim of the job is not created, allocated or released yet.",
        "look at it with `kubectl describe resourceclaim`, and at its template",
        _INFRA,
        Limit.BIND,
        _FAIL,
        relaunchable=True,
    ),
    Code.DRIVER_MISSING: Entry(
        "The CSI driver of a volume of the job does not run on any fitting node yet.",
        "look at the driver's DaemonSet",
        _INFRA,
        Limit.HEAL,
        _FAIL,
        relaunchable=True,
    ),
    Code.NODE_NOT_READY: Entry(
        "Every fitting node carries a taint of the node life cycle, such as not-ready or disk-pressure.",
        "wait until the node recovers, or look at it with `kubectl describe node`",
        _INFRA,
        Limit.HEAL,
        _FAIL,
        relaunchable=True,
    ),
    Code.PVC_MISSING: Entry(
        "A PersistentVolumeClaim of the job does not exist.",
        "create the claim in the job's namespace, or correct `source` of the study's dataset",
        _JOB,
        Limit.CONFIG,
        _FAIL,
    ),
    Code.RESOURCE_CLAIM_MISSING: Entry(
        "A DeviceClass or the template of a ResourceClaim of the job does not exist.",
        "create it, or correct the name in the claim or the pod template",
        _JOB,
        Limit.CONFIG,
        _FAIL,
    ),
    Code.FEATURE_MISSING: Entry(
        "The job asks for a feature of Kubernetes that no node offers.",
        "leave it out of the pod template, or have the nodes upgraded",
        _JOB,
        Limit.CONFIG,
        _FAIL,
    ),
    Code.VOLUME_ZONE_CONFLICT: Entry(
        "A volume of the job can only be reached from nodes that do not fit it.",
        "move the volume, or relax the node selector of the pod template",
        _JOB,
        Limit.CONFIG,
        _FAIL,
    ),
    Code.NO_MATCHING_NODE: Entry(
        "No node matches the node selector or node affinity of the job.",
        "correct nodeSelector or nodeAffinity in the pod template, or label a node",
        _JOB,
        Limit.CONFIG,
        _FAIL,
    ),
    Code.TAINT_NOT_TOLERATED: Entry(
        "Every fitting node carries a taint that the job does not tolerate.",
        "add a toleration to the pod template, or remove the taint",
        _JOB,
        Limit.CONFIG,
        _FAIL,
    ),
    Code.UNSCHEDULABLE: Entry(
        "The scheduler refused the pod with words that are not in the catalogue.",
        DESCRIBE_POD,
        _INFRA,
        Limit.HEAL,
        _FAIL,
        relaunchable=True,
    ),
    Code.SCHEDULING_GATED: Entry(
        "A scheduling gate holds the pod back, as a queue does until quota is free.",
        "ask the owner of the gate (such as Kueue) why the job is still queued",
        _INFRA,
        Limit.QUEUE,
        _WAIT,
        relaunchable=True,
    ),
    Code.BINDING: Entry(
        "The scheduler has chosen a node and waits for what must be ready before the pod is bound to it.",
        "look at the claims and ResourceClaims of the job, and at the scheduler's log",
        _INFRA,
        Limit.BIND,
        _WAIT,
        relaunchable=True,
    ),
    Code.SCHEDULER_ERROR: Entry(
        "The scheduler met an error while it placed the pod, and tries again.",
        "look at the scheduler's log, and at its extenders if it has any",
        _INFRA,
        Limit.HEAL,
        _WAIT,
        relaunchable=True,
    ),
    Code.NO_SCHEDULER: Entry(
        "No scheduler has looked at the pod.",
        "check that a scheduler runs and that schedulerName of the pod template is right",
        _INFRA,
        Limit.HEAL,
        _WAIT,
        relaunchable=True,
    ),
    Code.UNKNOWN_PHASE: Entry(
        "The pod's node has stopped reporting.",
        "look at the node",
        _INFRA,
        Limit.API,
        _FAIL,
        relaunchable=True,
    ),
}
