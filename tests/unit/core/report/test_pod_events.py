"""What is said of a job on its pod: once for each cause, with code, clock and cure, in a bounded line."""

from __future__ import annotations

from dataclasses import replace

import pytest

from launcher.core.catalogue import CATALOGUE, Code
from launcher.core.catalogue.returncodes import ReturnCode
from launcher.core.ending.outcome import Outcome, make_outcome
from launcher.core.lifecycle.state import JobState, Track
from launcher.core.lifecycle.step import terminated
from launcher.core.pending.clocks import Action, Verdict
from launcher.core.report.pod_events import EventReason, event_now, removed
from tests.fakes import START

PENDING, FAILED = EventReason.PENDING, EventReason.FAILED


def waiting(code=Code.INSUFFICIENT_RESOURCES, detail="1 Insufficient cpu", **changes):
    verdict = Verdict(Action.WAIT, code, detail, 0.0, 130.0, "pending_timeout")
    return Track(launched=0.0, verdict=replace(verdict, **changes))


def ended(code, detail="", state=JobState.FAILED, **changes):
    return Track(launched=0.0, state=state, outcome=replace(make_outcome(code, detail), **changes))


RUNNING = Track(launched=0.0, state=JobState.RUNNING, ran=True)


def said_of(*tracks):
    """Return what is new after each of these, as reason and code; None = nothing any more."""
    event, news = None, []
    for track in tracks:
        before, event = event, event_now(event, track, 10.0, START)
        if event is not before:
            news.append(None if event is None else (event.reason, event.code))
    return news


def test_a_cause_has_its_code_its_clock_the_words_and_the_cure():
    event = event_now(None, waiting(), 10.0, START)
    entry = CATALOGUE[Code.INSUFFICIENT_RESOURCES]
    assert event.message == (
        f"InsufficientResources (pending_timeout runs out at 2026-01-01T00:02:00+00:00): {entry.summary} "
        f"1 Insufficient cpu. Cure: {entry.cure}"
    )
    assert (event.reason, event.is_warning, event.at) == (PENDING, True, START)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"deadline": None}, "(pending_timeout: no limit)"),
        ({"deadline": None, "clock": ""}, "(no limit)"),
        ({"deadline": 1.0}, "(pending_timeout runs out at 2026-01-01T00:00:00+00:00)"),
        ({"deadline": 1e300}, "(pending_timeout runs out at "),
    ],
)
def test_a_clock_in_words(changes, words):
    assert words in event_now(None, waiting(**changes), 10.0, START).message


@pytest.mark.parametrize(
    ("code", "is_warning"),
    [
        (Code.QUOTA_EXCEEDED, True),
        (Code.IMAGE_NOT_FOUND, True),
        (Code.UNCLASSIFIED, True),
        (Code.SCHEDULING_GATED, False),
        (Code.SCALING_UP, False),
        (Code.NOMINATED, False),
        (Code.BINDING, False),
    ],
)
def test_what_goes_on_by_itself_is_no_warning(code, is_warning):
    assert event_now(None, waiting(code), 10.0, START).is_warning is is_warning


SHORTAGE, PULL = (PENDING, Code.INSUFFICIENT_RESOURCES), (PENDING, Code.IMAGE_PULL_TRANSIENT)


@pytest.mark.parametrize(
    ("tracks", "news"),
    [
        ([Track(launched=0.0)], []),
        ([waiting(), waiting(), waiting(detail="2 Insufficient cpu", deadline=99.0)], [SHORTAGE]),
        ([waiting(), waiting(Code.IMAGE_PULL_TRANSIENT), waiting()], [SHORTAGE, PULL, SHORTAGE]),
        ([waiting(Code.CREATING), waiting(Code.PULLING), waiting(Code.INITIALIZING)], []),
        ([waiting(), waiting(Code.CREATING), waiting()], [SHORTAGE]),
        ([waiting(), RUNNING, RUNNING], [SHORTAGE, None]),
        ([waiting(), RUNNING, waiting()], [SHORTAGE, None, SHORTAGE]),
        ([waiting(), ended(Code.IMAGE_NOT_FOUND)], [SHORTAGE, (FAILED, Code.IMAGE_NOT_FOUND)]),
        ([ended(Code.OOM_KILLED), ended(Code.OOM_KILLED)], [(FAILED, Code.OOM_KILLED)]),
        ([RUNNING, ended(Code.SUCCESS, state=JobState.SUCCEEDED)], []),
        ([waiting(), terminated(waiting(), "as asked")], [SHORTAGE, None]),
    ],
)
def test_only_what_is_new_is_said(tracks, news):
    assert said_of(*tracks) == news


