"""Nothing is touched that Helm's record does not confirm, whatever an outsider writes into the namespace."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from launcher.core import names
from launcher.core.jobref import RELEASE_ANNOTATION
from launcher.core.ownership import Owner
from launcher.core.views import ReleaseView
from launcher.errors import Conflict
from launcher.usecases.startup import put_startup_kit
from tests.fakes import START, exited, make_pod, running
from tests.forgery import attacked, forge
from tests.jobs import CANARY, leave_secret, make_release, make_spec, show

FORGED = 300
PARENT = "parent"


@pytest.mark.parametrize("seed", range(10))
def test_forged_namespaces_lose_nothing(seed):
    rng = random.Random(seed)
    assert [said for _ in range(FORGED // 10) for said in attacked(forge(rng))] == []


@pytest.fixture
def forged(fake):
    """A pod with our label that claims the release of the parent."""
    fake.releases.items[PARENT] = ReleaseView(PARENT, "fl", "deployed", 1, START, {"image": "nvflare"})
    fake.releases.foreign.add(PARENT)
    annotations = {RELEASE_ANNOTATION: PARENT}
    fake.pods.show(
        replace(exited(0), name="forged", annotations=annotations, labels={names.LABEL_JOB_ID: "x"})
    )
    fake.clock.time = 100
    return fake


def test_a_pod_cannot_make_gc_uninstall_the_parent(forged, service):
    assert list(service.sweep("fl", 0.0)) == []
    with pytest.raises(Conflict, match="release parent is not this launcher's job"):
        service.terminate(PARENT, "fl")
    with pytest.raises(Conflict, match="left alone"):
        service.attach(PARENT, "fl")
    assert forged.releases.log == []
    assert list(forged.pods.items) == ["forged"]


def test_a_forged_pod_is_shown_as_foreign(forged, service):
    (found,) = service.jobs("fl")
    row = service.describe(found)
    assert row["foreign"] == {
        "kind": "ForeignPod",
        "detail": "pod forged claims release 'parent', which is none of this launcher's",
    }
    assert (row["release"], row["pod"]["name"]) == ("", "forged")
    assert service.describe(service.inspect(PARENT, "fl"))["foreign"]["kind"] == "ForeignRelease"


def test_a_forged_pod_does_not_hide_the_real_job(fake, service):
    handle = service.launch(make_spec())
    show(fake, running())
    annotations = {RELEASE_ANNOTATION: handle.job.release}
    fake.pods.show(make_pod("forged", annotations=annotations, labels={names.LABEL_JOB_ID: "a1b2"}))
    rows = [service.describe(found) for found in service.jobs("fl")]
    assert [(row["release"], row["pod"]["name"], bool(row["foreign"])) for row in rows] == [
        (handle.job.release, "job-1", False),
        ("", "forged", True),
    ]
    assert service.inspect(handle.job.release, "fl").track.pod.name == "job-1"
    service.terminate(handle.job.release, "fl")
    assert list(fake.pods.items) == ["forged"]


def test_an_orphan_pod_of_ours_goes_by_its_uid(fake, service):
    labels = {names.LABEL_JOB_ID: "a1b2"}
    fake.pods.show(replace(exited(0), name="orphan", uid="orphan", labels=labels))
    assert service.jobs("fl")[0].ownership.owner is Owner.POD_WITHOUT_RELEASE
    assert list(service.sweep("fl", 0.0)) == ["pod orphan"]
    fake.pods.show(replace(running(), name="orphan", uid="orphan", labels=labels))
    assert list(service.sweep("fl", 0.0)) == []
    service.terminate("orphan", "fl")
    assert not fake.pods.items
    assert ("delete", "orphan", "orphan", "None") in fake.pods.log
    assert fake.releases.log == []


def test_a_launch_never_removes_a_foreign_release_of_its_name(fake, service):
    fake.releases.items[make_spec().release] = make_release("failed")
    fake.releases.foreign.add(make_spec().release)
    with pytest.raises(Conflict, match="does not carry the label"):
        service.launch(make_spec(), secret={"TOKEN": CANARY})
    assert [entry[0] for entry in fake.releases.log] == ["install"]
    assert fake.releases.items
    assert not fake.secrets.items


@pytest.mark.parametrize("ended", [False, True])
def test_two_job_ids_with_one_pod_name_cost_each_other_nothing(fake, service, ended):
    service.launch(make_spec(job_id="ab1"), secret={"TOKEN": CANARY})
    show(fake, exited(1) if ended else running())
    before = dict(fake.secrets.items), dict(fake.pods.items)
    with pytest.raises(Conflict, match=r"job 'ab1'.*job 'A_B\.1'"):
        service.launch(make_spec(job_id="A_B.1", release="fj-other"), secret={"TOKEN": b"other"})
    assert (dict(fake.secrets.items), dict(fake.pods.items)) == before
    assert [entry[0] for entry in fake.releases.log] == ["install"]


def test_a_release_whose_pods_name_another_job_has_now_is_left_until_that_one_is_gone(fake, service):
    service.launch(make_spec(job_id="ab1"))
    fake.pods.show(None)
    service.launch(make_spec(job_id="A_B.1", release="fj-other"))
    show(fake, running())
    fake.clock.time = 100
    assert list(service.sweep("fl", 0.0)) == []
    with pytest.raises(Conflict, match="is that of release 'fj-other'"):
        service.terminate(make_spec().release, "fl")
    assert list(fake.pods.items) == ["job-1"]
    service.terminate("fj-other", "fl")
    assert list(service.sweep("fl", 0.0)) == [f"release {make_spec().release}"]


def test_a_relaunch_removes_the_release_that_the_dead_pod_claims_under_an_older_name(fake, service):
    old = service.launch(make_spec(release="fj-older"))
    show(fake, running())
    with pytest.raises(Conflict, match="already running"):
        service.launch(make_spec())
    show(fake, exited(1))
    service.launch(make_spec())
    assert ("uninstall", old.job.release, "fl") in fake.releases.log
    assert list(fake.releases.items) == [make_spec().release]


def test_gc_leaves_secrets_that_are_no_credentials(fake, service):
    fake.clock.time = 100
    labels = {names.LABEL_JOB_ID: "a", names.LABEL_SITE: "site-1"}
    for name in ("own-chart", "nvflare-cred-db", names.startup_secret_name("site-1")):
        fake.secrets.put(name, "fl", {}, labels)
    alone = leave_secret(fake, "a")
    assert list(service.sweep("fl", 0.0)) == [f"secret {alone}"]
    assert len(fake.secrets.items) == 3


def test_a_new_parent_reports_no_job_that_only_a_pod_tells_of(fake, service):
    annotations = {names.ANNOTATION_SITE: "site-1", names.ANNOTATION_JOB_ID: "victim"}
    labels = {names.LABEL_JOB_ID: "victim", names.LABEL_FEDERATION: "fed"}
    fake.pods.show(make_pod("forged", annotations=annotations, labels=labels))
    lost = {}
    assert list(service.reap("fl", "site-1", "fed", lambda name: False, lost.setdefault)) == ["forged"]
    assert lost == {}


def test_two_federations_never_share_a_startup_secret(fake):
    spec = make_spec(startup_secret=names.startup_secret_name("server"), site="server")
    first = put_startup_kit(fake.world, spec, "a" * 16, {"key": b"A"})
    second = put_startup_kit(fake.world, spec, "b" * 16, {"key": b"B"})
    assert first == spec.startup_secret
    assert second == names.startup_secret_name("server", "b" * 16)
    assert put_startup_kit(fake.world, spec, "a" * 16, {"key": b"A2"}) == first
    assert fake.secrets.items == {first: {"key": b"A2"}, second: {"key": b"B"}}
    assert all(names.LABEL_JOB_ID not in labels for labels in fake.secrets.labels.values())


def test_a_startup_secret_without_labels_is_taken_over_when_it_is_the_same(fake):
    spec = make_spec(startup_secret="nvflare-startup-x")
    fake.secrets.items["nvflare-startup-x"] = {"key": b"A"}
    assert put_startup_kit(fake.world, spec, "fed", {"key": b"A"}) == "nvflare-startup-x"
    fake.secrets.labels.clear()
    assert put_startup_kit(fake.world, spec, "fed", {"key": b"B"}) == names.startup_secret_name(
        "site-1", "fed"
    )


def test_a_launch_uses_the_startup_secret_that_was_prepared(fake, service):
    used = []

    def rendered(spec):
        used.append(spec.startup_secret)
        return service.render(spec)

    replace(service, render=rendered).launch(make_spec(), prepare=lambda: "prepared")
    assert used == ["prepared"]
