"""What a track shows about its job."""

from __future__ import annotations

from dataclasses import replace

import pytest

from launcher.core.lifecycle.state import Observation, Track, with_image_id
from launcher.core.views import Seen
from tests.fakes import START, exited, main, make_pod, running, scheduled


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


def look(pod):
    return Observation(0.0, START, Seen.absent() if pod is None else Seen.found(pod))


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
    assert with_image_id(look(now), before).pod.value.main.image_id == image_id


@pytest.mark.parametrize("pod", [make_pod(uid="1"), None])
def test_what_has_no_container_has_no_image_id(pod):
    seen = look(pod)
    assert with_image_id(seen, RAN) is seen
