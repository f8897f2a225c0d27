"""One step at a time: observations in, tracks out."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from launcher.core.catalogue import Code
from launcher.core.lifecycle.state import Cleanup, JobState, Observation, Track
from launcher.core.lifecycle.step import absence_is_due, asks_for_release, cleanup, step, terminated
from launcher.core.pending.clocks import Action, WaitPolicy
from launcher.core.spec.site import PendingPolicy, Timeouts
from launcher.core.views import ContainerKind, ContainerState, ContainerView, PodEvent, ReleaseView, Seen
from tests.fakes import START, exited, main, running, scheduled, unscheduled


def look(seen, now=0.0, events=None):
    seen = seen if isinstance(seen, Seen) else Seen.found(seen)
    return Observation(now, START + timedelta(seconds=now), seen, events or Seen.found(()))


def walk(*observations, policy=None):
    track = Track(launched=0.0)
    for observation in observations:
        track = step(track, observation, policy or WaitPolicy())
    return track


def test_job_starts_runs_and_succeeds():
    states = [
        walk(*[look(unscheduled()), look(running(), 1), look(exited(0), 2)][:n]).state for n in (1, 2, 3)
    ]
    assert states == [JobState.STARTING, JobState.RUNNING, JobState.SUCCEEDED]


def test_outcome_is_set_once():
    track = walk(look(exited(0)), look(exited(1), 1))
    assert track.outcome.succeeded
    assert terminated(track, "x") is track


def test_unavailable_is_not_absent():
    track = walk(look(running()), *[look(Seen.unavailable("refused"), now) for now in range(1, 599)])
    assert track.outcome is None
    assert track.state is JobState.RUNNING
    assert track.why_stale == "refused"


def test_long_outage_shows_unknown():
    track = walk(look(running()), look(Seen.unavailable("x"), 1), look(Seen.unavailable("x"), 601))
    assert (track.state, track.outcome) == (JobState.UNKNOWN, None)
    assert step(track, look(running(), 602), WaitPolicy()).state is JobState.RUNNING


def test_absence_must_last():
    assert walk(look(running()), look(Seen.absent(), 1)).outcome is None
    assert (
        walk(look(running()), look(Seen.absent(), 1), look(running(), 3), look(Seen.absent(), 7)).outcome
        is None
    )
    assert (
        walk(look(running()), look(Seen.absent(), 1), look(Seen.absent(), 6)).outcome.code
        is Code.DELETED_EXTERNALLY
    )


KILLED = exited(137, deleted=START)


@pytest.mark.parametrize(
    ("release", "code", "return_code"),
    [
        (Seen.absent(), Code.RELEASE_UNINSTALLED, 104),
        (Seen.found(ReleaseView("r", "fl", "uninstalling", 1, START, {})), Code.RELEASE_UNINSTALLED, 104),
        (Seen.found(ReleaseView("r", "fl", "deployed", 1, START, {})), Code.DELETED_EXTERNALLY, 104),
        (Seen.unavailable("refused"), Code.DELETED_EXTERNALLY, 104),
    ],
)
def test_pod_deleted_with_its_release(release, code, return_code):
    outcome = walk(look(running()), replace(look(KILLED, 1), release=release)).outcome
    assert (outcome.code, outcome.return_code, outcome.exit_code) == (code, return_code, 137)


def test_asks_for_release():
    track = walk(look(running()))
    assert asks_for_release(track, look(KILLED, 1), WaitPolicy())
    assert not asks_for_release(track, look(KILLED, 1), WaitPolicy(PendingPolicy.STRICT))
    for quiet in (running(), exited(137), exited(0, deleted=START), replace(running(), deleted=START)):
        assert not asks_for_release(track, look(quiet, 1), WaitPolicy())
    assert not asks_for_release(walk(look(exited(7))), look(KILLED, 1), WaitPolicy())


def test_absent_pod_ends_by_last_seen_state():
    assert walk(
        look(running()), look(Seen.absent(exited(0)), 1), look(Seen.absent(exited(0)), 6)
    ).outcome.succeeded


def test_shortage_fails_at_its_deadline():
    track = walk(look(unscheduled()), look(unscheduled(), 120))
    assert (track.state, track.outcome.code, track.outcome.return_code) == (
        JobState.FAILED,
        Code.INSUFFICIENT_RESOURCES,
        104,
    )
    assert "Insufficient cpu" in track.outcome.detail


def test_unreadable_events_pause_all_clocks_but_start_and_timeout():
    pending = scheduled(main("waiting", "ContainerCreating"))
    busy = PodEvent("FailedMount", 'secret "nope" not found', "Warning", START)
    blind = Seen.unavailable("x")
    track = walk(
        look(pending, 0, Seen.found((busy,))), *[look(pending, now, blind) for now in range(1, 800, 100)]
    )
    assert (track.outcome, track.verdict.code) == (None, Code.CREATING)
    track = step(track, look(pending, 800, Seen.found((busy,))), WaitPolicy())
    assert track.verdict.code is Code.MISSING_REF  # and most of its minute is left
    assert walk(look(pending, 0, blind), look(pending, 900, blind)).outcome.code is Code.START_TIMEOUT
    policy = WaitPolicy(timeout=30)
    assert (
        walk(look(pending, 0, blind), look(pending, 30, blind), policy=policy).outcome.code
        is Code.LAUNCH_TIMEOUT
    )


def test_last_autoscaler_event_holds_while_events_are_unreadable():
    pod = unscheduled("0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.")
    up = Seen.found((PodEvent("TriggeredScaleUp", "pod triggered scale-up", last_seen=START),))
    track = walk(look(pod, 0, up), *[look(pod, now, Seen.unavailable("503")) for now in range(1, 800, 50)])
    assert (track.outcome, track.verdict.code) == (None, Code.SCALING_UP)


@pytest.mark.parametrize("pod", [unscheduled(), scheduled(main("waiting", "ContainerCreating"))])
def test_timeout_counts_from_launch(pod):
    policy = WaitPolicy(pending_timeout=None, timeout=30)
    track = walk(look(pod), look(pod, 29), policy=policy)
    assert (track.verdict.action is Action.FAIL, track.verdict.deadline) == (False, 30)
    assert walk(look(pod), look(pod, 30), policy=policy).outcome.code is Code.LAUNCH_TIMEOUT


@pytest.mark.parametrize(("grace", "lost_at"), [(1, 61), (30, 90), (None, 90)])
def test_pod_that_outlives_its_deletion_is_node_lost(grace, lost_at):
    dying = scheduled(main("running"), phase="Running", deleted=START, grace_seconds=grace)
    assert walk(look(running()), look(dying, 5), look(dying, 5 + lost_at - 1)).outcome is None
    assert walk(look(running()), look(dying, 5), look(dying, 5 + lost_at)).outcome.code is Code.NODE_LOST


def test_wall_clock_step_ends_nothing():
    dying = scheduled(main("running"), phase="Running", deleted=START, grace_seconds=1)
    stepped = Observation(2.0, START + timedelta(days=1), Seen.found(dying))
    assert walk(look(dying, 1), stepped).outcome is None


def test_running_job_on_silent_node_is_lost_after_api_timeout():
    silent = scheduled(main("running"), phase="Unknown")
    policy = WaitPolicy(timeout=30)  # counts until the job runs: it did
    track = walk(look(running(), 5), look(silent, 5000), policy=policy)
    assert (track.state, track.outcome, track.verdict.action) == (JobState.UNKNOWN, None, Action.WAIT)
    assert step(track, look(running(), 5100), policy).state is JobState.RUNNING
    outcome = step(track, look(silent, 5600), policy).outcome
    assert (outcome.code, outcome.return_code, outcome.clock) == (Code.NODE_LOST, 104, "timeouts.api")


@pytest.mark.parametrize(
    ("events", "end"),
    [
        ((), "node node-1"),
        ((PodEvent("Scheduled", "Successfully assigned fl/x to n1"),), "node node-1"),
        (
            (
                PodEvent("Scheduled", "Successfully assigned fl/x to n1"),
                PodEvent("Pulling", "Pulling image r/x:1"),
            ),
            "; last event: Pulling: Pulling image r/x:1",
        ),
    ],
)
def test_start_timeout_detail_has_last_event(events, end):
    slow = scheduled(main("waiting", "ContainerCreating"))
    outcome = walk(*[look(slow, now, Seen.found(events)) for now in (0, 900)]).outcome
    assert outcome.code is Code.START_TIMEOUT
    assert outcome.detail.endswith(end)


def test_start_timeout_detail_does_not_repeat_event():
    mount = PodEvent("FailedMount", "timed out waiting for the condition", "Warning", START)
    policy = WaitPolicy(graces=Timeouts(start=10))
    slow = scheduled(main("waiting", "ContainerCreating"))
    outcome = walk(*[look(slow, now, Seen.found((mount,))) for now in (0, 10)], policy=policy).outcome
    assert (outcome.code, outcome.detail.count("timed out")) == (Code.START_TIMEOUT, 1)


SIDECAR = ContainerView("proxy", ContainerKind.SIDECAR, state=ContainerState.RUNNING)


@pytest.mark.parametrize(
    ("track", "expected"),
    [
        (walk(look(running())), None),
        (walk(look(exited(0))), Cleanup.REMOVE),
        (walk(look(exited(1))), Cleanup.RETAIN),
        (walk(look(scheduled(main("terminated", "Error", "", 1), SIDECAR, phase="Running"))), Cleanup.REMOVE),
        (walk(look(scheduled(main("waiting", "InvalidImageName")))), Cleanup.REMOVE),
        (terminated(Track(launched=0.0), "x"), Cleanup.REMOVE),
    ],
)
def test_cleanup(track, expected):
    assert cleanup(track) is expected


@pytest.mark.parametrize(("now", "due"), [(1, False), (5.9, False), (6, True), (100, True)])
def test_absence_is_due(now, due):
    track = walk(look(running()), look(Seen.absent(), 1))
    assert absence_is_due(track, now) is due
    assert (step(track, look(Seen.absent(), now), WaitPolicy()).outcome is not None) is due


def test_absence_of_a_pod_that_is_there_is_not_due():
    assert not absence_is_due(Track(launched=0.0), 100)
    assert not absence_is_due(walk(look(running()), look(Seen.absent(), 1), look(running(), 2)), 100)


def test_outage_does_not_count_as_absence_and_does_not_end_one():
    unread = look(Seen.unavailable("x"), 3)
    track = walk(look(running()), look(Seen.absent(), 1), unread)
    assert (track.outcome, track.absent_since) == (None, 1)
    assert step(track, look(Seen.absent(), 6), WaitPolicy()).outcome is not None


def test_terminated():
    track = terminated(walk(look(running())), "as asked")
    assert (track.state, track.outcome.code, track.outcome.return_code) == (
        JobState.TERMINATED,
        Code.TERMINATED,
        9,
    )
    assert track.outcome.detail == "as asked"


@pytest.mark.parametrize("mode", [*PendingPolicy])
@pytest.mark.parametrize("gone", [True, False])
def test_the_image_that_ran_is_known_after_the_pod_is_gone(mode, gone):
    ran = scheduled(replace(main("running"), image_id="x@sha256:1"), phase="Running")
    last = exited(1, "ContainerStatusUnknown", phase="Failed")
    ends = (
        [look(Seen.absent(last if gone else None), 1), look(Seen.absent(), 30)] if gone else [look(last, 1)]
    )
    track = walk(look(ran), *ends, policy=WaitPolicy(mode))
    assert track.outcome is not None
    assert track.pod.main.image_id == "x@sha256:1"
