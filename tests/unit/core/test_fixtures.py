"""Every state that was recorded on a cluster, replayed: the same code, action and return code as there."""

from __future__ import annotations

from operator import attrgetter
from pathlib import Path

import pytest

from launcher.core.catalogue import CATALOGUE, Code
from launcher.core.catalogue.returncodes import PASS_THROUGH
from launcher.core.pending.clocks import Action
from launcher.core.spec.site import PendingPolicy, SiteConfig
from tests.cluster.matrix import ROWS
from tests.cluster.matrix.elsewhere import ELSEWHERE
from tests.recorded import Recording, recordings

RECORDINGS = recordings()


def by_name(recording: Recording) -> str:
    return recording.name


WAITING = [r for r in RECORDINGS if "action" in r.expected]
ENDED = [r for r in RECORDINGS if "action" not in r.expected]


@pytest.mark.parametrize("recording", WAITING, ids=by_name)
def test_a_waiting_pod_has_its_verdict(recording):
    verdict = recording.first().verdict
    assert verdict.code is recording.code
    assert verdict.action is Action(recording.expected["action"])
    assert verdict.return_code(PendingPolicy.GRACEFUL) == recording.expected["return_code"]


@pytest.mark.parametrize("recording", WAITING, ids=by_name)
def test_no_pod_waits_for_ever(recording):
    outcome = recording.last().outcome
    assert outcome.code is recording.ends_as
    assert outcome.return_code == recording.expected["return_code"]


@pytest.mark.parametrize("recording", ENDED, ids=by_name)
def test_an_ended_pod_has_its_outcome(recording):
    outcome = recording.first().outcome
    assert outcome.code is recording.code
    assert outcome.return_code == recording.expected["return_code"]
    assert outcome.exit_code == recording.expected.get("exit_code", outcome.exit_code)


# Codes of which there is no recording, and why.
NOT_RECORDED = {
    Code.CREATE_FAILED: "whatever Helm may say that no row of its failures knows",
    Code.LAUNCH_TIMEOUT: "a clock over any waiting pod; the matrix fires it",
    Code.QUOTA_BUSY: "two writers of one quota in the same instant",
    Code.RELEASE_UNINSTALLED: "the release says it, not the pod; the matrix does it",
    Code.TERMINATED: "our own doing",
}


def test_every_code_was_recorded_or_says_why_not():
    recorded = {code for r in RECORDINGS for code in (r.code, r.ends_as)}
    assert set(Code) - recorded == set(NOT_RECORDED)


# The words of tests/unit/edges/test_same_words.py are all there is of these.
TEXT_ONLY = {Code.CREATE_FAILED, Code.QUOTA_BUSY}


def test_what_is_not_recorded_is_provoked_or_known_from_its_words_only():
    provoked = {code for row in ROWS for code in (row.code, row.ends_as or row.code)}
    assert provoked | set(ELSEWHERE) == set(Code) - TEXT_ONLY


@pytest.mark.parametrize(("code", "where"), ELSEWHERE.items())
def test_the_test_that_provokes_a_code_elsewhere_is_there(code, where):
    path, _, name = where.partition("::")
    body = (Path(__file__).parents[3] / path).read_text().partition(f"def {name}(")[2].partition("\ndef ")[0]
    assert f"Code.{code.name}" in body


def test_every_state_that_is_worth_a_recording_has_one_and_no_other():
    assert {row.name for row in ROWS if row.fixture} == {recording.name for recording in RECORDINGS}


def test_a_clock_that_ran_out_is_a_setting_and_only_a_code_of_flare_is_passed_on():
    assert [attrgetter(entry.ran_out)(SiteConfig()) for entry in CATALOGUE.values() if entry.ran_out] == [
        900.0,
        None,
    ]
    own = {code: entry.return_code for code, entry in CATALOGUE.items() if entry.returns_own}
    assert set(own) == {Code.APP_CODE}
    assert own[Code.APP_CODE] in PASS_THROUGH
