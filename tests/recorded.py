"""Fixtures that were recorded on a cluster, and their replay in no time through the pure part of the launcher."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from launcher import errors
from launcher.core.catalogue import CATALOGUE, Code
from launcher.core.lifecycle.state import Observation, Track
from launcher.core.lifecycle.step import step
from launcher.core.pending.clocks import WaitPolicy
from launcher.core.pending.refusal import refusal_of
from launcher.core.spec.site import Timeouts
from launcher.core.views import NodeView, PodEvent, PodView, Seen
from launcher.edges.helm.child import ChildFailed, Ended
from launcher.edges.helm.failures.explain import Call, explain
from launcher.edges.kube.translate import event_view, node_view, pod_view, when
from launcher.errors import LauncherError

__all__ = ["FOLDER", "POLICY", "Recording", "recordings"]

FOLDER = Path(__file__).parent / "data" / "pods"
# Every clock is finite, so every cause must end.
POLICY = WaitPolicy(timeout=None, graces=Timeouts(queue=3600.0))


@dataclass(frozen=True)
class Recording:
    """One state as it was seen: the pod, its events, what else was known, and the verdict it must get."""

    document: Mapping[str, Any]

    @property
    def name(self) -> str:
        return str(self.document["name"])

    @property
    def expected(self) -> Mapping[str, Any]:
        return dict(self.document["expected"])

    @property
    def code(self) -> Code:
        return Code(self.expected["code"])

    @property
    def ends_as(self) -> Code:
        return Code(self.expected.get("ends_as", self.expected["code"]))

    @property
    def error(self) -> LauncherError | None:
        """The error of a job whose pod was refused; None for a job that has one."""
        if "helm" in self.document:
            return explain(ChildFailed(Ended.EXITED, 1, self.document["helm"]), Call("install", "r", "ns"))
        refused = self.document.get("refused")
        return getattr(errors, refused["error"])(refused["message"]) if refused else None

    @property
    def pod(self) -> PodView:
        return pod_view(self.document["pod"])

    @property
    def events(self) -> tuple[PodEvent, ...]:
        return tuple(event_view(item) for item in self.document.get("events", ()))

    @property
    def nodes(self) -> tuple[NodeView, ...]:
        return tuple(node_view(item) for item in self.document.get("nodes", ()))

    @property
    def policy(self) -> WaitPolicy:
        """How it was judged."""
        return replace(POLICY, may_grow=self.document.get("autoscaler") != "none")

    @property
    def claims(self) -> Mapping[str, PodEvent]:
        """The newest event of each claim, where the pod's own state says nothing."""
        return {name: event_view(item) for name, item in self.document.get("claims", {}).items()}

    def look(self, now: float, revision: str = "") -> Observation:
        """Return what one look at ``now`` seconds shows."""
        wall = when(self.document["at"])
        assert wall is not None, f"{self.name}: at is no time"
        error = self.error
        if error is not None:
            return Observation(now, wall, Seen.absent(), refused=refusal_of(error))
        pod = self.pod
        if revision:
            pod = replace(pod, resource_version=revision)
        seen = Seen.absent(pod) if self.document.get("absent") else Seen.found(pod)
        return Observation(now, wall, seen, Seen.found(self.events), self.nodes, self.claims)

    def first(self, policy: WaitPolicy | None = None) -> Track:
        """Return the track after the first look; an absence is looked at until it is certain."""
        policy = policy or self.policy
        track = step(Track(launched=0.0), self.look(0.0), policy)
        if self.document.get("absent"):
            return step(track, self.look(6.0), policy)
        # A pod that outlives its deletion: its grace period and a minute.
        dying = self.error is None and self.pod.deleted is not None and track.outcome is None
        return step(track, self.look(120.0), policy) if dying else track

    def last(self, policy: WaitPolicy | None = None) -> Track:
        """Return the track after the clock of the cause has run out, with the pod seen once more before."""
        policy = policy or self.policy
        length = policy.seconds(CATALOGUE[self.code].limit)
        assert length is not None, f"{self.name}: the cause has no clock"
        track = step(self.first(policy), self.look(0.1, "seen again"), policy)
        track = step(track, self.look(length - 0.1), policy)
        assert track.outcome is None or length == 0.0, f"{self.name}: failed too early: {track.outcome}"
        track = step(track, self.look(length + 0.2), policy)
        # A cause may give way to another one, such as a nomination to the shortage below it.
        return track if self.ends_as is self.code else step(track, self.look(length + 10_000), policy)


@cache
def recordings() -> tuple[Recording, ...]:
    """Return all fixtures, by name."""
    return tuple(Recording(yaml.safe_load(path.read_text())) for path in sorted(FOLDER.glob("*.yaml")))
