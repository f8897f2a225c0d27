"""A world in memory and the use cases over it; a test file that needs another world has its own `fake`."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

from launcher.core.pending.clocks import WaitPolicy
from launcher.usecases.service import Service
from tests.fakes import FakeWorld
from tests.jobs import render

# A busy machine is no failure: time is not what the properties are about.
settings.register_profile("unit", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unit")


@pytest.fixture
def fake():
    return FakeWorld()


@pytest.fixture
def service(fake):
    return Service(fake.world, WaitPolicy(), render)
