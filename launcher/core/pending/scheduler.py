"""The codes of kube-scheduler's messages: split into clauses, each clause is looked up in one table.

A message counts every node: "0/3 nodes are available: 1 node(s) had untolerated taint
{node-role.kubernetes.io/control-plane: }, 2 Insufficient cpu. preemption: 0/3 nodes are available: ...".
The node that can be used soonest decides: if one lacks nothing but a resource, the job starts there as soon
as the resource is free, whatever excludes the others. The control plane's taint is in nearly all messages, so
a clause that no row knows outranks taints and selectors: the job waits, and nobody is blamed by accident.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from launcher.core.catalogue import Code

__all__ = [
    "CORDONED",
    "LIFE_CYCLE_TAINTS",
    "UNNAMED_TAINTS",
    "clauses",
    "clauses_code",
    "scarce_resources",
    "scheduling_code",
    "unknown_clauses",
]

_HEAD = re.compile(r"0/\d{1,9} nodes are available:")
# What follows the first full stop tells what plugins did about it: "preemption: 0/3 nodes are available:
# ...", "no new claims to deallocate, preemption: ...", "found a potential placement for pod on node x".
_TAIL = re.compile(r"\. |\.$")
_COUNTED = re.compile(r"\d{1,9} ")
# Not each comma: a clause may be "resource claim a, request b: unknown request type".
_BETWEEN = re.compile(r", (?=\d{1,9} )")
# An event is cut at 1024 bytes, a condition is not: "..., 2 node(s) didn't ma ..."
_CUT = "..."
_INSUFFICIENT = re.compile(r"insufficient ([A-Za-z0-9][A-Za-z0-9./_-]*)", re.IGNORECASE)
# kube-scheduler 1.36 does not name the taints; 1.35 and older name them in braces.
UNNAMED_TAINTS = "untolerated taint(s)"
CORDONED = re.compile(r"node\(s\) (?:were unschedulable|had been cordoned)")
_TOO_MANY_PODS = "Too many pods"
# Taints that Kubernetes itself sets and removes during the life of a node (well-known taints).
LIFE_CYCLE_TAINTS = (
    r"node\.kubernetes\.io/(?:not-ready|unreachable|disk-pressure|memory-pressure|pid-pressure|"
    r"network-unavailable|unschedulable)|node\.cloudprovider\.kubernetes\.io/uninitialized"
)


@dataclass(frozen=True)
class _Row:
    """The beginning of a clause and its code; no clause matches the row that stands for the unknown ones."""

    code: Code
    clause: re.Pattern[str] | None


def _row(code: Code, *beginnings: str) -> _Row:
    return _Row(code, re.compile("|".join(beginnings)))


_UNKNOWN = _Row(Code.UNSCHEDULABLE, None)
# In the order of how soon such a node may be usable; the first row that any clause matches is the message's.
_PRECEDENCE: tuple[_Row, ...] = (
    _row(
        Code.INSUFFICIENT_RESOURCES,
        r"[Ii]nsufficient [A-Za-z0-9][A-Za-z0-9./_-]*$",
        f"{_TOO_MANY_PODS}$",
        r"node\(s\) exceed max volume count$",
        r"node\(s\) did not have enough free storage$",
        "no nodes available to schedule pods$",
    ),
    # plugin DynamicResources: devices of a ResourceClaim
    _row(
        Code.DEVICES_UNAVAILABLE,
        "cannot allocate all claims",
        "cannot fit resource$",
        "cannot schedule extended resource claim",
        "resourceclaim (?:in use|not available on the node)",
        "timed out trying to allocate devices",
        r"node allocatable resource claim \S+ (?:has a mapped device|is already used by|shared by)",
    ),
    _row(
        Code.POD_CONSTRAINT,
        r"node\(s\) didn't match pod (?:anti-)?affinity rules",
        r"node\(s\) didn't satisfy existing pods anti-affinity rules",
        r"node\(s\) didn't match pod topology spread constraints",
        r"node\(s\) didn't have free ports for the requested pod ports",
    ),
    _row(
        Code.VOLUME_IN_USE,
        r"node\(s\) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode",
        r"node\(s\) had no available disk$",
    ),
    # pod groups (1.35 and later) and what waits at Permit: '0/3 placements are available, first placement
    # status: ...', 'pod group is unschedulable, minCount (3) cannot be satisfied: 1 scheduled, 1 remaining'
    _row(
        Code.GANG_INCOMPLETE,
        r"minCount \(",
        "waiting for (?:minCount pods from a gang|composite pod group|pods's (?:pod group|workload)) ",
        'pod group (?:is unschedulable|is waiting for preemption|preemption: |")',
        r"0/\d+ placements are available",
        "no feasible placements found",
        "one or more plugins asked to wait and no plugin rejected pod",
        "rejected due to timeout after waiting ",
        "workload aware preemption is not supported for pod groups",
        "failed to build hierarchy snapshot: composite pod group object not found",
    ),
    _row(Code.NOMINATED, "waiting for the preemption for this pod "),
    _row(Code.SCHEDULING_GATED, "waiting for scheduling gates"),
    _row(
        Code.VOLUME_UNBOUND,
        "pod has unbound immediate PersistentVolumeClaims",
        r"node\(s\) didn't find available persistent volumes to bind",
        r"node\(s\) unavailable due to one or more pvc\(s\) bound to non-existent pv\(s\)",
        'persistentvolumeclaim "[^"]*" (?:is being deleted|bound to non-existent)',
        "waiting for ephemeral volume controller to create the persistentvolumeclaim ",
        # plugin NodeVolumeLimits, which reads caches that may lag behind
        r"PVC \S+ was not created for pod ",
        "looking up (?:PVC|CSI driver name|provisioner name) ",
        r"converting volume\(",
    ),
    _row(
        Code.RESOURCE_CLAIM_PENDING,
        'pod "[^"]*": ResourceClaim not created yet',
        'pod "[^"]*", spec.resourceClaim "[^"]*": (?:ResourceClaim not created yet|none of the supported)',
        r"resource claim \S+ is in the process of being allocated",
        'resourceclaim "[^"]*" is being deleted',
        r"ResourceClaim (?:unreserved for PodGroup|\S+ was not created for|\S+ is not in the same namespace)",
        "(?:deallocation|deletion|deallocation and deletion) of (?:PodGroup )?ResourceClaims? completed",
        r"Pod(?:Group)? \S+ claim \S+ none of the supported fields are set",
        r"Pod \S+ (?:belongs to PodGroup|does not belong to a PodGroup)",
    ),
    _row(Code.DRIVER_MISSING, r"\S{1,64} CSI driver is not installed on the node"),
    _row(
        Code.NODE_NOT_READY,
        rf"node\(s\) had untolerated taint \{{(?:{LIFE_CYCLE_TAINTS})\b",
        CORDONED.pattern,
        r"node\(s\) had unknown conditions$",
    ),
    _UNKNOWN,
    # What stands below blames the job.
    _row(Code.PVC_MISSING, 'persistentvolumeclaim "[^"]*" not found$'),
    _row(Code.RESOURCE_CLAIM_MISSING, r"request \S+ device class \S+ does not exist"),
    _row(
        Code.FEATURE_MISSING,
        r"node\(s\) didn't match Pod's required features",
        "node declared features check failed - unsatisfied requirements",
        r"resource claim \S+ request \S+ has subrequests, but the DRAPrioritizedList feature is disabled",
        r"resource claim \S+ allocation requires DRAOptionalNodeOperations feature on the node",
        "Pod has a restartable init container and the SidecarContainers feature is disabled",
    ),
    _row(
        Code.VOLUME_ZONE_CONFLICT,
        # "0/3 nodes are available: 2 node(s) didn't match PersistentVolume's node affinity, ..."
        r"node\(s\) had volume node affinity conflict",
        r"node\(s\) didn't match PersistentVolume's node affinity",
        r"node\(s\) had no available volume zone",
    ),
    _row(
        Code.NO_MATCHING_NODE,
        r"(?:node\(s\) )?didn't match Pod's node affinity/selector",
        r"node\(s\) didn't match the requested node name",
        "pod affinity terms conflict$",
    ),
    # 1.36 no longer names the taints: "1 node(s) had untolerated taint(s)"
    _row(
        Code.TAINT_NOT_TOLERATED,
        r"node\(s\) had untolerated taint",
        r"node\(s\) had taints that the pod didn't tolerate",
    ),
    # 1.36, an affinity to names of nodes: "3 node(s) didn't satisfy plugin(s) [NodeAffinity]". Those nodes
    # were left out before any other check: whatever else is said is about nodes that match, so it comes last.
    _row(Code.NO_MATCHING_NODE, r"node\(s\) didn't satisfy plugin(?:\(s\))? \[?NodeAffinity\]?$"),
)
_RANK = {row: rank for rank, row in enumerate(_PRECEDENCE)}


def clauses(message: str) -> tuple[str, ...]:
    """Return what a message says about nodes, one text for each kind of refusal, without counts.

    A refusal of all nodes at once ("0/3 nodes are available: pod has unbound immediate
    PersistentVolumeClaims.") and a message of another form are one clause.
    """
    head = _HEAD.match(message)
    said = message[head.end() :].strip() if head else message.strip()
    is_cut = said.endswith(_CUT)
    text, *after = _TAIL.split(said.rstrip(".") if is_cut else said, maxsplit=1)
    if not _COUNTED.match(text):
        return (text,) if text else ()
    found = [_COUNTED.sub("", part, count=1) for part in _BETWEEN.split(text)]
    return tuple(found[:-1] if is_cut and not after and len(found) > 1 else found)


def clauses_code(found: Sequence[str]) -> Code:
    """Return the code of these clauses, UNSCHEDULABLE when there are none."""
    return min(map(_row_of, found), key=_RANK.__getitem__, default=_UNKNOWN).code


def scheduling_code(message: str) -> Code:
    """Return the code of a message of condition PodScheduled=False, reason Unschedulable."""
    return clauses_code(clauses(message))


def unknown_clauses(message: str) -> tuple[str, ...]:
    """Return the clauses that no row knows, in the order of the message."""
    return tuple(clause for clause in clauses(message) if _row_of(clause) is _UNKNOWN)


def _row_of(clause: str) -> _Row:
    known = (row for row in _PRECEDENCE if row.clause is not None and row.clause.match(clause))
    return next(known, _UNKNOWN)


def scarce_resources(message: str) -> tuple[str, ...]:
    """Return the names of the resources that are short, sorted; "pods" for a node with too many pods."""
    found = set()
    for clause in clauses(message):
        short = _INSUFFICIENT.fullmatch(clause)
        if short is not None:
            found.add(short[1])
        elif clause == _TOO_MANY_PODS:
            found.add("pods")
    return tuple(sorted(found))
