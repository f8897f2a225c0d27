"""What autoscalers say about a pod in its events: a node is coming, or none that they may add would help.

Each says so in its own words and at its own pace. The cluster autoscaler repeats its refusal every ten
seconds, each time its reasons change as an event of its own: "pod didn't trigger scale-up: 1 max node group
size reached", "...: 1 Insufficient cpu". Karpenter tries as often and speaks once in five minutes. In a
cluster with several of them one may refuse what another provides. So refusals are counted together, whatever
their texts, and a node that one of them makes outweighs the refusals of all others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from launcher.core.catalogue import Code
from launcher.core.views import PodEvent

__all__ = ["Answer", "answer", "event_answer"]

# A single "pod didn't trigger scale-up" may only mean that the autoscaler is starting or backing off.
_MIN_REFUSALS = 3
# What ends a job as impossible has to be refused for so long: a count alone is one event, which whoever may
# create events writes in a moment (count: 1000).
_REFUSED_FOR = timedelta(seconds=60)
_CLUSTER, _KARPENTER = "cluster-autoscaler", "karpenter"


@dataclass(frozen=True)
class _Row:
    """One event: who says it, what it means, and how many rounds of that autoscaler it stands for."""

    speaker: str
    reason: str
    code: Code
    rounds: int = 1
    message: re.Pattern[str] = re.compile("")
    source: re.Pattern[str] = re.compile("")


_ROWS: tuple[_Row, ...] = (
    # 'pod triggered scale-up: [{group 1->2 (max: 5)}]'
    _Row(_CLUSTER, "TriggeredScaleUp", Code.SCALING_UP),
    _Row(_CLUSTER, "NotTriggerScaleUp", Code.SCALE_UP_REFUSED),
    # GKE: 'Node scale up in zones us-central1-a associated with this pod failed: GCE out of resources. Pod is
    # at risk of not being scheduled.'
    _Row(_CLUSTER, "FailedScaleUp", Code.SCALE_UP_REFUSED),
    # 'Pod should schedule on: nodeclaim/default-x7k2p, node/ip-10-0-0-1'
    _Row(_KARPENTER, "Nominated", Code.SCALING_UP),
    # 'Failed to schedule pod, incompatible with nodepool "default", daemonset overhead={...}, no instance
    # type has enough resources, requirements=..., resources={...}'; the scheduler has events of this reason,
    # too. EKS Auto Mode runs Karpenter under its own name.
    _Row(
        _KARPENTER,
        "FailedScheduling",
        Code.SCALE_UP_REFUSED,
        _MIN_REFUSALS,
        message=re.compile(r"(?:Failed to schedule|Could not schedule) pod\b"),
    ),
    _Row(
        _KARPENTER,
        "FailedScheduling",
        Code.SCALE_UP_REFUSED,
        _MIN_REFUSALS,
        source=re.compile(r"karpenter|eks-auto-mode", re.IGNORECASE),
    ),
    # before Karpenter 0.20: 'Failed to provision new node, incompatible with provisioner "default", ...'
    _Row(_KARPENTER, "FailedProvisioning", Code.SCALE_UP_REFUSED, _MIN_REFUSALS),
)

# Reasons of the cluster autoscaler that are about the size of the nodes it may add, and those that exclude
# a group whatever its size. All others pass: 'max node group size reached', 'in backoff after failed
# scale-up', 'max cluster cpu, memory limit reached', 'not ready for scale-up'.
_CLUSTER_REASONS = re.compile(r"(?:pod didn't trigger scale-up[^:]{0,80}:) (?P<reasons>.+)", re.DOTALL)
_BETWEEN = re.compile(r", (?=\d{1,9} )")
_TOO_SMALL = re.compile(r"\d{1,9} Insufficient [A-Za-z0-9][A-Za-z0-9./_-]{0,300}$")
_EXCLUDED = re.compile(
    r"\d{1,9} node\(s\) (?:didn't match Pod's node affinity|had untolerated taint|had taints that the pod)"
)
# The same of Karpenter, which joins what it says of each NodePool by '; '. Not what names offerings
# (capacity that the cloud has not got now) or limits ('all available instance types exceed limits for
# nodepool').
_POOL_TOO_SMALL = re.compile(
    r"no instance type (?:has|had) enough resources(?! or had)|\(no instance type has enough resources\)"
)
_POOL_EXCLUDED = re.compile(r"did not tolerate |incompatible requirements, ")
_NEXT_POOL = re.compile(r"; (?=incompatible with |all available |no instance )")


@dataclass(frozen=True)
class Answer:
    """What all autoscalers together say about a pod.

    Attributes:
        code: SCALING_UP or SCALE_UP_REFUSED.
        event: the newest that says so.
        is_final: every refusal says that no node is large enough that the autoscaler may add, and nothing
            that passes by itself; and they were seen for a minute.
    """

    code: Code
    event: PodEvent
    is_final: bool = False


@dataclass
class _Speaker:
    """What one autoscaler has said since it last made a node."""

    promise: PodEvent | None = None
    refusals: list[PodEvent] = field(default_factory=list)
    rounds: int = 0

    @property
    def keeps_promise(self) -> bool:
        return self.promise is not None and self.rounds < _MIN_REFUSALS


def event_answer(event: PodEvent) -> Code | None:
    """Return what one event of an autoscaler means; None when it is not one's."""
    row = _row_of(event)
    return None if row is None else row.code


