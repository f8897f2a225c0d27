"""Taking a job away: what is tried again, and for how long."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from launcher.core.grace import check_grace
from launcher.core.jobref import JobRef
from launcher.core.names import LABEL_JOB_ID
from launcher.core.pending.clocks import WaitPolicy
from launcher.core.views import ReleaseView, Seen
from launcher.errors import Denied, InvalidInput, Reason, Rejected, Unavailable
from launcher.usecases.handle import JobHandle
from launcher.usecases.remove import remove, with_retries
from launcher.usecases.whose import record_of
from tests.fakes import START, FakePods, FakeWorld, make_pod

JOB = JobRef(release="fj-1", namespace="fl", pod_name="job-1")
WEBHOOK = Rejected("the admission webhook 'hook' of the cluster does not work", reason=Reason.WEBHOOK_FAILED)
UNEXPLAINED = [
    Rejected("helm could not delete all of its objects and does not say why", reason=Reason.DELETE_FAILED),
    Rejected("helm uninstall failed (exit code 1): brand new words", reason=Reason.HELM_FAILED),
]


@pytest.fixture
def fake():
    fake = FakeWorld()
    fake.pods.show(make_pod())
    fake.releases.items[JOB.release] = ReleaseView(JOB.release, "fl", "deployed", 1, START)
    fake.secrets.put(JOB.credential_secret, "fl", {"TOKEN": b"x"}, {LABEL_JOB_ID: "1"})
    return fake


def taken_away(fake, seconds):
    with_retries(JOB, partial(remove, fake.world, JOB), fake.world, seconds)
    return fake.is_empty


@pytest.mark.parametrize("error", [Unavailable("503"), WEBHOOK])
@pytest.mark.parametrize("seconds", [60.0, None])
def test_transient_failures_are_retried(fake, error, seconds):
    fake.releases.uninstall_errors = [error]
    assert taken_away(fake, seconds)


def test_transient_failures_of_a_secret_are_retried(fake):
    fake.secrets.delete_errors = [WEBHOOK]
    assert taken_away(fake, 60.0)


def test_a_transient_failure_is_raised_when_time_is_up(fake):
    fake.releases.uninstall_errors = [WEBHOOK]
    with pytest.raises(Rejected, match="webhook"):
        taken_away(fake, 0.1)


@pytest.mark.parametrize("error", UNEXPLAINED)
def test_an_unexplained_failure_is_raised_within_a_time_limit_and_retried_without(fake, error):
    fake.releases.uninstall_errors = [error, error]
    with pytest.raises(Rejected, match="helm"):
        taken_away(fake, 60.0)
    assert taken_away(fake, None)


@pytest.mark.parametrize("error", [Denied("secrets: delete"), Rejected("no", reason=Reason.WEBHOOK_DENIED)])
@pytest.mark.parametrize("seconds", [60.0, None])
def test_permanent_failures_are_raised_at_once(fake, error, seconds):
    fake.releases.uninstall_errors = [error]
    with pytest.raises(type(error)):
        taken_away(fake, seconds)
    assert len(fake.releases.log) == 1


def test_an_aborted_job_is_gone_once_the_webhook_is_back(fake):
    handle = JobHandle(JOB, fake.world, WaitPolicy(), launched=0.0)
    fake.releases.uninstall_errors = [UNEXPLAINED[0], WEBHOOK]
    with pytest.raises(Rejected):
        handle.terminate()
    assert handle.close(10)
    assert fake.is_empty


class Lingering(FakePods):
    """A pod that Helm has deleted and that its kubelet takes away ``needs`` seconds later, if it may."""

    needs = 0.0
    begun = 0.0

    def get(self, name, namespace):
        for pod in list(self.items.values()):
            if pod.deleted and self.clock.time - self.begun >= min(self.needs, pod.grace_seconds or 0):
                self.show(None, pod.name)
        return super().get(name, namespace)

    def delete(self, name, namespace, *, uid, grace_seconds=None):
        if grace_seconds == 0:
            return super().delete(name, namespace, uid=uid, grace_seconds=0)
        self.log.append(("delete", name, uid, str(grace_seconds)))
        self.show(replace(self.items[name], deleted=START, grace_seconds=grace_seconds))
        return None


def lingering(fake, *, grace, needs):
    """Give the world a pod whose release is gone and whose deletion is under way."""
    pods = Lingering(clock=fake.clock)
    pods.needs = needs
    pods.show(make_pod(deleted=START, grace_seconds=grace, grace_period=grace))
    fake.releases.items.clear()
    return pods, replace(fake.world, pods=pods)


def test_a_job_has_its_grace_period(fake):
    pods, world = lingering(fake, grace=300, needs=250)
    remove(world, JOB)
    assert fake.clock.time == pytest.approx(250, abs=1)
    assert pods.log == []


def test_a_pod_that_outlives_its_grace_period_is_deleted_by_force(fake):
    pods, world = lingering(fake, grace=30, needs=30)
    pods.needs = 10**6
    pods.show(make_pod(deleted=START, grace_seconds=30, grace_period=30))
    pods.begun = 10**6
    remove(world, JOB)
    assert pods.log == [("delete", "job-1", "uid-1", "0")]
    assert 50 <= fake.clock.time < 55


def test_a_pod_without_a_release_has_ten_minutes_whatever_it_says(fake):
    pods, world = lingering(fake, grace=10**6, needs=10**6)
    remove(world, replace(JOB, release=""))
    assert pods.log == [("delete", "job-1", "uid-1", "0")]
    assert fake.clock.time == pytest.approx(620, abs=5)


def test_a_shorter_grace_period_comes_before_helms_own_deletion(fake):
    pods, world = lingering(fake, grace=300, needs=250)
    pods.show(make_pod(grace_period=300))
    fake.releases.pods = pods
    remove(world, JOB, grace=5)
    assert pods.log[0] == ("delete", "job-1", "uid-1", "5")
    assert fake.releases.log == [("uninstall", "fj-1", "fl")]
    assert fake.clock.time <= 6


def test_a_deletion_under_way_keeps_its_time(fake):
    """A kubelet that stops a container already does not hear of less time; by force its pod would go without it."""
    pods, world = lingering(fake, grace=60, needs=40)
    remove(world, JOB, grace=1)
    assert pods.log == []
    assert fake.clock.time == pytest.approx(40, abs=1)


@pytest.mark.parametrize(("grace", "own"), [(None, 1), (1, 1), (5, 30), (5, None)])
def test_a_grace_period_that_can_be_had(grace, own):
    check_grace(grace, make_pod(grace_period=own))
    check_grace(grace, None)


def test_a_grace_period_longer_than_the_pods_own_is_refused():
    with pytest.raises(InvalidInput, match=r"--grace: must be at most 30, .*, not 31"):
        check_grace(31, make_pod(grace_period=30))


def test_a_helm_that_cannot_be_asked_is_told_with_its_cure(fake, monkeypatch):
    asked = Seen.unavailable("the proxy refuses", "correct proxy-url")
    monkeypatch.setattr(fake.releases, "record", lambda *_names: asked)
    with pytest.raises(Unavailable, match=r"fl/fj-1 is: the proxy refuses\n  cure: correct proxy-url$"):
        record_of(fake.world, "fj-1", "fl")


def test_whose_names_they_are_is_looked_at_when_helm_is_about_to_run(fake):
    """Behind a thousand other removals that is minutes later, and a new attempt may have the names by then."""
    waiting = fake.releases.uninstall

    def late(name, namespace, before):
        fake.pods.show(make_pod(uid="uid-2"))
        return waiting(name, namespace, before)

    fake.releases.uninstall = late
    remove(fake.world, replace(JOB, uid="uid-1"))
    assert fake.releases.log == []
    assert fake.pods.items["job-1"].uid == "uid-2"
    assert JOB.credential_secret in fake.secrets.items


class Watch:
    """A watch that shows the pod until some second, as the API server does, or nothing."""

    def __init__(self, fake, until):
        self._fake, self._until = fake, until

    def pod(self, name):
        return Seen.found(make_pod()) if self._fake.clock.time < self._until else Seen.absent()

    def version(self, name):
        return 0

    def wait(self, name, seen, timeout):
        self._fake.clock.time += min(timeout, max(self._until - self._fake.clock.time, 0.0))


@pytest.mark.parametrize(
    ("shown_until", "requests"),
    [
        pytest.param(None, 10, id="nobody watches"),
        pytest.param(4.0, 4, id="a watch shows the end at once"),
        pytest.param(0.0, 10, id="a watch that is behind is not believed"),
        pytest.param(1e9, 4, id="nor one that does not see the end"),
    ],
)
def test_a_pod_on_its_way_is_asked_for_seldom_where_it_is_watched(fake, shown_until, requests):
    get, asked = fake.pods.get, []

    def counted(name, namespace):
        asked.append(fake.clock.time)
        if fake.clock.time >= 4.0:
            fake.pods.show(None)
        return get(name, namespace)

    dying = replace(make_pod(), deleted=START)
    fake.releases.uninstall = lambda name, namespace, before: (before(), fake.pods.show(dying))
    fake.pods.get = counted
    fake.pods.watching = lambda _: None if shown_until is None else Watch(fake, shown_until)
    remove(fake.world, JOB)
    assert len(asked) == requests
    assert fake.clock.time < 7.0
