"""Waiting reasons and messages of containers: which code."""

from __future__ import annotations

import pytest

from launcher.core.pending.containers import waiting_code
from tests.messages import WAITING


@pytest.mark.parametrize(("reason", "message", "code"), WAITING)
def test_waiting_code(reason, message, code):
    assert waiting_code(reason, message) is code
