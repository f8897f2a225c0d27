"""One launch through FLARE's entry point."""

from __future__ import annotations

import pytest

from tests.contract.flare.in_memory import Launch


@pytest.fixture
def launch(tmp_path):
    return Launch(tmp_path / "workspace")
