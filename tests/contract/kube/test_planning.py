"""What a plan asks of the API server, and what it makes of the answers."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from launcher.core.plan.views import Reference, Use
from launcher.core.rights import Right
from launcher.core.views import ObjectRef, Presence
from launcher.edges.kube.planning import KubePlanning
from launcher.errors import Conflict, Reason, Rejected
from tests.contract.kube.test_watch import _send

POD = ObjectRef("v1", "Pod", "p", "fl")
KINDS = [("pods", "Pod"), ("secrets", "Secret"), ("persistentvolumeclaims", "PersistentVolumeClaim")]
CORE = {"resources": [{"name": name, "kind": kind, "namespaced": True} for name, kind in KINDS]}
CREATE = "/api/v1/namespaces/fl/pods?dryRun=All&fieldValidation=Strict&fieldManager=helm"
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
SECRET = Reference(Use("v1", "Secret"), "s", "volume v")
FORBIDDEN = {"kind": "Status", "message": 'secrets "s" is forbidden: User "u" cannot get resource "secrets"'}


@pytest.fixture
def posts():
    return True


@pytest.fixture
def answers(server):
    """What is answered, path -> (status, body), and what was sent."""
    found = {"/api/v1": (200, CORE)}

    def answer(handler):
        sent = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        server.requests.append((handler.command, handler.path, json.loads(sent) if sent else None))
        status, body = found.get(handler.path, (404, {"kind": "Status", "message": "not found"}))
        _send(handler, status, body)

    server.answer = answer
    return found


def test_an_object_is_tried_out_by_a_dry_run(client, server, answers):
    answers[CREATE] = (201, {"kind": "Pod", "spec": {"priority": 7}})
    assert KubePlanning(client).try_out(POD, {"kind": "Pod"})["spec"] == {"priority": 7}
    assert server.requests[-1] == ("POST", CREATE, {"kind": "Pod"})


def test_what_would_be_said_to_a_creation_is_raised(client, answers):
    answers[CREATE] = (409, {"kind": "Status", "message": 'pods "p" already exists'})
    with pytest.raises(Conflict, match="exists"):
        KubePlanning(client).try_out(POD, {})
    unknown = 'Pod in version "v1" cannot be handled as a Pod: strict decoding error: unknown field "spec.x"'
    answers[CREATE] = (400, {"kind": "Status", "message": unknown})
    with pytest.raises(Rejected) as refused:
        KubePlanning(client).try_out(POD, {})
    assert refused.value.reason is Reason.INVALID_SPEC
    with pytest.raises(Rejected) as refused:
        KubePlanning(client).try_out(ObjectRef("example.com/v1", "Queue", "q", "fl"), {})
    assert refused.value.reason is Reason.UNKNOWN_KIND


def test_three_answers(client, answers):
    api, path = KubePlanning(client), "/api/v1/namespaces/fl/secrets/s"
    assert api.look(SECRET, "fl").presence is Presence.ABSENT
    answers[path] = (200, {"data": {"a": "Yg=="}, "metadata": {"uid": "u"}})
    found = api.look(SECRET, "fl").value
    assert (found.keys, "Yg==" in repr(found)) == ({"a"}, False)
    answers[path] = (403, FORBIDDEN)
    denied = api.look(SECRET, "fl")
    assert (denied.presence, "cannot get" in denied.why) == (Presence.UNAVAILABLE, True)
    answers[path] = (503, {"kind": "Status", "message": "later"})
    assert api.look(SECRET, "fl").presence is Presence.UNAVAILABLE


def test_nodes_and_what_is_used_of_them(client, answers):
    nodes, pods = "/api/v1/nodes?limit=500", "/api/v1/pods?limit=500"
    assert KubePlanning(client).cluster().why
    answers[nodes] = (200, {"items": [{"metadata": {"name": "n"}}], "metadata": {"resourceVersion": "1"}})
    answers[pods] = (403, {"kind": "Status", "message": 'pods is forbidden: User "u" cannot list'})
    found = KubePlanning(client).cluster()
    assert ([node.name for node in found.nodes], found.used, bool(found.why_not_used)) == (["n"], None, True)
    container = {"name": "c", "resources": {"requests": {"cpu": "500m"}}}
    items = [
        {"spec": {"nodeName": node, "containers": [container]}, "status": {"phase": phase}}
        for node, phase in (("n", "Running"), ("n", "Pending"), ("n", "Succeeded"), ("", "Pending"))
    ]
    answers[pods] = (200, {"items": items, "metadata": {"resourceVersion": "1"}})
    assert KubePlanning(client).cluster().used == {"n": {"pods": Decimal(2), "cpu": Decimal(1)}}


def test_rights(client, answers):
    answers[REVIEWS] = (201, {"status": {"allowed": False}})
    wanted = (Right("pods", "patch"),)
    assert KubePlanning(client).missing(wanted, "fl") == wanted
