"""What a plan looks at: a pod that is not there yet, what it names, and how the cluster answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from launcher.core.views import NodeView, PodView, Seen
from launcher.errors import LauncherError

__all__ = [
    "Cluster",
    "Found",
    "Looked",
    "Need",
    "PlannedImage",
    "PlannedPod",
    "Reference",
    "Term",
    "Tried",
    "Use",
]


@dataclass(frozen=True)
class Use:
    """What a reference to an object is for; it decides what becomes of a job without the object.

    Attributes:
        api_version: of the object.
        kind: of the object.
        is_namespaced: False for an object of the whole cluster.
    """

    api_version: str
    kind: str
    is_namespaced: bool = True


@dataclass(frozen=True)
class Reference:
    """An object that a pod names.

    Attributes:
        use: what kind of object it is.
        name: of the object.
        where: the field of the pod that names it.
        keys: that the object must have.
        optional: whether the pod starts without it.
        for_pull: whether it is there for the registry only.
    """

    use: Use
    name: str
    where: str
    keys: tuple[str, ...] = ()
    optional: bool = False
    for_pull: bool = False


@dataclass(frozen=True)
class Need:
    """One expression of a required node affinity."""

    key: str
    operator: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Term:
    """One term of a required node affinity: all of its expressions must hold; ``fields`` are about names."""

    labels: tuple[Need, ...] = ()
    fields: tuple[Need, ...] = ()


@dataclass(frozen=True)
class PlannedImage:
    """An image that a pod names.

    Attributes:
        name: of the image.
        where: the container or volume that names it first.
        policy: when it is pulled: ``Always``, ``IfNotPresent`` or ``Never``.
    """

    name: str
    where: str
    policy: str = ""


@dataclass(frozen=True, kw_only=True)
class PlannedPod:
    """A pod as the API server would store it, or, where it would not, as Helm prints it.

    Attributes:
        view: of the pod.
        references: objects that it names.
        terms: of its required node affinity, of which one must hold; empty = it has none.
        gates: scheduling gates.
        scheduler: that is to place it.
        priority: by which it may take the place of other pods.
        unjudged: rules about where it may run that a plan does not judge.
        images: of its containers and volumes, each once.
    """

    view: PodView
    references: tuple[Reference, ...] = ()
    terms: tuple[Term, ...] = ()
    gates: tuple[str, ...] = ()
    scheduler: str = ""
    priority: int = 0
    unjudged: tuple[str, ...] = ()
    images: tuple[PlannedImage, ...] = ()


@dataclass(frozen=True)
class Tried:
    """An object of which the API server was asked whether it would create it; ``error`` None = it would."""

    what: str
    error: LauncherError | None = None


@dataclass(frozen=True)
class Found:
    """An object that is there: its keys, never their values, and the phase of a claim."""

    keys: frozenset[str] = frozenset()
    phase: str = ""


@dataclass(frozen=True)
class Looked:
    """A reference, and whether its object is there: yes, no, or why nobody could be asked."""

    reference: Reference
    seen: Seen[Found]


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """Nodes, and what the pods on them have asked for.

    Attributes:
        nodes: all of them.
        why: why they are not known; empty = they are.
        used: name of a node -> resource -> amount, with ``pods`` for their number; None = not known.
        why_not_used: why that is not known.
        images: names of images that a node says it has; a kubelet names the fifty largest.
    """

    nodes: tuple[NodeView, ...] = ()
    why: str = ""
    used: Mapping[str, Mapping[str, Decimal]] | None = field(default=None)
    why_not_used: str = ""
    images: frozenset[str] = frozenset()
