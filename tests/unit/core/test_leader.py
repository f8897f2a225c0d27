"""Which of several parents of a site acts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from launcher.core.leader import Answer, SiteLease, claimed, decide, is_held, lease_name, released
from launcher.core.watched import LASTS
from tests.fakes import START

HELD = SiteLease("other", START, START, 3, "7")


def after(seconds):
    return START + timedelta(seconds=seconds)


ANSWERS = [
    pytest.param(SiteLease(), 0, False, Answer.TAKE, id="there is none"),
    pytest.param(SiteLease(), 0, True, Answer.TAKE, id="somebody has deleted ours"),
    pytest.param(HELD, 1, False, Answer.TAKE, id="the parent before"),
    pytest.param(HELD, 1, True, Answer.STAND_DOWN, id="a parent after"),
    pytest.param(HELD, LASTS + 1, True, Answer.TAKE, id="a parent after, which is gone"),
    pytest.param(replace(HELD, holder="own"), 1000, True, Answer.RENEW, id="our own"),
    pytest.param(released(HELD), 1, True, Answer.TAKE, id="a parent after, which has ended"),
    pytest.param(replace(HELD, renewed=None), 1, True, Answer.TAKE, id="nobody can read when"),
    pytest.param(replace(HELD, renewed=after(10**9)), 1, True, Answer.TAKE, id="planted for ever"),
]


@pytest.mark.parametrize("lease, seconds, has_acted, answer", ANSWERS)
def test_who_acts(lease, seconds, has_acted, answer):
    assert decide(lease, "own", after(seconds), has_acted=has_acted) is answer


def test_what_is_written():
    assert claimed(SiteLease(), "own", START) == SiteLease("own", START, START, 0, "")
    now = after(5)
    taken = claimed(HELD, "own", now)
    assert taken == SiteLease("own", now, now, 4, "7")
    later = after(20)
    assert claimed(taken, "own", later) == replace(taken, renewed=later)


def test_a_number_of_changes_that_somebody_has_planted_stays_writable():
    assert claimed(replace(HELD, transitions=2**31 - 1), "own", START).transitions == 2**31 - 1


def test_who_holds_it():
    assert is_held(HELD, after(LASTS - 1))
    assert not is_held(HELD, after(LASTS))
    assert not is_held(released(HELD), START)


def test_the_name_is_that_of_one_site_in_one_federation():
    names = {
        lease_name(site, mark) for site in ("site-1", "site-2", "a" * 500, "\udc80") for mark in ("", "abc")
    }
    assert len(names) == 8
    assert all(len(name) <= 63 for name in names)
