"""What ended jobs and dead parents leave: one thing that holds out spares nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from launcher.core import names
from launcher.core.views import Condition, ReleaseView, Seen
from launcher.errors import Conflict, Denied, Unavailable
from tests.fakes import START, FakePods, FakeWorld, exited, main, make_pod, running, scheduled
from tests.jobs import leave_secret, make_release, make_spec, render, show

OLD = 100.0  # older than an install may last
FED = "0123456789abcdef"
OURS = {names.LABEL_FEDERATION: FED}
THEIRS = {names.LABEL_FEDERATION: "fedcba9876543210"}
BY_HAND: dict[str, str] = {}
KEPT = ("name", "uid", "labels", "annotations")
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


class Stubborn(FakePods):
    """Pods that stay when they are deleted: sidecars that ignore SIGTERM, or finalizers."""

    def delete(self, name, namespace, *, uid, grace_seconds=None):
        self.log.append(("delete", name, uid, str(grace_seconds)))
        pod = self.items[name]
        grace = pod.grace_period if grace_seconds is None else grace_seconds
        self.show(replace(pod, deleted=self.clock.now() + timedelta(seconds=grace), grace_seconds=grace))


ELEVEN_DAYS = 1_000_000


@pytest.fixture
def held_up(fake, service):
    """A forged pod that stays for eleven days, listed before a lost job and a lone Secret of the site."""
    pods = Stubborn(fake.clock, script=[])
    fake.releases.pods = pods
    pods.show(
        replace(
            exited(0),
            name="a-forged",
            uid="forged",
            grace_period=ELEVEN_DAYS,
            annotations={names.ANNOTATION_SITE: "site-1", names.ANNOTATION_JOB_ID: "forged"},
            labels={names.LABEL_JOB_ID: "forged", **OURS},
        )
    )
    fake.releases.items["fj-p"] = release("p")
    return replace(service, world=replace(fake.world, pods=pods)), pods, leave_secret(fake, "x", labels=OURS)


def test_a_pod_of_no_release_is_asked_to_go_last_and_not_waited_for(fake, held_up):
    service, pods, alone = held_up
    assert list(service.sweep("fl", 0.0)) == ["release fj-p", f"secret {alone}", "pod a-forged"]
    assert pods.log == [("delete", "a-forged", "forged", "30")]
    assert fake.clock.time == OLD
    assert list(service.sweep("fl", 0.0)) == ["pod a-forged"]
    assert len(pods.log) == 1
    fake.clock.time += 51
    list(service.sweep("fl", 0.0))
    assert pods.log[1:] == [("delete", "a-forged", "forged", "0")]


def test_a_pod_of_no_release_does_not_hold_up_a_new_parent(fake, held_up):
    service, pods, alone = held_up
    lost = {}
    found = service.reap("fl", "site-1", FED, lambda name: False, lost.setdefault)
    assert list(lost) == ["p", "x"]
    assert list(found) == ["fj-p", alone, "a-forged"]
    assert pods.log == [("delete", "a-forged", "forged", "30")]
    assert fake.clock.time == OLD


def test_the_pod_of_a_release_holds_gc_up_for_ten_minutes_at_most_and_keeps_its_time(fake, service):
    leave(fake, "a")
    pods = Stubborn(fake.clock)
    (pod,) = fake.pods.items.values()
    pods.show(replace(pod, grace_period=ELEVEN_DAYS))
    assert list(replace(service, world=replace(fake.world, pods=pods)).sweep("fl", 0.0)) == ["release fj-a"]
    assert fake.clock.time - OLD == pytest.approx(600, abs=1)
    assert pods.log == [("delete", "a", "a", "None")]


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


@pytest.mark.parametrize("told", [{}, {names.ANNOTATION_SITE: "site-2"}, {names.ANNOTATION_SITE: "site-1"}])
@pytest.mark.parametrize("claim", ["", "fj-other", "fj-none"])
def test_a_forged_pod_of_a_lost_jobs_name_shields_no_secret(fake, service, told, claim):
    fake.releases.items["fj-other"] = release("other")
    mine = leave_secret(fake, "lost", labels=OURS)
    claims = {"meta.helm.sh/release-name": claim} if claim else {}
    labels = {names.LABEL_JOB_ID: "lost", **OURS}
    name = names.pod_name("lost", "site-1")
    fake.pods.show(replace(running(), name=name, annotations={**told, **claims}, labels=labels))
    assert f"secret {mine}" in list(service.sweep("fl", 0.0, dry_run=True))
    lost = {}
    list(service.reap("fl", "site-1", FED, lambda name: name == "fj-other", lost.setdefault))
    assert lost == {"lost": 104}
    assert mine not in fake.secrets.items


@pytest.mark.parametrize("job", ["p", "other", ""])
@pytest.mark.parametrize("claim", ["fj-p", "fj-none", "fj-ours", ""])
@pytest.mark.parametrize("federation", [FED, "other"])
def test_a_job_is_reported_whoever_has_the_name_of_its_pod_now(podless, service, job, claim, federation):
    leave(podless, "ours")
    claims = {"meta.helm.sh/release-name": claim} if claim else {}
    labels = {names.LABEL_JOB_ID: job, names.LABEL_FEDERATION: federation} if job else {}
    podless.pods.show(replace(running(), name="p", uid="taken", annotations=claims, labels=labels))
    lost = {}
    service.reap("fl", "site-1", FED, lambda name: False, lost.setdefault)
    assert lost == {"p": 104, "ours": 9}


def test_a_release_whose_pods_name_is_taken_names_the_pod_to_delete(podless, service, caplog):
    claims = {"meta.helm.sh/release-name": "fj-p"}
    podless.pods.show(replace(exited(0), name="p", annotations=claims, labels={names.LABEL_JOB_ID: "other"}))
    assert list(service.sweep("fl", 0.0)) == []
    assert "kubectl delete pod p -n fl" in caplog.text
    with pytest.raises(Conflict) as raised:
        service.terminate("fj-p", "fl")
    assert "kubectl delete pod p -n fl" in raised.value.cure
    assert list(podless.pods.items) == ["p"]


def test_a_second_record_of_a_job_that_runs_reports_nothing(fake, service):
    leave(fake, "a")
    fake.pods.show(replace(running(), **{key: getattr(fake.pods.items["a"], key) for key in KEPT}))
    fake.releases.items["fj-evil"] = replace(release("a"), name="fj-evil")
    lost = {}
    assert list(service.reap("fl", "site-1", FED, lambda name: name == "fj-a", lost.setdefault)) == []
    assert lost == {}


def asked_away(fake):
    (pod,) = fake.pods.items.values()
    fake.pods.show(replace(pod, deleted=fake.clock.now()))


def taken(fake):
    fake.pods.show(make_pod("a", uid="another"))


def gone(fake):
    fake.pods.show(None, "a")


# What is there of a job when it is its turn, after its record went -> what the log says of it.
MEANWHILE = [
    (gone, "release fj-a is gone already"),
    (asked_away, "release fj-a is gone already"),
    (taken, "release fj-a is gone already"),
    (lambda fake: None, "release fj-a not removed: Helm has no record of it any more, but its pod is there"),
]


@pytest.mark.parametrize(("happens", "said"), MEANWHILE)
def test_two_parents_of_a_site_remove_one_job(fake, service, caplog, happens, said):
    """The one that was deleted lives on for half a minute, and may be the quicker one."""
    caplog.set_level("INFO")
    leave(fake, "a")
    found = service.reap("fl", "site-1", FED, lambda name: False, {}.setdefault)
    del fake.releases.items["fj-a"]
    happens(fake)
    left = dict(fake.pods.items)
    assert list(found) == []
    assert said in caplog.text
    assert "launched again" not in caplog.text
    assert fake.pods.items == left


def test_whether_a_pod_without_a_record_is_gone_is_asked_again_when_nobody_answers(fake, service):
    leave(fake, "a")
    found = service.reap("fl", "site-1", FED, lambda name: False, {}.setdefault)
    del fake.releases.items["fj-a"]
    fake.pods.unavailable = "connection refused"
    with pytest.raises(Unavailable, match="cannot see whether pod fl/a is gone: connection refused"):
        list(found)


def test_a_job_that_was_launched_again_meanwhile_stays(podless, service, caplog):
    found = service.reap("fl", "site-1", FED, lambda name: False, {}.setdefault)
    claims = {"meta.helm.sh/release-name": "fj-p"}
    podless.pods.show(
        replace(running(), name="p", annotations=claims, labels={names.LABEL_JOB_ID: "p", **OURS})
    )
    assert list(found) == []
    assert "release fj-p not removed: it was launched again" in caplog.text
    assert list(podless.releases.items) == ["fj-p"]


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


@pytest.mark.parametrize("skew", [-86_400, -600, -61, 61, 600, 86_400])
@pytest.mark.parametrize(("ran", "is_old"), [(30, False), (200, True)])
def test_a_kubelet_whose_clock_is_wrong_ages_no_job(fake, service, skew, ran, is_old):
    """Nothing has ended before it was made; of a long job the end is as wrong as the clock."""
    leave(fake, "a")
    (pod,) = fake.pods.items.values()
    created = fake.clock.now() - timedelta(seconds=ran)
    ended = fake.clock.now() + timedelta(seconds=skew - 1)
    main = replace(pod.main, finished_at=ended)
    fake.pods.show(replace(pod, created=created, containers=(main,)))
    found = list(service.sweep("fl", 100.0, dry_run=True))
    if skew > 0:
        assert found == []
    elif skew < -100:
        assert found == (["release fj-a"] if is_old else [])


def test_what_ended_by_a_clock_ahead_goes_when_no_age_is_asked_for(fake, service):
    leave(fake, "a")
    (pod,) = fake.pods.items.values()
    ahead = fake.clock.now() + timedelta(seconds=600)
    fake.pods.show(replace(pod, containers=(replace(pod.main, finished_at=ahead),)))
    assert list(service.sweep("fl", 0.0)) == ["release fj-a"]


DAY = 86_400.0


def waiting(reason="ImagePullBackOff", message='Back-off pulling image "x": ErrImagePull: x: not found'):
    """Return a pod that has a node since its creation and does not start."""
    since = Condition("PodScheduled", "True", since=START)
    return scheduled(main("waiting", reason, message), conditions=(since,))


def unplaced(message="0/3 nodes are available: 3 Insufficient cpu."):
    return make_pod(conditions=(Condition("PodScheduled", "False", "Unschedulable", message, since=START),))


@pytest.mark.parametrize("pod", [waiting(), unplaced(), waiting("ContainerCreating", "")])
def test_a_job_that_waits_in_vain_goes_when_its_clock_ran_out_long_ago(fake, service, pod):
    """Whoever launched it is gone, and its pod would stay for ever."""
    service.launch(make_spec())
    show(fake, pod)
    fake.clock.time = DAY - 60
    assert list(service.sweep("fl", DAY)) == []
    fake.clock.time = DAY + 60
    assert list(service.sweep("fl", DAY)) == [f"release {make_spec().release}"]
    assert fake.is_empty


@pytest.mark.parametrize("pod", [waiting(), unplaced()])
def test_a_job_that_waits_in_vain_has_ten_minutes_for_the_clocks_of_whoever_waits(fake, service, pod):
    service.launch(make_spec())
    show(fake, pod)
    fake.clock.time = 590
    assert list(service.sweep("fl", 0.0)) == []
    fake.clock.time = 610
    assert len(list(service.sweep("fl", 0.0))) == 1


def test_a_job_that_may_wait_for_ever_stays(fake, service):
    service.launch(make_spec(pending_timeout=None))
    (known,) = fake.pods.items.values()
    fake.pods.show(
        replace(
            unplaced(),
            labels=known.labels,
            annotations={**known.annotations, names.ANNOTATION_PENDING_TIMEOUT: "none"},
        )
    )
    fake.clock.time = 100 * DAY
    assert list(service.sweep("fl", 0.0)) == []


def test_a_job_that_runs_stays_however_old_it_is(fake, service):
    service.launch(make_spec())
    show(fake, running())
    fake.clock.time = 100 * DAY
    assert list(service.sweep("fl", 0.0)) == []
