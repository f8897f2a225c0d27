"""The names of a job: read from its pod, and from its release when the pod is gone."""

from __future__ import annotations

import pytest

from launcher.core import names
from launcher.core.jobref import (
    RELEASE_ANNOTATION,
    JobRef,
    no_release,
    pending_timeout_of_pod,
    ref_of_pod,
    ref_of_release,
    unreadable,
)
from launcher.core.views import ReleaseView
from launcher.errors import NotFound
from tests.fakes import make_pod

LABELS = {
    names.LABEL_JOB_ID: "a1-5cdfe2a1",
    names.LABEL_SITE: "site-1-9f86d081",
    names.LABEL_ROLE: "client",
    names.LABEL_ATTEMPT: "3",
    names.LABEL_FEDERATION: "fed-1",
}
ANNOTATIONS = {
    RELEASE_ANNOTATION: "fj-a1-site-1-0",
    names.ANNOTATION_JOB_ID: "a1 ",
    names.ANNOTATION_SITE: "site#1",
    names.ANNOTATION_STUDY: "cancer",
}


def test_ref_of_pod():
    assert ref_of_pod(make_pod(labels=LABELS, annotations=ANNOTATIONS)) == JobRef(
        release="fj-a1-site-1-0",
        namespace="fl",
        pod_name="job-1",
        uid="uid-1",
        job_id="a1 ",
        site="site#1",
        role="client",
        study="cancer",
        attempt=3,
        federation="fed-1",
    )


def test_label_is_read_where_an_annotation_is_missing():
    ref = ref_of_pod(make_pod(labels=LABELS))
    assert (ref.job_id, ref.site, ref.release, ref.study) == ("a1-5cdfe2a1", "site-1-9f86d081", "", "")


def test_pod_without_labels_has_a_ref():
    assert ref_of_pod(make_pod()) == JobRef(release="", namespace="fl", pod_name="job-1", uid="uid-1")


@pytest.mark.parametrize(
    ("label", "attempt"),
    [
        ("1", 1),
        ("12", 12),
        ("", 1),
        ("x", 1),
        ("-1", 1),
        ("0", 1),
        ("²", 1),
        ("9" * 9, 10**9 - 1),
        ("9" * 10, 1),
        ("1.5", 1),
    ],
)
def test_attempt_is_1_unless_a_number_is_given(label, attempt):
    assert ref_of_pod(make_pod(labels={names.LABEL_ATTEMPT: label})).attempt == attempt


def test_ref_of_release():
    values = {
        "job": {"id": "a1", "site": "site#1", "role": "server", "study": "cancer"},
        "pod": {"name": "job-9"},
        "labels": {names.LABEL_FEDERATION: "fed-1"},
    }
    assert ref_of_release("fj-1", "fl", ReleaseView("fj-1", "fl", "deployed", values=values)) == JobRef(
        release="fj-1",
        namespace="fl",
        pod_name="job-9",
        job_id="a1",
        site="site#1",
        role="server",
        study="cancer",
        federation="fed-1",
    )


@pytest.mark.parametrize(
    "values", [{}, {"job": None, "pod": None, "labels": None}, {"job": {"id": None}, "pod": {}}]
)
def test_release_without_values_is_named_by_itself(values):
    expected = JobRef(release="fj-1", namespace="fl", pod_name="fj-1")
    assert ref_of_release("fj-1", "fl", ReleaseView("fj-1", "fl", "failed", values=values)) == expected
    assert ref_of_release("fj-1", "fl", None) == expected


def test_credential_secret_is_that_of_the_pod():
    ref = JobRef(release="fj-1", namespace="fl", pod_name="job-1")
    assert ref.credential_secret == names.credential_secret_name("job-1")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120.0),
        ("0", 0.0),
        ("1.5", 1.5),
        ("none", None),
        ("x", 7.0),
        ("", 7.0),
        ("1e300", 7.0),
        ("1e400", 7.0),
        ("nan", 7.0),
        ("-1", 7.0),
        ("inf", 7.0),
        ("-inf", 7.0),
        ("٣", 7.0),
        ("1_0", 7.0),
        (" 3 ", 7.0),
        ("1e-05", 1e-05),
        ("9" * 5000, 7.0),
    ],
)
def test_pending_timeout_of_pod(text, seconds):
    pod = make_pod(annotations={names.ANNOTATION_PENDING_TIMEOUT: text})
    assert pending_timeout_of_pod(pod, 7.0) == seconds


def test_what_cannot_be_read_of_a_pod_is_named():
    odd = {names.ANNOTATION_PENDING_TIMEOUT: "1e300"}
    pod = make_pod(annotations=odd, labels={names.LABEL_ATTEMPT: "²"}, created=None)
    assert ref_of_pod(pod).attempt == 1
    assert [line.split()[1] for line in unreadable(pod)] == [
        names.ANNOTATION_PENDING_TIMEOUT,
        names.LABEL_ATTEMPT,
        "is",
    ]
    assert "1e300" in unreadable(pod)[0]
    other = make_pod(annotations={names.ANNOTATION_PENDING_TIMEOUT: "٣"})
    assert "is no time to wait: ٣" in unreadable(other)[0]
    assert unreadable(make_pod()) == unreadable(None) == ()


@pytest.mark.parametrize("pod", [None, make_pod()])
@pytest.mark.parametrize("default", [7.0, None])
def test_pending_timeout_of_a_pod_that_has_none_is_the_default(pod, default):
    assert pending_timeout_of_pod(pod, default) == default


def test_missing_release_is_named_with_its_namespace():
    error = no_release("fj-1", "fl")
    assert isinstance(error, NotFound)
    assert error.message == "there is no job release 'fj-1' in namespace 'fl'"
    assert "`fljob list -n fl`" in error.cure
