"""Refines the cause of an unscheduled pod by autoscaler events, a nomination, the nodes and its claims.

The scheduler's message says what is missing, not whether it will become available. Three sources do: events
of the cluster autoscaler and of Karpenter, ``status.nominatedNodeName``, and the nodes with their allocatable
resources and taints.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from launcher.core.catalogue import Code
from launcher.core.pending.binding import is_provisioning
from launcher.core.pending.classify import Cause
from launcher.core.pending.nodes import blocked_by_life_cycle_taints, impossible
from launcher.core.pending.scheduler import CORDONED, UNNAMED_TAINTS, clauses, clauses_code
from launcher.core.views import NodeView, PodEvent, PodView

__all__ = ["NEEDS_CLAIM_EVENTS", "name_claims", "refine"]

# Causes that a new node can remove, unlike a claim that does not exist.
_HELPED_BY_NEW_NODE = frozenset(
    {
        Code.INSUFFICIENT_RESOURCES,
        Code.DEVICES_UNAVAILABLE,
        Code.POD_CONSTRAINT,
        Code.GANG_INCOMPLETE,
        Code.FEATURE_MISSING,
        Code.TAINT_NOT_TOLERATED,
        Code.NO_MATCHING_NODE,
        Code.VOLUME_ZONE_CONFLICT,
    }
)
# The pod that holds a volume of the job may be preempted as well.
_HELPED_BY_VICTIMS = _HELPED_BY_NEW_NODE | {Code.VOLUME_IN_USE, Code.UNSCHEDULABLE}
# Of a pod of which the scheduler says nothing, the claims' events may show what it waits for.
_UNANNOUNCED = frozenset({Code.NO_SCHEDULER, Code.BINDING})
NEEDS_CLAIM_EVENTS = _UNANNOUNCED | {Code.VOLUME_UNBOUND}
_ABOUT_CLAIMS = frozenset({Code.VOLUME_UNBOUND, Code.VOLUME_IN_USE})
# The codes of a message that does not name taints, behind which may be a node that is not ready now.
_MAY_BE_NOT_READY = frozenset({Code.TAINT_NOT_TOLERATED, Code.NO_MATCHING_NODE})
# autoscaler: 'pod triggered scale-up: [{group 1->2 (max: 5)}]'; Karpenter: 'Pod should schedule on: x'
_AUTOSCALER_EVENTS: Mapping[str, Code] = {
    "TriggeredScaleUp": Code.SCALING_UP,
    "Nominated": Code.SCALING_UP,
    "NotTriggerScaleUp": Code.SCALE_UP_REFUSED,
}
# A single "pod didn't trigger scale-up" may only mean that the autoscaler is starting or backing off.
_MIN_REFUSALS = 3


def refine(
    cause: Cause,
    pod: PodView,
    events: Iterable[PodEvent],
    nodes: Sequence[NodeView],
    victims_left: float,
) -> Cause:
    """Return the cause with the more specific code that these hints give it, or unchanged.

    Args:
        cause: the cause by the scheduler's message.
        pod: the pod.
        events: events of the pod's uid, oldest first.
        nodes: all nodes; empty when they may not be listed.
        victims_left: seconds that preempted pods still have to leave the nominated node.
    """
    if cause.code is Code.NODE_NOT_READY and nodes and not blocked_by_life_cycle_taints(pod, nodes):
        cause = replace(cause, code=_without_cordons(cause))
    if cause.scheduled or cause.code not in _HELPED_BY_VICTIMS:
        return cause
    if pod.nominated_node and victims_left > 0:
        detail = f"node {pod.nominated_node} is being cleared for the pod: {cause.detail}"
        return replace(cause, code=Code.NOMINATED, detail=detail)
    latest = _latest_autoscaler_event(events) if cause.code in _HELPED_BY_NEW_NODE else None
    if latest is not None:
        event, code = latest
        return replace(cause, code=code, detail=f"{event.reason}: {event.message}; {cause.detail}")
    if (
        UNNAMED_TAINTS in cause.detail
        and cause.code in _MAY_BE_NOT_READY
        and _taints_may_go(cause, pod, nodes)
    ):
        return replace(cause, code=Code.NODE_NOT_READY)
    if cause.code is Code.INSUFFICIENT_RESOURCES:
        why = impossible(pod, nodes, cause.scarce)
        if why:
            return replace(cause, code=Code.IMPOSSIBLE_REQUEST, detail=f"{why}; {cause.detail}")
    return cause


def name_claims(cause: Cause, pod: PodView, events: Mapping[str, PodEvent]) -> Cause:
    """Return the cause with the names of the pod's claims, and the event of each claim, in its detail.

    The scheduler says "pod has unbound immediate PersistentVolumeClaims", and neither which nor why. An event
    of the claim does: ``ProvisioningFailed: storageclass.storage.k8s.io "x" not found``. A scheduler that
    waits for the provisioner of a claim that binds late says nothing at all; then the claim is the cause.

    Args:
        cause: the cause by the scheduler's message.
        pod: the pod.
        events: the newest event of each claim, by the claim's name.
    """
    own = [(name, event) for name, event in sorted(events.items()) if name in pod.claims]
    if cause.code in _UNANNOUNCED and any(is_provisioning(event) for _, event in own):
        cause = replace(cause, code=Code.VOLUME_UNBOUND)
    if cause.code not in _ABOUT_CLAIMS or not pod.claims:
        return cause
    texts = [f"claim {name} ({event.reason}: {event.message})" for name, event in own]
    texts = texts or [f"claims of the pod: {', '.join(pod.claims)}"]
    return replace(cause, detail="; ".join((cause.detail, *texts)))


def _without_cordons(cause: Cause) -> Code:
    """Return the code of the scheduler's message without its clause about cordoned nodes, if there is one.

    The scheduler checks for cordons before it checks labels: "1 node(s) were unschedulable" may be about a
    node that the pod could not use anyway.
    """
    others = [clause for clause in clauses(cause.detail) if not CORDONED.fullmatch(clause)]
    return clauses_code(others) if others else cause.code


def _taints_may_go(cause: Cause, pod: PodView, nodes: Sequence[NodeView]) -> bool:
    """Return whether the taints that the scheduler does not name may be removed without anybody's help.

    Without the right to list nodes this is unknown, and to wait is the cheaper mistake. But the taint of the
    control plane, which nearly all messages have, is no reason to wait for a selector that matches no node.
    """
    return blocked_by_life_cycle_taints(pod, nodes) if nodes else cause.code is Code.TAINT_NOT_TOLERATED


def _latest_autoscaler_event(events: Iterable[PodEvent]) -> tuple[PodEvent, Code] | None:
    found = None
    for event in events:
        code = _AUTOSCALER_EVENTS.get(event.reason)
        if code is Code.SCALE_UP_REFUSED and event.count < _MIN_REFUSALS:
            continue
        if code is not None:
            found = (event, code)
    return found
