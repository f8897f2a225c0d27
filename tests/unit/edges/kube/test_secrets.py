"""Secrets: what is replaced, shared and deleted is ours; what is another's stays as it is."""

from __future__ import annotations

import base64
import itertools

import pytest

from launcher.core.jobref import RELEASE_ANNOTATION
from launcher.core.names import LABEL_FEDERATION, LABEL_JOB_ID, LABEL_SITE
from launcher.edges.kube import KubeSecrets
from launcher.errors import Conflict, NotFound

LABELS = {LABEL_JOB_ID: "a", LABEL_SITE: "site-1", LABEL_FEDERATION: "fed"}
SHARED = {LABEL_SITE: "site-1", LABEL_FEDERATION: "fed"}


class Api:
    """The Secrets of one namespace, with versions and uids as the API server has them."""

    def __init__(self):
        self.core = self
        self.items = {}
        self.writes = []
        self._numbers = itertools.count(1)

    def call(self, action, method, *args, **more):
        return method(*args, **more)

    def create_namespaced_secret(self, namespace, body):
        name = body["metadata"]["name"]
        if name in self.items:
            raise Conflict("already exists")
        self._write(name, body, uid=f"u{next(self._numbers)}")

    def read_namespaced_secret(self, name, namespace):
        if name not in self.items:
            raise NotFound("no secret")
        return self.items[name]

    def replace_namespaced_secret(self, name, namespace, body):
        there = self.read_namespaced_secret(name, namespace)["metadata"]
        if body["metadata"].get("resourceVersion", there["resourceVersion"]) != there["resourceVersion"]:
            raise Conflict("changed")
        self._write(name, body, uid=there["uid"])

    def delete_namespaced_secret(self, name, namespace, body):
        there = self.read_namespaced_secret(name, namespace)["metadata"]
        if any(there[key] != wanted for key, wanted in body["preconditions"].items()):
            raise Conflict("uid or resourceVersion")
        del self.items[name]

    def list_namespaced_secret(self, namespace, label_selector):
        return {"items": list(self.items.values())}

    def _write(self, name, body, uid):
        self.writes.append(name)
        version = str(next(self._numbers))
        self.items[name] = {**body, "metadata": {**body["metadata"], "uid": uid, "resourceVersion": version}}

    def value(self, name):
        return base64.b64decode(self.items[name]["data"]["key"])


@pytest.fixture
def api():
    return Api()


@pytest.fixture
def secrets(api):
    return KubeSecrets(api)


def test_a_jobs_own_secret_is_replaced(api, secrets):
    assert secrets.put("s", "fl", {"key": b"1"}, LABELS)
    assert not secrets.put("s", "fl", {"key": b"2"}, LABELS, replace=False)
    assert api.value("s") == b"1"
    first = api.items["s"]["metadata"]["uid"]
    assert not secrets.put("s", "fl", {"key": b"2"}, LABELS)
    assert api.value("s") == b"2"
    assert api.items["s"]["metadata"]["uid"] != first  # another launch's is another object


@pytest.mark.parametrize(
    "labels", [{}, {**LABELS, LABEL_JOB_ID: "b"}, {**LABELS, "app.kubernetes.io/managed-by": "Helm"}]
)
def test_anothers_secret_is_not_replaced(api, secrets, labels):
    secrets.put("s", "fl", {"key": b"theirs"}, labels)
    with pytest.raises(Conflict, match=r"secret fl/s belongs to .*not to job 'a'"):
        secrets.put("s", "fl", {"key": b"ours"}, LABELS)
    assert api.value("s") == b"theirs"


@pytest.mark.parametrize(("claim", "is_deleted"), [("", True), ("parent", False)])
def test_a_secret_that_claims_a_release_is_left_and_an_empty_claim_is_none(api, secrets, claim, is_deleted):
    secrets.put("s", "fl", {}, LABELS)
    api.items["s"]["metadata"]["annotations"] = {RELEASE_ANNOTATION: claim}
    assert secrets.delete("s", "fl") is is_deleted


def test_only_a_jobs_secret_is_deleted(api, secrets):
    secrets.put("ours", "fl", {}, LABELS)
    secrets.put("unlabelled", "fl", {}, {})
    secrets.put("chart", "fl", {}, {**LABELS, "app.kubernetes.io/managed-by": "Helm"})
    assert [secrets.delete(name, "fl") for name in ("ours", "gone", "unlabelled", "chart")] == [
        True,
        True,
        False,
        False,
    ]
    assert sorted(api.items) == ["chart", "unlabelled"]


def test_a_secret_of_another_launch_or_of_other_content_is_left(api, secrets):
    secrets.put("s", "fl", {"key": b"1"}, LABELS)
    api.items["s"]["metadata"]["ownerReferences"] = [{"kind": "Pod", "uid": "uid-1"}, None, {"uid": 7}]
    seen = []
    assert not secrets.delete("s", "fl", seen.append)
    assert not secrets.delete("s", "fl", holding={"key": b"2"})
    assert [(one.uid, one.owners) for one in seen] == [("u1", ("uid-1", ""))]
    assert seen == [secrets.list("fl")["s"]]
    assert secrets.delete("s", "fl", lambda one: "uid-1" in one.owners, holding={"key": b"1"})
    assert api.items == {}


def test_a_secret_that_gets_an_owner_while_it_is_looked_at_is_looked_at_again(api, secrets):
    secrets.put("s", "fl", {}, LABELS)

    def is_ours(view):
        changed = {"resourceVersion": "99", "ownerReferences": [{"uid": "uid-2"}]}
        api.items["s"] = {"metadata": {**api.items["s"]["metadata"], **changed}}
        return not view.owners

    assert not secrets.delete("s", "fl", is_ours)
    assert "s" in api.items


def test_a_shared_secret_follows_its_own_federation_only(api, secrets):
    assert secrets.put_shared("s", "fl", {"key": b"1"}, SHARED)
    assert secrets.put_shared("s", "fl", {"key": b"1"}, SHARED)
    assert api.writes == ["s"]  # the same content is not written again
    assert secrets.put_shared("s", "fl", {"key": b"2"}, SHARED)
    assert not secrets.put_shared("s", "fl", {"key": b"3"}, {**SHARED, LABEL_FEDERATION: "other"})
    assert api.value("s") == b"2"


def test_a_shared_secret_without_a_mark_is_ours_when_the_content_is(api, secrets):
    secrets.put("s", "fl", {"key": b"1"}, {})
    assert not secrets.put_shared("s", "fl", {"key": b"2"}, SHARED)
    assert secrets.put_shared("s", "fl", {"key": b"1"}, SHARED)
    assert api.items["s"]["metadata"]["labels"] == SHARED


def test_credentials_come_out_of_a_jobs_own_secret_only(api, secrets):
    secrets.put("s", "fl", {"key": b"1", "other": "é".encode()}, LABELS)
    assert secrets.credentials("s", "fl") == {"key": "1", "other": "é"}
    api.items["s"]["metadata"]["annotations"] = {RELEASE_ANNOTATION: "fj-1"}
    with pytest.raises(Conflict, match="secret fl/s is not a job's"):
        secrets.credentials("s", "fl")
    secrets.put("t", "fl", {"key": b"1"}, {LABEL_SITE: "site-1"})
    with pytest.raises(Conflict):
        secrets.credentials("t", "fl")
    with pytest.raises(NotFound):
        secrets.credentials("none", "fl")
