"""What the nodes say more than the scheduler does: whether a request can ever be met, or a taint will go.

The scheduler says "Insufficient cpu" for a node that is full and for one that was never large enough: only
the nodes' allocatable tells them apart. kube-scheduler 1.36 says "untolerated taint(s)" and no longer which,
so a node that is not ready for a minute reads like one that is reserved for others. A site may refuse the
right to list nodes, and then neither is known.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from launcher.core.pending.scheduler import LIFE_CYCLE_TAINTS
from launcher.core.quantities import parse_quantity
from launcher.core.views import ContainerKind, NodeView, PodView, Taint, Toleration
from launcher.errors import InvalidInput

__all__ = ["closed_for_a_while", "impossible"]

_ZERO = Decimal(0)
_LIFE_CYCLE = re.compile(LIFE_CYCLE_TAINTS)


def closed_for_a_while(pod: PodView, nodes: Sequence[NodeView]) -> bool:
    """Return whether some node carries taints of its life cycle and nothing else that keeps the pod away.

    Affinities are not read: a node that they exclude can only make a pod wait longer, never fail.
    """
    return any(_selected(pod, node) and _only_life_cycle(_untolerated(pod, node)) for node in nodes)


def _selected(pod: PodView, node: NodeView) -> bool:
    return all(node.labels.get(key) == value for key, value in pod.node_selector.items())


def _untolerated(pod: PodView, node: NodeView) -> list[Taint]:
    return [
        taint
        for taint in node.taints
        if taint.effect in ("NoSchedule", "NoExecute")
        and not any(_tolerates(toleration, taint) for toleration in pod.tolerations)
    ]


def _only_life_cycle(taints: Sequence[Taint]) -> bool:
    return bool(taints) and all(_LIFE_CYCLE.fullmatch(taint.key) for taint in taints)


def _tolerates(toleration: Toleration, taint: Taint) -> bool:
    """Apply the rule of the API: an empty key with Exists matches all keys, an empty effect all effects."""
    if toleration.effect not in ("", taint.effect):
        return False
    if toleration.operator == "Exists":
        return toleration.key in ("", taint.key)
    return toleration.key == taint.key and toleration.value == taint.value


def impossible(pod: PodView, nodes: Sequence[NodeView], scarce: Iterable[str]) -> str:
    """Return which resource no node has enough of, in words; empty while some node could hold the pod.

    Args:
        pod: the pod, with the requests of its containers.
        nodes: all nodes; none = nothing can be said.
        scarce: resources that the scheduler found too little of.
    """
    if not nodes:
        return ""
    asked = _asked(pod)
    said = []
    for name in sorted(set(scarce) & asked.keys()):
        largest = max((_amount(node.allocatable, name) for node in nodes), default=_ZERO)
        if asked[name] > largest:
            said.append(f"{name}: the job asks for {asked[name]:f}, the largest node has {largest:f}")
    return "; ".join(said)


def _asked(pod: PodView) -> dict[str, Decimal]:
    """Return the effective request: all that run together, or the largest init container if that is more."""
    together: dict[str, Decimal] = {}
    alone: dict[str, Decimal] = {}
    for container in pod.containers:
        for name in container.requests:
            amount = _amount(container.requests, name)
            if container.kind is ContainerKind.INIT:
                alone[name] = max(alone.get(name, _ZERO), amount)
            else:
                together[name] = together.get(name, _ZERO) + amount
    return {name: max(together.get(name, _ZERO), alone.get(name, _ZERO)) for name in {*together, *alone}}


def _amount(resources: Mapping[str, str], name: str) -> Decimal:
    try:
        return parse_quantity(resources[name]) if name in resources else _ZERO
    except InvalidInput:
        return _ZERO
