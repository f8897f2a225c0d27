"""Refines the cause of an unscheduled pod by autoscaler events, a nomination, the nodes and its claims.

The scheduler's message says what is missing, not whether it will become available. Three sources do: events
of autoscalers, ``status.nominatedNodeName``, and the nodes with their allocatable resources and taints.

That no node of today is large enough proves nothing where nodes are added: a pool for GPUs is often scaled to
zero, and so is its label. A request is impossible only if somebody who knows says so: the autoscaler, again
and again and for the size alone, or the site, that it has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from launcher.core.catalogue import Code
from launcher.core.pending.autoscaler import Answer, answer
from launcher.core.pending.binding import is_provisioning
from launcher.core.pending.classify import Cause
from launcher.core.pending.nodes import Shortfall, blocked_by_life_cycle_taints, shortfall
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


def refine(
    cause: Cause,
    pod: PodView,
    events: Iterable[PodEvent],
    nodes: Sequence[NodeView],
    victims_left: float,
    *,
    may_grow: bool = True,
) -> Cause:
    """Return the cause with the more specific code that these hints give it, or unchanged.

    Args:
        cause: the cause by the scheduler's message.
        pod: the pod.
        events: events of the pod's uid, oldest first.
        nodes: all nodes; empty when they may not be listed.
        victims_left: seconds that preempted pods still have to leave the nominated node.
        may_grow: whether nodes may be added by themselves, as far as the site knows.
    """
    if cause.code is Code.NODE_NOT_READY and nodes and not blocked_by_life_cycle_taints(pod, nodes):
        cause = replace(cause, code=_without_cordons(cause))
    if cause.scheduled or cause.code not in _HELPED_BY_VICTIMS:
        return cause
    if pod.nominated_node and victims_left > 0:
        detail = f"node {pod.nominated_node} is being cleared for the pod: {cause.detail}"
        return replace(cause, code=Code.NOMINATED, detail=detail)
    said = answer(events) if cause.code in _HELPED_BY_NEW_NODE else None
    lacking = shortfall(pod, nodes, cause.scarce) if cause.code is Code.INSUFFICIENT_RESOURCES else ()
    if said is not None:
        return _answered(cause, said, lacking)
    if (
        UNNAMED_TAINTS in cause.detail
        and cause.code in _MAY_BE_NOT_READY
        and _taints_may_go(cause, pod, nodes)
    ):
        return replace(cause, code=Code.NODE_NOT_READY)
    if not lacking:
        return cause
    is_certain = not may_grow and _is_certain(cause, lacking)
    return _too_small(cause, Code.IMPOSSIBLE_REQUEST if is_certain else Code.NODES_TOO_SMALL, lacking)


def _answered(cause: Cause, said: Answer, lacking: Sequence[Shortfall]) -> Cause:
    """Return the cause with what the autoscalers say of it."""
    detail = f"{said.event.reason}: {said.event.message}; {cause.detail}"
    if said.is_final and lacking and _is_certain(cause, lacking):
        return _too_small(replace(cause, detail=detail), Code.IMPOSSIBLE_REQUEST, lacking)
    return replace(cause, code=said.code, detail=detail)


def _too_small(cause: Cause, code: Code, lacking: Iterable[Shortfall]) -> Cause:
    return replace(cause, code=code, detail=f"{'; '.join(one.text for one in lacking)}; {cause.detail}")


def _is_certain(cause: Cause, lacking: Iterable[Shortfall]) -> bool:
    """Return whether the nodes' allocatable resources tell all about one of the resources that are short.

    Not about a device: its plugin may not have announced it yet, and where DRA serves it
    (DRAExtendedResource, on since Kubernetes 1.36) no node lists it.
    """
    by_dra = any(clauses_code([clause]) is Code.DEVICES_UNAVAILABLE for clause in clauses(cause.detail))
    return any(not one.is_device or (one.largest > 0 and not by_dra) for one in lacking)


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
