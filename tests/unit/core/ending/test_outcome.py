"""Outcomes: return code and sentence come from the catalogue."""

from __future__ import annotations

import pytest

from launcher.core.catalogue import CATALOGUE, Code
from launcher.core.ending.outcome import make_outcome


@pytest.mark.parametrize("code", Code)
def test_outcome_of_a_code(code):
    outcome = make_outcome(code)
    assert (outcome.code, outcome.return_code) == (code, CATALOGUE[code].return_code)
    assert (outcome.detail, outcome.exit_code, outcome.clock) == (CATALOGUE[code].summary, None, "")
    assert outcome.succeeded is (code is Code.SUCCESS)


def test_detail_of_the_case_replaces_the_summary():
    outcome = make_outcome(Code.APP_ERROR, "exit code 7", exit_code=7)
    assert (outcome.detail, outcome.exit_code) == ("exit code 7", 7)
