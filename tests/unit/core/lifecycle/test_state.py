"""What a track shows about its job."""

from __future__ import annotations

import pytest

from launcher.core.lifecycle.state import Track
from tests.fakes import exited, main, make_pod, running, scheduled


@pytest.mark.parametrize(
    ("pod", "has_started"),
    [
        (None, False),
        (make_pod(), False),
        (scheduled(), False),
        (scheduled(main("none")), False),
        (scheduled(main("waiting", "ContainerCreating")), False),
        (running(), True),
        (exited(0), True),
        (exited(1), True),
    ],
)
def test_has_started(pod, has_started):
    assert Track(launched=0.0, pod=pod).has_started is has_started
