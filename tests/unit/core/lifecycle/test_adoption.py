"""Which jobs of an earlier parent a new one may take over: one row for each thing that may be missing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from launcher.core.jobref import RELEASE_ANNOTATION, JobRef
from launcher.core.lifecycle.adoption import (
    Heritage,
    is_cut_short,
    is_unmade,
    is_waiting,
    why_not,
    why_not_refused,
)
from launcher.core.lifecycle.state import JobReport, Track
from launcher.core.names import LABEL_JOB_ID, LABEL_SITE, credential_secret_name, pod_name
from launcher.core.ownership import CONFIRMED, Owner, Ownership
from launcher.core.views import ReleaseView, SecretView
from tests.fakes import START, exited, make_pod, running, unscheduled

JOB, SITE = "86ba3990-e798-4699-b450-00ab4cb70832", "site-1"
POD = pod_name(JOB, SITE)
NOW = START + timedelta(seconds=100)
ABOUT = {
    "name": POD,
    "labels": {LABEL_JOB_ID: JOB, LABEL_SITE: SITE},
    "annotations": {RELEASE_ANNOTATION: "fj-1"},
}
REF = JobRef(
    release="fj-1", namespace="fl", pod_name=POD, job_id=JOB, site=SITE, role="client", federation="fed"
)
RELEASE = ReleaseView("fj-1", "fl", "deployed", 1, START, {})
SECRET = SecretView(START, JOB, "fed", SITE)
RUNNING = replace(running(), **ABOUT)


def heritage(*, job=REF, release=RELEASE, pod=RUNNING, ownership=CONFIRMED, **more):
    report = JobReport(job, release, Track(launched=0.0, pod=pod), ownership)
    is_whole = more.get("is_whole", False)
    return Heritage(report, more.get("secret", SECRET), more.get("role", "client"), NOW, is_whole)


TAKEN = {
    "it runs": RUNNING,
    "it waits for a node": unscheduled(**ABOUT),
    "it has no container yet": make_pod(**ABOUT),
    "it has ended": exited(0, **ABOUT),
    "it has failed": exited(101, **ABOUT),
}


@pytest.mark.parametrize("name", TAKEN)
def test_a_job_with_all_that_belongs_to_it_is_taken_over(name):
    assert why_not(heritage(pod=TAKEN[name])) == ""


def release(**changes):
    return replace(RELEASE, **changes)


_CONFIRM = "Helm's record does not confirm that it is a job of this parent"
_DEPLOY, _POD, _SECRET = (
    "its release is not deployed",
    "its pod is gone",
    "the Secret with its credentials is gone",
)
LEFT = {
    "a pod without a release": (_CONFIRM, {"ownership": Ownership(Owner.POD_WITHOUT_RELEASE, "no release")}),
    "another's release": (_CONFIRM, {"ownership": Ownership(Owner.FOREIGN_RELEASE, "another's")}),
    "a job without an id": (_CONFIRM, {"job": replace(REF, job_id="")}),
    "a job of the server at a client": (_CONFIRM, {"job": replace(REF, role="server")}),
    "a job of a client at the server": (_CONFIRM, {"role": "server"}),
    "no release": (_DEPLOY, {"release": None}),
    "being installed": (_DEPLOY, {"release": release(status="pending-install", updated=NOW)}),
    "an install that was killed": (_DEPLOY, {"release": release(status="pending-install")}),
    "a failed install": (_DEPLOY, {"release": release(status="failed")}),
    "being uninstalled": (_DEPLOY, {"release": release(status="uninstalling")}),
    "being uninstalled, and whole": (_DEPLOY, {"release": release(status="uninstalling"), "is_whole": True}),
    "somebody upgraded it, and it is whole": (_DEPLOY, {"release": release(revision=2), "is_whole": True}),
    "somebody upgraded it": (_DEPLOY, {"release": release(revision=2)}),
    "no pod": (_POD, {"pod": None}),
    "the pod of another release": (_POD, {"pod": replace(RUNNING, annotations={RELEASE_ANNOTATION: "fj-2"})}),
    "the pod of another job": (_POD, {"pod": replace(RUNNING, labels={LABEL_JOB_ID: "b", LABEL_SITE: SITE})}),
    "a pod without our label": (_POD, {"pod": replace(RUNNING, labels={})}),
    "its pod is being deleted": ("its pod is being deleted", {"pod": replace(RUNNING, deleted=NOW)}),
    "no Secret": (_SECRET, {"secret": None}),
    "the Secret of another job": (_SECRET, {"secret": replace(SECRET, job_id="b")}),
    "the Secret of another site": (_SECRET, {"secret": replace(SECRET, site="site-2")}),
    "the Secret of another federation": (_SECRET, {"secret": replace(SECRET, federation="other")}),
    "a Secret of a chart": (_SECRET, {"secret": replace(SECRET, of_helm=True)}),
}


@pytest.mark.parametrize("name", LEFT)
def test_why_a_job_is_not_taken_over(name):
    why, changes = LEFT[name]
    assert why_not(heritage(**changes)) == why


# Of a helm that was killed between the pod and its last note, of one a minute ago, and of one that heard nothing.
CUT_SHORT = (
    release(status="pending-install", updated=NOW),
    release(status="pending-install"),
    release(status="failed"),
)


@pytest.mark.parametrize("found", CUT_SHORT)
def test_a_job_whose_install_was_killed_when_all_was_there_is_taken_over(found):
    one = heritage(release=found, is_whole=True)
    assert is_cut_short(one.report, NOW)
    assert not is_unmade(one.report, NOW)
    assert why_not(one) == ""


@pytest.mark.parametrize("found", [*CUT_SHORT, release(status="uninstalling")])
@pytest.mark.parametrize("pod", [None, replace(RUNNING, labels={LABEL_JOB_ID: "b", LABEL_SITE: SITE})])
def test_of_a_try_that_was_killed_there_is_its_record_only(found, pod):
    assert is_unmade(heritage(release=found, pod=pod).report, NOW)


@pytest.mark.parametrize("found", [None, RELEASE, release(revision=2)])
def test_a_job_that_was_made_and_lost_its_pod_is_no_try(found):
    report = heritage(release=found, pod=None).report
    assert not is_unmade(report, NOW)
    assert not is_cut_short(report, NOW)


def test_the_secret_is_looked_for_by_the_name_of_the_pod():
    assert REF.credential_secret == credential_secret_name(POD)


@pytest.mark.parametrize(
    ("pod", "waits"),
    [
        (unscheduled(**ABOUT), True),
        (make_pod(**ABOUT), True),
        (None, True),
        (RUNNING, False),
        (exited(0, **ABOUT), False),
    ],
)
def test_a_job_waits_until_its_container_runs(pod, waits):
    assert is_waiting(heritage(pod=pod).report) is waits


def test_a_job_without_a_release_is_taken_over_with_its_own_secret():
    assert why_not_refused(REF, SECRET, "client") == ""


@pytest.mark.parametrize(
    ("secret", "role"),
    [
        (SECRET, "server"),
        (replace(SECRET, job_id="another"), "client"),
        (replace(SECRET, site="site-2"), "client"),
        (replace(SECRET, federation="other"), "client"),
        (replace(SECRET, of_helm=True), "client"),
    ],
)
def test_a_job_without_a_release_is_not_taken_over_with_anothers(secret, role):
    assert why_not_refused(REF, secret, role)
