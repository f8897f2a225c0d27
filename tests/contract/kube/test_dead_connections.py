"""Connections that an outage has left open and dead: none of them is used again once one has shown it."""

from __future__ import annotations

import json
import time
from urllib.parse import urlsplit

import pytest

from benchmarks.proxy import Proxy
from launcher.core.views import Presence
from launcher.edges.kube import KubeClient, KubePods
from launcher.edges.kube import listwatch as watch_module
from tests.contract.kube.test_watch import Server, serving

# A dead connection costs twenty seconds.
SOON = 10.0


@pytest.fixture
def server():
    return Server()


@pytest.fixture
def proxy(server, tmp_path):
    with serving(server) as url:
        proxy = Proxy("127.0.0.1", urlsplit(url).port)
        cluster = {"server": f"http://127.0.0.1:{proxy.port}"}
        config = {
            "current-context": "x",
            "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
            "clusters": [{"name": "x", "cluster": cluster}],
            "users": [{"name": "x", "user": {}}],
        }
        (tmp_path / "kubeconfig").write_text(json.dumps(config))
        yield proxy
        proxy.close()


@pytest.fixture
def client(proxy, tmp_path):
    return KubeClient(str(tmp_path / "kubeconfig"))


def ask(client):
    client.call("list pods", client.core.list_namespaced_pod, "fl")


def test_a_watch_that_fell_silent_tells_of_all_connections(client, proxy, server, monkeypatch):
    monkeypatch.setattr(watch_module, "_WATCH", 2)
    monkeypatch.setattr(watch_module, "_SILENCE", 1.0)
    pods = KubePods(client)
    watch = pods.watch("fl")
    while server.count("watch=") == 0:
        time.sleep(0.01)
    ask(client)  # on a connection beside that of the watch
    lists = server.count("limit=")
    proxy.fall_silent()
    proxy.recover()
    while server.count("limit=") == lists or watch.pod("none").presence is Presence.UNAVAILABLE:
        time.sleep(0.05)
    begin = time.monotonic()
    ask(client)
    assert time.monotonic() - begin < SOON
    pods.stop()
