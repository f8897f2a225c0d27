"""Jobs that stay after their end: at the handle, for a new parent, for `gc`, for a launch of the same id."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta

import pytest

from launcher.core import names
from launcher.core.catalogue.returncodes import ReturnCode
from launcher.core.jobref import RELEASE_ANNOTATION
from launcher.core.views import ReleaseView
from launcher.errors import Unavailable
from launcher.usecases.kept import remove_outdated
from tests.fakes import START, exited, main, raising, running, scheduled
from tests.jobs import CANARY, make_spec, show

FED = "0123456789abcdef"
SIDECAR = replace(running().containers[0], name="sidecar", kind=type(running().containers[0].kind).SIDECAR)


@pytest.mark.parametrize(
    ("said", "code", "is_kept", "stays"),
    [
        ("failed=60", 7, True, True),
        ("failed=0", 7, False, False),
        ("", 7, False, True),
        ("succeeded=60", 7, False, True),
        ("succeeded=60", 0, True, True),
        ("succeeded=0", 0, False, False),
        ("failed=60", 0, False, False),
        ("keep=2", 0, True, True),
        ("failed=60 succeeded=60 keep=0", 7, False, False),
    ],
)
def test_what_stays_of_a_job_that_ended(fake, service, said, code, is_kept, stays):
    handle = service.launch(make_spec(retention=said), secret={"TOKEN": CANARY})
    fake.pods.script = [running(), exited(code)]
    handle.wait()
    assert handle.close(5)
    assert handle.is_kept is is_kept
    assert (bool(fake.releases.items), bool(fake.pods.items)) == (stays, stays)
    assert fake.secrets.items == {}


def test_who_attaches_reads_the_retention_from_the_pod(fake, service):
    job = service.launch(make_spec(retention="succeeded=60")).job
    handle = service.attach(job.release, "fl")
    show(fake, exited(0))
    handle.wait()
    assert handle.close(5)
    assert handle.is_kept
    assert fake.releases.items


@pytest.mark.parametrize(
    "end",
    [
        None,
        exited(1, deleted=START),
        scheduled(main("terminated", "Error", "", 1), SIDECAR, phase="Running"),
        scheduled(main("waiting", "InvalidImageName", "no")),
    ],
    ids=["gone", "being deleted", "a sidecar runs", "never started"],
)
def test_nothing_that_runs_or_goes_is_kept(fake, service, end):
    handle = service.launch(make_spec(retention="failed=600 succeeded=600"))
    fake.pods.script = [running(), end] if end is None or end.deleted else [end]
    handle.wait()
    assert handle.close(5)
    assert not handle.is_kept
    assert not fake.releases.items


def test_a_kept_job_that_is_terminated_goes(fake, service):
    handle = service.launch(make_spec(retention="failed=600"))
    show(fake, exited(7))
    handle.wait()
    assert handle.close(5)
    service.terminate(handle.job.release, "fl")
    assert fake.is_empty


def test_a_kept_job_gives_way_to_a_launch_of_the_same_id(fake, service):
    first = service.launch(make_spec(retention="failed=600"))
    show(fake, exited(7))
    first.wait()
    assert first.close(5)
    assert first.is_kept
    second = service.launch(make_spec(retention="failed=600"))
    assert second.job.attempt == 2
    assert fake.pods.items["job-1"].phase == "Pending"


def keep(fake, job, said="failed=60", *, code=1, ended=0, labels=None):
    """Leave an ended job at site-1, with its release and pod, without its Secret."""
    annotations = {
        RELEASE_ANNOTATION: f"fj-{job}",
        names.ANNOTATION_SITE: "site-1",
        names.ANNOTATION_JOB_ID: job,
        names.ANNOTATION_RETENTION: said,
    }
    labelled = {
        names.LABEL_JOB_ID: job,
        names.LABEL_SITE: "site-1",
        names.LABEL_FEDERATION: FED,
        **(labels or {}),
    }
    done = replace(main("terminated", "", "", code), finished_at=START + timedelta(seconds=ended))
    pod = scheduled(done, name=job, uid=job, annotations=annotations, labels=labelled, phase="Failed")
    fake.pods.show(pod)
    values = {"job": {"id": job, "site": "site-1"}, "pod": {"name": job}, "labels": labelled}
    fake.releases.items[f"fj-{job}"] = ReleaseView(f"fj-{job}", "fl", "deployed", 1, START, values)
    return labelled


def left(fake):
    return sorted(name.removeprefix("fj-") for name in fake.releases.items)


def test_a_parent_removes_what_it_kept_for_long_enough_and_knows_when_the_next_is_due(fake):
    keep(fake, "old")
    keep(fake, "new", "failed=90")
    keep(fake, "done", "succeeded=90 failed=1", code=0)
    keep(fake, "others", labels={names.LABEL_FEDERATION: "f"})
    fake.clock.time = 70.0
    assert remove_outdated(fake.world, "fl", "site-1", FED) == 20
    assert left(fake) == ["done", "new", "others"]
    fake.clock.time = 95.0
    assert remove_outdated(fake.world, "fl", "site-1", FED) == math.inf
    assert left(fake) == ["others"]


def test_a_parent_removes_the_oldest_of_too_many(fake):
    for number in range(4):
        keep(fake, f"j{number}", "keep=2", ended=number)
    assert remove_outdated(fake.world, "fl", "site-1", FED) == math.inf
    assert left(fake) == ["j2", "j3"]


def test_what_cannot_be_removed_is_tried_again(fake):
    keep(fake, "a")
    keep(fake, "b")
    fake.clock.time = 100.0
    fake.releases.uninstall_errors = [Unavailable("away")]
    assert remove_outdated(fake.world, "fl", "site-1", FED) == 60
    assert left(fake) == ["a"]


def test_a_pod_that_no_release_confirms_is_left_alone(fake):
    keep(fake, "a")
    fake.releases.items.clear()
    fake.clock.time = 100.0
    assert remove_outdated(fake.world, "fl", "site-1", FED) == math.inf
    assert fake.pods.items


def test_nothing_happens_while_the_cluster_cannot_be_asked(fake, monkeypatch):
    monkeypatch.setattr(fake.pods, "list", raising(Unavailable("away")))
    with pytest.raises(Unavailable):
        remove_outdated(fake.world, "fl", "site-1", FED)


def test_a_new_parent_leaves_what_is_kept_and_reports_what_nobody_has_seen_end(fake, service):
    keep(fake, "seen", "failed=600")
    labels = keep(fake, "unseen", "failed=600")
    fake.secrets.put(names.credential_secret_name("unseen"), "fl", {}, labels)
    keep(fake, "over", "failed=1")
    fake.clock.time = 100.0
    told = {}
    gone = list(service.reap("fl", "site-1", FED, lambda name: False, told.setdefault))
    assert gone == ["fj-over", names.credential_secret_name("unseen")]
    assert told == {"unseen": ReturnCode.ABORTED, "over": ReturnCode.ABORTED}
    assert left(fake) == ["seen", "unseen"]
    assert fake.secrets.items == {}


def test_gc_goes_by_the_retention_of_a_job_and_by_its_own_age_where_none_says_anything(fake, service):
    keep(fake, "long", "failed=5000")
    keep(fake, "short", "failed=50")
    keep(fake, "none", "")
    keep(fake, "by-hand", "failed=0")
    fake.clock.time = 100.0
    assert list(service.sweep("fl", 1000.0)) == ["release fj-short"]
    fake.clock.time = 1000.0
    assert list(service.sweep("fl", 1000.0)) == ["release fj-by-hand", "release fj-none"]
    fake.clock.time = 5000.0
    assert list(service.sweep("fl", 1e9)) == ["release fj-long"]
