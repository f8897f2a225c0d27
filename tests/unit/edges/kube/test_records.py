"""What Helm's records tell without helm: only an answer that says so is "gone", and only one record is read."""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest
from kubernetes.client.exceptions import ApiException

from launcher.core.names import ANNOTATION_POD_UID, LABEL_JOB_ID
from launcher.core.revisions import Revision
from launcher.core.views import MadeObject, ObjectRef, Seen
from launcher.edges.helm import HelmReleases
from launcher.edges.kube import KubeRecords
from launcher.errors import Conflict, Denied, Rejected, Unavailable
from tests.fakes import START


class Api:
    """An API server with one answer."""

    def __init__(self, answer):
        self.core, self.answer, self.asked, self.metadata_only = self, answer, [], False

    def list_all(self, action, method, namespace, **selector):
        answer = self.call(action, method, namespace, **selector)
        return answer["items"], answer["metadata"].get("resourceVersion", "")

    def call(self, action, method, *args, **more):
        return method(*args, **more)

    def request(self, path, *, query=None, verb="GET", body=None, metadata_only=False, **options):
        self.asked.append((path, query) if query is not None else (verb, path, options or body))
        self.metadata_only = metadata_only
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


EMPTY = {"metadata": {"resourceVersion": "7"}, "items": []}


@pytest.mark.parametrize(
    ("answer", "is_gone"),
    [
        (EMPTY, True),
        ({**EMPTY, "items": [{"metadata": {}}]}, False),
        ({**EMPTY, "items": [3]}, False),
        ({"metadata": {"resourceVersion": "7", "continue": "x"}, "items": []}, False),
        ({**EMPTY, "items": None}, False),  # no answer of an API server, like the next two
        ({"items": []}, False),
        ({}, False),
        (Unavailable("503"), False),
        (Denied("secrets: list"), False),
    ],
)
def test_gone_is_what_the_api_server_says(answer, is_gone):
    assert KubeRecords(Api(answer), "secret").is_gone("r1", "ns") is is_gone


@pytest.mark.parametrize(("driver", "kind"), [("secret", "secrets"), ("configmap", "configmaps")])
def test_the_records_are_those_of_the_storage_driver(driver, kind):
    api = Api(EMPTY)
    KubeRecords(api, driver).is_gone("r1", "ns")
    query = {"labelSelector": "owner=helm,name=r1", "limit": 1}
    assert api.asked == [(f"/api/v1/namespaces/ns/{kind}", query)]


REFS = (ObjectRef("v1", "Pod", "p1", "ns"), ObjectRef("networking.k8s.io/v1", "NetworkPolicy", "r1", "ns"))
OURS = MadeObject("u1", "r1", "ns")


class Objects:
    """Objects by name."""

    def __init__(self, **answers):
        self.answers = answers

    def look(self, ref):
        answer = self.answers.get(ref.name, Seen.found(OURS))
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.mark.parametrize(
    ("answer", "are_there"),
    [
        (Seen.found(OURS), True),
        (Seen.absent(), False),
        (Seen.found(replace(OURS, stays=True)), False),  # it is being deleted
        (Seen.found(replace(OURS, release="r2")), False),
        (Seen.found(replace(OURS, namespace="other")), False),
        (Denied("networkpolicies: get"), False),
    ],
)
@pytest.mark.parametrize("name", ["p1", "r1"])
def test_a_release_is_whole_when_all_that_it_names_is_certainly_there(name, answer, are_there):
    records = KubeRecords(Api(EMPTY), "secret", Objects(**{name: answer}))
    assert records.are_there(REFS, "r1", "ns") is are_there


def test_objects_that_could_not_be_asked_for_are_not_missing():
    records = KubeRecords(Api(EMPTY), "secret", Objects(p1=Seen.unavailable("503", "wait")))
    with pytest.raises(Unavailable, match="cannot see what release r1 has made: 503"):
        records.are_there(REFS, "r1", "ns")


def packed(content, *, times=2, compress=gzip.compress):
    data = compress(content if isinstance(content, bytes) else json.dumps(content).encode())
    for _ in range(times):
        data = base64.b64encode(data)
    return {"data": {"release": data.decode()}}


RECORD = {"name": "r1", "manifest": "kind: Pod", "config": {"a": "b"}}


def manifest(*items, driver="secret", **metadata):
    answer = {"metadata": {"resourceVersion": "7", **metadata}, "items": list(items)}
    return KubeRecords(Api(answer), driver).manifest("r1", "ns")


def test_the_manifests_of_a_release_are_read_from_its_record():
    assert manifest(packed(RECORD)) == "kind: Pod"
    assert manifest(packed(RECORD, times=1), driver="configmap") == "kind: Pod"
    assert manifest() == ""


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"data": None},
        {"data": {"release": 3}},
        {"data": {"release": "no base64"}},
        {"data": {"release": "bm8gYmFzZTY0"}},
        packed(RECORD, times=1),
        packed(RECORD, compress=bytes),
        packed(RECORD, compress=lambda data: gzip.compress(data)[:-9]),
        packed(b"no JSON"),
        packed(b"\xff"),
        packed(b"[" * 100_000),
        packed([RECORD]),
        packed({"name": "r1"}),
        packed({"manifest": ["kind: Pod"]}),
        packed({"manifest": ""}),
        packed(b" " * (16 * 2**20) + json.dumps(RECORD).encode()),
    ],
    ids=range(16),
)
def test_helm_is_asked_for_a_record_that_it_has_not_written_so(record):
    assert manifest(record) is None


