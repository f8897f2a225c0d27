"""A world in memory and the use cases over it; a test file that needs another world has its own `fake`."""

from __future__ import annotations

import pytest

from launcher.core.pending.clocks import WaitPolicy
from launcher.usecases.service import Service
from tests.fakes import FakeWorld
from tests.jobs import render


@pytest.fixture
def fake():
    return FakeWorld()


@pytest.fixture
def service(fake):
    return Service(fake.world, WaitPolicy(), render)
