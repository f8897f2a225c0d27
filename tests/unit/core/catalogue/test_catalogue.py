"""The catalogue: every code has one row, and the rows agree with the settings that they name."""

from __future__ import annotations

from operator import attrgetter

import pytest

from launcher.core.catalogue import CATALOGUE, CREATION, ENDS, STARTING, UNSCHEDULED, Code, Limit
from launcher.core.catalogue.returncodes import PASS_THROUGH, ReturnCode
from launcher.core.spec.site import SiteConfig


@pytest.mark.parametrize("code", Code)
def test_every_code_has_summary_and_cure(code):
    entry = CATALOGUE[code]
    assert entry.summary.endswith(".")
    assert entry.cure
    assert (code in ENDS) == (entry.strict is None and entry.limit is Limit.NEVER) or code in (
        Code.START_TIMEOUT,
        Code.LAUNCH_TIMEOUT,
    )


def test_ran_out_names_a_site_setting():
    assert [attrgetter(entry.ran_out)(SiteConfig()) for entry in CATALOGUE.values() if entry.ran_out] == [
        900.0,
        None,
    ]


def test_only_app_code_has_a_return_code_of_its_own():
    own = {code: entry.return_code for code, entry in CATALOGUE.items() if entry.returns_own}
    assert set(own) == {Code.APP_CODE}
    assert own[Code.APP_CODE] in PASS_THROUGH


def test_every_code_stands_in_exactly_one_table():
    rows = [code for table in (CREATION, UNSCHEDULED, STARTING, ENDS) for code in table]
    assert len(rows) == len(set(rows))
    assert set(rows) == set(Code) == set(CATALOGUE)


@pytest.mark.parametrize("code", Code)
def test_only_causes_that_may_heal_can_be_relaunched(code):
    entry = CATALOGUE[code]
    permanent = entry.limit is Limit.NOW or entry.return_code is ReturnCode.EXECUTION_EXCEPTION
    assert not (permanent and entry.relaunchable)


def test_every_clock_bounds_some_cause():
    assert {entry.limit for entry in CATALOGUE.values()} == set(Limit)
