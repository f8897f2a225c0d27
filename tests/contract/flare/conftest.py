"""A workspace that every launch of a test may rewrite."""

from __future__ import annotations

import pytest

from tests.contract.flare.case import write_workspace


@pytest.fixture
def workspace(tmp_path):
    """Return a function that writes the workspace of a case and returns its path."""
    return lambda case: write_workspace(tmp_path / "workspace", case)
