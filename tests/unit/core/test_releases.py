"""Helm's statuses in, what they mean for us out."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from launcher.core.releases import ReleaseState, is_drifted, release_state
from launcher.core.views import ReleaseView
from tests.fakes import START, running

STATUSES = [
    ("deployed", 1, 0, ReleaseState.INSTALLED),
    ("deployed", 2, 0, ReleaseState.TAMPERED),
    ("pending-install", 1, 59, ReleaseState.INSTALLING),
    ("pending-install", 1, 60, ReleaseState.ABANDONED),
    ("pending-upgrade", 2, 0, ReleaseState.TAMPERED),
    ("pending-rollback", 1, 0, ReleaseState.TAMPERED),
    ("failed", 1, 0, ReleaseState.FAILED),
    ("uninstalling", 1, 0, ReleaseState.UNINSTALLING),
    ("a-status-of-helm-5", 1, 0, ReleaseState.INSTALLED),
]


@pytest.mark.parametrize(("status", "revision", "age", "state"), STATUSES)
def test_a_status_has_one_meaning(status, revision, age, state):
    view = ReleaseView("r", "fl", status, revision, START)
    assert release_state(view, START + timedelta(seconds=age)) is state


def test_no_release_is_a_state_and_only_a_young_install_is_left_alone():
    assert release_state(None, START) is ReleaseState.ABSENT
    assert [state for state in ReleaseState if state.is_busy] == [ReleaseState.INSTALLING]


def test_an_install_without_a_time_has_nobody_left():
    assert release_state(ReleaseView("r", "fl", "pending-install", 1), START) is ReleaseState.ABANDONED


@pytest.mark.parametrize(
    ("generation", "deleted", "drifted"),
    [(0, None, False), (1, None, False), (2, None, True), (2, START, False)],
)
def test_a_changed_spec_is_told(generation, deleted, drifted):
    assert is_drifted(replace(running(), generation=generation, deleted=deleted)) is drifted
    assert not is_drifted(None)
