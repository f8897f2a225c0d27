"""Replays every state that was recorded on a cluster: same code, action and return code as there."""

from __future__ import annotations

from pathlib import Path

import pytest

from launcher.core.catalogue import Code
from launcher.core.pending.clocks import Action
from launcher.core.spec.site import PendingPolicy
from tests.cluster.matrix import ROWS
from tests.cluster.matrix.elsewhere import ELSEWHERE
from tests.recorded import Recording, recordings

RECORDINGS = recordings()


def by_name(recording: Recording) -> str:
    return recording.name


WAITING = [r for r in RECORDINGS if "action" in r.expected]
ENDED = [r for r in RECORDINGS if "action" not in r.expected]


@pytest.mark.parametrize("recording", WAITING, ids=by_name)
def test_pending_pod_gets_its_verdict(recording):
    verdict = recording.first().verdict
    assert verdict.code is recording.code
    assert verdict.action is Action(recording.expected["action"])
    assert verdict.return_code(PendingPolicy.GRACEFUL) == recording.expected["return_code"]


@pytest.mark.parametrize("recording", WAITING, ids=by_name)
def test_pending_pod_fails_when_its_clock_runs_out(recording):
    outcome = recording.last().outcome
    assert outcome.code is recording.ends_as
    assert outcome.return_code == recording.expected["return_code"]


@pytest.mark.parametrize("recording", ENDED, ids=by_name)
def test_ended_pod_gets_its_outcome(recording):
    outcome = recording.first().outcome
    assert outcome.code is recording.code
    assert outcome.return_code == recording.expected["return_code"]
    assert outcome.exit_code == recording.expected.get("exit_code", outcome.exit_code)


# Codes of which there is no recording, and why.
NOT_RECORDED = {
    Code.CHART_UNAVAILABLE: "there is no pod: the chart of the site cannot be had",
    Code.CREATE_FAILED: "whatever Helm may say that no row of its failures knows",
    Code.LAUNCH_TIMEOUT: "a clock over any waiting pod; the matrix fires it",
    Code.QUOTA_BUSY: "two writers of one quota in the same instant",
    Code.RELEASE_UNINSTALLED: "the release says it, not the pod; the matrix does it",
    Code.SITE_INVALID: "there is no pod: what the site has configured makes none",
    Code.TERMINATED: "our own doing",
}


def test_every_code_is_recorded_or_excused():
    recorded = {code for r in RECORDINGS for code in (r.code, r.ends_as)}
    assert set(Code) - recorded == set(NOT_RECORDED)


# Known from the texts in tests/unit/edges/test_api_words.py, tests/messages.py and
# tests/data/kubernetes-messages.yaml only.
TEXT_ONLY = {
    Code.CHART_UNAVAILABLE,
    Code.CREATE_FAILED,
    Code.QUOTA_BUSY,
    Code.SITE_INVALID,
}


def test_every_code_is_provoked_or_known_as_text_only():
    provoked = {code for row in ROWS for code in (row.code, row.ends_as or row.code)}
    assert provoked | set(ELSEWHERE) == set(Code) - TEXT_ONLY


@pytest.mark.parametrize(("code", "where"), ELSEWHERE.items())
def test_tests_named_in_elsewhere_exist(code, where):
    path, _, name = where.partition("::")
    body = (Path(__file__).parents[3] / path).read_text().partition(f"def {name}(")[2].partition("\ndef ")[0]
    assert f"Code.{code.name}" in body


def test_recordings_are_those_of_the_matrix():
    assert {row.name for row in ROWS if row.fixture} == {recording.name for recording in RECORDINGS}
