"""Nothing is touched that Helm's record does not confirm, whatever an outsider writes into the namespace."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from launcher.core import names
from launcher.core.jobref import RELEASE_ANNOTATION
from launcher.core.ownership import Owner
from launcher.core.revisions import Revision
from launcher.core.views import ReleaseView
from launcher.errors import Conflict, Denied, InvalidInput, LauncherError
from launcher.usecases.startup import put_startup_kit
from tests.fakes import START, exited, make_pod, raising, running
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


def test_the_job_id_of_a_forged_pod_leads_to_no_release(fake, service):
    name = names.release_name("alpha-1", "site-1")
    service.launch(make_spec(job_id="alpha-1", release=name, pod_name=names.pod_name("alpha-1", "site-1")))
    annotations = {RELEASE_ANNOTATION: name, names.ANNOTATION_JOB_ID: "beta-9"}
    fake.pods.show(make_pod("aaa", annotations=annotations, labels={names.LABEL_JOB_ID: "beta-9"}))
    assert service.find("beta-9", "fl") == "beta-9"
    assert service.find("alpha-1", "fl") == name
    assert "beta-9" not in service.known_names("fl").values()


def test_a_job_id_that_the_record_does_not_confirm_is_refused(fake, service):
    # Of a release of a launcher that gave eight digits somebody may find a job id with the same name.
    name = names.release_names("beta-9", "site-1")[1]
    service.launch(make_spec(job_id="alpha-1", release=name))
    (real,) = fake.pods.items
    fake.pods.show(None, real)
    told = {names.ANNOTATION_JOB_ID: "beta-9", names.ANNOTATION_SITE: "site-1"}
    forged = names.pod_name("beta-9", "site-1")
    labels = {names.LABEL_JOB_ID: "beta-9"}
    fake.pods.show(make_pod(forged, annotations={RELEASE_ANNOTATION: name, **told}, labels=labels))
    with pytest.raises(Conflict, match=r"job 'beta-9', but its values name job 'alpha-1'"):
        service.find("beta-9", "fl")
    assert list(fake.releases.items) == [name]


@pytest.fixture
def planted(fake, service):
    """A job whose pod is gone, and a stranger's with every name, label and annotation of it."""
    handle = service.launch(make_spec())
    honest = fake.pods.items[handle.job.pod_name]
    fake.pods.show(None, honest.name)
    fake.pods.show(
        replace(
            running(),
            name=honest.name,
            uid="uid-9",
            labels=honest.labels,
            annotations=honest.annotations,
        )
    )
    fake.clock.time = 100
    fake.releases.log.clear()
    return handle.job


def test_a_planted_pod_is_none_of_the_job(fake, service, planted):
    rows = [service.describe(found) for found in service.jobs("fl")]
    assert [(row["release"], row["pod"] and row["pod"]["uid"], bool(row["foreign"])) for row in rows] == [
        (planted.release, None, False),
        ("", "uid-9", True),
    ]
    assert "another than the one that release" in service.inspect(planted.release, "fl").ownership.sentence


def test_nobody_removes_a_planted_pod_and_the_cure_leads_out(fake, service, planted, caplog):
    for act in (service.terminate, service.attach):
        with pytest.raises(Conflict, match="is left alone") as refused:
            act(planted.release, "fl")
        assert f"kubectl delete pod {planted.pod_name} -n fl" in refused.value.cure
    assert list(service.sweep("fl", 0.0)) == []
    assert list(service.reap("fl", "site-1", "", lambda _: False)) == []
    with pytest.raises(Conflict, match="is left alone"):
        service.launch(make_spec())
    assert fake.pods.items[planted.pod_name].uid == "uid-9"
    assert fake.releases.log == []
    fake.pods.show(None, planted.pod_name)
    service.terminate(planted.release, "fl")
    assert fake.releases.items == {}


def test_a_pod_named_like_a_lost_job_is_not_what_its_id_means(fake, service, planted):
    """Helm's record has the job id as a label, whoever has which pod."""
    fake.pods.show(None, planted.pod_name)
    fake.pods.show(make_pod(planted.job_id, labels={names.LABEL_JOB_ID: planted.job_id}))
    assert service.find(planted.job_id, "fl") == planted.release
    service.terminate(service.find(planted.job_id, "fl"), "fl")
    assert list(fake.pods.items) == [planted.job_id]


