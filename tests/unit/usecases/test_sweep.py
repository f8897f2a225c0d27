"""What ended jobs and dead parents leave: one thing that holds out spares nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from launcher.core import names
from launcher.core.views import ReleaseView, Seen
from launcher.errors import Denied, Unavailable
from tests.fakes import START, FakeWorld, exited, make_pod, running
from tests.jobs import leave_secret, make_release, make_spec, render, show

OLD = 100.0  # older than an install may last
FED = "0123456789abcdef"
OURS = {names.LABEL_FEDERATION: FED}
THEIRS = {names.LABEL_FEDERATION: "fedcba9876543210"}
BY_HAND: dict[str, str] = {}
OF_SITE_1 = {"job": {"id": "a1b2", "site": "site-1"}}


@pytest.fixture
def fake():
    fake = FakeWorld()
    fake.clock.time = OLD
    return fake


def release(job, labels=OURS):
    """Return Helm's record of a job at site-1."""
    values = {"job": {"id": job, "site": "site-1"}, "pod": {"name": job}, "labels": labels}
    return ReleaseView(f"fj-{job}", "fl", "deployed", 1, START, values)


def leave(fake, *jobs, labels=OURS):
    """Leave ended jobs at site-1 behind, each with its release, pod and Secret."""
    for job in jobs:
        annotations = {
            "meta.helm.sh/release-name": f"fj-{job}",
            names.ANNOTATION_SITE: "site-1",
            names.ANNOTATION_JOB_ID: job,
        }
        labelled = {names.LABEL_JOB_ID: job, names.LABEL_SITE: "site-1", **labels}
        fake.pods.show(replace(exited(1), name=job, uid=job, annotations=annotations, labels=labelled))
        fake.releases.items[f"fj-{job}"] = release(job, labels)
        fake.secrets.put(names.credential_secret_name(job), "fl", {}, labelled)


def test_sweep_goes_on_behind_a_release_that_cannot_be_removed(fake, service):
    leave(fake, "a", "b", "c")
    alone = leave_secret(fake, "alone")
    fake.releases.uninstall_errors = [Denied("secrets: delete")]
    seen = []
    with pytest.raises(Denied):
        seen.extend(service.sweep("fl", 0.0))
    assert seen == ["release fj-b", "release fj-c", f"secret {alone}"]
    assert list(fake.releases.items) == ["fj-a"]
    assert list(service.sweep("fl", 0.0)) == ["release fj-a"]
    assert fake.is_empty


def test_sweep_goes_on_behind_a_secret_that_cannot_be_removed(fake, service):
    _, second = leave_secret(fake, "1"), leave_secret(fake, "2")
    fake.secrets.delete_errors = [Denied("secrets: delete")]
    seen = []
    with pytest.raises(Denied):
        seen.extend(service.sweep("fl", 0.0))
    assert seen == [f"secret {second}"]


def test_a_dry_run_removes_nothing(fake, service):
    leave(fake, "a")
    alone = leave_secret(fake, "alone")
    assert list(service.sweep("fl", 0.0, dry_run=True)) == ["release fj-a", f"secret {alone}"]
    assert (len(fake.releases.items), len(fake.secrets.items)) == (1, 2)


@pytest.fixture
def podless(fake):
    """A job of site-1 of which the release is left and no pod: its names are in its values only."""
    fake.releases.items["fj-p"] = release("p")
    return fake


def test_a_release_that_cannot_be_read_is_not_reaped(podless, service):
    leave(podless, "a")
    know = podless.releases.record
    refused = Seen.unavailable("connection refused")
    podless.releases.record = lambda name, namespace: refused if name == "fj-p" else know(name, namespace)
    seen, lost = [], {}
    with pytest.raises(Unavailable, match="whose job release fl/fj-p is: connection refused"):
        seen.extend(service.reap("fl", "site-1", FED, lambda name: False, lost.setdefault))
    assert (seen, list(lost)) == (["fj-a"], ["a"])
    podless.releases.record = know
    assert list(service.reap("fl", "site-1", FED, lambda name: False, lost.setdefault)) == ["fj-p"]
    assert list(lost) == ["a", "p"]


