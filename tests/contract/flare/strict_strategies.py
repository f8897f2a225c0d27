"""Generated recordings: stretches of the states a pod can be in, with events, outages and odd clocks.

Each stretch is a few snapshots of one state. States that no cluster makes (a Pending pod whose job runs, two
PodScheduled conditions) are in as well: FLARE has a result for them, too. Hypothesis draws the seed of a
recording, a plain generator the rest: every reason and message has to come up, none of them is simpler.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import accumulate
from random import Random

from hypothesis import strategies as st

from tests.contract.flare.strict_case import (
    CONTAINER,
    UID,
    Case,
    Json,
    Snapshot,
    condition,
    event,
    pod,
    stamp,
    status,
)

__all__ = ["EVENT_REASONS", "EXITS", "MESSAGES", "PHASES", "WAITING", "cases"]

WAITING = (
    *("ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName", "ImageInspectError"),
    *(
        "RegistryUnavailable",
        "SignatureValidationFailed",
        "CreateContainerConfigError",
        "CreateContainerError",
    ),
    *("RunContainerError", "StartError", "ContainerCannotRun", "CrashLoopBackOff", "CreatePodSandboxError"),
    *("ConfigPodSandboxError", "PreCreateHookError", "PreStartHookError", "PostStartHookError"),
    *("KillContainerError", "ResizePodInPlaceError", "ContainerStatusUnknown", "SomethingNew"),
    *("RemoveContainerError", "RestartingAllContainers"),
    *("ContainerCreating", "PodInitializing"),
)
_CONTROL_PLANE = "1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }"
MESSAGES = (
    "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 No preemption victims.",
    f"0/3 nodes are available: {_CONTROL_PLANE}, 2 Insufficient memory.",
    "0/1 nodes are available: 1 Insufficient nvidia.com/gpu.",
    "0/1 nodes are available: 1 Insufficient amd.com/GPU-large, 1 Too many pods.",
    "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) didn't match Pod's node affinity/selector.",
    "0/1 nodes are available: 1 Insufficient ephemeral-storage.",
    "0/1 nodes are available: 1 Insufficient hugepages-2Mi.",
    "0/1 nodes are available: 1 Insufficient nvidia.com/mig-1g.5gb.",
    "0/1 nodes are available: 1 Insufficient cpu-like.example.com/x.",
    "0/1 nodes are available: 1 insufficient memory",
    "0/1 nodes are available: 1 Too many pods.",
    "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. preemption: 1 Insufficient cpu.",
    f"0/3 nodes are available: {_CONTROL_PLANE}, 2 node(s) didn't match Pod's node affinity/selector.",
    "0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }.",
    "0/1 nodes are available: 1 node(s) had untolerated taint {team: a}.",
    "0/1 nodes are available: 1 node(s) didn't match pod anti-affinity rules.",
    "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found",
    '0/1 nodes are available: persistentvolumeclaim "nope" not found. not found',
    "0/1 nodes are available: 1 node(s) had volume node affinity conflict.",
    "",
)
EVENT_REASONS = (
    *("FailedScheduling", "FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox", "FailedSync"),
    *("NetworkNotReady", "BackOff", "Failed", "InspectFailed", "InvalidImageName", "FailedMapVolume"),
    *("Unhealthy", "Scheduled", "Pulling", "TriggeredScaleUp", "NotTriggerScaleUp"),
)
EXITS = (0, 1, 2, 7, 9, 100, 101, 102, 103, 104, 127, 128, 137, 143, 255)
PHASES = ("Pending", "Running", "Succeeded", "Failed", "Unknown", None, "", "Odd")
# Those that FLARE ignores, or that a scheduled pod may have.
_HARMLESS = (*EVENT_REASONS[-5:], "FailedMapVolume", "FailedScheduling")
_SCHEDULING = st.just("FailedScheduling")
_AGES = (0, 1, 20, 59.5, 60, 60.5, 61, 119, 3000)
_SCHEDULED = condition("True")

_REASONS = (*("Unschedulable",) * 6, "SchedulingGated", "SchedulerError", "Insufficient", None)
_ON_NODE: Json = {"nodeName": "node-1"}


def _state(rng: Random, name: str) -> Json:
    """Return a container status in any state."""
    kind = rng.choice(("waiting", "waiting", "running", "terminated", ""))
    now: Json = {}
    if kind == "waiting":
        now = {"reason": rng.choice(WAITING), "message": rng.choice(("", "not found"))}
    elif kind == "terminated":
        now = {"exitCode": rng.choice(EXITS), "reason": rng.choice(("Error", "OOMKilled"))}
    return status(name, kind, **now)


def _waiting(reason: str) -> Json:
    return status(CONTAINER, "waiting", reason=reason)


def _maybe(rng: Random, name: str) -> list[Json]:
    return [_state(rng, name)] if rng.random() < 0.3 else []


def _short(rng: Random) -> Json:
    return pod("Pending", condition("False", "Unschedulable", rng.choice(MESSAGES[:5])))


def _unscheduled(rng: Random) -> Json:
    return pod("Pending", condition("False", rng.choice(_REASONS), rng.choice(MESSAGES)))


def _bare(rng: Random) -> Json:
    return pod("Pending", spec=rng.choice(({}, _ON_NODE)))


def _creating(_: Random) -> Json:
    return pod("Pending", _SCHEDULED, main=_waiting("ContainerCreating"), spec=_ON_NODE)


def _started(rng: Random) -> Json:
    """Return a scheduled pod whose init container or job container is in any state."""
    if rng.random() < 0.3:
        return pod("Pending", _SCHEDULED, main=_waiting("PodInitializing"), inits=[_state(rng, "init")])
    return pod("Pending", _SCHEDULED, main=_state(rng, CONTAINER), sidecars=_maybe(rng, "a-sidecar"))


def _running(rng: Random) -> Json:
    """Return a pod in phase Running; the job container may already have ended."""
    main = _state(rng, CONTAINER) if rng.random() < 0.2 else status(CONTAINER, "running")
    return pod("Running", _SCHEDULED, main=main, sidecars=_maybe(rng, "a-sidecar"))


def _ended(rng: Random) -> Json:
    """Return a pod in which everything has ended."""
    code, side = rng.choice((0, 0, 0, *EXITS)), rng.choice((None, None, None, 0, 101))
    main = status(CONTAINER, "terminated", exitCode=code, reason=rng.choice(("Error", "OOMKilled")))
    more = [] if side is None else [status("a-sidecar", "terminated", exitCode=side)]
    return pod("Failed" if code or side else "Succeeded", _SCHEDULED, main=main, sidecars=more)


def _thrown_out(rng: Random) -> Json:
    """Return a pod that the kubelet has failed."""
    reason = rng.choice(("Evicted", "DeadlineExceeded", "NodeShutdown", "OutOfcpu", "NodeLost"))
    main = rng.choice((None, _state(rng, CONTAINER)))
    return pod("Failed", _SCHEDULED, main=main, more_status={"reason": reason, "message": "text"})


def _odd(rng: Random) -> Json:
    """Return any pod, now and then somebody else's."""
    states = (rng.choice(("True", "False", "Unknown")) for _ in range(rng.choice((0, 1, 1, 2))))
    return pod(
        rng.choice(PHASES),
        *(condition(state, rng.choice(_REASONS), rng.choice(MESSAGES)) for state in states),
        main=rng.choice((None, _state(rng, CONTAINER))),
        inits=_maybe(rng, "init"),
        sidecars=_maybe(rng, "a-sidecar"),
        spec=rng.choice(({}, _ON_NODE)),
        metadata=rng.choice(({}, {}, {"deletionTimestamp": stamp(-3600)}, {"uid": "uid-2"})),
    )


