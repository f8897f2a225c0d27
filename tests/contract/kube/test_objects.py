"""Objects of any kind, by the resources that the API server names."""

from __future__ import annotations

import pytest

from launcher.core.views import MadeObject, ObjectRef, Presence
from launcher.edges.kube import KubeObjects
from launcher.errors import Denied, NotFound
from tests.contract.kube.test_watch import _send

POLICY = ObjectRef("networking.k8s.io/v1", "NetworkPolicy", "fj-1", "fl")
KINDS = {
    "resources": [
        {"name": "networkpolicies", "kind": "NetworkPolicy", "namespaced": True},
        {"name": "networkpolicies/status", "kind": "NetworkPolicy", "namespaced": True},
        {"name": "ingressclasses", "kind": "IngressClass", "namespaced": False},
        "nonsense",
    ]
}
PATH = "/apis/networking.k8s.io/v1/namespaces/fl/networkpolicies/fj-1"


@pytest.fixture
def answers(server):
    """What is answered, path -> (status, body)."""
    found = {"/apis/networking.k8s.io/v1": (200, KINDS)}

    def answer(handler):
        server.requests.append(handler.path)
        status, body = found.get(handler.path, (404, {"kind": "Status", "message": "not found"}))
        _send(handler, status, body)

    server.answer = answer
    return found


@pytest.mark.parametrize(
    ("metadata", "made"),
    [
        ({"uid": "u1"}, MadeObject("u1")),
        (
            {
                "uid": "u1",
                "annotations": {"meta.helm.sh/release-name": "fj-1", "meta.helm.sh/release-namespace": "fl"},
            },
            MadeObject("u1", "fj-1", "fl"),
        ),
        ({"uid": "u1", "deletionTimestamp": "x"}, MadeObject("u1", stays=True)),
        ({"uid": "u1", "annotations": {"helm.sh/resource-policy": "keep"}}, MadeObject("u1", stays=True)),
        ({"annotations": 3}, MadeObject("")),
        (7, MadeObject("")),
    ],
)
def test_an_object_is_found_with_its_release(client, answers, metadata, made):
    answers[PATH] = (200, {"metadata": metadata})
    assert KubeObjects(client).look(POLICY).value == made


def test_kinds_are_asked_for_once(client, server, answers):
    objects = KubeObjects(client)
    assert answers
    for _ in range(3):
        assert objects.look(POLICY).presence is Presence.ABSENT
    cluster_wide = ObjectRef("networking.k8s.io/v1", "IngressClass", "x", "fl")
    assert objects.look(cluster_wide).presence is Presence.ABSENT
    assert server.requests == [
        "/apis/networking.k8s.io/v1",
        *[PATH] * 3,
        "/apis/networking.k8s.io/v1/ingressclasses/x",
    ]


@pytest.mark.parametrize("version", ["example.com/v1", "v1"])
def test_a_kind_that_the_cluster_does_not_know_has_no_objects(client, answers, version):
    del answers
    assert KubeObjects(client).look(ObjectRef(version, "Queue", "x", "fl")).presence is Presence.ABSENT


def test_what_may_not_be_read_and_what_cannot_be(client, answers):
    forbidden = 'networkpolicies.networking.k8s.io "fj-1" is forbidden: User "u" cannot get resource'
    answers[PATH] = (403, {"kind": "Status", "message": forbidden})
    with pytest.raises(Denied, match=r"get networkpolicy\.networking\.k8s\.io fl/fj-1"):
        KubeObjects(client).look(POLICY)
    answers[PATH] = (503, {"kind": "Status", "message": "later"})
    assert KubeObjects(client).look(POLICY).presence is Presence.UNAVAILABLE


def test_an_object_as_it_is(client, answers):
    answers[PATH] = (200, {"metadata": {"uid": "u1"}, "spec": {"a": 1}})
    assert KubeObjects(client).raw(POLICY).value == {"metadata": {"uid": "u1"}, "spec": {"a": 1}}
    answers.pop(PATH)
    assert KubeObjects(client).raw(POLICY).presence is Presence.ABSENT


def test_a_dry_run_changes_nothing_and_is_helms(client, answers, server):
    query = "?dryRun=All&fieldManager=helm&force=true&fieldValidation=Ignore"
    answers[PATH + query] = (200, {"spec": {"a": 2}})
    assert KubeObjects(client).applied(POLICY, {"spec": {"a": 1}}) == {"spec": {"a": 2}}
    assert server.requests[-1] == PATH + query


def test_what_a_dry_run_cannot_be_asked_of_is_an_error(client, answers):
    with pytest.raises(NotFound):
        KubeObjects(client).applied(POLICY, {})
    answers["/apis/networking.k8s.io/v1"] = (200, {})
    with pytest.raises(NotFound, match="knows no"):
        KubeObjects(client).applied(POLICY, {})
