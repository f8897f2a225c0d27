"""Whose a release, a pod or a Secret is: Helm's record decides, and nothing that a pod says of itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from launcher.core import names
from launcher.core.jobref import RELEASE_ANNOTATION, JobRef
from launcher.core.ownership import (
    CONFIRMED,
    Owner,
    assign,
    credential_is_ours,
    is_other_job,
    judge,
    locate,
    unclaimed,
)
from launcher.core.revisions import Revision
from launcher.core.views import ReleaseView, SecretView
from tests.fakes import START, make_pod

JOB_ID, SITE = "7f4e9c1a", "site-1"
RELEASE, POD = names.release_name(JOB_ID, SITE), names.pod_name(JOB_ID, SITE)
WANTED = JobRef(release=RELEASE, namespace="fl", pod_name=POD, job_id=JOB_ID, site=SITE)
VALUES = {
    "job": {"id": JOB_ID, "site": SITE},
    "pod": {"name": POD},
    "labels": {names.LABEL_JOB_ID: JOB_ID},
}


def record(**changes):
    view = ReleaseView(RELEASE, "fl", "deployed", 1, START, VALUES, chart="fljob", labelled=True)
    return replace(view, **changes)


def pod_of(job_id=JOB_ID, site=SITE, claim=RELEASE, name=""):
    told = {names.ANNOTATION_JOB_ID: job_id, names.ANNOTATION_SITE: site}
    claims = {RELEASE_ANNOTATION: claim} if claim else {}
    labels = {names.LABEL_JOB_ID: names.label_value(job_id)}
    return make_pod(name or names.pod_name(job_id, site), annotations={**told, **claims}, labels=labels)


@pytest.mark.parametrize("pod", [None, pod_of(), pod_of(claim="")])
def test_a_release_that_names_pod_and_job_is_ours(pod):
    assert judge(record(), pod, WANTED) == CONFIRMED


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"labelled": False}, "does not carry the label"),
        ({"values": {}}, "name no job and no pod"),
        ({"values": {"job": "x", "pod": [1], "labels": None}}, "name no job and no pod"),
        ({"values": {"job": {"id": JOB_ID}, "pod": {}}}, "name no job and no pod"),
        ({"chart": "parent", "values": {**VALUES, "labels": {}}}, "its chart is 'parent'"),
        ({"values": {**VALUES, "job": {"id": "b", "site": SITE}}}, "job 'b' at site 'site-1'"),
        ({"values": {**VALUES, "job": {"id": JOB_ID, "site": "b"}}}, "at site 'b'"),
    ],
)
def test_any_other_release_is_foreign(change, why):
    verdict = judge(record(**change), pod_of(), WANTED)
    assert (verdict.owner, verdict.is_foreign) == (Owner.FOREIGN_RELEASE, True)
    assert why in verdict.sentence


def test_a_sites_own_chart_is_known_by_the_launchers_values():
    assert judge(record(chart="mychart"), pod_of(), WANTED) == CONFIRMED


@pytest.mark.parametrize(
    ("pod", "why"),
    [
        (pod_of(name="forged"), f"claims release {RELEASE}, whose pod is '{POD}'"),
        (pod_of(claim="other"), "is that of release 'other'"),
        (pod_of("b", name=POD), "is that of job 'b'"),
        (pod_of(site="b", name=POD), "at site 'b'"),
        (replace(pod_of(), labels={}), "does not carry our label"),
    ],
)
def test_a_pod_that_the_record_does_not_confirm_is_foreign(pod, why):
    verdict = judge(record(), pod, WANTED)
    assert verdict.owner is Owner.FOREIGN_POD
    assert why in verdict.sentence


@pytest.mark.parametrize(
    ("revisions", "uid", "seconds", "is_its"),
    [
        ((), "uid-2", 1e6, True),  # not asked for
        ((Revision(1, START, "uid-1"),), "uid-1", 1e6, True),
        ((Revision(1, START, "uid-1"),), "uid-2", 1, False),
        # Nobody has noted the uid: the install made it, and no install takes two minutes.
        ((Revision(1, START),), "uid-2", 1, True),
        ((Revision(1, START),), "uid-2", -30, True),
        ((Revision(1, START),), "uid-2", 121, False),
        ((Revision(1, START),), "uid-2", -61, False),
        ((Revision(1),), "uid-2", 1e6, True),
        # Helm drops what was noted when somebody upgrades; a new pod may be of either.
        ((Revision(1, START), Revision(2, START + timedelta(hours=1))), "uid-1", 5, True),
        ((Revision(1, START), Revision(2, START + timedelta(hours=1))), "uid-1", 3605, True),
        ((Revision(1, START), Revision(2, START + timedelta(hours=1))), "uid-1", 1800, False),
        # Of eleven revisions Helm keeps ten.
        ((Revision(2, START), Revision(11, START)), "uid-2", 1e6, True),
    ],
)
def test_a_pod_made_after_the_one_of_the_record_is_another(revisions, uid, seconds, is_its):
    pod = replace(pod_of(), uid=uid, created=START + timedelta(seconds=seconds))
    verdict = judge(record(revisions=revisions), pod, WANTED)
    assert verdict.owner is (Owner.OURS if is_its else Owner.FOREIGN_POD)
    assert is_its or "is another than the one that release" in verdict.sentence


def test_a_planted_pod_is_none_of_the_release_whose_pod_is_gone():
    view = record(revisions=(Revision(1, START, "uid-1"),))
    planted = replace(pod_of(), uid="uid-2")
    # A list may be older than a release that was launched again: its record is read once more.
    assert assign({RELEASE: view}, [planted]).disputed == {RELEASE: (planted,)}
    assert locate(RELEASE, "fl", view, [planted]).pod is None
    assert unclaimed(planted, {RELEASE: view}).owner is Owner.FOREIGN_POD


def test_without_a_release_there_is_a_pod_of_ours_or_of_another_or_nothing():
    assert judge(None, pod_of(), WANTED).owner is Owner.POD_WITHOUT_RELEASE
    assert judge(None, pod_of("b", name=POD), WANTED).owner is Owner.FOREIGN_POD
    assert judge(None, replace(pod_of(), labels={}), WANTED).owner is Owner.FOREIGN_POD
    assert judge(None, None, WANTED).owner is Owner.UNKNOWN


def test_two_job_ids_with_one_pod_name_are_two_jobs():
    one, other = (replace(WANTED, job_id=job) for job in ("ab1", "A_B.1"))
    assert names.pod_name(one.job_id, SITE) == names.pod_name(other.job_id, SITE)
    assert is_other_job(one, other)


def test_a_label_stands_for_the_text_it_is_made_of():
    assert not is_other_job(replace(WANTED, job_id="a b"), replace(WANTED, job_id=names.label_value("a b")))


def test_a_sentence_is_one_line_of_bounded_length():
    claim = "\x1b[2J\n" * 10_000
    verdict = unclaimed(pod_of("\n" * 9000, claim=claim, name="forged"), {})
    assert verdict.owner is Owner.FOREIGN_POD
    assert verdict.sentence.isprintable()
    assert len(verdict.sentence) < 300


def test_a_forged_pod_never_takes_the_place_of_the_real_one():
    real, forged = pod_of(), pod_of(name="forged")
    for pods in ((real, forged), (forged, real)):
        assigned = assign({RELEASE: record()}, pods)
        assert (assigned.pods, assigned.others) == ({RELEASE: real}, (forged,))
        assert locate(RELEASE, "fl", record(), pods).pod is real


@pytest.mark.parametrize("name", names.release_names(JOB_ID, SITE))
def test_releases_of_today_and_of_before_are_known_by_name(name):
    pod = pod_of(claim=name)
    assert assign({name: record()}, [pod]).pods == {name: pod}
    assert unclaimed(pod, {}).owner is Owner.POD_WITHOUT_RELEASE


def test_a_claim_that_names_do_not_confirm_is_for_the_record_to_decide():
    odd = pod_of(name="odd")
    assert assign({RELEASE: record()}, [odd]).disputed == {RELEASE: (odd,)}
    named = record(values={**VALUES, "pod": {"name": "odd"}})
    assert locate(RELEASE, "fl", named, [odd]).pod is odd


def test_a_pod_of_none_of_the_releases():
    assert unclaimed(pod_of(), {RELEASE: record()}).owner is Owner.FOREIGN_POD
    assert unclaimed(pod_of(), {}).owner is Owner.POD_WITHOUT_RELEASE
    assert unclaimed(pod_of(claim=""), {}).owner is Owner.POD_WITHOUT_RELEASE
    assert unclaimed(pod_of(claim="parent"), {}).owner is Owner.FOREIGN_POD


@pytest.mark.parametrize("claims", [{}, {RELEASE_ANNOTATION: ""}])
def test_a_pod_that_claims_nothing_is_found_by_its_own_name(claims):
    orphan = make_pod("orphan", annotations=claims, labels={names.LABEL_JOB_ID: JOB_ID})
    found = locate("orphan", "fl", None, [orphan])
    assert (found.pod, found.ownership.owner) == (orphan, Owner.POD_WITHOUT_RELEASE)
    assert locate("", "fl", None, [orphan]).pod is None


@pytest.mark.parametrize("site", [SITE, "site#1", "Zürich 東京", "東京"])
def test_credentials_are_known_by_our_own_naming_and_label(site):
    name = names.credential_secret_name(names.pod_name(JOB_ID, site))
    ours = SecretView(START, JOB_ID, "", names.label_value(site))
    assert credential_is_ours(name, ours)
    assert not credential_is_ours(name, replace(ours, job_id=""))
    assert not credential_is_ours(name, replace(ours, site=""))
    assert not credential_is_ours(name, replace(ours, site="another"))
    assert not credential_is_ours(name, replace(ours, of_helm=True))
    assert not credential_is_ours("own-chart-secret", ours)
    assert not credential_is_ours(names.startup_secret_name(site), ours)
