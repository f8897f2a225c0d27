"""Whoever still waits for an old launch of a job takes nothing away from a new one under the same names."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from launcher.core import names
from launcher.core.credentials import Whose, whose_credentials
from launcher.core.jobref import JobRef
from launcher.core.revisions import Revision
from launcher.core.views import ReleaseView, SecretView
from launcher.errors import Unavailable
from launcher.usecases.credentials import delete_credentials
from launcher.usecases.launch import Launch
from tests.fakes import START, exited, make_pod, running
from tests.jobs import make_spec, render, show

OLD, NEW = {"TOKEN": b"old"}, {"TOKEN": b"new"}
LATER = START + timedelta(seconds=90)
JOB = JobRef(release="fj-1", namespace="fl", pod_name="job-1", uid="uid-1", job_id="a", created=START)
SECRET = SecretView(START, "a", uid="secret-1")


@pytest.mark.parametrize(
    ("job", "secret", "whose"),
    [
        (JOB, replace(SECRET, owners=("uid-1",)), Whose.OURS),
        (JOB, replace(SECRET, owners=("uid-2",)), Whose.ANOTHERS),
        (JOB, SECRET, Whose.OURS),
        (JOB, replace(SECRET, created=LATER), Whose.ANOTHERS),
        (JOB, replace(SECRET, created=None), Whose.OURS),
        (replace(JOB, created=None), replace(SECRET, created=LATER), Whose.OURS),
        (replace(JOB, uid=""), replace(SECRET, owners=("uid-2",)), Whose.POD),
        (replace(JOB, uid="", created=None), SECRET, Whose.OURS),
        (JOB, replace(SECRET, job_id="b"), Whose.ANOTHERS),
        (replace(JOB, site="site-1"), replace(SECRET, site="site-2"), Whose.ANOTHERS),
    ],
)
def test_whose_credentials_they_are(job, secret, whose):
    assert whose_credentials(job, secret) is whose


@pytest.fixture
def stamped(fake):
    """The fakes, with Secrets that know when they were made."""
    fake.secrets.clock = fake.clock
    return fake


def relaunch(fake, service, seconds=90.0):
    """Launch a job, let somebody take it away, and launch it again after so many seconds; return both handles."""
    old = service.launch(make_spec(), secret=OLD)
    service.terminate(old.job.release, "fl")
    fake.clock.time += seconds
    new = service.launch(make_spec(), secret=NEW)
    made = fake.pods.items["job-1"]
    fake.pods.show(replace(made, uid="uid-2", created=fake.clock.now()))
    fake.releases.note_pod(new.job.release, "fl", "uid-2")
    fake.secrets.owners[new.job.credential_secret] = "uid-2"
    return old, new


def kept(fake, handle):
    """Tell whether the new launch of the job has all that it had."""
    return (
        fake.secrets.items.get(handle.job.credential_secret) == NEW
        and handle.job.release in fake.releases.items
        and fake.pods.items["job-1"].uid == "uid-2"
    )


def test_an_old_waiter_costs_a_new_launch_nothing(stamped, service):
    old, new = relaunch(stamped, service)
    old.terminate()
    assert kept(stamped, new)


def test_an_old_waiter_that_keeps_the_release_leaves_the_new_secret(stamped, service):
    old = service.launch(make_spec(retention="failed=forever"), secret=OLD)
    show(stamped, exited(1, uid="uid-1"))
    assert old.wait(1.0) is not None
    assert old.close(10)
    assert stamped.secrets.items == {}
    stamped.secrets.put(old.job.credential_secret, "fl", NEW, render(make_spec())["labels"])
    stamped.secrets.owners[old.job.credential_secret] = "uid-2"
    assert not delete_credentials(stamped.world, old.job)
    assert stamped.secrets.items[old.job.credential_secret] == NEW


def test_a_release_that_is_being_installed_anew_is_not_an_old_waiters(stamped, service):
    """Its record is there, and its pod is not yet: only the API server's times tell."""
    old = service.launch(make_spec(), secret=OLD)
    service.terminate(old.job.release, "fl")
    stamped.clock.time += 600
    record = (Revision(1, stamped.clock.now(), job_id="a1b2"),)
    view = ReleaseView(
        old.job.release, "fl", "pending-install", 1, START, render(make_spec()), revisions=record
    )
    stamped.releases.items[view.name] = view
    stamped.secrets.put(old.job.credential_secret, "fl", NEW, render(make_spec())["labels"])
    old.terminate()
    assert list(stamped.releases.items) == [view.name]
    assert stamped.secrets.items == {old.job.credential_secret: NEW}


