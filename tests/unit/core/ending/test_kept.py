"""Which ended jobs are kept, and for how long yet."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta

import pytest

from launcher.core import names
from launcher.core.ending.kept import age_since_end, time_left
from tests.fakes import START, exited, main, running, scheduled

NOW = START + timedelta(seconds=100)


def pod(uid, said="failed=60 succeeded=30", *, code=1, ended=50, site="site-1", study="", **changes):
    """Return a pod that ended ``ended`` seconds after START."""
    container = replace(main("terminated", "", "", code), finished_at=START + timedelta(seconds=ended))
    annotations = {
        names.ANNOTATION_RETENTION: said,
        names.ANNOTATION_SITE: site,
        names.ANNOTATION_STUDY: study,
    }
    return scheduled(container, name=uid, uid=uid, annotations=annotations, **changes)


@pytest.mark.parametrize(
    ("one", "left"),
    [
        (pod("a"), 10),
        (pod("a", ended=10), -30),
        (pod("a", code=0), -20),
        (pod("a", "failed=60 keep=1"), 10),
        (pod("a", "keep=1"), math.inf),
        (pod("a", "keep=1", created=None), math.inf),
    ],
)
def test_the_time_of_an_outcome_counts_from_the_end(one, left):
    assert time_left([one], NOW) == {"a": left}


@pytest.mark.parametrize(
    "one",
    [
        pod("a", ""),
        pod("a", "nonsense"),
        pod("a", "failed=0"),
        pod("a", "succeeded=60"),
        pod("a", "failed=60 keep=0"),
        pod("a", deleted=NOW),
        replace(running(), annotations={names.ANNOTATION_RETENTION: "failed=60"}),
    ],
)
def test_what_is_not_kept_has_no_time(one):
    assert time_left([one], NOW) == {}


def test_the_one_that_ended_first_goes_first_when_there_are_too_many():
    said = "failed=600 succeeded=600 keep=2"
    pods = [pod(f"f{end}", said, ended=end) for end in (40, 10, 30, 20)]
    pods += [pod(f"s{end}", said, ended=end, code=0) for end in (5, 6)]
    left = time_left(pods, NOW)
    assert {uid for uid, seconds in left.items() if seconds <= 0} == {"f10", "f20"}


def test_a_number_counts_the_jobs_of_one_site_and_of_a_study_that_says_so():
    said = "failed=600 keep=1"
    pods = [
        pod("new", said, ended=90),
        pod("other-site", said, ended=10, site="site-2"),
        pod("other-federation", said, ended=10, labels={names.LABEL_FEDERATION: "f"}),
        pod("study", said, ended=10, study="heart"),
        pod("own-number", f"{said} of=study", ended=10, study="lung"),
        pod("its-second", f"{said} of=study", ended=5, study="lung"),
    ]
    left = time_left(pods, NOW)
    assert {uid for uid, seconds in left.items() if seconds <= 0} == {"study", "its-second"}


def test_an_end_ahead_of_the_clock_is_now():
    assert age_since_end(pod("a", ended=500), NOW) == 0
    assert age_since_end(exited(1), NOW) == 100
