"""Recordings of a pod: API objects as JSON, API errors, the time of every read, and FLARE's two timeouts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any

from launcher.core.names import container_name, pod_name
from tests.contract.flare.case import JOB
from tests.fakes import START

__all__ = [
    "CONTAINER",
    "NAMESPACE",
    "POD",
    "UID",
    "Case",
    "Json",
    "Snapshot",
    "condition",
    "event",
    "pod",
    "stamp",
    "status",
]

NAMESPACE, UID = "fl", "uid-1"
POD, CONTAINER = pod_name(JOB, "site-1"), container_name(JOB)
Json = dict[str, Any]


@dataclass(frozen=True)
class Snapshot:
    """One read of the pod, or a call of terminate() by FLARE's parent.

    Attributes:
        at: seconds since the launch.
        pod: JSON of the pod; None where reading it fails.
        error: HTTP status of the failed read, 0 = no connection; None = the pod was read.
        events: JSON of all events whose object has the pod's name.
        events_error: the same for the events.
        terminate: the pod is not read: the parent terminates the job.
    """

    at: float
    pod: Json | None = None
    error: int | None = None
    events: tuple[Json, ...] = ()
    events_error: int | None = None
    terminate: bool = False


@dataclass(frozen=True)
class Case:
    """The recording of one job, and FLARE's two timeouts (seconds; None = for ever)."""

    snapshots: tuple[Snapshot, ...]
    pending_timeout: float | None = 120
    timeout: float | None = None


def stamp(at: float) -> str:
    """Return the time of a moment of the case as Kubernetes writes it."""
    return (START + timedelta(seconds=at)).isoformat(timespec="microseconds").replace("+00:00", "Z")


def condition(state: str, reason: str | None = None, message: str | None = None) -> Json:
    """Return condition PodScheduled."""
    texts = {"reason": reason, "message": message}
    return {"type": "PodScheduled", "status": state, **{key: text for key, text in texts.items() if text}}


def status(name: str, state: str, **now: Any) -> Json:
    """Return a container status; ``now`` are the fields of its current state."""
    state_union = {state: now} if state else {}
    return {
        "name": name,
        "state": state_union,
        "ready": state == "running",
        "restartCount": 0,
        "image": "a",
        "imageID": "",
    }


def pod(
    phase: str | None,
    *conditions: Json,
    main: Json | None = None,
    inits: Iterable[Json] = (),
    sidecars: Iterable[Json] = (),
    spec: Mapping[str, Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
    more_status: Mapping[str, Any] | None = None,
) -> Json:
    """Return the JSON of the job's pod; every status has its container in the spec."""
    inits, sidecars = list(inits), list(sidecars)
    state: Json = {"conditions": list(conditions), **(more_status or {})}
    if phase is not None:
        state["phase"] = phase
    if main is not None or sidecars:
        # The kubelet sorts statuses by name, so the job's own is not always the first.
        state["containerStatuses"] = sorted(
            [*sidecars, *([main] if main else [])], key=lambda s: str(s["name"])
        )
    if inits:
        state["initContainerStatuses"] = inits
    return {
        "metadata": {
            "name": POD,
            "namespace": NAMESPACE,
            "uid": UID,
            "creationTimestamp": stamp(0),
            **(metadata or {}),
        },
        "spec": {
            "containers": [{"name": name} for name in (CONTAINER, *(s["name"] for s in sidecars))],
            "initContainers": [{"name": s["name"]} for s in inits],
            **(spec or {}),
        },
        "status": state,
    }


def event(
    reason: str, message: str, at: float | None, *, kind: str = "Warning", uid: str = UID, **more: Any
) -> Json:
    """Return an event about the pod; ``more`` are its other time stamps."""
    seen = {} if at is None else {"lastTimestamp": stamp(at)}
    # Two events differ in their name; the cluster counts the same event up.
    digest = sha256(repr((reason, message, kind, uid, seen, more)).encode()).hexdigest()[:16]
    return {
        "metadata": {"name": f"{POD}.{digest}"},
        "involvedObject": {"kind": "Pod", "name": POD, "namespace": NAMESPACE, "uid": uid},
        "reason": reason,
        "message": message,
        "type": kind,
        **seen,
        **more,
    }
