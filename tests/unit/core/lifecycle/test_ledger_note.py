"""What a process notes of its job in Helm's record, and what another one makes of it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launcher.core.catalogue import CATALOGUE, Code
from launcher.core.ending.outcome import make_outcome
from launcher.core.lifecycle.ledger import RUNNING, charged, opened
from launcher.core.lifecycle.ledger_note import (
    LONGEST,
    from_text,
    note_in,
    note_of,
    resumed,
    to_text,
    with_note,
)
from launcher.core.lifecycle.state import JobState, Track
from launcher.core.pending.clocks import Action, Timing, Verdict
from launcher.core.revisions import Revision
from tests.fakes import START


def waits(code=Code.INSUFFICIENT_RESOURCES, *, since=0.0, deadline=120.0, timing=Timing.WATCHED):
    verdict = Verdict(Action.WAIT, code, "words", since, deadline, "pending_timeout", timing)
    return Track(launched=0.0, verdict=verdict)


def noted(*steps, launched=0.0):
    """Return the note after these (track, monotonic seconds) in order; second 0 is START."""
    ledger = opened(launched)
    for track, now in steps:
        ledger = charged(ledger, track, now)
    track, now = steps[-1]
    return note_of("uid-1", ledger, track, now, START + timedelta(seconds=now))


RUNS = Track(launched=0.0, state=JobState.RUNNING, ran=True)
PENDING = noted((waits(), 2), (waits(since=2.0), 30))
ENDED = noted((RUNS, 3), (replace(RUNS, outcome=make_outcome(Code.QUEUE_PREEMPTED, "by its queue")), 63))


@pytest.mark.parametrize("note", [PENDING, ENDED, noted((RUNS, 3))])
def test_a_note_is_read_as_it_was_written(note):
    assert from_text(to_text(note)) == note


def test_the_time_goes_on_for_who_reads_it_later():
    read = PENDING.at(START + timedelta(seconds=90))
    assert read.seconds == {"Launching": 2, "InsufficientResources": 88}
    assert read.until == START + timedelta(seconds=90)
    # Of a job that has ended nothing does.
    assert ENDED.at(START + timedelta(days=1)).seconds == {"Launching": 3, RUNNING: 60}
    # Nor for a reader whose clock is behind.
    assert PENDING.at(START).seconds == PENDING.seconds


def test_a_process_that_goes_on_with_it_loses_no_second():
    wall = START + timedelta(seconds=100)
    ledger = resumed(PENDING, 5000.0, wall)
    ledger = charged(ledger, RUNS, 5010.0)
    assert ledger.seconds == {"Launching": 2, "InsufficientResources": 108}
    assert ledger.until - ledger.launched == pytest.approx(110)
    assert charged(ledger, RUNS, 5020.0).seconds[RUNNING] == 10


@pytest.mark.parametrize("ahead", [-3600, -31, -29, 0, 3600])
def test_the_sum_is_the_time_since_the_launch_whatever_the_clock_of_the_next_process(ahead):
    """Of a machine whose clock is behind, as after a jump back, the launch was later than now."""
    ledger = charged(resumed(PENDING, 5000.0, START + timedelta(seconds=30 + ahead)), RUNS, 5010.0)
    assert sum(ledger.seconds.values()) == pytest.approx(ledger.until - ledger.launched)
    assert ledger.seconds["InsufficientResources"] == 28 + max(0, ahead) + 10


def test_the_clock_of_who_waits_is_shown_instead_of_a_guess():
    guess = waits(since=70.0, deadline=190.0, timing=Timing.CLUSTER)
    now, wall = 1000.0, START + timedelta(seconds=100)
    shown = with_note(guess, PENDING, now, wall).verdict
    assert (shown.since, shown.deadline, shown.timing) == (902.0, 1020.0, Timing.NOTED)
    # The waiter may not list nodes, and this shell may: it is the same cause and the same clock.
    larger = waits(Code.NODES_TOO_SMALL, since=70.0, deadline=190.0, timing=Timing.CLUSTER)
    assert with_note(larger, PENDING, now, wall).verdict == replace(shown, code=Code.NODES_TOO_SMALL)
    # Another cause by now: whoever waits has not noted it yet.
    other = waits(Code.MOUNT, since=70.0, timing=Timing.CLUSTER)
    assert with_note(other, PENDING, now, wall) == other
    assert with_note(RUNS, PENDING, now, wall) == RUNS
    assert with_note(guess, None, now, wall) == guess


def test_the_end_that_was_reported_is_the_end():
    gone = Track(
        launched=0.0, state=JobState.FAILED, outcome=make_outcome(Code.DELETED_EXTERNALLY), absent_since=0.0
    )
    shown = with_note(gone, ENDED, 100.0, START)
    assert (shown.state, shown.outcome.code, shown.outcome.detail) == (
        JobState.FAILED, Code.QUEUE_PREEMPTED, "by its queue",
    )  # fmt: skip
    # Somebody gave it up, as one does on a node that does not answer for long; and here it is.
    assert with_note(RUNS, ENDED, 100.0, START) == RUNS
    waiting = with_note(waits(), ENDED, 100.0, START)
    assert (waiting.verdict, waiting.outcome) == (None, ENDED.outcome)


@pytest.mark.parametrize("code", list(Code))
def test_every_code_comes_back(code):
    assert from_text(to_text(noted((waits(code), 5)))).code is code
    outcome = make_outcome(code, exit_code=7)
    assert from_text(to_text(noted((replace(RUNS, outcome=outcome), 5)))).outcome == outcome


def test_a_note_of_an_upgraded_release_is_of_another_pod():
    text = to_text(ENDED)
    assert note_in([Revision(1, pod_uid="uid-1", ledger=text)]) == ENDED
    assert note_in([Revision(1, pod_uid="uid-1", ledger=text), Revision(2)]) is None
    assert note_in([Revision(2, pod_uid="uid-1", ledger=text)]) is None
    assert note_in([Revision(1, pod_uid="uid-2", ledger=text)]) is None  # as of an earlier version
    assert note_in([]) is None


def test_a_note_about_the_pod_of_an_earlier_release_of_that_name_is_not_believed():
    text = to_text(ENDED)
    assert note_in([Revision(1, pod_uid="uid-2", ledger=text)]) is None
    assert note_in([Revision(1, ledger=text)]) is None
    nameless = to_text(replace(ENDED, pod=""))
    assert note_in([Revision(1, ledger=nameless)]) is None


def test_what_a_container_has_said_is_noted_without_credentials_and_in_bounds():
    said = "password=hunter2canary " + "\N{PILE OF POO}" * 5000
    outcome = replace(make_outcome(Code.OOM_KILLED, said), cure="\N{PILE OF POO}" * 5000)
    text = to_text(noted((replace(RUNS, outcome=outcome), 5)))
    assert "hunter2canary" not in text
    assert len(text) <= LONGEST
    assert text.isascii()


def test_the_longest_note_that_a_job_can_have_is_bounded():
    ledger = opened(0.0)
    for now, code in enumerate(CATALOGUE, 1):
        ledger = charged(ledger, waits(code), now)
    ended = replace(RUNS, outcome=make_outcome(Code.OOM_KILLED, "x" * 5000))
    text = to_text(note_of("uid-1", charged(ledger, ended, 1e6), ended, 1e6, START))
    assert from_text(text) is not None
    assert len(text) <= LONGEST


@given(st.text(max_size=200))
def test_any_text_is_read_or_says_nothing(text):
    assert from_text(text) is None


_LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
_TREES = st.recursive(_LEAVES, lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(), one))


@given(st.sampled_from([PENDING, ENDED]), st.data())
def test_a_note_that_somebody_has_edited_is_read_or_says_nothing(note, data):
    content = json.loads(to_text(note))
    key = data.draw(st.sampled_from(sorted(content)))
    content[key] = data.draw(_TREES)
    read = from_text(json.dumps(content))
    if read is not None:
        shown = with_note(waits(), read, 0.0, START)
        assert shown.verdict is not None or shown.outcome is not None
        assert all(0 <= seconds < 1e10 for seconds in read.at(START).seconds.values())
