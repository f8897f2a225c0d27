"""One launch through the FLARE door."""

from __future__ import annotations

import pytest

from tests.contract.flare.door import Launch


@pytest.fixture
def launch(tmp_path):
    return Launch(tmp_path / "workspace")
