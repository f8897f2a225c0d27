"""The codes of kube-scheduler's messages: one table of clauses, of which the first that matches decides.

A message counts every node: "0/3 nodes are available: 1 node(s) had untolerated taint
{node-role.kubernetes.io/control-plane: }, 2 Insufficient cpu. preemption: 0/3 nodes are available: ...".
The node that can be used soonest decides: if one lacks nothing but a resource, the job starts there as soon
as the resource is free, whatever excludes the others. The control plane's taint is in nearly all messages.
The text after "preemption:" is about victims and not about the cause.
"""

from __future__ import annotations

import re

from launcher.core.catalogue import Code

__all__ = ["CORDONED", "LIFE_CYCLE_TAINTS", "UNNAMED_TAINTS", "scarce_resources", "scheduling_code"]

_INSUFFICIENT = re.compile(r"\b[Ii]nsufficient ([A-Za-z0-9][A-Za-z0-9./_-]*)")
# kube-scheduler 1.36 does not name the taints; 1.35 and older name them in braces.
UNNAMED_TAINTS = "untolerated taint(s)"
CORDONED = re.compile(r"(?<!\d)\d{1,9} node\(s\) (?:were unschedulable|had been cordoned)")
_TOO_MANY_PODS = "Too many pods"
# Taints that Kubernetes itself sets and removes during the life of a node (well-known taints).
LIFE_CYCLE_TAINTS = (
    r"node\.kubernetes\.io/(?:not-ready|unreachable|disk-pressure|memory-pressure|pid-pressure|"
    r"network-unavailable|unschedulable)|node\.cloudprovider\.kubernetes\.io/uninitialized"
)

# In the order of how soon such a node may be usable. Patterns are of kube-scheduler 1.36 unless they say
# otherwise.
_CLAUSES: tuple[tuple[re.Pattern[str], Code], ...] = (
    (re.compile(r'persistentvolumeclaim "[^"]*" not found'), Code.PVC_MISSING),
    (re.compile(r"\b[Ii]nsufficient [A-Za-z0-9]|Too many pods"), Code.INSUFFICIENT_RESOURCES),
    (
        re.compile(
            r"didn't match pod anti-affinity rules|didn't satisfy existing pods anti-affinity rules|"
            r"didn't match pod affinity rules|didn't match pod topology spread constraints|"
            r"didn't have free ports for the requested pod ports"
        ),
        Code.POD_CONSTRAINT,
    ),
    (
        re.compile(
            r"unbound immediate PersistentVolumeClaims|didn't find available persistent volumes to bind"
        ),
        Code.VOLUME_UNBOUND,
    ),
    (
        re.compile(r'persistentvolumeclaim "[^"]*" (?:is being deleted|bound to non-existent)'),
        Code.VOLUME_UNBOUND,
    ),
    (re.compile(rf"untolerated taint \{{(?:{LIFE_CYCLE_TAINTS})\b"), Code.NODE_NOT_READY),
    (CORDONED, Code.NODE_NOT_READY),
    (
        re.compile(
            # "0/3 nodes are available: 2 node(s) didn't match PersistentVolume's node affinity, ..."
            r"volume node affinity conflict|didn't match PersistentVolume's node affinity|"
            r"no available volume zone"
        ),
        Code.VOLUME_ZONE_CONFLICT,
    ),
    (
        re.compile(r"didn't match Pod's node affinity/selector|didn't match the requested node name"),
        Code.NO_MATCHING_NODE,
    ),
    # 1.36 no longer names the taints: "1 node(s) had untolerated taint(s)"
    (re.compile(r"untolerated taint"), Code.TAINT_NOT_TOLERATED),
    # 1.36, an affinity to names of nodes: "3 node(s) didn't satisfy plugin(s) [NodeAffinity]". Those nodes
    # were left out before any other check: whatever else is said is about nodes that match, so it comes last.
    (re.compile(r"didn't satisfy plugin\(s\) \[NodeAffinity\]"), Code.NO_MATCHING_NODE),
)


def _cause_text(message: str) -> str:
    return re.split(r"\bpreemption:", message, maxsplit=1)[0]


def scheduling_code(message: str) -> Code:
    """Return the code of a message of condition PodScheduled=False, reason Unschedulable."""
    text = _cause_text(message)
    return next((code for pattern, code in _CLAUSES if pattern.search(text)), Code.UNSCHEDULABLE)


def scarce_resources(message: str) -> tuple[str, ...]:
    """Return the names of the resources that are short, sorted; "pods" for a node with too many pods."""
    text = _cause_text(message)
    found = {name.rstrip(".") for name in _INSUFFICIENT.findall(text)}
    if _TOO_MANY_PODS in text:
        found.add("pods")
    return tuple(sorted(found))
