"""Taking a job away: what is tried again, and for how long."""

from __future__ import annotations

from functools import partial

import pytest

from launcher.core.jobref import JobRef
from launcher.core.names import LABEL_JOB_ID
from launcher.core.pending.clocks import WaitPolicy
from launcher.core.views import ReleaseView
from launcher.errors import Denied, Reason, Rejected, Unavailable
from launcher.usecases.handle import JobHandle
from launcher.usecases.remove import remove, with_retries
from tests.fakes import START, FakeWorld, make_pod

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
