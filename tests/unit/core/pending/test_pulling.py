"""A pull that goes on is a cause of its own: whose it is, of which image, and since when."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from launcher.core.catalogue import Code
from launcher.core.lifecycle.one_look import dated
from launcher.core.lifecycle.state import Observation, Track
from launcher.core.lifecycle.step import step
from launcher.core.pending.classify import classify
from launcher.core.pending.clocks import Timing, WaitPolicy
from launcher.core.report.status import cause_rows, describe, pull_of, report
from launcher.core.spec.site import Timeouts
from launcher.core.views import Condition, ContainerKind, ContainerState, ContainerView, PodEvent, Seen
from tests.fakes import START, main, scheduled
from tests.unit.core.report.test_status import JOB


def at(seconds):
    return START + timedelta(seconds=seconds)


def event(reason, message, seconds, container="job", count=1):
    return PodEvent(
        reason, message, last_seen=at(seconds), first_seen=at(0), container=container, count=count
    )


PULL = event("Pulling", 'Pulling image "reg.example:5000/train:1"', 20)
PULLED = event(
    "Pulled", 'Successfully pulled image "reg.example:5000/train:1" in 3s (3s including waiting).', 30
)
MOUNT = PodEvent("FailedMount", "MountVolume.SetUp failed", "Warning", last_seen=at(10))
SIDECAR = ContainerView("proxy", ContainerKind.SIDECAR_INIT, state=ContainerState.RUNNING)
CREATING = scheduled(replace(main("waiting"), reason="ContainerCreating"))


@pytest.mark.parametrize(
    ("events", "code", "detail"),
    [
        ((), Code.CREATING, "the pod is being prepared on node node-1"),
        ((PULL,), Code.PULLING, "container job: pulling image reg.example:5000/train:1"),
        ((replace(PULL, container=""),), Code.PULLING, "pulling image reg.example:5000/train:1"),
        ((PULL, PULLED), Code.CREATING, None),
        ((PULL, event("Failed", 'Failed to pull image "x": 503', 30)), Code.CREATING, None),
        # the second container's, after the first has been started
        (
            (
                PULL,
                PULLED,
                event("Started", "Started container job", 31),
                event("Pulling", 'Pulling image "b"', 32, "log"),
            ),
            Code.PULLING,
            "container log: pulling image b",
        ),
        ((MOUNT, PULL), Code.PULLING, None),
        ((PULL, replace(MOUNT, last_seen=at(40))), Code.MOUNT, None),
        ((replace(PULL, last_seen=at(-100)),), Code.CREATING, None),
        ((event("Pulling", "Pulling image 'x'", 20),), Code.CREATING, None),
    ],
)
def test_pull_that_goes_on_is_told_from_a_node_that_prepares(events, code, detail):
    cause = classify(replace(CREATING, created=at(0)), events)
    assert cause.code is code
    assert detail is None or cause.detail == detail


def test_image_of_an_init_container_is_named():
    init = ContainerView("fetch", ContainerKind.INIT, state=ContainerState.WAITING, reason="PodInitializing")
    pod = scheduled(replace(main("waiting"), reason="PodInitializing"), init)
    cause = classify(pod, (event("Pulling", 'Pulling image "fetch:1"', 5, "fetch"),))
    assert (cause.code, cause.detail) == (Code.PULLING, "container fetch: pulling image fetch:1")


def test_image_is_pulled_while_a_sidecar_runs():
    probe = PodEvent("Unhealthy", "Startup probe failed: 503", "Warning", last_seen=at(1))
    pod = scheduled(replace(main("waiting"), reason="PodInitializing"), SIDECAR)
    assert classify(pod, (probe, PULL)).code is Code.PULLING


def seen(seconds):
    return Observation(float(seconds), at(seconds), Seen.found(CREATING), Seen.found((PULL,)))


def test_pull_is_shown_with_its_seconds_whoever_looks():
    track = step(Track(launched=50.0), seen(60), WaitPolicy())
    shown = report(JOB, None, track, now=60.0, wall=at(60))
    assert shown["pending"]["code"] == "Pulling"
    assert shown["pending"]["detail"] == "container job: pulling image reg.example:5000/train:1 for 40 s"
    assert shown["pending"]["since"] == at(20).isoformat(timespec="seconds")
    assert "pulling image reg.example:5000/train:1 for 40 s" in describe(track, 60.0)
    assert cause_rows(shown, at(60))["detail"].endswith(" for 40 s")


def test_pull_of_a_job_that_is_observed_once_counts_from_its_event():
    track = dated(step(Track(launched=60.0), seen(60), WaitPolicy()), seen(60), WaitPolicy())
    assert (track.verdict.since, track.verdict.timing) == (20.0, Timing.CLUSTER)


def test_event_of_the_future_is_a_pull_of_no_seconds():
    track = step(Track(launched=0.0), seen(5), WaitPolicy())
    assert "for 0 s" in describe(track, 5.0)


def test_pull_that_takes_too_long_is_named_at_the_end():
    track = Track(launched=0.0)
    for now in (20, 60, 111):
        track = step(track, seen(now), WaitPolicy(graces=Timeouts(start=90)))
    assert track.outcome.code is Code.START_TIMEOUT
    assert "container job: pulling image reg.example:5000/train:1" in track.outcome.detail


READY = Condition("PodReadyToStartContainers", "True")


@pytest.mark.parametrize(
    ("conditions", "events", "says"),
    [
        ((READY,), (), "container job is about to start, or its image img:1 is being downloaded"),
        ((READY,), (MOUNT, PULL, PULLED), "the pod is being prepared on node node-1"),
        ((replace(READY, status="False"),), (), "the pod is being prepared on node node-1"),
    ],
)
def test_without_events_the_pod_itself_tells_that_only_a_download_may_be_left(conditions, events, says):
    """Whoever has no right to read events, or reads them when they have expired."""
    job = replace(main("waiting", "ContainerCreating"), image="img:1")
    pod = scheduled(job, conditions=(*CREATING.conditions, *conditions))
    cause = classify(pod, events)
    assert (cause.code, says in cause.detail) == (Code.CREATING, True), cause.detail


def test_what_starts_next_is_the_container_whose_image_may_be_downloaded():
    fetch = ContainerView("fetch", ContainerKind.INIT, "fetch:1", state=ContainerState.WAITING)
    pod = scheduled(main("waiting"), fetch, conditions=(*CREATING.conditions, READY))
    assert "container fetch is about to start, or its image fetch:1" in classify(pod).detail


@pytest.mark.parametrize("image", ["img:1", "r/pulling image for 3 s:1", "a for b"])
def test_the_image_and_the_seconds_of_a_download_can_be_read_from_the_json(image):
    seen = Observation(
        0.0, at(20), Seen.found(CREATING), Seen.found((event("Pulling", f'Pulling image "{image}"', 20),))
    )
    shown = report(
        JOB, None, dated(step(Track(0.0), seen, WaitPolicy()), seen, WaitPolicy()), now=0.0, wall=at(20)
    )
    assert pull_of(shown["pending"], at(80)) == (image, 60.0)
    assert pull_of({**shown["pending"], "code": "Creating"}, at(80)) is None
