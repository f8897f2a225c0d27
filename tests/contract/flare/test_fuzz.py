"""A sample of hostile metas, files and contexts through both FLARE launchers."""

from __future__ import annotations

from tests.fuzz.run import run


def test_hostile_launches_are_refused_in_flares_words():
    result = run("parents", range(150))
    assert (result.cases, result.wrong) == (150, [])
