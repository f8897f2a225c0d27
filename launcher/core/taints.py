"""Whether a node that a pod may use is closed for a while only: taints of its life cycle, or a cordon.

kube-scheduler 1.36 says "untolerated taint(s)" and no longer which, so a node that is not ready for a minute
reads like one that is reserved for others.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from launcher.core.scheduling import LIFE_CYCLE_TAINTS
from launcher.core.views import NodeView, PodView, Taint, Toleration

__all__ = ["closed_for_a_while"]

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
