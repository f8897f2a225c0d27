"""A malformed object among good ones costs nobody else's view, whatever kind it is."""

from __future__ import annotations

import json
import random

import pytest

from launcher.core.names import LABEL_JOB_ID
from launcher.core.views import Presence
from launcher.edges.kube import KubePods, KubeSecrets
from tests.contract.kube.test_events import about_claim, messages, said
from tests.contract.kube.test_watch import event, pod, until
from tests.fuzz.objects import EVENT, NODE, POD
from tests.fuzz.texts import mutated

SECRET = {
    "metadata": {
        "name": "s", "creationTimestamp": "2026-01-01T00:00:00Z", "uid": "u", "annotations": {},
        "labels": {LABEL_JOB_ID: "a1", "fljob.internal/site": "s", "fljob.internal/federation": "f"},
    },
    "data": {"TOKEN": "eA=="},
}  # fmt: skip
BY_HAND = [
    None, 3, "x", [], {}, {"metadata": None}, {"metadata": []}, {"metadata": {}}, {"metadata": {"name": None}},
    {"metadata": {"name": "b", "labels": None}}, {"metadata": {"name": "b", "labels": []}},
    {"metadata": {"name": "b", "labels": {LABEL_JOB_ID: None}, "creationTimestamp": 7}},
    {"metadata": {"name": {"a": 1}, "labels": "x", "annotations": 3}}, {"involvedObject": {"uid": []}},
]  # fmt: skip


def malformed(seed, tree):
    """Return the objects of a kind that somebody else may have written badly."""
    rng = random.Random(seed)
    found = [mutated(rng, json.loads(json.dumps(tree)), rate=0.3) for _ in range(100)]
    return [*BY_HAND, *(one for one in found if json.dumps(one))]


@pytest.mark.parametrize("seed", range(3))
def test_pods(server, client, seed):
    good = [pod("first", 1), pod("last", 2)]
    server.items = [good[0], *malformed(seed, POD), good[1]]
    pods = KubePods(client)
    assert {"first", "last"} <= {view.name for view in pods.list("fl")}
    server.scripts = [[*(event("ADDED", one) for one in malformed(seed, POD)), event("ADDED", pod("new", 11)),
                       server.hold.wait]]  # fmt: skip
    watch = pods.watch("fl")
    until(lambda: watch.pod("new").presence is Presence.FOUND)
    assert watch.pod("first").presence is watch.pod("last").presence is Presence.FOUND
    pods.stop()


@pytest.mark.parametrize("seed", range(3))
def test_events(server, pods, seed):
    server.items = [said("a", "u1", "first"), *malformed(seed, EVENT), said("b", "u1", "last")]
    assert {"first", "last"} <= set(messages(pods, "u1"))
    server.items = [*malformed(seed, EVENT), about_claim("data", "ProvisioningFailed", 9)]
    assert pods.claim_events("fl")["data"].message == "said 9"


@pytest.mark.parametrize("seed", range(3))
def test_nodes(server, pods, seed):
    server.items = [*malformed(seed, NODE), {"metadata": {"name": "good"}}]
    assert pods.nodes()[-1].name == "good"


@pytest.mark.parametrize("seed", range(3))
def test_secrets(server, client, caplog, seed):
    good = {"metadata": {**SECRET["metadata"], "name": "good"}}
    server.items = [*malformed(seed, SECRET), good]
    found = KubeSecrets(client).list("fl")
    assert (found["good"].job_id, found["good"].site, found["good"].federation) == ("a1", "s", "f")
    assert "" not in found
    assert "of the secrets in namespace fl have no name" in caplog.text


@pytest.mark.parametrize("data", [None, 3, [], {"a": None}, {"a": 3}, {"a": "%%%"}, {"a": ["x"]}])
def test_the_data_of_a_secret(server, client, data):
    from tests.contract.kube.test_watch import _send  # noqa: PLC0415

    server.answer = lambda handler: _send(handler, 200, {"metadata": {"name": "s"}, "data": data})
    assert KubeSecrets(client).mask("s", "fl")("a text") == "a text"


@pytest.mark.parametrize("items", [None, 3, {}, "x", [None]])
def test_a_list_that_is_none(server, client, items):
    server.items = items
    pods = KubePods(client)
    assert (pods.list("fl"), pods.nodes(), dict(KubeSecrets(client).list("fl"))) == ((), (), {})
