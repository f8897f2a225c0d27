"""What a track shows about its job."""

from __future__ import annotations

from dataclasses import replace

import pytest

from launcher.core.lifecycle.state import Track, with_image_id
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


RAN = scheduled(replace(main("running"), image_id="x@sha256:1"), uid="1")


@pytest.mark.parametrize(
    ("now", "before", "image_id"),
    [
        (scheduled(main("terminated"), uid="1"), RAN, "x@sha256:1"),
        (scheduled(main("terminated"), uid="2"), RAN, ""),
        (scheduled(main("terminated"), uid="1"), None, ""),
        (scheduled(replace(main("running"), image_id="y"), uid="1"), RAN, "y"),
    ],
)
def test_an_image_id_that_was_seen_stays(now, before, image_id):
    assert with_image_id(now, before).main.image_id == image_id


def test_a_pod_without_containers_has_no_image_id():
    assert with_image_id(make_pod(uid="1"), RAN).main is None
