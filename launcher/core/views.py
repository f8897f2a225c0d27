"""What was read from Kubernetes and Helm, as frozen values.

An edge translates an API object into one of these. What is missing in it is ``None``, ``""`` or an empty
tuple, so no reader asks for it. :class:`Seen` distinguishes "could not be read" from "does not exist".
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from launcher.core.revisions import Revision

__all__ = [
    "Condition",
    "ContainerKind",
    "ContainerState",
    "ContainerView",
    "MadeObject",
    "NodeView",
    "ObjectRef",
    "PodEvent",
    "PodView",
    "Presence",
    "ReleaseView",
    "RestartRule",
    "Seen",
    "Taint",
    "Toleration",
    "age_seconds",
]

T = TypeVar("T")


def age_seconds(since: datetime | None, now: datetime) -> float:
    """Return the seconds from ``since`` to ``now``, infinite when ``since`` is not known."""
    return float("inf") if since is None else (now - since).total_seconds()


class Presence(enum.Enum):
    """Whether an object exists, or could not be read."""

    FOUND = "found"
    ABSENT = "absent"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True)
class Seen(Generic[T]):
    """The result of a read: the object, its certain absence, or "could not be read": why, and what to do."""

    presence: Presence
    value: T | None = field(default=None, repr=False)
    why: str = ""
    cure: str = ""

    @classmethod
    def found(cls, value: T) -> Seen[T]:
        """Return the result for an object that exists."""
        return cls(Presence.FOUND, value)

    @classmethod
    def absent(cls, last: T | None = None) -> Seen[T]:
        """Return the result for an object that certainly does not exist; ``last`` is its last known state."""
        return cls(Presence.ABSENT, last)

    @classmethod
    def unavailable(cls, why: str, cure: str = "") -> Seen[T]:
        """Return the result for an object that could not be read, with the reason."""
        return cls(Presence.UNAVAILABLE, None, why, cure)


class ContainerKind(enum.IntEnum):
    """The role of a container; in this order the kubelet starts containers and their states are read."""

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
class RestartRule:
    """What the kubelet does after some exit codes of a container; ``operator`` is In or NotIn."""

    action: str
    operator: str
    exit_codes: tuple[int, ...] = ()


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
    # Whether it has a liveness or startup probe, for which the kubelet may kill it.
    has_probes: bool = False
    requests: Mapping[str, str] = field(default_factory=dict)
    # The termination before the current state, of containers that restart (sidecars, native sidecars).
    last_reason: str = ""
    last_exit_code: int | None = None
    # Its own restartPolicy (Kubernetes 1.34), else that of the pod; empty where neither is known.
    restart_policy: str = ""
    restart_rules: tuple[RestartRule, ...] = ()
    image_id: str = ""


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
    """Which taints a pod tolerates; an empty effect means every effect."""

    key: str = ""
    effect: str = ""
    operator: str = "Equal"
    value: str = ""


@dataclass(frozen=True)
class PodView:
    """A pod as last read from the API server.

    ``grace_period`` is what its spec gives the containers between SIGTERM and SIGKILL, ``grace_seconds`` what
    its deletion gives them; None while it is not being deleted.
    """

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
    grace_period: int | None = None
    nominated_node: str = ""
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: tuple[Toleration, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    conditions: tuple[Condition, ...] = ()
    containers: tuple[ContainerView, ...] = ()
    resource_version: str = ""
    claims: tuple[str, ...] = ()
    resource_claims: tuple[str, ...] = ()
    pod_group: str = ""

    def condition(self, kind: str) -> Condition | None:
        """Return the condition of type ``kind``, or None."""
        return next((c for c in self.conditions if c.type == kind), None)

    def has_reason(self, reason: str) -> bool:
        """Return whether a condition with status True has this reason."""
        return any(c.reason == reason and c.status == "True" for c in self.conditions)

    @property
    def main(self) -> ContainerView | None:
        """The job container, or None before the kubelet reports it."""
        return next((c for c in self.containers if c.kind is ContainerKind.MAIN), None)


@dataclass(frozen=True)
class PodEvent:
    """An event about one pod; Kubernetes counts its repetitions in ``count``.

    ``last_seen`` is the newest of its time stamps, ``first_seen`` the oldest that Kubernetes keeps;
    ``container`` is the one that it is about, empty for the whole pod.
    """

    reason: str
    message: str
    type: str = "Normal"
    last_seen: datetime | None = None
    count: int = 1
    source: str = ""
    first_seen: datetime | None = None
    container: str = ""


@dataclass(frozen=True)
class NodeView:
    """A node: allocatable resources (name -> quantity text), labels and taints."""

    name: str
    allocatable: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()


@dataclass(frozen=True)
class SecretView:
    """A Secret with our job-id label: when and for which job it was created (labels), never its data.

    ``of_helm``: a release has made it, as no launcher does. ``owners``: the uids of what it goes with.
    """

    created: datetime | None
    job_id: str = ""
    federation: str = ""
    site: str = ""
    of_helm: bool = False
    uid: str = ""
    owners: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReleaseView:
    """A Helm release as ``helm status`` or ``helm list`` shows it; ``values`` only where asked for.

    ``chart`` is that of its chart, ``labelled``: its record carries our label; ``revisions`` where asked for.
    """

    name: str
    namespace: str
    status: str
    revision: int = 0
    updated: datetime | None = None
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)
    chart: str = ""
    labelled: bool = False
    revisions: tuple[Revision, ...] = ()


@dataclass(frozen=True)
class ObjectRef:
    """An object that Helm's record of a release names."""

    api_version: str
    kind: str
    name: str
    namespace: str

    @property
    def resource(self) -> str:
        """Kind and API group as kubectl takes them."""
        group, slash, _ = self.api_version.partition("/")
        return f"{self.kind.lower()}.{group}" if slash else self.kind.lower()

    @property
    def text(self) -> str:
        """How messages name it."""
        return f"{self.resource} {self.namespace}/{self.name}"


@dataclass(frozen=True)
class MadeObject:
    """An object in the cluster: by which release it says that it was made, and whether it stays.

    That is one that is being deleted already, and one that Helm was told to keep.
    """

    uid: str
    release: str = ""
    namespace: str = ""
    stays: bool = False
