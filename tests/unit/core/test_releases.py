"""Helm's release statuses, and what they mean for a job."""

from __future__ import annotations

from datetime import timedelta

import pytest

from launcher.core.releases import ReleaseState, release_state
from launcher.core.views import ReleaseView
from tests.fakes import START

STATUSES = [
    ("deployed", 1, 0, ReleaseState.INSTALLED),
    ("deployed", 2, 0, ReleaseState.TAMPERED),
    ("pending-install", 1, 59, ReleaseState.INSTALLING),
    ("pending-install", 1, 60, ReleaseState.ABANDONED),
    ("pending-upgrade", 2, 0, ReleaseState.TAMPERED),
    ("pending-rollback", 1, 0, ReleaseState.TAMPERED),
    ("superseded", 1, 0, ReleaseState.TAMPERED),
    ("failed", 1, 0, ReleaseState.FAILED),
    ("uninstalled", 1, 0, ReleaseState.UNINSTALLING),
    ("pending-install", 2, 0, ReleaseState.INSTALLING),
    ("failed", 2, 0, ReleaseState.TAMPERED),
    ("uninstalling", 1, 0, ReleaseState.UNINSTALLING),
    ("a-status-of-helm-5", 1, 0, ReleaseState.INSTALLED),
]


@pytest.mark.parametrize(("status", "revision", "age", "state"), STATUSES)
def test_release_state(status, revision, age, state):
    view = ReleaseView("r", "fl", status, revision, START)
    assert release_state(view, START + timedelta(seconds=age)) is state


def test_missing_release_is_absent():
    assert release_state(None, START) is ReleaseState.ABSENT


def test_only_an_install_is_busy():
    assert [state for state in ReleaseState if state.is_busy] == [ReleaseState.INSTALLING]


def test_pending_install_without_time_is_abandoned():
    assert release_state(ReleaseView("r", "fl", "pending-install", 1), START) is ReleaseState.ABANDONED