def test_a_release_that_came_anew_between_two_lists_keeps_its_pod(fake, service):
    handle = service.launch(make_spec())
    listed = fake.releases.list

    def old(namespace):
        return tuple(replace(one, revisions=(Revision(1, START, "uid-0"),)) for one in listed(namespace))

    fake.releases.list = old
    (row,) = [service.describe(found) for found in service.jobs("fl")]
    assert (row["pod"]["name"], row["foreign"]) == (handle.job.pod_name, None)


def test_a_pod_that_could_not_be_noted_is_known_by_its_time(fake, service, caplog):
    fake.releases.note_pod = raising(Denied("secrets: patch"))
    handle = service.launch(make_spec())
    assert "its record is not complete: secrets: patch" in caplog.text
    assert service.inspect(handle.job.release, "fl").ownership.owner is Owner.OURS
    honest = fake.pods.items[handle.job.pod_name]
    fake.pods.show(replace(honest, uid="uid-9", created=START + timedelta(minutes=5)))
    assert service.inspect(handle.job.release, "fl").ownership.owner is Owner.FOREIGN_POD


def test_no_name_of_a_stranger_fills_a_sentence(fake, service, caplog):
    long = "ab " * 1000
    labels = {names.LABEL_JOB_ID: long}
    claims = {RELEASE_ANNOTATION: long, names.ANNOTATION_JOB_ID: long, names.ANNOTATION_SITE: long}
    for number, told in enumerate((claims, {**claims, RELEASE_ANNOTATION: ""})):
        fake.pods.show(make_pod(f"p{number}" + "x" * 240, labels=labels, annotations=told))
    fake.releases.items[long] = ReleaseView(long, "fl", "failed", 1, START, {"job": {"id": long}, "pod": 1})
    fake.clock.time = 10_000
    for found in service.jobs("fl"):
        assert len(found.ownership.sentence) < 500
        if found.ownership.is_foreign:
            with pytest.raises(LauncherError) as refused:
                service.terminate(found.job.release or found.job.pod_name, "fl")
            assert len(refused.value.message) < 500
    list(service.sweep("fl", 0.0))
    assert caplog.records
    assert max(len(record.getMessage()) for record in caplog.records) < 1000


def test_whoever_waited_for_a_job_says_that_a_stranger_holds_its_release(fake, service):
    handle = service.launch(make_spec())
    honest = fake.pods.items[handle.job.pod_name]
    fake.pods.show(None, honest.name)
    fake.pods.show(replace(running(), name=honest.name, uid="uid-9", labels=honest.labels))
    with pytest.raises(Conflict, match="is left alone"):
        handle.terminate()
    assert fake.pods.items[honest.name].uid == "uid-9"
    fake.pods.show(None, honest.name)
    handle.terminate()
    assert fake.releases.items == {}


def test_a_diagnosis_shows_nothing_of_a_planted_pod(fake, service, planted):
    fake.pods.lines = {"": ["forged"]}
    bundle = service.diagnose(planted.release, "fl")
    assert "another than the one that release" in bundle.files["pod.yaml"]
    assert not any("forged" in text for text in bundle.files.values())
    assert not [entry for entry in fake.pods.log if entry[0] == "logs"]


def test_a_pod_without_a_release_goes_by_a_name_that_no_release_can_have(fake, service):
    """FLARE's pod names have up to 63 characters, Helm's releases 53."""
    long = "j" * 60
    fake.releases.record = raising(InvalidInput("is not a release name"))
    fake.pods.show(make_pod(long, labels={names.LABEL_JOB_ID: "x"}))
    assert service.inspect(long, "fl").ownership.owner is Owner.POD_WITHOUT_RELEASE
    service.terminate(long, "fl")
    assert fake.pods.items == {}
    with pytest.raises(InvalidInput, match="is not a release name"):
        service.inspect(long, "fl")
