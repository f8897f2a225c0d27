"""One row of the matrix: what is done to the cluster, and what our verdict about it must be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from launcher.core.catalogue import Code
from launcher.core.lifecycle.state import JobState
from launcher.core.pending.clocks import Action
from tests.cluster.matrix.scene import Scene

__all__ = ["KWOK", "REAL", "Row"]

# REAL: scheduler, API server, controller, kubelet or containerd wrote what decides (the node may be a fake one).
# KWOK: a stage of kwok wrote it, in the words of the component that would.
REAL, KWOK = "real", "kwok"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One provoked state.

    Texts are YAML; ``$ns``, ``$image``, ``$node`` and ``$registry`` in them stand for the namespace of the row, the
    image of the tests, the row's own fake node and the registry that misbehaves.

    Attributes:
        name: of the row, the test and the fixture.
        how: what provokes it, in words.
        code: the verdict that must be seen; for a state that ends, the outcome.
        action: what is to be done at first sight of it; None for an end.
        return_code: FLARE's.
        exit_code: of the job container, where it has one.
        ends_as: the code of the outcome where it is not ``code``.
        says: words that the detail of the verdict, or of the outcome of an end, must hold.
        heal: takes the cause away; the job must succeed then.
        command: shell text of the job, or all words of its command.
        image: replaces the image of the tests.
        k8s: keys of the k8s block of the job meta.
        values: the site's values.
        objects: what is applied first, and removed afterwards.
        before: what is done next, before the launch.
        into: another namespace for the job.
        account: a way to the cluster of its own, with fewer rights or none.
        timeout: the launcher's.
        patient: whether a launch that is refused for a cause that heals is tried again.
        may_grow: whether an autoscaler may add nodes, as far as the site knows.
        act: done to the job when it is ``when`` (in a state, or waiting for a cause).
        graces: lengths of clocks; without them only the clock of ``code`` is short.
        provenance: who wrote the decisive words.
        exclusive: why it would disturb other rows, or be disturbed: then it runs alone, after all others.
        fixture: whether the row is worth a fixture of its own.
        seconds: how long it may take at most.
    """

    name: str
    how: str
    code: Code
    return_code: int
    action: Action | None = None
    exit_code: int | None = None
    ends_as: Code | None = None
    says: str = ""
    heal: Callable[[Scene], object] | None = None
    command: str | tuple[str, ...] = "true"
    image: str = "$image"
    k8s: Mapping[str, Any] = field(default_factory=dict)
    values: str = ""
    objects: str = ""
    before: Callable[[Scene], object] | None = None
    into: str = ""
    account: str = ""
    timeout: float | None = None
    patient: bool = True
    may_grow: bool = True
    act: Callable[[Scene], object] | None = None
    when: JobState | Code = JobState.RUNNING
    graces: Mapping[str, float] = field(default_factory=dict)
    provenance: str = REAL
    exclusive: str = ""
    fixture: bool = True
    seconds: float = 180.0
