"""Provoked state -> code, action, return code, and nothing left: every row of the matrix on the real cluster.

``pytest tests/cluster/test_matrix.py --record tests/data/pods`` also writes what was seen, as fixtures
(``scripts/capture``).
"""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from launcher.core.catalogue import CATALOGUE
from launcher.core.lifecycle.state import JobState, Track
from launcher.core.pending.refusal import refusal_of
from launcher.core.spec.site import PendingPolicy, Timeouts
from launcher.edges.clock import SystemClock
from launcher.edges.helm import HelmReleases
from launcher.edges.kube import KubeClient, KubePods, KubeSecrets
from launcher.errors import LauncherError
from launcher.usecases.ports import World
from tests.cluster.conftest import CHART, SHORT, kubectl
from tests.cluster.matrix import ROWS, SMOKE
from tests.cluster.matrix.recorder import Recorder
from tests.cluster.matrix.row import Row
from tests.cluster.matrix.scene import Scene

pytestmark = pytest.mark.cluster


def _parameters():
    for row in ROWS:
        marks = [pytest.mark.exclusive(row.exclusive)] if row.exclusive else []
        marks += [pytest.mark.smoke] if row.name in SMOKE else []
        yield pytest.param(row, id=row.name, marks=marks)


@pytest.fixture
def recorder(request, scene):
    """What writes fixtures, or None when nobody asked for them."""
    if not request.config.getoption("--record", None):
        yield None
        return
    recorder = Recorder(scene, Path(request.config.getoption("--record")))
    yield recorder
    recorder.stop()


@pytest.fixture
def through(request, scene, tmp_path):
    """Return the world of an account; None for the one of the tests."""
    worlds = []

    def make(account: str) -> World | None:
        if not account:
            return None
        config = json.loads(kubectl("config", "view", "--raw", "--minify", "-o", "json"))
        if account == "nobody-there":
            config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
        else:
            config["users"][0]["user"] = {"token": scene.kubectl("create", "token", account).strip()}
        path = tmp_path / "kubeconfig"
        path.write_text(json.dumps(config))
        kube = KubeClient(str(path))
        worlds.append(
            World(
                HelmReleases(chart=CHART, kubeconfig=str(path)),
                KubePods(kube),
                KubeSecrets(kube),
                SystemClock(),
            )
        )
        return worlds[0]

    yield make
    for world in worlds:
        world.pods.stop()


def test_every_row_of_the_smoke_tests_is_there():
    assert {row.name for row in ROWS} >= SMOKE


@pytest.mark.parametrize("row", list(_parameters()))
def test_a_provoked_state_has_its_verdict(row, scene, launch, gone, recorder, through, world, request):
    if any(word in row.image + row.values for word in ("$registry", "$plain")):
        request.getfixturevalue("bad_registry")
    scene.apply(row.objects)
    if row.before:
        row.before(scene)
    if recorder:
        world.releases.install = recorder.install(world.releases)
    options = dict(values=scene.read(row.values), graces=_graces(row), timeout=row.timeout)
    options.update(into=scene.fill(row.into), through=through(row.account), job_id=scene.job_id)
    options.update(patient=row.patient, may_grow=row.may_grow)
    try:
        scene.handle = handle = launch(row.command, **options, **{"image": scene.fill(row.image), **row.k8s})
    except LauncherError as error:
        _check_refused(row, error, recorder, scene.fill(row.says))
        return
    try:
        if row.act:
            _follow(handle, lambda track: track.state is row.when or _code(track) is row.when, row)
            row.act(scene)
        says = scene.fill(row.says)
        track = _follow(handle, lambda track: _matches(track, row, says), row)
        if recorder and row.fixture:
            recorder.seen(row, track)
        if row.action:
            _check_waiting(row, scene, handle, track)
        else:
            assert (track.outcome.code, track.outcome.return_code) == (row.code, row.return_code)
            assert track.outcome.exit_code == row.exit_code or row.exit_code is None
            assert handle.poll() == row.return_code
    finally:
        scene.restore()
        handle.terminate()
        gone(handle)


def _graces(row: Row) -> Timeouts:
    """Short for the cause of the row alone."""
    clock = CATALOGUE[row.code].limit.value
    short = {clock: getattr(SHORT, clock)} if hasattr(SHORT, clock) else {}
    return replace(Timeouts(), **{**short, **row.graces})


def _check_refused(row: Row, error: LauncherError, recorder: Recorder | None, says: str) -> None:
    refusal = refusal_of(error)
    assert refusal.code is row.code, error
    assert CATALOGUE[refusal.code].return_code == row.return_code
    assert says in refusal.detail
    assert error.cure
    if recorder and row.fixture:
        recorder.refused(row, error)


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

    def notify(track: Track) -> None:
        if not passed and check(track):
            passed.append(track)
        said = (track.state.value, _code(track), track.verdict and track.verdict.detail)
        if not causes or causes[-1] != said:
            causes.append(said)

    end = time.monotonic() + row.seconds
    while not passed and time.monotonic() < end:
        outcome = handle.wait(timeout=0.2, notify=notify)
        if outcome is not None:
            break
    assert passed, f"{row.name} not seen; instead: {causes}; outcome {handle.track.outcome}"
    return passed[0]


def _code(track: Track):
    return track.outcome.code if track.outcome else track.verdict and track.verdict.code


def _matches(track: Track, row: Row, says: str) -> bool:
    judged = track.verdict if row.action else track.outcome
    return judged is not None and judged.code is row.code and says in judged.detail
