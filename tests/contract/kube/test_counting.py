"""Requests to the API server are counted by verb and result, and so are watches that fail."""

from __future__ import annotations

from collections import Counter

import pytest

from launcher.core.measured import NoInstruments
from launcher.edges.kube import KubeClient, KubePods
from launcher.errors import LauncherError
from tests.contract.kube.test_watch import GONE, pod, until


class Counted(NoInstruments):
    def __init__(self):
        self.requests, self.broken = Counter(), Counter()

    def api_asked(self, verb, result):
        self.requests[verb.value, result.value] += 1

    def watch_broke(self, kind):
        self.broken[kind.value] += 1


@pytest.fixture
def counted():
    return Counted()


@pytest.fixture
def watched(client, counted):
    """Return the pods of a client that counts."""
    pods = KubePods(KubeClient(client.kubeconfig, instruments=counted))
    yield pods
    pods.stop()


def test_a_watch_that_goes_on_is_a_list_and_watches(server, watched, counted):
    server.items = [pod("a", 1)]
    server.scripts = [[], [], [server.hold.wait]]
    watched.watch("fl")
    until(lambda: counted.requests["watch", "ok"] >= 3)
    assert counted.requests["get", "ok"] == 1
    assert counted.broken == {}


@pytest.mark.parametrize(
    ("script", "result"), [([GONE], "ok"), (410, "gone"), (500, "server_error"), (403, "denied")]
)
def test_a_watch_that_fails_is_counted_once_each_time(server, watched, counted, script, result):
    server.scripts = [script]
    watched.watch("fl")
    until(lambda: counted.broken["pods"] == 1)
    assert counted.requests["watch", result] >= 1
    assert set(counted.broken) == {"pods"}


@pytest.mark.parametrize(
    ("status", "result"),
    [
        *((401, "denied"), (403, "denied"), (404, "not_found"), (409, "conflict")),
        *((422, "refused"), (429, "throttled"), (500, "server_error"), (503, "server_error")),
    ],
)
def test_every_answer_is_counted(server, watched, counted, status, result):
    server.list_status = [status, status]
    with pytest.raises(LauncherError):
        watched.list("fl")
    # After a 401 it is asked once more, with new credentials.
    assert counted.requests == {("get", result): 2 if status == 401 else 1}


def test_no_answer_is_counted(tmp_path, client, counted):
    text = (tmp_path / "kubeconfig").read_text()
    (tmp_path / "away").write_text(text.replace(client._connection._pool._host, "http://127.0.0.1:1"))
    away = KubePods(KubeClient(str(tmp_path / "away"), instruments=counted))
    with pytest.raises(LauncherError):
        away.list("fl")
    assert counted.requests == {("get", "no_answer"): 1}
