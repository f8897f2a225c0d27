"""Whether a request can ever be met: a pod's containers against the largest node.

The scheduler says "Insufficient cpu" for a node that is full and for one that was never large enough. Only
the nodes' allocatable tells them apart; a site may refuse the right to list nodes, and then nobody asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from launcher.core.quantities import parse_quantity
from launcher.core.views import ContainerKind, NodeView, PodView
from launcher.errors import InvalidInput

__all__ = ["impossible"]

_ZERO = Decimal(0)


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