def _event(rng: Random, at: float, *, calm: bool) -> Json:
    reason = rng.choice(_HARMLESS if calm else (*EVENT_REASONS, *("FailedScheduling",) * 10))
    texts: tuple[str, ...] = ("trouble", *MESSAGES[:1])
    if reason == "FailedScheduling":
        texts = MESSAGES[:5] if calm else MESSAGES
    seen: float | None = at - rng.choice(_AGES)
    more: Json = {}
    form = rng.randrange(8)
    if form == 0:  # no time at all
        seen = None
    elif form == 1:  # events.k8s.io: first and last occurrence
        series = {"count": 2, "lastObservedTime": stamp(at - rng.choice(_AGES))}
        seen, more = None, {"eventTime": stamp(at - rng.choice(_AGES)), "series": series}
    elif form == 2:  # only the oldest kinds of time
        seen, more = None, {"firstTimestamp": stamp(at - rng.choice(_AGES))}
    kind = rng.choice(("Warning", "Warning", "Warning", "Normal"))
    uid = "uid-0" if rng.random() < 0.1 else UID
    return event(reason, rng.choice(texts), seen, kind=kind, uid=uid, **more)


# The states of a stretch; "error" and "gone" are reads that fail.
_PODS: Mapping[str, Callable[[Random], Json]] = {
    "short": _short,
    "unscheduled": _unscheduled,
    "bare": _bare,
    "creating": _creating,
    "started": _started,
    "running": _running,
    "ended": _ended,
    "thrown out": _thrown_out,
    "odd": _odd,
}
# Two kinds of recording: a pod that starts sooner or later, and a pod in any states.
_CALM = (*("short",) * 3, "bare", "bare", "creating", "creating", "error")
_ENDS = ("running", "running", "ended", "ended", "thrown out", "gone", "odd")
_WILD = (*_CALM, "bare", "creating", "creating", *("unscheduled", "started") * 3, *_ENDS)


def _snapshot(rng: Random, at: float, kind: str, *, calm: bool) -> Snapshot:
    if kind == "gone":
        return Snapshot(at, error=404)
    if kind == "error":
        return Snapshot(at, error=rng.choice((0, 403, 500, 503)))
    if rng.random() < 0.2:
        return Snapshot(at, _PODS[kind](rng), events_error=rng.choice((0, 403, 500)))
    events = tuple(_event(rng, at, calm=calm) for _ in range(rng.randrange(4)))
    return Snapshot(at, _PODS[kind](rng), events=events)


def _case(rng: Random) -> Case:
    calm = rng.random() < 0.5
    kinds: list[str] = []
    for choice in (_CALM, _ENDS) if calm else (_WILD,):
        for _ in range(rng.randint(1, 4)):
            kinds += [rng.choice(choice)] * rng.randint(1, 3)
    steps = [rng.choice((0.0, 0.0, 0.5, 2.0))]
    steps += [rng.choice((*(1.0,) * 6, 0.5, 2.0, 5.0, 30.0, 61.0)) for _ in kinds[1:]]
    snapshots = [
        _snapshot(rng, at, kind, calm=calm) for at, kind in zip(accumulate(steps), kinds, strict=True)
    ]
    if rng.random() < 0.2:
        snapshots.append(Snapshot(snapshots[-1].at + 1, terminate=True))
    return Case(
        tuple(snapshots),
        rng.choice((None, 5, 10, 60, 120) if calm else (None, 0, 1, 2, 3, 5, 10, 120)),
        rng.choice((*(None,) * 4, 10, 100) if calm else (*(None,) * 5, 0, 3, 10)),
    )


def cases() -> st.SearchStrategy[Case]:
    """Return the strategy of recordings."""
    return st.randoms(use_true_random=True).map(_case)
