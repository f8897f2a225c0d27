"""What else is known about a pod that no node has room for: the autoscaler, a nomination, the nodes.

The scheduler's message names what is missing, not whether it will come. Three sources do: events of the
cluster autoscaler and of Karpenter, ``status.nominatedNodeName``, and the nodes: what they
have, and which taints they carry.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from launcher.core.catalogue import Code
from launcher.core.pending.classify import Cause
from launcher.core.pending.nodes import closed_for_a_while, impossible
from launcher.core.pending.scheduler import CORDONED, UNNAMED_TAINTS, scheduling_code
from launcher.core.views import NodeView, PodEvent, PodView

__all__ = ["name_claims", "refine"]

# A new node changes these; it changes nothing about a claim that is missing.
_A_NODE_HELPS = frozenset(
    {
        Code.INSUFFICIENT_RESOURCES,
        Code.POD_CONSTRAINT,
        Code.TAINT_NOT_TOLERATED,
        Code.NO_MATCHING_NODE,
        Code.VOLUME_ZONE_CONFLICT,
    }
)
# What a node that is not ready now may hide behind, in messages that do not name taints.
_TAINTS_DECIDE = frozenset({Code.TAINT_NOT_TOLERATED, Code.NO_MATCHING_NODE})
# autoscaler: 'pod triggered scale-up: [{group 1->2 (max: 5)}]'; Karpenter: 'Pod should schedule on: x'
_SIGNALS: Mapping[str, Code] = {
    "TriggeredScaleUp": Code.SCALING_UP,
    "Nominated": Code.SCALING_UP,
    "NotTriggerScaleUp": Code.SCALE_UP_REFUSED,
}
# "pod didn't trigger scale-up" comes once while the autoscaler is still starting or backing off.
_REFUSALS = 3


def refine(
    cause: Cause,
    pod: PodView,
    events: Iterable[PodEvent],
    nodes: Sequence[NodeView],
    victims_left: float,
) -> Cause:
    """Return the cause with the code that these hints give it, or as it is.

    Args:
        cause: what the scheduler said.
        pod: the pod.
        events: events of the pod's uid, oldest first.
        nodes: all nodes; empty when they may not be listed.
        victims_left: seconds that preempted pods still have for leaving the nominated node.
    """
    if cause.code is Code.NODE_NOT_READY and nodes and not closed_for_a_while(pod, nodes):
        cause = replace(cause, code=_without_cordons(cause))
    if cause.scheduled or cause.code not in _A_NODE_HELPS:
        return cause
    if pod.nominated_node and victims_left > 0:
        detail = f"node {pod.nominated_node} is being cleared for the pod: {cause.detail}"
        return replace(cause, code=Code.NOMINATED, detail=detail)
    signal = _newest_signal(events)
    if signal is not None:
        event, code = signal
        return replace(cause, code=code, detail=f"{event.reason}: {event.message}; {cause.detail}")
    if UNNAMED_TAINTS in cause.detail and cause.code in _TAINTS_DECIDE and _may_reopen(cause, pod, nodes):
        return replace(cause, code=Code.NODE_NOT_READY)
    if cause.code is Code.INSUFFICIENT_RESOURCES:
        why = impossible(pod, nodes, cause.scarce)
        if why:
            return replace(cause, code=Code.IMPOSSIBLE_REQUEST, detail=f"{why}; {cause.detail}")
    return cause


def name_claims(cause: Cause, pod: PodView, events: Mapping[str, PodEvent]) -> Cause:
    """Return the cause with the names of the pod's claims, and what the volume controller said of each.

    The scheduler says "pod has unbound immediate PersistentVolumeClaims", and neither which nor why; events
    of the claim do: ``ProvisioningFailed: storageclass.storage.k8s.io "x" not found``.

    Args:
        cause: what the scheduler said.
        pod: the pod.
        events: the newest telling event of each claim, by its name.
    """
    if cause.code is not Code.VOLUME_UNBOUND or not pod.claims:
        return cause
    told = [(name, event) for name, event in sorted(events.items()) if name in pod.claims]
    said = [f"claim {name} ({event.reason}: {event.message})" for name, event in told]
    names = said or [f"claims of the pod: {', '.join(pod.claims)}"]
    return replace(cause, detail="; ".join((cause.detail, *names)))


def _without_cordons(cause: Cause) -> Code:
    """Return the code of the message when the cordoned nodes in it are none that the pod could use.

    The scheduler looks at a cordon before it looks at labels: "1 node(s) were unschedulable" may be any node.
    """
    code = scheduling_code(CORDONED.sub("", cause.detail))
    return cause.code if code is Code.UNSCHEDULABLE else code


def _may_reopen(cause: Cause, pod: PodView, nodes: Sequence[NodeView]) -> bool:
    """Return whether the taints that the scheduler does not name may be ones that go away by themselves.

    Where the nodes may not be listed nobody can tell, and waiting is the mistake that costs less - but a
    selector that matches nothing is not excused by the control plane's taint, which nearly all messages have.
    """
    return closed_for_a_while(pod, nodes) if nodes else cause.code is Code.TAINT_NOT_TOLERATED


def _newest_signal(events: Iterable[PodEvent]) -> tuple[PodEvent, Code] | None:
    found = None
    for event in events:
        code = _SIGNALS.get(event.reason)
        if code is Code.SCALE_UP_REFUSED and event.count < _REFUSALS:
            continue
        if code is not None:
            found = (event, code)
    return found
