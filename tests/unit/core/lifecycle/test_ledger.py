"""Where the time of a job went: the parts are the whole, whatever happens in between."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launcher.core.catalogue import Code
from launcher.core.ending.outcome import make_outcome
from launcher.core.lifecycle.ledger import AWAY, LAUNCHING, RUNNING, charged, code_of, opened
from launcher.core.lifecycle.state import JobState, Track
from launcher.core.pending.clocks import Action, Verdict


def waiting(code, *resources):
    return Track(launched=0.0, verdict=Verdict(Action.WAIT, code, "", 0.0, None, resources=resources))


QUOTA, RESOURCES, PULL = (
    waiting(code) for code in (Code.QUOTA_EXCEEDED, Code.INSUFFICIENT_RESOURCES, Code.IMAGE_PULL_TRANSIENT)
)
RUNS = Track(launched=0.0, state=JobState.RUNNING, ran=True)
STALE = replace(RESOURCES, stale_since=5.0)
ENDED = replace(RUNS, outcome=make_outcome(Code.SUCCESS))


def booked(*steps, launched=10.0):
    """Return the ledger after these (track, monotonic seconds) in order."""
    ledger = opened(launched)
    for track, now in steps:
        ledger = charged(ledger, track, now)
    return ledger


def test_each_cause_has_the_time_in_which_it_was_the_cause():
    ledger = booked(
        (QUOTA, 11), (RESOURCES, 71), (PULL, 100), (RESOURCES, 103), (RUNS, 110), (ENDED, 3710), (ENDED, 9000)
    )
    assert ledger.seconds == {
        LAUNCHING: 1,
        Code.QUOTA_EXCEEDED.value: 60,
        Code.INSUFFICIENT_RESOURCES.value: 29 + 7,
        Code.IMAGE_PULL_TRANSIENT.value: 3,
        RUNNING: 3600,
    }
    assert sum(ledger.seconds.values()) == ledger.until - ledger.launched == 3700


def test_a_time_in_which_nobody_could_look_is_nobodys():
    assert booked((RESOURCES, 20), (STALE, 30), (RESOURCES, 90), (RUNS, 95)).seconds == {
        LAUNCHING: 10,
        Code.INSUFFICIENT_RESOURCES.value: 10 + 5,
        AWAY: 60,
    }


def test_a_cause_has_the_resources_that_it_is_about():
    gpu = waiting(Code.INSUFFICIENT_RESOURCES, "nvidia.com/gpu")
    both = waiting(Code.INSUFFICIENT_RESOURCES, "cpu", "nvidia.com/gpu")
    ledger = booked((gpu, 10), (both, 250), (RESOURCES, 260), (gpu, 265), (RUNS, 270))
    assert ledger.seconds == {
        "InsufficientResources(nvidia.com/gpu)": 240 + 5,
        "InsufficientResources(cpu,nvidia.com/gpu)": 10,
        "InsufficientResources": 5,
    }
    assert {code_of(cause) for cause in ledger.seconds} == {"InsufficientResources"}


def test_resources_without_end_make_no_causes_without_end():
    tracks = [waiting(Code.INSUFFICIENT_RESOURCES, f"example.com/{number}") for number in range(1000)]
    ledger = booked(
        *((track, 11 + number) for number, track in enumerate(tracks)), (QUOTA, 5000), (RUNS, 6000)
    )
    assert len(ledger.seconds) <= 22
    assert ledger.seconds[Code.QUOTA_EXCEEDED.value] == 1000
    assert ledger.seconds[Code.INSUFFICIENT_RESOURCES.value] > 900
    assert sum(ledger.seconds.values()) == ledger.until - ledger.launched


def test_a_clock_that_goes_back_books_nothing_twice():
    assert booked((QUOTA, 20), (QUOTA, 15), (QUOTA, 25)).seconds == {
        LAUNCHING: 10,
        Code.QUOTA_EXCEEDED.value: 5,
    }


@given(
    st.lists(
        st.tuples(st.sampled_from([QUOTA, RESOURCES, PULL, RUNS, STALE]), st.floats(0, 1e6)), max_size=40
    ),
    st.floats(0, 1e6),
)
def test_the_parts_are_the_whole(steps, launched):
    ledger = booked(*steps, launched=launched)
    assert sum(ledger.seconds.values()) == pytest.approx(ledger.until - ledger.launched, abs=1e-3)
    assert all(seconds >= 0 for seconds in ledger.seconds.values())
