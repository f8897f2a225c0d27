"""What was seen of the world, as frozen values: total, so that nothing behind the edges meets a None chain.

An edge translates an API object into one of these; missing is ``None``, ``""`` or an empty tuple.
:class:`Seen` keeps "could not ask" apart from "not there" everywhere.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

__all__ = [
    "Condition",
    "ContainerKind",
    "ContainerState",
    "ContainerView",
    "NodeView",
    "PodEvent",
    "PodView",
    "Presence",
    "ReleaseView",
    "Seen",
    "Taint",
    "Toleration",
    "age_seconds",
]

T = TypeVar("T")


def age_seconds(since: datetime | None, now: datetime) -> float:
    """Return the seconds between two moments; what has no moment is older than everything."""
    return float("inf") if since is None else (now - since).total_seconds()


class Presence(enum.Enum):
    """Whether a question about an object could be answered, and how."""

    FOUND = "found"
    ABSENT = "absent"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True)
class Seen(Generic[T]):
    """The answer to "is it there": the object, its certain absence, or "could not ask" with the reason."""

    presence: Presence
    value: T | None = None
    why: str = ""

    @classmethod
    def found(cls, value: T) -> Seen[T]:
        """Return an answer that carries the object."""
        return cls(Presence.FOUND, value)

    @classmethod
    def absent(cls, last: T | None = None) -> Seen[T]:
        """Return the certain answer that the object is not there; ``last`` is what was seen of it before."""
        return cls(Presence.ABSENT, last)

    @classmethod
    def unavailable(cls, why: str) -> Seen[T]:
        """Return "could not ask" with the reason in words."""
        return cls(Presence.UNAVAILABLE, None, why)


class ContainerKind(enum.IntEnum):
    """What a container is for, in the order in which the kubelet starts them and we read them."""

    INIT = 0
    SIDECAR_INIT = 1  # native sidecar: an init container with restartPolicy Always
    MAIN = 2
    SIDECAR = 3


class ContainerState(str, enum.Enum):
    """The state union of a container status; NONE when the kubelet has not reported one yet."""

    NONE = "none"
    WAITING = "waiting"
    RUNNING = "running"
    TERMINATED = "terminated"


@dataclass(frozen=True)
class ContainerView:
    """One container of a pod; ``reason``, ``message`` and ``exit_code`` belong to the current state."""

    name: str
    kind: ContainerKind
    image: str = ""
    state: ContainerState = ContainerState.NONE
    reason: str = ""
    message: str = ""
    exit_code: int | None = None
    signal: int | None = None
    finished_at: datetime | None = None
    restarts: int = 0
    memory_limit: str = ""
    requests: Mapping[str, str] = field(default_factory=dict)
    # The end before the current state, for containers that restart (sidecars, native sidecars).
    last_reason: str = ""
    last_exit_code: int | None = None


@dataclass(frozen=True)
class Condition:
    """A pod condition, such as PodScheduled or DisruptionTarget."""

    type: str
    status: str
    reason: str = ""
    message: str = ""
    since: datetime | None = None


@dataclass(frozen=True)
class Taint:
    """What keeps pods away from a node unless they tolerate it."""

    key: str
    effect: str
    value: str = ""


@dataclass(frozen=True)
class Toleration:
    """What taints a pod tolerates; an empty effect means every effect."""

    key: str = ""
    effect: str = ""
    operator: str = "Equal"
    value: str = ""


@dataclass(frozen=True)
class PodView:
    """A pod as the API server last showed it."""

    name: str
    namespace: str
    uid: str
    phase: str = ""
    reason: str = ""
    message: str = ""
    node: str = ""
    created: datetime | None = None
    deleted: datetime | None = None
    grace_seconds: int | None = None
    nominated_node: str = ""
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: tuple[Toleration, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    conditions: tuple[Condition, ...] = ()
    containers: tuple[ContainerView, ...] = ()
    resource_version: str = ""
    generation: int = 0
    claims: tuple[str, ...] = ()

    def condition(self, kind: str) -> Condition | None:
        """Return the condition of type ``kind``, or None."""
        return next((c for c in self.conditions if c.type == kind), None)

    def has_reason(self, reason: str) -> bool:
        """Return whether a condition that holds has this reason."""
        return any(c.reason == reason and c.status == "True" for c in self.conditions)

    @property
    def main(self) -> ContainerView | None:
        """The job container, or None before the kubelet reports it."""
        return next((c for c in self.containers if c.kind is ContainerKind.MAIN), None)


@dataclass(frozen=True)
class PodEvent:
    """An event about one pod; ``last_seen`` is the newest of the time stamps Kubernetes may fill in.

    ``first_seen`` is the oldest of those that tell of a beginning: one event stands for all repetitions.
    """

    reason: str
    message: str
    type: str = "Normal"
    last_seen: datetime | None = None
    count: int = 1
    source: str = ""
    first_seen: datetime | None = None


@dataclass(frozen=True)
class NodeView:
    """A node: what it has for pods (resource name -> quantity text), its labels, and what keeps pods away."""

    name: str
    allocatable: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()


@dataclass(frozen=True)
class SecretView:
    """What may be known of a per-job Secret: when and for which job it was made, never what it holds."""

    created: datetime | None
    job_id: str = ""
    federation: str = ""


@dataclass(frozen=True)
class ReleaseView:
    """A Helm release as ``helm status`` or ``helm list`` shows it; ``values`` only where asked for."""

    name: str
    namespace: str
    status: str
    revision: int = 0
    updated: datetime | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
