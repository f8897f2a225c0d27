"""Properties of a step for any pod: no exception, same result twice, outcomes are final, no endless wait."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from launcher.core.catalogue import CATALOGUE, Code
from launcher.core.lifecycle.state import JobState, Observation, Track
from launcher.core.lifecycle.step import step
from launcher.core.pending.classify import is_pending, needs_events
from launcher.core.pending.clocks import Action, WaitPolicy
from launcher.core.pending.refusal import Refusal
from launcher.core.spec.site import PendingPolicy, Timeouts
from launcher.core.views import Presence, Seen
from launcher.edges.kube.translate import event_view, node_view, pod_view
from tests.fakes import START

JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)
TIMES = st.sampled_from(
    ["2025-12-31T23:59:00Z", "2026-01-01T00:00:05Z", "2026-01-01T00:10:00.123456Z", "", "yesterday", None]
)
MESSAGES = st.sampled_from(
    [
        "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint {a: b}.",
        "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.",
        'persistentvolumeclaim "x" not found',
        "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.",
        "rpc error: code = NotFound desc = failed to pull: x: not found",
        "429 Too Many Requests",
        'secret "x" not found',
        "context deadline exceeded",
        "",
        "x" * 1_000_000,
    ]
)
REASONS = st.sampled_from(
    [
        "ContainerCreating", "PodInitializing", "ErrImagePull", "ImagePullBackOff", "InvalidImageName",
        "CreateContainerConfigError", "CreateContainerError", "RunContainerError", "CrashLoopBackOff",
        "CreatePodSandboxError", "ImageInspectError", "BrandNewReason", "", "OOMKilled", "Error", "Completed",
        "StartError", "ContainerStatusUnknown",
    ]
)  # fmt: skip
STATES = st.one_of(
    st.builds(lambda r, m: {"waiting": {"reason": r, "message": m}}, REASONS, MESSAGES),
    st.just({"running": {}}),
    st.builds(
        lambda c, r: {"terminated": {"exitCode": c, "reason": r}},
        st.sampled_from([0, 1, 9, 101, 137, 143]),
        REASONS,
    ),
    st.just({}),
    JUNK,
)
CONDITIONS = st.lists(
    st.builds(
        lambda t, s, r, m: {"type": t, "status": s, "reason": r, "message": m},
        st.sampled_from(["PodScheduled", "DisruptionTarget", "TerminationTarget", "Ready"]),
        st.sampled_from(["True", "False", "Unknown", ""]),
        st.sampled_from(
            ["Unschedulable", "SchedulingGated", "SchedulerError", "PreemptionByScheduler", "New", ""]
        ),
        MESSAGES,
    ),
    max_size=3,
)
PHASES = st.sampled_from(["Pending", "Running", "Failed", "Succeeded", "Unknown", "", "Strange"])


@st.composite
def pods(draw) -> dict[str, Any]:
    """Draw the JSON of a pod: like one of Kubernetes, with parts missing and parts replaced by anything."""
    kinds = draw(st.lists(st.sampled_from(["init", "native", "sidecar"]), max_size=2))
    inits = [
        {"name": f"i{n}", **({"restartPolicy": "Always"} if kind == "native" else {})}
        for n, kind in enumerate(kinds)
        if kind != "sidecar"
    ]
    others = [{"name": "job"}, *({"name": f"s{n}"} for n, kind in enumerate(kinds) if kind == "sidecar")]

    def statuses(items):
        return [
            {
                "name": item["name"],
                "state": draw(STATES),
                "restartCount": draw(st.sampled_from([0, 3, None, "x"])),
            }
            for item in items
        ]

    pod: dict[str, Any] = {
        "metadata": {
            "name": "job-1",
            "uid": "uid-1",
            "resourceVersion": draw(st.sampled_from(["1", "2", "", None])),
            "creationTimestamp": draw(TIMES),
            "deletionTimestamp": draw(st.none() | TIMES),
            "deletionGracePeriodSeconds": draw(st.sampled_from([None, 0, 30, -1, "x"])),
        },
        "spec": {
            "nodeName": draw(st.sampled_from(["", "n1"])),
            "initContainers": inits,
            "containers": others,
        },
        "status": {
            "phase": draw(PHASES),
            "reason": draw(st.sampled_from(["", "Evicted", "NodeShutdown", "OutOfcpu", "New"])),
            "conditions": draw(CONDITIONS),
            "initContainerStatuses": statuses(inits),
            "containerStatuses": draw(st.sampled_from([[], None]))
            if draw(st.booleans())
            else statuses(others),
        },
    }
    if draw(st.booleans()):
        where = draw(st.sampled_from(["metadata", "spec", "status"]))
        key = draw(st.sampled_from(sorted(pod[where])))
        pod[where] = {**pod[where], key: draw(JUNK)}
    if draw(st.integers(0, 9)) == 0:
        pod.pop(draw(st.sampled_from(["metadata", "spec", "status"])))
    return pod


EVENTS = st.lists(
    st.builds(
        lambda r, m, t, at, c: {"reason": r, "message": m, "type": t, "lastTimestamp": at, "count": c},
        st.sampled_from(["FailedMount", "FailedScheduling", "FailedAttachVolume", "TriggeredScaleUp", "NotTriggerScaleUp", "Pulled", "New"]),
        MESSAGES,
        st.sampled_from(["Warning", "Normal", None]),
        TIMES,
        st.sampled_from([1, 5, None, "x"]),
    )
    | JUNK,
    max_size=3,
)  # fmt: skip
NODES = st.lists(
    st.builds(lambda a: {"status": {"allocatable": a}}, st.just({"cpu": "4"}) | JUNK) | JUNK, max_size=2
)
FINITE = Timeouts(queue=1000.0)
POLICIES = st.builds(
    WaitPolicy,
    st.sampled_from(PendingPolicy),
    st.sampled_from([0.0, 5.0, 120.0]),
    st.sampled_from([None, 0.0, 30.0]),
    st.just(FINITE),
)


def seen_pod(raw):
    return Seen.found(pod_view(raw))


EVENT_READS = st.builds(lambda items: Seen.found(tuple(map(event_view, items))), EVENTS) | st.just(
    Seen.unavailable("503")
)
LOOKS = st.builds(
    lambda pod, events, nodes: (pod, events, tuple(map(node_view, nodes))),
    st.builds(seen_pod, pods())
    | st.just(Seen.unavailable("refused"))
    | st.just(Seen.absent())
    | st.builds(lambda raw: Seen.absent(pod_view(raw)), pods()),
    EVENT_READS,
    NODES,
)


def walk(looks, times, policy):
    track = Track(launched=0.0)
    for (pod, events, nodes), now in zip(looks, times, strict=True):
        track = step(track, Observation(now, START + timedelta(seconds=now), pod, events, nodes), policy)
    return track


@settings(derandomize=True, max_examples=300, deadline=None)
@given(
    looks=st.lists(LOOKS, min_size=1, max_size=5),
    policy=POLICIES,
    gaps=st.lists(st.floats(0, 400), min_size=5, max_size=5),
)
def test_step_is_total_and_deterministic(looks, policy, gaps):
    times = [sum(gaps[: n + 1]) for n in range(len(looks))]
    track = walk(looks, times, policy)
    assert track == walk(looks, times, policy)
    if track.outcome is not None:
        assert track.outcome.detail
        assert track.outcome.code in CATALOGUE


@settings(derandomize=True, max_examples=300, deadline=None)
@given(look=LOOKS, policy=POLICIES, soon=st.floats(0, 1000), later=st.floats(0, 100_000))
def test_more_time_never_revokes_an_outcome(look, policy, soon, later):
    ended = walk([look, look], [0.0, soon], policy).outcome
    if ended is not None:
        assert walk([look, look], [0.0, soon + later], policy).outcome is not None


# Everything that some clock bounds, one after the other; a pod may go through each cause once.
LONGEST = 2 * (120 + 300 + 300 + 30 + 60 + 180 + 480 + 900 + 1000 + 30 + 900 + 60 + 60 + 600)


@settings(derandomize=True, max_examples=200, deadline=None)
@given(
    raws=st.lists(pods(), min_size=1, max_size=3),
    events=EVENT_READS,
    pending=st.sampled_from([0.0, 5.0, 120.0]),
)
def test_every_pending_pod_ends(raws, events, pending):
    looks = [seen_pod(raw) for raw in raws]
    policy = WaitPolicy(pending_timeout=pending, graces=FINITE)
    track, now = Track(launched=0.0), 0.0
    while track.outcome is None and now < LONGEST:
        pod = looks[int(now) % len(looks)]
        track = step(track, Observation(now, START, pod, events), policy)
        now += 7.0
    if track.outcome is None:
        # A pod without condition and without readable events says nothing: an outage, and that stops clocks.
        silent = events.presence is Presence.UNAVAILABLE and any(needs_events(pod.value) for pod in looks)
        assert silent or any(not is_pending(pod.value) or pod.value.phase == "Running" for pod in looks)
        assert track.state in (JobState.RUNNING, JobState.STARTING, JobState.UNKNOWN)


@pytest.mark.parametrize("code", [code for code in Code if CATALOGUE[code].strict is not None])
def test_step_is_total_for_refusals(code):
    track = step(
        Track(launched=0.0), Observation(0.0, START, Seen.absent(), refused=Refusal(code, "x")), WaitPolicy()
    )
    assert track.verdict is not None
    assert (track.outcome is None) == (track.verdict.action is not Action.FAIL)
