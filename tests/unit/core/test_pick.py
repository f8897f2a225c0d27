"""Which job a typed name means: a whole name before a beginning, and nothing where it fits several."""

from __future__ import annotations

import pytest

from launcher.core import names
from launcher.core.jobref import RELEASE_ANNOTATION
from launcher.core.ownership import assign
from launcher.core.pick import known_names, pick
from launcher.core.views import ReleaseView
from launcher.errors import InvalidInput
from tests.fakes import make_pod


def pod(name, job_id, release=None, site=""):
    annotations = {names.ANNOTATION_JOB_ID: job_id, names.ANNOTATION_SITE: site}
    annotations |= {} if release is None else {RELEASE_ANNOTATION: release}
    return make_pod(name, labels={names.LABEL_JOB_ID: job_id}, annotations=annotations)


def job(job_id, site):
    return pod(names.pod_name(job_id, site), job_id, names.release_name(job_id, site), site)


HELLO_1, HELLO_2 = (names.release_name("hello-1", site) for site in ("site-1", "site-2"))
HELLO_10, SEVEN = (names.release_name(job_id, "site-1") for job_id in ("hello-10", "7f764b7d-1"))
GONE = "fj-gone-site-1-ee"
PODS = (
    job("hello-1", "site-1"),
    job("hello-1", "site-2"),
    job("hello-10", "site-1"),
    job("7f764b7d-1", "site-1"),  # its release is gone
    pod("alone", "x"),
)
RELEASES = (HELLO_1, HELLO_2, HELLO_10, GONE)


def known(pods=PODS, releases=RELEASES):
    views = {name: ReleaseView(name, "fl", "deployed") for name in releases}
    assigned = assign(views, pods)
    return known_names(views, assigned.pods, assigned.others)


@pytest.mark.parametrize(
    ("name", "release"),
    [
        (HELLO_1, HELLO_1),
        ("hello-10", HELLO_10),
        ("7f76", SEVEN),
        ("7f764b7d-1", SEVEN),
        ("fj-7", SEVEN),
        ("hello-1-site-2", HELLO_2),
        ("gone", GONE),
        ("alone", "alone"),
        ("x", "alone"),
        ("p1", "p1"),
        ("nothing", "nothing"),
        ("", ""),
    ],
)
def test_a_name_means_one_job_or_is_left_as_it_is(name, release):
    assert pick(name, "fl", known()) == release


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("hello-1", f"2 jobs of namespace 'fl': {', '.join(sorted((HELLO_1, HELLO_2)))}"),
        ("hello", "3 jobs of namespace 'fl': "),
        ("fj", "5 jobs"),
    ],
)
def test_a_name_that_fits_several_names_them(name, said):
    with pytest.raises(InvalidInput) as found:
        pick(name, "fl", known())
    assert said in found.value.message


@pytest.mark.parametrize(
    "forged",
    [
        pod("aaa", "beta-9", HELLO_10),
        pod("aaa", "hello-10"),
        pod("aaa", "hello-10", ""),
        pod("aaa", "hello-10", "", "site-9"),
        pod("aaa", "hello-10", "fj-none-1"),
        pod("hello-10", "beta-9"),
        pod("hello-10", "beta-9", ""),
        pod(HELLO_10, "beta-9", ""),
        job("hello-10", "site-9"),
    ],
)
@pytest.mark.parametrize("name", ["hello-10", HELLO_10])
def test_no_pod_takes_the_name_of_a_job_away_or_gives_it_another(forged, name):
    for pods in ((forged, *PODS), (*PODS, forged)):
        found = known(pods)
        assert pick(name, "fl", found) == HELLO_10
        assert found.releases == known().releases
        assert pick("beta-9", "fl", found) in ("beta-9", forged.name)


def test_a_job_id_means_no_pod_while_there_is_a_release_named_after_it():
    # The pod of the release is gone: the list has no job id for it.
    assert pick("gone", "fl", known((pod("aaa", "gone"),))) == GONE


def test_a_disputed_release_has_no_job_id():
    assert known((pod("aaa", "beta-9", GONE),)).releases[GONE] == ""
