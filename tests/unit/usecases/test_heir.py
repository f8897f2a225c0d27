"""Jobs of an earlier parent that a new one takes over stay; what it leaves goes as before."""

from __future__ import annotations

import pytest

from launcher.core import names
from launcher.core.views import Seen
from launcher.errors import Unavailable
from launcher.usecases.heir import NOBODY
from tests.fakes import FakeWorld
from tests.jobs import leave_secret
from tests.unit.usecases.test_sweep import FED, OLD, OURS, THEIRS, leave


@pytest.fixture
def fake():
    fake = FakeWorld()
    fake.clock.time = OLD
    return fake


class Takes:
    """Takes some jobs over; ``troubles`` are raised first, job id -> error."""

    def __init__(self, *jobs, **troubles):
        self.jobs = set(jobs)
        self.troubles = troubles
        self.offered = []
        self.complete = []
        self.lost = ()

    def take(self, found, secret):
        job = found.job.job_id
        self.offered.append((job, secret and secret.job_id))
        if job in self.troubles:
            raise self.troubles.pop(job)
        return job in self.jobs

    def take_secret(self, name, secret):
        self.offered.append(name)
        if secret.job_id in self.troubles:
            raise self.troubles.pop(secret.job_id)
        return secret.job_id in self.jobs

    def seen(self, *, all_of_them):
        self.complete.append(all_of_them)
        return self.lost if all_of_them else ()


def reap(service, heir, lost):
    return service.reap("fl", "site-1", FED, lambda name: False, lost.setdefault, heir=heir)


def test_what_is_taken_over_stays_with_its_secret_and_is_not_reported(fake, service):
    leave(fake, "a", "b")
    heir, lost = Takes("a"), {}
    assert list(reap(service, heir, lost)) == ["fj-b"]
    assert heir.offered == [("a", "a"), ("b", "b")]
    assert heir.complete == [True]
    assert (list(lost), list(fake.releases.items)) == (["b"], ["fj-a"])
    assert list(fake.secrets.items) == [names.credential_secret_name("a")]


def test_jobs_are_offered_before_anything_is_removed_or_asked_for(fake, service):
    leave(fake, "a", "b")
    heir = Takes("a")
    reap(service, heir, {})
    assert heir.complete == [True]
    assert set(fake.releases.items) == {"fj-a", "fj-b"}


def test_a_job_without_its_secret_is_offered_so(fake, service):
    leave(fake, "a")
    fake.secrets.items.clear()
    heir = Takes()
    assert list(reap(service, heir, {})) == ["fj-a"]
    assert heir.offered == [("a", None)]


def test_jobs_of_another_federation_are_not_offered(fake, service):
    leave(fake, "a", labels=THEIRS)
    heir = Takes("a")
    assert list(reap(service, heir, {})) == []
    assert heir.offered == []


def test_a_job_that_could_not_be_asked_for_stays_and_is_offered_again(fake, service):
    leave(fake, "a", "b")
    heir, lost, seen = Takes("a", a=Unavailable("no answer")), {}, []
    with pytest.raises(Unavailable, match="no answer"):
        seen.extend(reap(service, heir, lost))
    assert (seen, list(lost)) == (["fj-b"], ["b"])
    assert list(reap(service, heir, lost)) == []
    assert heir.complete == [False, True]
    assert list(fake.releases.items) == ["fj-a"]


def test_a_record_that_cannot_be_read_leaves_the_list_incomplete(fake, service):
    leave(fake, "a")
    know = fake.releases.record
    fake.releases.record = lambda name, namespace: Seen.unavailable("connection refused")
    heir = Takes("a")
    with pytest.raises(Unavailable):
        list(reap(service, heir, {}))
    assert (heir.offered, heir.complete) == ([], [False])
    fake.releases.record = know
    assert list(reap(service, heir, {})) == []
    assert heir.complete == [False, True]


def test_a_pod_without_a_release_is_never_offered(fake, service):
    leave(fake, "a")
    fake.releases.items.clear()
    heir = Takes("a")
    list(reap(service, heir, {}))
    assert heir.offered == []


def test_nobody_takes_anything(fake, service):
    leave(fake, "a")
    assert list(reap(service, NOBODY, {})) == ["fj-a"]


def test_a_secret_without_a_release_is_offered_after_the_jobs_and_stays_when_it_is_taken(fake, service):
    leave(fake, "a")
    taken, left = (leave_secret(fake, job, labels=OURS) for job in ("b", "c"))
    heir, lost = Takes("a", "b"), {}
    assert list(reap(service, heir, lost)) == [left]
    assert heir.offered == [("a", "a"), taken, left]
    assert list(lost) == ["c"]
    assert taken in fake.secrets.items


def test_secrets_of_jobs_that_have_a_release_or_are_watched_are_not_offered(fake, service):
    leave(fake, "a")
    watched = leave_secret(fake, "b", labels=OURS)
    heir = Takes("a")
    assert (
        list(service.reap("fl", "site-1", FED, lambda name: name == watched, {}.setdefault, heir=heir)) == []
    )
    assert heir.offered == [("a", "a")]


def test_a_secret_that_could_not_be_asked_about_stays_and_is_offered_again(fake, service):
    alone = leave_secret(fake, "b", labels=OURS)
    heir, lost = Takes(b=Unavailable("no answer")), {}
    heir.lost = ("noted",)
    with pytest.raises(Unavailable, match="no answer"):
        list(reap(service, heir, lost))
    assert (heir.complete, lost, list(fake.secrets.items)) == ([False], {}, [alone])
    assert list(reap(service, heir, lost)) == [alone]
    assert list(lost) == ["b", "noted"]


def test_jobs_of_which_only_the_heir_knows_are_reported_as_lost(fake, service):
    leave(fake, "a")
    heir, lost = Takes("a"), {}
    heir.lost = ("noted",)
    assert list(reap(service, heir, lost)) == []
    assert {job: int(code) for job, code in lost.items()} == {"noted": 104}