def test_a_secret_that_is_made_before_its_release_is_not_an_old_waiters(stamped, service):
    old = service.launch(make_spec(), secret=OLD)
    service.terminate(old.job.release, "fl")
    stamped.clock.time += 5
    stamped.secrets.put(old.job.credential_secret, "fl", NEW, render(make_spec())["labels"])
    old.terminate()
    assert stamped.secrets.items == {old.job.credential_secret: NEW}


def test_a_launch_that_gives_up_leaves_the_secret_of_who_got_through(stamped):
    launch = Launch(stamped.world, make_spec(), render, OLD, keeps_secret=True)
    labels, name = render(make_spec())["labels"], "nvflare-cred-job-1"
    stamped.secrets.put(name, "fl", NEW, labels)
    launch.forget()
    assert stamped.secrets.items == {name: NEW}
    stamped.secrets.put(name, "fl", OLD, labels)  # two parents of a site have the same
    stamped.secrets.owners[name] = "uid-2"
    stamped.pods.show(replace(running(), uid="uid-2"))
    launch.forget()
    assert stamped.secrets.items == {name: OLD}
    stamped.pods.show(None)
    launch.forget()
    assert stamped.secrets.items == {}


def test_whether_a_pod_needs_its_secret_must_be_known(stamped):
    stamped.secrets.put(JOB.credential_secret, "fl", NEW, {names.LABEL_JOB_ID: "a"})
    stamped.secrets.owners[JOB.credential_secret] = "uid-1"
    stamped.pods.unavailable = "the proxy refuses"
    with pytest.raises(Unavailable, match=r"needs its Secret: the proxy refuses\n  cure: mend the proxy"):
        delete_credentials(stamped.world, replace(JOB, uid=""))
    assert JOB.credential_secret in stamped.secrets.items


@pytest.mark.parametrize("verb", ["sweep", "reap"])
def test_a_secret_that_was_made_anew_since_it_was_listed_stays(stamped, service, verb):
    """Between the list and its turn minutes may pass, and a launch makes the Secret before all else."""
    labels = {names.LABEL_JOB_ID: "a", names.LABEL_SITE: "site-1", names.LABEL_FEDERATION: "fed"}
    first, second = (names.credential_secret_name(names.pod_name(job, "site-1")) for job in "ab")
    for name, job in ((first, "a"), (second, "b")):
        stamped.secrets.put(name, "fl", OLD, {**labels, names.LABEL_JOB_ID: job})
    stamped.clock.time = 100
    acts = {"sweep": lambda: service.sweep("fl", 0.0)}
    acts["reap"] = lambda: service.reap("fl", "site-1", "fed", lambda _: False)
    going = acts[verb]()
    gone = {next(going).removeprefix("secret ")}
    (left,) = {first, second} - gone
    stamped.secrets.put(left, "fl", NEW, stamped.secrets.labels[left])
    assert list(going) == []
    assert stamped.secrets.items == {left: NEW}


def test_a_pod_of_the_old_launch_keeps_no_secret(stamped):
    stamped.pods.show(make_pod())
    stamped.secrets.put(JOB.credential_secret, "fl", OLD, {names.LABEL_JOB_ID: "a"})
    stamped.secrets.owners[JOB.credential_secret] = "uid-1"
    assert delete_credentials(stamped.world, JOB)
    assert stamped.secrets.items == {}
