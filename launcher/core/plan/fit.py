"""Whether some node could take a pod, told in the scheduler's words and read by the rules for those.

Each node gets the clause of the first plugin of kube-scheduler that would refuse it, in the scheduler's own
order (NodeAffinity's names, NodeUnschedulable, TaintToleration, NodeAffinity, NodeResourcesFit), and
the sentence that they make goes the way that a real one goes: the same codes follow.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

from launcher.core.pending.classify import Cause
from launcher.core.pending.hints import refine
from launcher.core.pending.nodes import amount, effective_requests, matches_selector, untolerated
from launcher.core.pending.scheduler import scarce_resources, scheduling_code
from launcher.core.plan.rows import Answer, Row, Stage, bad, unknown
from launcher.core.plan.views import Cluster, Need, PlannedPod, Term
from launcher.core.views import NodeView

__all__ = ["fit_rows"]

_WHAT, _FREE = "fit", "free now"
_CORDON = "node.kubernetes.io/unschedulable"
_DEFAULT_SCHEDULER = "default-scheduler"
_LONGEST = 19  # digits of an int64
_NOTHING: Mapping[str, Decimal] = {}


def fit_rows(pod: PlannedPod, cluster: Cluster, *, may_grow: bool) -> Iterator[Row]:
    """Yield whether a node is large enough, and whether one has room now.

    Args:
        pod: the pod.
        cluster: nodes, and what is used of them.
        may_grow: whether nodes may be added, as far as the site knows.
    """
    if pod.view.node:
        yield Row(what=_WHAT, answer=Answer.OK, stage=Stage.NODES, detail="the pod names its node")
        return
    if cluster.why:
        yield unknown(_WHAT, Stage.NODES, cluster.why, "`fljob rbac --nodes` prints the right to list nodes")
        return
    nobody = {node.name: _NOTHING for node in cluster.nodes}
    cause = _cause(pod, cluster.nodes, nobody, may_grow=may_grow)
    sure = pod.scheduler in ("", _DEFAULT_SCHEDULER)
    if cause is not None:
        yield bad(_WHAT, cause.code, Stage.NODES, cause.detail, sure=sure)
        return
    rest = f"; not judged: {', '.join(pod.unjudged)}" if pod.unjudged else ""
    yield Row(what=_WHAT, answer=Answer.OK, stage=Stage.NODES, detail=f"a node is large enough{rest}")
    if cluster.used is None:
        yield unknown(_FREE, Stage.NODES, cluster.why_not_used)
        return
    cause = _cause(pod, cluster.nodes, cluster.used, may_grow=may_grow)
    if cause is None:
        yield Row(what=_FREE, answer=Answer.OK, stage=Stage.NODES, detail="a node has room now")
        return
    # A pod of higher priority may take the place of others.
    yield bad(_FREE, cause.code, Stage.NODES, cause.detail, sure=sure and pod.priority <= 0)


def _cause(
    pod: PlannedPod,
    nodes: tuple[NodeView, ...],
    used: Mapping[str, Mapping[str, Decimal]],
    *,
    may_grow: bool,
) -> Cause | None:
    """Return why no node takes the pod, None when one does."""
    said = [tuple(_clauses(pod, node, used.get(node.name, _NOTHING))) for node in nodes]
    if any(not clauses for clauses in said):
        return None
    counts = Counter(clause for clauses in said for clause in clauses)
    text = ", ".join(f"{count} {clause}" for clause, count in sorted(counts.items()))
    text = f"0/{len(nodes)} nodes are available: {text or 'no nodes available to schedule pods'}."
    cause = Cause(scheduling_code(text), text, scheduled=False, scarce=scarce_resources(text))
    return refine(cause, pod.view, (), nodes, 0.0, may_grow=may_grow)


def _clauses(pod: PlannedPod, node: NodeView, used: Mapping[str, Decimal]) -> Iterator[str]:
    """Yield what kube-scheduler 1.36 says of a node that does not fit; nothing of one that does."""
    if not _is_named(pod.terms, node):
        yield "node(s) didn't satisfy plugin(s) [NodeAffinity]"
        return
    taints = untolerated(pod.view, node)
    if any(taint.key == _CORDON for taint in taints):
        yield "node(s) were unschedulable"
    elif taints:
        yield "node(s) had untolerated taint(s)"
    elif not (matches_selector(pod.view, node) and _matches_terms(pod.terms, node)):
        yield "node(s) didn't match Pod's node affinity/selector"
    else:
        yield from _short(pod, node, used)


def _short(pod: PlannedPod, node: NodeView, used: Mapping[str, Decimal]) -> Iterator[str]:
    if "pods" in node.allocatable and used.get("pods", Decimal(0)) + 1 > amount(node.allocatable, "pods"):
        yield "Too many pods"
    for name, asked in sorted(effective_requests(pod.view).items()):
        if asked > 0 and asked + used.get(name, Decimal(0)) > amount(node.allocatable, name):
            yield f"Insufficient {name}"


def _is_named(terms: tuple[Term, ...], node: NodeView) -> bool:
    """Return whether the affinity leaves a node in by its name: the scheduler asks that of all first."""
    by_name = bool(terms) and all(term.fields for term in terms)
    return not by_name or any(_hold(term.fields, {"metadata.name": node.name}) for term in terms)


def _matches_terms(terms: tuple[Term, ...], node: NodeView) -> bool:
    # A term without any expression matches no node.
    return not terms or any(
        (term.labels or term.fields)
        and _hold(term.labels, node.labels)
        and _hold(term.fields, {"metadata.name": node.name})
        for term in terms
    )


def _hold(needs: Iterable[Need], labels: Mapping[str, str]) -> bool:
    return all(_holds(need, labels.get(need.key)) for need in needs)


def _holds(need: Need, value: str | None) -> bool:
    if need.operator in ("Exists", "DoesNotExist"):
        return (value is not None) is (need.operator == "Exists")
    if need.operator in ("In", "NotIn"):
        return (value in need.values) is (need.operator == "In")
    if need.operator in ("Gt", "Lt") and value is not None:
        return _compares(need, value)
    return False


def _compares(need: Need, value: str) -> bool:
    numbers = [
        text for text in (value, *need.values) if text.removeprefix("-").isdecimal() and len(text) <= _LONGEST
    ]
    if len(numbers) != 2 or len(need.values) != 1:  # noqa: PLR2004 - the API server allows one value
        return False
    there, bound = (int(text) for text in numbers)
    return there > bound if need.operator == "Gt" else there < bound
