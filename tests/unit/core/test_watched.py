"""What a Lease of a watching process says."""

from __future__ import annotations

from datetime import timedelta

import pytest

from launcher.core.watched import (
    LASTS,
    LeaseView,
    is_live,
    is_stale,
    job_mark,
    marks_from_text,
    marks_to_text,
)
from tests.fakes import START


@pytest.mark.parametrize(
    ("renewed", "live", "stale"),
    [
        (START, True, False),
        (START - timedelta(seconds=LASTS), False, False),
        (START - timedelta(hours=1), False, True),
        (START + timedelta(hours=1), True, False),
        (START + timedelta(hours=1, seconds=1), False, True),
        (START.replace(year=9998), False, True),
        (None, False, True),
    ],
)
def test_how_long_a_renewal_counts(renewed, live, stale):
    lease = LeaseView("me", renewed)
    assert (is_live(lease, START), is_stale(lease, START)) == (live, stale)


def test_the_same_jobs_give_the_same_text():
    jobs = frozenset(map(job_mark, ("fj-a", "fj-b", "\ud800")))
    assert marks_from_text(marks_to_text(jobs)) == jobs
    assert marks_to_text(sorted(jobs, reverse=True)) == marks_to_text(jobs)


def test_an_annotation_stays_below_what_an_object_may_have():
    marks = (job_mark(str(number)) for number in range(20_000))
    assert len(marks_to_text(marks)) < 256 * 1024


@pytest.mark.parametrize("text", [None, 7, "", "x", "0123456789ABCDEF", ["0123456789abcdef"]])
def test_what_is_no_mark_is_nobodys(text):
    assert marks_from_text(text) == frozenset()
