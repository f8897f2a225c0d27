"""Finding jobs again: one by name, all of a namespace, and taking one away by name."""

from __future__ import annotations

import pytest

from launcher.core import names
from launcher.core.admission import LimitRangeView
from launcher.core.catalogue import Code
from launcher.core.lifecycle.state import JobState
from launcher.core.views import ReleaseView
from launcher.errors import NotFound, Reason, Rejected
from tests.fakes import START, exited, make_pod, running
from tests.jobs import CANARY, make_spec, show


def test_inspect_names_what_is_not_there(service):
    with pytest.raises(NotFound, match="no job release 'nope'"):
        service.inspect("nope", "fl")


def test_not_found_mentions_refused_launches(service):
    with pytest.raises(NotFound, match="no job release 'fj-1' in namespace 'fl'") as raised:
        service.inspect("fj-1", "fl")
    assert "refused for now and tried again" in raised.value.cure
    with pytest.raises(NotFound) as again:
        service.diagnose("fj-1", "fl")
    assert str(again.value) == str(raised.value)


def test_jobs_lists_releases_with_and_without_a_pod(fake, service):
    service.launch(make_spec())
    show(fake, running())
    fake.releases.items["fj-gone"] = ReleaseView("fj-gone", "fl", "deployed", 1, START, {"job": {"id": "x"}})
    jobs = service.jobs("fl")
    assert [(j.job.release, j.track.state.value) for j in jobs] == [
        ("fj-a1b2-site-1-0", "RUNNING"),
        ("fj-gone", "FAILED"),
    ]
    assert jobs[1].track.outcome.code is Code.DELETED_EXTERNALLY


def test_terminate_by_name(fake, service):
    service.launch(make_spec(), secret={"TOKEN": CANARY})
    show(fake, running())
    report = service.terminate("fj-a1b2-site-1-0", "fl")
    assert report.track.state is JobState.RUNNING
    assert fake.is_empty
    with pytest.raises(NotFound):
        service.terminate("fj-a1b2-site-1-0", "fl")


def test_attach_goes_on_with_the_jobs_own_patience(fake, service):
    service.launch(make_spec())
    handle = service.attach("fj-a1b2-site-1-0", "fl")
    fake.pods.script = [running(), exited(0)]
    assert handle.wait().succeeded


def test_limit_range_is_asked_for_when_the_job_asks_more_than_its_default(fake, service):
    said = (
        'Pod "p1" is invalid: spec.containers[0].resources.requests: Invalid value: "1Gi": must be less than or equal to '
        "memory limit of 512Mi"
    )
    fake.releases.install_error = Rejected(said, reason=Reason.ABOVE_LIMIT_RANGE)
    fake.pods.limit_range_list = (LimitRangeView("defaults", {"memory": "512Mi"}),)
    with pytest.raises(Rejected, match="a default of LimitRange 'defaults'"):
        service.launch(make_spec())
    assert ("limit ranges", "fl") in fake.pods.log
    fake.pods.log.clear()
    fake.releases.install_error = Rejected("no", reason=Reason.REFUSED)
    with pytest.raises(Rejected, match="no"):
        service.launch(make_spec())
    assert ("limit ranges", "fl") not in fake.pods.log


def test_whoever_attaches_to_a_pod_of_no_release_is_told(fake, service, caplog):
    fake.pods.show(make_pod("orphan", labels={names.LABEL_JOB_ID: "a1b2"}))
    service.attach("orphan", "fl")
    assert "Helm knows no release of pod orphan: only that pod says" in caplog.text
