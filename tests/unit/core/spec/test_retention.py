"""What a site and its studies say of retention."""

from __future__ import annotations

import pytest

from launcher.core.retention import Kept
from launcher.core.spec.asked import JobMeta
from launcher.core.spec.assemble import Request, build_jobspec
from launcher.core.spec.retention import Retention
from launcher.core.spec.site import SiteConfig
from launcher.core.spec.study import Study

SITE = Retention(failed=60, keep=5, studies={"heart": {"failed": 600}, "lung": {"succeeded": 1, "keep": 2}})


@pytest.mark.parametrize(
    ("study", "kept"),
    [
        ("", Kept(failed=60, keep=5)),
        ("brain", Kept(failed=60, keep=5)),
        ("heart", Kept(failed=600, keep=5)),
        ("lung", Kept(succeeded=1, failed=60, keep=2, of_study=True)),
    ],
)
def test_a_study_says_only_what_is_other_than_the_sites(study, kept):
    assert SITE.of(study) == kept


def test_a_study_may_take_back_what_the_site_says():
    assert Retention(failed=60, studies={"heart": {"failed": None}}).of("heart") == Kept()


@pytest.mark.parametrize(("study", "text"), [("", "failed=60 keep=5"), ("heart", "failed=600 keep=5")])
def test_a_job_carries_what_holds_for_its_study(study, text):
    request = Request(job_id="a", site="site-1", study=study, command=("true",))
    spec = build_jobspec(request, JobMeta(image="i"), Study(name=study), SiteConfig(retention=SITE))
    assert spec.retention == text