def test_helm_is_asked_where_there_is_more_than_one_record_or_no_answer():
    assert manifest(packed(RECORD), packed(RECORD)) is None
    assert manifest(packed(RECORD), **{"continue": "x"}) is None
    assert KubeRecords(Api(Denied("secrets: list")), "secret").manifest("r1", "ns") is None


def stored(name, number, **metadata):
    """Return a record of Helm as the API server shows it without its content."""
    labels = {"name": name, "owner": "helm", "version": number, LABEL_JOB_ID: "a1b2"}
    return {"metadata": {"name": f"sh.helm.release.v1.{name}.v{number}", "labels": labels, **metadata}}


@pytest.mark.parametrize("namespace", ["ns", ""])
def test_the_records_of_all_releases_come_in_one_list_without_their_content(namespace):
    when = {"creationTimestamp": "2026-01-01T00:00:00Z", "namespace": "ns"}
    noted = {"annotations": {ANNOTATION_POD_UID: "uid-1"}}
    items = [
        stored("r1", "10", **when),
        stored("r1", "1", **when, **noted),
        stored("r2", "x", namespace="ns"),
    ]
    api = Api({**EMPTY, "items": [*items, {"metadata": None}]})
    found = KubeRecords(api, "secret").revisions(namespace)
    assert found["ns", "r1"] == (Revision(1, START, "uid-1", "a1b2"), Revision(10, START, "", "a1b2"))
    assert found["ns", "r2"] == (Revision(0, None, "", "a1b2"),)
    where = "/namespaces/ns" if namespace else ""
    selector = {"label_selector": f"owner=helm,{LABEL_JOB_ID}"}
    assert (api.asked, api.metadata_only) == ([("GET", f"/api/v1{where}/secrets", selector)], True)


def test_the_records_of_one_release_are_asked_for_by_its_name():
    api = Api(EMPTY)
    assert KubeRecords(api, "configmap").revisions("ns", "r1") == {}
    assert api.asked == [
        ("GET", "/api/v1/namespaces/ns/configmaps", {"label_selector": "owner=helm,name=r1"})
    ]
    with pytest.raises(Unavailable, match="the answer is no list"):
        KubeRecords(Api({"metadata": {}, "items": []}), "secret").revisions("ns", "r1")


def test_the_pod_is_noted_in_the_record_of_the_first_install():
    api = Api({})
    KubeRecords(api, "secret").note_pod("r1", "ns", "uid-1")
    path = "/api/v1/namespaces/ns/secrets/sh.helm.release.v1.r1.v1"
    assert api.asked == [("PATCH", path, {"metadata": {"annotations": {ANNOTATION_POD_UID: "uid-1"}}})]


def test_what_was_measured_is_noted_only_in_the_record_of_this_pod():
    api = Api({})
    KubeRecords(api, "secret").note_ledger("r1", "ns", "text", "uid-1")
    [(verb, path, steps)] = api.asked
    assert (verb, path) == ("PATCH", "/api/v1/namespaces/ns/secrets/sh.helm.release.v1.r1.v1")
    assert steps == [
        {"op": "test", "path": "/metadata/annotations/fljob.internal~1pod-uid", "value": "uid-1"},
        {"op": "add", "path": "/metadata/annotations/fljob.internal~1ledger", "value": "text"},
    ]


@pytest.mark.parametrize(("status", "kind"), [(422, Conflict), (400, Rejected)])
def test_only_what_does_not_fit_the_record_is_a_conflict(status, kind):
    """As of a webhook: 400, 'admission webhook "x" denied the request'."""
    answer = Rejected("no")
    answer.__cause__ = ApiException(status=status)
    with pytest.raises(kind):
        KubeRecords(Api(answer), "secret").note_ledger("r1", "ns", "text", "uid-1")


def test_a_record_that_helm_may_not_update_is_named_with_the_right():
    api = Api({"metadata": {"labels": {"status": "pending-install"}}})
    with pytest.raises(Rejected, match="stays pending-install") as failed:
        KubeRecords(api, "configmap").note_pod("r1", "ns", "uid-1")
    assert "can-i update configmaps -n ns`" in failed.value.cure


def test_helms_port_tells_the_records_of_one_release():
    items = [stored("r1", "1", creationTimestamp="2026-01-01T00:00:00Z")]
    for found, told in ((items, (Revision(1, START, "", "a1b2"),)), ([], ())):
        records = KubeRecords(Api({**EMPTY, "items": found}), "secret")
        assert HelmReleases(chart=Path("/c"), records=records).revisions("r1", "ns") == told
