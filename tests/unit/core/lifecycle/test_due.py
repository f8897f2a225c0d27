"""When a job is looked at again although nothing has changed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from launcher.core.catalogue import Code
from launcher.core.lifecycle.due import next_look
from launcher.core.lifecycle.state import JobState, Observation, Track
from launcher.core.lifecycle.step import step
from launcher.core.pending.clocks import Action, Verdict, WaitPolicy
from launcher.core.spec.site import Timeouts
from launcher.core.views import Seen
from tests.fakes import START, exited, running, unscheduled

POLICY = WaitPolicy(pending_timeout=3.0, graces=Timeouts(api=7.0))


def track_of(seen, *, now=100.0, before=None):
    return step(before or Track(launched=0.0), Observation(now, START, seen), POLICY)


def waits_until(deadline):
    return Verdict(Action.WAIT, Code.IMAGE_NOT_FOUND, "", 0.0, deadline)


def test_a_job_that_runs_has_no_clock():
    assert next_look(track_of(Seen.found(running())), 100.0, POLICY) == 15.0


def test_the_clock_of_a_cause_is_due_when_it_runs_out():
    track = track_of(Seen.found(unscheduled()))
    assert next_look(track, 100.0, POLICY) == 3.0
    assert next_look(track, 102.5, POLICY) == 0.5
    at = track_of(Seen.found(unscheduled()), now=103.0, before=track)
    assert at.outcome.code is Code.INSUFFICIENT_RESOURCES


@pytest.mark.parametrize(
    ("deadline", "seconds"), [(None, 5.0), (1000.0, 5.0), (100.0, 0.5), (90.0, 0.5), (100.0 + 1e-9, 0.01)]
)
def test_a_pending_job_is_looked_at_within_seconds_and_never_without_a_pause(deadline, seconds):
    track = replace(Track(launched=0.0), verdict=waits_until(deadline))
    assert next_look(track, 100.0, POLICY) == seconds


def test_an_absent_pod_is_due_when_its_absence_is_believed():
    track = track_of(Seen.absent(), before=replace(Track(launched=0.0), pod=running()))
    assert next_look(track, 101.0, POLICY) == 4.0
    assert track_of(Seen.absent(), now=105.0, before=track).outcome is not None


def test_a_pod_that_is_deleted_is_due_when_its_node_is_believed_dead():
    track = track_of(Seen.found(replace(running(), deleted=START, grace_seconds=1)))
    assert next_look(track, 159.0, POLICY) == 2.0
    gone = track_of(Seen.found(track.pod), now=161.0, before=track)
    assert gone.outcome.code is Code.NODE_LOST


def test_an_outage_is_due_when_the_state_becomes_unknown():
    track = track_of(Seen.unavailable("503"), before=track_of(Seen.found(running())))
    assert next_look(track, 104.0, POLICY) == 3.0
    later = track_of(Seen.unavailable("503"), now=107.0, before=track)
    assert later.state is JobState.UNKNOWN
    assert next_look(later, 200.0, POLICY) == 15.0


def test_the_end_is_due_at_no_time():
    assert next_look(track_of(Seen.found(exited(0))), 100.0, POLICY) == 15.0
