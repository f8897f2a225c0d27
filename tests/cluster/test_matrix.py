"""Provoked state -> code, action, return code, and nothing left: every row of the matrix on the real cluster.

``pytest tests/cluster/test_matrix.py --record tests/data/pods`` also writes what was seen, as fixtures
(``scripts/capture``).
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from launcher.core.lifecycle import JobState, Track
from launcher.core.site import PendingPolicy
from tests.cluster.conftest import SHORT
from tests.cluster.matrix import ROWS
from tests.cluster.matrix.recorder import Recorder
from tests.cluster.matrix.row import Row
from tests.cluster.matrix.scene import Scene

pytestmark = pytest.mark.cluster


def _parameters():
    for row in ROWS:
        marks = [pytest.mark.xdist_group(row.group)] if row.group else []
        marks += [pytest.mark.exclusive] if row.exclusive else []
        yield pytest.param(row, id=row.name, marks=marks)


@pytest.fixture
def scene(namespace, image):
    """The stage of one row, cleared afterwards."""
    stage = Scene(namespace, {"ns": namespace, "image": image, "node": f"fake-{namespace}"})
    yield stage
    stage.clean()


@pytest.fixture
def recorder(request, scene):
    """What writes fixtures, or None when nobody asked for them."""
    if not request.config.getoption("--record", None):
        yield None
        return
    recorder = Recorder(scene)
    yield recorder
    recorder.stop()


@pytest.mark.parametrize("row", list(_parameters()))
def test_a_provoked_state_has_its_verdict(row, scene, launch, gone, recorder, request):
    scene.apply(row.objects)
    scene.handle = handle = launch(
        row.command,
        values=scene.read(row.values),
        graces=replace(SHORT, **row.graces),
        **{"image": scene.fill(row.image), **row.k8s},
    )
    try:
        if row.act:
            _follow(handle, lambda track: track.state is row.when or _code(track) is row.when, row)
            row.act(scene)
        track = _follow(handle, lambda track: _matches(track, row), row)
        if recorder and row.fixture:
            recorder.write(row, track, Path(request.config.getoption("--record")))
        if row.action:
            _check_waiting(row, scene, handle, track)
        else:
            assert (track.outcome.code, track.outcome.return_code) == (row.code, row.return_code)
            assert track.outcome.exit_code == row.exit_code or row.exit_code is None
            assert handle.poll() == row.return_code
    finally:
        handle.terminate()
        gone(handle)


def _check_waiting(row: Row, scene: Scene, handle, track: Track) -> None:
    assert track.verdict.action is row.action
    assert track.verdict.return_code(PendingPolicy.GRACEFUL) == row.return_code
    if row.heal:
        row.heal(scene)
        assert handle.wait(timeout=row.seconds).succeeded
        return
    outcome = handle.wait(timeout=row.seconds)
    assert outcome is not None, f"waits for ever: {handle.track}"
    assert outcome.code is (row.ends_as or row.code)
    assert outcome.return_code == row.return_code
    assert handle.track.state is JobState.FAILED


def _follow(handle, check, row: Row) -> Track:
    """Return the first track that passes; the sequence of causes is what a failure shows."""
    passed, causes = [], []

    def notice(track: Track) -> None:
        if not passed and check(track):
            passed.append(track)
        said = (track.state.value, _code(track), track.verdict and track.verdict.detail)
        if not causes or causes[-1] != said:
            causes.append(said)

    end = time.monotonic() + row.seconds
    while not passed and time.monotonic() < end:
        outcome = handle.wait(timeout=0.2, notice=notice)
        if outcome is not None:
            break
    assert passed, f"{row.name} not seen; instead: {causes}; outcome {handle.track.outcome}"
    return passed[0]


def _code(track: Track):
    return track.outcome.code if track.outcome else track.verdict and track.verdict.code


def _matches(track: Track, row: Row) -> bool:
    judged = track.verdict if row.action else track.outcome
    return judged is not None and judged.code is row.code