def test_a_new_parent_leaves_other_federations_and_jobs_launched_by_hand_alone(fake, service):
    leave(fake, "ours", labels=OURS)
    leave(fake, "theirs", labels=THEIRS)
    leave(fake, "by-hand", labels=BY_HAND)
    lost = {}
    assert list(service.reap("fl", "site-1", FED, lambda name: False, lost.setdefault)) == ["fj-ours"]
    assert list(lost) == ["ours"]
    assert list(fake.releases.items) == ["fj-theirs", "fj-by-hand"]
    assert list(fake.secrets.items) == ["nvflare-cred-theirs", "nvflare-cred-by-hand"]


def test_a_new_parent_leaves_their_releases_and_secrets_without_a_pod_alone(fake, service):
    for job, labels in (("ours", OURS), ("theirs", THEIRS), ("by-hand", BY_HAND)):
        fake.releases.items[f"fj-{job}"] = release(job, labels)
        leave_secret(fake, f"{job}-2", labels=labels)
    lost = {}
    mine = names.credential_secret_name(names.pod_name("ours-2", "site-1"))
    assert list(service.reap("fl", "site-1", FED, lambda name: False, lost.setdefault)) == ["fj-ours", mine]
    assert list(lost) == ["ours", "ours-2"]
    assert (len(fake.releases.items), len(fake.secrets.items)) == (2, 2)


def test_gc_removes_the_jobs_of_all_federations(fake, service):
    leave(fake, "ours", labels=OURS)
    leave(fake, "theirs", labels=THEIRS)
    leave(fake, "by-hand", labels=BY_HAND)
    assert len(list(service.sweep("fl", 0.0))) == 3
    assert fake.is_empty


def test_sweep_leaves_what_another_process_is_installing(fake, service):
    fake.releases.items["fj-new"] = replace(release("new"), status="pending-install")
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


def test_a_new_parent_removes_lone_secrets_of_its_predecessor(fake, service):
    """Killed between Secret and install: the Secret is alone. Another site's, and what is watched, stays."""
    mine, watched, other = (
        leave_secret(fake, job, site, {names.LABEL_FEDERATION: "fed"})
        for job, site in (("a1", "site-1"), ("a2", "site-1"), ("a1", "site-2"))
    )
    lost = {}
    assert list(service.reap("fl", "site-1", "fed", lambda name: name == watched, lost.setdefault)) == [mine]
    assert lost == {"a1": 104}
    assert fake.secrets.items.keys() == {watched, other}


def test_a_release_without_a_pod_is_reaped_by_the_site_in_its_values(fake, service):
    replace(service, render=lambda spec: {**render(spec), **OF_SITE_1}).launch(make_spec())
    fake.pods.show(None)
    lost = {}
    assert list(service.reap("fl", "site-2", "fed", lambda name: False, lost.setdefault)) == []
    reaped = service.reap("fl", "site-1", "fed", lambda name: False, lost.setdefault)
    assert list(reaped) == [make_spec().release]
    assert fake.is_empty
    assert lost == {"a1b2": 104}


@pytest.mark.parametrize(("pod", "code"), [(exited(0), 0), (exited(7), 9), (running(), 104)])
def test_a_reaped_job_is_reported_with_its_return_code(fake, service, pod, code):
    service.launch(make_spec())
    fake.releases.items[make_spec().release] = make_release(values={**render(make_spec()), **OF_SITE_1})
    told = {names.ANNOTATION_SITE: "site-1", names.ANNOTATION_JOB_ID: "a1b2"}
    known = fake.pods.items["job-1"]
    fake.pods.show(replace(pod, annotations={**known.annotations, **told}, labels=known.labels))
    lost = {}
    service.reap("fl", "site-1", "fed", lambda name: False, lost.setdefault)
    assert lost == {"a1b2": code}


def test_a_job_that_cannot_be_removed_does_not_spare_the_others(fake, service):
    fake.releases.uninstall_errors = [Denied("finalizer")]
    for number in (1, 2):
        name = f"job-{number}"
        annotations = {"meta.helm.sh/release-name": name, names.ANNOTATION_SITE: "site-1"}
        labels = {names.LABEL_FEDERATION: "fed", names.LABEL_JOB_ID: name}
        fake.pods.show(make_pod(name, annotations=annotations, labels=labels, uid=name))
        record = release(name, {names.LABEL_FEDERATION: "fed"})
        fake.releases.items[name] = replace(record, name=name)
    with pytest.raises(Denied):
        list(service.reap("fl", "site-1", "fed", lambda name: False))
    assert list(fake.releases.items) == ["job-1"]