def answer(events: Iterable[PodEvent]) -> Answer | None:
    """Return what the autoscalers say; None when they have not said it clearly yet, or there is none.

    Args:
        events: events of the pod's uid, oldest first.
    """
    speakers: dict[str, _Speaker] = {}
    newest: PodEvent | None = None
    for event in events:
        row = _row_of(event)
        if row is None:
            continue
        if row.code is Code.SCALING_UP:
            speakers[row.speaker] = _Speaker(event)
            continue
        speaker = speakers.setdefault(row.speaker, _Speaker())
        speaker.refusals.append(event)
        speaker.rounds += row.rounds * event.count
        newest = event
    promises = [speaker.promise for speaker in speakers.values() if speaker.keeps_promise]
    if promises:
        return Answer(Code.SCALING_UP, [p for p in promises if p is not None][-1])
    if newest is None or sum(speaker.rounds for speaker in speakers.values()) < _MIN_REFUSALS:
        return None
    refusals = [event for speaker in speakers.values() for event in speaker.refusals]
    return Answer(
        Code.SCALE_UP_REFUSED, newest, _have_lasted(refusals) and all(map(_is_about_size, refusals))
    )


def _row_of(event: PodEvent) -> _Row | None:
    return next(
        (
            row
            for row in _ROWS
            if row.reason == event.reason
            and row.message.match(event.message)
            and row.source.search(event.source)
        ),
        None,
    )


def _have_lasted(refusals: Iterable[PodEvent]) -> bool:
    stamps = [at for event in refusals for at in (event.first_seen, event.last_seen) if at is not None]
    return bool(stamps) and max(stamps) - min(stamps) >= _REFUSED_FOR


def _is_about_size(refusal: PodEvent) -> bool:
    """Return whether a refusal says that each node which may be added is too small or excluded, for good."""
    said = _CLUSTER_REASONS.match(refusal.message)
    if said is not None:
        return _all(_BETWEEN.split(said["reasons"].strip()), _TOO_SMALL, _EXCLUDED)
    return _all(_NEXT_POOL.split(refusal.message), _POOL_TOO_SMALL, _POOL_EXCLUDED)


def _all(parts: list[str], small: re.Pattern[str], excluded: re.Pattern[str]) -> bool:
    sizes = [part for part in parts if small.search(part)]
    return bool(sizes) and all(small.search(part) or excluded.search(part) for part in parts)
