"""Finding jobs again: one by name, all of a namespace, and taking one away by name."""

from __future__ import annotations

import pytest

from launcher.core.catalogue import Code
from launcher.core.lifecycle.state import JobState
from launcher.core.views import ReleaseView
from launcher.errors import NotFound
from tests.fakes import START, exited, running
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
