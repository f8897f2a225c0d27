"""Sweeping a namespace and reaping a dead parent's jobs, through the service."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from launcher.core import names
from launcher.core.views import ReleaseView
from launcher.errors import Denied
from tests.fakes import START, exited, make_pod, running
from tests.jobs import make_spec, render, show


def test_sweep_leaves_what_another_process_is_installing(fake, service):
    fake.releases.items["fj-new"] = ReleaseView("fj-new", "fl", "pending-install", 1, START)
    fake.clock.time = 5
    assert list(service.sweep("fl", 0.0)) == []
    fake.clock.time = 61
    assert list(service.sweep("fl", 0.0)) == ["release fj-new"]


def test_sweep_counts_from_the_end_of_the_job(fake, service):
    service.launch(make_spec())
    ended = exited(1)
    main = replace(ended.containers[0], finished_at=START + timedelta(seconds=90))
    show(fake, replace(ended, containers=(main,)))
    fake.clock.time = 100
    assert list(service.sweep("fl", 60.0, dry_run=True)) == []
    fake.clock.time = 151
    assert len(list(service.sweep("fl", 60.0, dry_run=True))) == 1


def test_a_new_parent_takes_away_what_its_predecessor_left_at_its_site(fake, service):
    """Killed between Secret and install: the Secret is alone. Another site's, and what is watched, stays."""
    mine, watched, other = (
        names.credential_secret_name(names.pod_name(job, site))
        for job, site in (("a1", "site-1"), ("a2", "site-1"), ("a1", "site-2"))
    )
    for name in (mine, watched, other):
        fake.secrets.put(name, "fl", {}, {names.LABEL_JOB_ID: "a1", names.LABEL_FEDERATION: "fed"})
    lost = {}
    assert list(service.reap("fl", "site-1", "fed", lambda name: name == watched, lost.setdefault)) == [mine]
    assert lost == {"a1": 104}
    assert fake.secrets.items.keys() == {watched, other}


def test_a_release_without_a_pod_is_reaped_by_the_site_in_its_values(fake, service):
    of_site_1 = {"job": {"id": "a1b2", "site": "site-1"}}
    replace(service, render=lambda spec: {**render(spec), **of_site_1}).launch(make_spec())
    fake.pods.show(None)
    lost = {}
    assert list(service.reap("fl", "site-2", "fed", lambda name: False, lost.setdefault)) == []
    reaped = service.reap("fl", "site-1", "fed", lambda name: False, lost.setdefault)
    assert list(reaped) == [make_spec().release]
    assert fake.is_empty
    assert lost == {"a1b2": 104}


@pytest.mark.parametrize(("pod", "code"), [(exited(0), 0), (exited(7), 9), (running(), 104)])
def test_a_job_that_nobody_watches_is_told_with_its_end(fake, service, pod, code):
    service.launch(make_spec())
    told = {names.ANNOTATION_SITE: "site-1", names.ANNOTATION_JOB_ID: "a1b2"}
    known = fake.pods.items["job-1"]
    fake.pods.show(replace(pod, annotations={**known.annotations, **told}, labels=known.labels))
    lost = {}
    service.reap("fl", "site-1", "fed", lambda name: False, lost.setdefault)
    assert lost == {"a1b2": code}


def test_one_job_that_holds_out_does_not_spare_the_others(fake, service):
    fake.releases.uninstall_errors = [Denied("finalizer")]
    for number in (1, 2):
        name = f"job-{number}"
        annotations = {"meta.helm.sh/release-name": name, names.ANNOTATION_SITE: "site-1"}
        labels = {names.LABEL_FEDERATION: "fed"}
        fake.pods.show(make_pod(name, annotations=annotations, labels=labels, uid=name))
        fake.releases.items[name] = ReleaseView(name, "fl", "deployed", 1, START)
    with pytest.raises(Denied):
        list(service.reap("fl", "site-1", "fed", lambda name: False))
    assert list(fake.releases.items) == ["job-1"]