def test_a_failure_has_its_return_code_and_its_own_cure():
    track = ended(Code.IMAGE_NOT_FOUND, "not found", clock="timeouts.pull_permanent", cure="push it")
    event = event_now(None, track, 10.0, START)
    assert event.message == (
        "ImageNotFound (timeouts.pull_permanent ran out, return code 101): "
        f"{CATALOGUE[Code.IMAGE_NOT_FOUND].summary} not found. Cure: push it"
    )
    assert event.is_warning


@pytest.mark.parametrize(
    ("track", "words", "has_cure"),
    [
        (terminated(waiting(), "terminated as asked"), "Terminated (return code 9): ", False),
        (ended(Code.SUCCESS, state=JobState.SUCCEEDED), "Success (return code 0): ", False),
        (ended(Code.OOM_KILLED), "OOMKilled (return code ", True),
    ],
)
def test_the_removal_tells_the_end_once_more(track, words, has_cure):
    event = removed(track, START)
    assert event.message.startswith(f"Release, pod and per-job Secret are removed. {words}")
    assert ("Cure: " in event.message) is has_cure
    assert (event.reason, event.is_warning) == (EventReason.REMOVED, False)


def test_what_has_not_ended_is_not_removed():
    assert removed(waiting(), START) is None


HOSTILE = [
    "x" * 100_000,
    "\U0001f600" * 5000,
    "é " * 3000,
    "a\nb\x1b[31m\u202ec\ud800",
    "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl " * 50,
]


@pytest.mark.parametrize("text", HOSTILE, ids=["long", "wide", "accents", "controls", "credential"])
@pytest.mark.parametrize("code", [Code.INSUFFICIENT_RESOURCES, Code.NODES_TOO_SMALL, Code.UNCLASSIFIED])
def test_words_of_others_are_one_bounded_line_without_credentials_and_leave_the_cure(text, code):
    failed = Outcome(code, ReturnCode.EXECUTION_EXCEPTION, text)
    end = Track(launched=0.0, state=JobState.FAILED, outcome=failed)
    for event in (
        event_now(None, waiting(code, text), 10.0, START),
        event_now(None, end, 10.0, START),
        removed(end, START),
    ):
        assert len(event.message.encode()) <= 1024
        assert event.message.isprintable()
        assert event.message.endswith(f" Cure: {CATALOGUE[code].cure}")
        assert "eyJ" not in event.message


@pytest.mark.parametrize("text", HOSTILE, ids=["long", "wide", "accents", "controls", "credential"])
def test_a_cure_that_quotes_others_is_a_bounded_line_without_credentials_too(text):
    for event in (
        event_now(None, ended(Code.IMAGE_NOT_FOUND, cure=text), 10.0, START),
        removed(ended(Code.IMAGE_NOT_FOUND, cure=text), START),
    ):
        assert len(event.message.encode()) <= 1024
        assert event.message.isprintable()
        assert " Cure: " in event.message
        assert "eyJ" not in event.message


def test_whoever_has_uninstalled_a_release_says_so_and_nobody_else():
    assert removed(ended(Code.RELEASE_UNINSTALLED), START) is None


@pytest.mark.parametrize("code", [code for code in Code if code is not Code.RELEASE_UNINSTALLED])
def test_every_row_of_the_catalogue_fits_with_its_cure(code):
    event = removed(ended(code, "x" * 2000), START)
    assert len(event.message.encode()) <= 1024
    if code not in (Code.SUCCESS, Code.TERMINATED):
        assert event.message.endswith(CATALOGUE[code].cure)
