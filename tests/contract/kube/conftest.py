"""A client of the misbehaving server."""

from __future__ import annotations

import json

import pytest

from launcher.edges.kube import KubeClient, KubePods
from tests.contract.kube.test_watch import Server, serving


@pytest.fixture
def server():
    return Server()


@pytest.fixture
def posts():
    """Whether the server knows POST."""
    return False


@pytest.fixture
def client(server, tmp_path, posts):
    with serving(server, posts=posts) as url:
        config = tmp_path / "kubeconfig"
        config.write_text(
            json.dumps(
                {
                    "current-context": "x",
                    "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
                    "clusters": [{"name": "x", "cluster": {"server": url}}],
                    "users": [{"name": "x", "user": {}}],
                }
            )
        )
        yield KubeClient(str(config))


@pytest.fixture
def pods(client):
    pods = KubePods(client)
    yield pods
    pods.stop()
