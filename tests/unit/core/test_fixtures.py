"""Every state that was recorded on a cluster, replayed: the same code, action and return code as there."""

from __future__ import annotations

import pytest

from launcher.core.catalogue import Code
from launcher.core.patience import Action
from launcher.core.site import PendingPolicy
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
    Code.CONFIG_TRANSIENT: "a kubelet in the second in which it starts",
    Code.CREATE_FAILED: "whatever Helm may say that no row of its failures knows",
    Code.LAUNCH_TIMEOUT: "a clock over any waiting pod; the matrix fires it",
    Code.QUOTA_BUSY: "two writers of one quota in the same instant",
    Code.RELEASE_UNINSTALLED: "the release says it, not the pod; the matrix does it",
    Code.TERMINATED: "our own doing",
}


def test_every_code_was_recorded_or_says_why_not():
    recorded = {code for r in RECORDINGS for code in (r.code, r.ends_as)}
    assert set(Code) - recorded == set(NOT_RECORDED)
