"""What only the nodes show: whether one of them is large enough, and whether a taint will be removed.

The scheduler says "Insufficient cpu" for a node that is full and for one that was never large enough: only
the nodes' allocatable distinguishes them. kube-scheduler 1.36 says "untolerated taint(s)" and no longer
which, so a node that is not ready for a minute looks like one that is reserved. A site may refuse the right
to list nodes; then neither is known.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from launcher.core.pending.scheduler import LIFE_CYCLE_TAINTS
from launcher.core.quantities import amount_text, parse_quantity
from launcher.core.views import ContainerKind, NodeView, PodView, Taint, Toleration
from launcher.errors import InvalidInput

__all__ = [
    "Shortfall",
    "amount",
    "blocked_by_life_cycle_taints",
    "effective_requests",
    "matches_selector",
    "shortfall",
    "untolerated",
]

_ZERO = Decimal(0)
_LIFE_CYCLE = re.compile(LIFE_CYCLE_TAINTS)


def blocked_by_life_cycle_taints(pod: PodView, nodes: Sequence[NodeView]) -> bool:
    """Return whether some node is closed to the pod by taints of the node life cycle alone.

    Node affinity is not read: a node that it excludes can only make a pod wait longer, never fail.
    """
    return any(matches_selector(pod, node) and _only_life_cycle(untolerated(pod, node)) for node in nodes)


def matches_selector(pod: PodView, node: NodeView) -> bool:
    """Return whether a node has the labels of the pod's nodeSelector."""
    return all(node.labels.get(key) == value for key, value in pod.node_selector.items())


def untolerated(pod: PodView, node: NodeView) -> list[Taint]:
    """Return the taints of a node that keep the pod away."""
    return [
        taint
        for taint in node.taints
        if taint.effect in ("NoSchedule", "NoExecute")
        and not any(_tolerates(toleration, taint) for toleration in pod.tolerations)
    ]


def _only_life_cycle(taints: Sequence[Taint]) -> bool:
    return bool(taints) and all(_LIFE_CYCLE.fullmatch(taint.key) for taint in taints)


def _tolerates(toleration: Toleration, taint: Taint) -> bool:
    """Return whether they match: an empty key with Exists matches all keys, an empty effect all effects."""
    if toleration.effect not in ("", taint.effect):
        return False
    if toleration.operator == "Exists":
        return toleration.key in ("", taint.key)
    return toleration.key == taint.key and toleration.value == taint.value


@dataclass(frozen=True)
class Shortfall:
    """A resource of which the pod asks for more than the largest node has."""

    name: str
    asked: Decimal
    largest: Decimal

    @property
    def is_device(self) -> bool:
        """Whether it is an extended resource, such as ``nvidia.com/gpu``, and no resource of Kubernetes."""
        domain, slash, _ = self.name.partition("/")
        return bool(slash) and domain != "kubernetes.io" and not domain.endswith(".kubernetes.io")

    @property
    def text(self) -> str:
        """Both numbers, for a person."""
        asked, there = amount_text(self.name, self.asked), amount_text(self.name, self.largest)
        return f"{self.name}: the job asks for {asked}, the largest node has {there}"


def shortfall(pod: PodView, nodes: Sequence[NodeView], scarce: Iterable[str]) -> tuple[Shortfall, ...]:
    """Return the requested resources that no node has enough of; empty while one could hold the pod.

    Args:
        pod: the pod, with the requests of its containers.
        nodes: all nodes; empty when they are not known.
        scarce: resources that the scheduler found too little of.
    """
    if not nodes:
        return ()
    requests = effective_requests(pod)
    found = []
    for name in sorted(set(scarce) & requests.keys()):
        largest = max((amount(node.allocatable, name) for node in nodes), default=_ZERO)
        if requests[name] > largest:
            found.append(Shortfall(name, requests[name], largest))
    return tuple(found)


def effective_requests(pod: PodView) -> dict[str, Decimal]:
    """Return the sum over the containers that run together, or the largest init container if that is more."""
    together: dict[str, Decimal] = {}
    alone: dict[str, Decimal] = {}
    for container in pod.containers:
        for name in container.requests:
            asked = amount(container.requests, name)
            if container.kind is ContainerKind.INIT:
                alone[name] = max(alone.get(name, _ZERO), asked)
            else:
                together[name] = together.get(name, _ZERO) + asked
    return {name: max(together.get(name, _ZERO), alone.get(name, _ZERO)) for name in {*together, *alone}}


def amount(resources: Mapping[str, str], name: str) -> Decimal:
    """Return how much of a resource is meant; nothing where it is not named or cannot be read."""
    try:
        return parse_quantity(resources[name]) if name in resources else _ZERO
    except InvalidInput:
        return _ZERO
