"""A refused job is kept for the next process: its Secret stays, what else is needed is noted, and both go at its end."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest

from launcher.core import names
from launcher.core.catalogue import Code
from launcher.core.pending.clocks import WaitPolicy
from launcher.core.pending.refusal import Refusal
from launcher.core.spec.site import PendingPolicy
from launcher.core.watched import LASTS, LeaseView, job_mark
from launcher.edges.clock import SystemClock
from launcher.errors import Denied, Reason, Rejected, Unavailable
from launcher.usecases.keeping import Before
from launcher.usecases.service import Service
from launcher.usecases.watching import LeaseWatching
from tests.fakes import START, FakeWorld, exited, running
from tests.jobs import make_spec, render
from tests.unit.usecases.test_watching import FakeLeases

QUOTA = Rejected("exceeded quota: q", reason=Reason.QUOTA_EXCEEDED)
SECRET = {"TOKEN": b"canary-4711"}
NAME = "nvflare-cred-job-1"


class Notes:
    """A journal in memory."""

    def __init__(self, before=None):
        self.before = before
        self.told = []
        self.is_over = threading.Event()

    def refused(self, refusal, spent):
        self.told.append((refusal.code, dict(spent)))

    def over(self):
        self.is_over.set()


@pytest.fixture
def fake():
    fake = FakeWorld()
    fake.releases.install_error = QUOTA
    return fake


def service(fake, **policy):
    return Service(replace(fake.world, clock=SystemClock()), WaitPolicy(**policy), render)


def launch(fake, journal, spec=None, **policy):
    site = service(fake, **policy)
    return site.launch(spec or make_spec(), secret=SECRET, retry_refused=True, journal=journal)


def until(check, seconds=30.0):
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_the_secret_stays_between_the_tries_and_each_is_noted(fake):
    journal = Notes()
    handle = launch(fake, journal)
    assert fake.secrets.items == {NAME: SECRET}
    assert journal.told == [(Code.QUOTA_EXCEEDED, {})]
    until(lambda: len(journal.told) > 1)
    assert fake.secrets.items == {NAME: SECRET}
    assert 0.5 < journal.told[1][1][Code.QUOTA_EXCEEDED] < 20
    assert not journal.is_over.is_set()
    handle.terminate()
    assert journal.is_over.is_set()
    assert fake.is_empty


def test_once_it_is_accepted_the_note_goes_and_the_secret_stays(fake):
    journal = Notes()
    handle = launch(fake, journal)
    fake.releases.install_error = None
    assert journal.is_over.wait(30)
    assert fake.secrets.items == {NAME: SECRET}
    fake.pods.script = [running(), exited(0)]
    assert handle.wait().code is Code.SUCCESS
    assert handle.close(30)
    assert fake.is_empty


@pytest.mark.parametrize("error", [Denied("pods is forbidden"), RuntimeError("a defect")])
def test_what_ends_the_tries_takes_all_away(fake, error):
    journal = Notes()
    handle = launch(fake, journal)
    fake.releases.install_error = error
    assert handle.wait() is not None
    assert journal.is_over.wait(30)
    assert handle.close(30)
    assert fake.is_empty


@pytest.mark.parametrize(("error", "policy"), [(Denied("no"), {}), (QUOTA, {"mode": PendingPolicy.STRICT})])
def test_what_is_not_tried_again_leaves_nothing_and_no_note(fake, error, policy):
    fake.releases.install_error = error
    journal = Notes()
    with pytest.raises(type(error)):
        launch(fake, journal, **policy)
    assert journal.told == []
    assert fake.is_empty


def test_a_secret_that_is_refused_too_is_noted_all_the_same(fake):
    fake.secrets.put_error = QUOTA
    journal = Notes()
    handle = launch(fake, journal)
    assert journal.told == [(Code.QUOTA_EXCEEDED, {})]
    assert fake.secrets.items == {}
    handle.terminate()
    assert journal.is_over.is_set()


BEFORE = Before(Refusal(Code.QUOTA_EXCEEDED, "exceeded quota: q"), {Code.QUOTA_EXCEEDED: 100.0}, age=110.0)


def test_what_an_earlier_process_has_noted_is_gone_on_with_in_the_background(fake):
    fake.secrets.put(NAME, "fl", SECRET, render(make_spec())["labels"])
    handle = launch(fake, Notes(BEFORE))
    assert fake.releases.log == []
    assert handle.is_refused
    fake.releases.install_error = None
    until(lambda: not handle.is_refused)
    fake.pods.script = [running(), exited(0)]
    assert handle.wait().code is Code.SUCCESS
    assert handle.close(30)
    assert fake.is_empty


def test_the_clock_of_the_cause_goes_on(fake):
    begin = time.monotonic()
    handle = launch(fake, Notes(BEFORE), make_spec(pending_timeout=101.0))
    outcome = handle.wait()
    assert time.monotonic() - begin < 20
    assert (outcome.code, outcome.clock) == (Code.QUOTA_EXCEEDED, "pending_timeout")
    assert handle.close(30)
    assert fake.is_empty


def test_the_clock_of_the_launch_goes_on(fake):
    handle = launch(fake, Notes(BEFORE), make_spec(pending_timeout=None), timeout=110.5)
    assert handle.wait().code is Code.LAUNCH_TIMEOUT
    assert handle.close(30)


def test_the_next_process_notes_the_whole_time(fake):
    journal = Notes(BEFORE)
    handle = launch(fake, journal)
    assert journal.told == [(Code.QUOTA_EXCEEDED, {Code.QUOTA_EXCEEDED: 100.0})]
    until(lambda: len(journal.told) > 1)
    assert 100.5 < journal.told[1][1][Code.QUOTA_EXCEEDED] < 120
    handle.terminate()


def test_a_job_that_the_earlier_process_got_through_meanwhile_is_joined(fake):
    """A parent whose pod was deleted works on for half a minute beside the next one."""
    fake.releases.install_error = None
    service(fake).launch(make_spec(), secret=SECRET)
    handle = launch(fake, Notes(BEFORE))
    until(lambda: not handle.is_refused)
    fake.pods.script = [exited(0)]
    (pod,) = fake.pods.items.values()
    fake.pods.show(replace(exited(0), labels=pod.labels, annotations=pod.annotations, uid=pod.uid))
    assert handle.wait().code is Code.SUCCESS
    assert handle.close(30)
    assert fake.is_empty


def test_a_secret_that_is_made_anew_for_a_joined_job_goes_with_it(fake):
    """It is younger than the pod, as that of a later launch is; the pod that owns it tells them apart."""
    fake.releases.install_error = None
    service(fake).launch(make_spec(), secret=SECRET)
    fake.secrets.items.clear()
    fake.secrets.owners.clear()
    fake.secrets.clock = fake.clock
    fake.clock.time += 60
    handle = launch(fake, Notes(BEFORE))
    until(lambda: not handle.is_refused)
    assert list(fake.secrets.items) == list(fake.secrets.owners) == [handle.job.credential_secret]
    handle.terminate()
    assert fake.is_empty


def test_a_job_that_the_earlier_process_is_about_to_install_is_waited_for(fake):
    fake.releases.install_error = None
    service(fake).launch(make_spec(), secret=SECRET)
    name = make_spec().release
    whole = fake.releases.items[name]
    fake.releases.items[name] = replace(whole, status="pending-install", updated=SystemClock().now())
    handle = launch(fake, Notes(BEFORE))
    until(
        lambda: (
            handle._installer.state[1] is not None and handle._installer.state[1].code is Code.API_UNAVAILABLE
        )
    )
    fake.releases.items[name] = whole
    until(lambda: not handle.is_refused)
    handle.terminate()
    assert fake.is_empty


def test_what_a_process_that_was_killed_in_the_midst_of_a_try_left_is_made_anew_when_its_lease_is_over(fake):
    fake.releases.install_error = None
    service(fake).launch(make_spec(), secret=SECRET)
    name = make_spec().release
    fake.releases.items[name] = replace(fake.releases.items[name], status="pending-install")
    fake.pods.items.clear()
    leases = FakeLeases()
    leases.items["dead"] = LeaseView("dead_1", SystemClock().now(), frozenset({job_mark(name)}))
    watching = LeaseWatching(leases, SystemClock(), "fljob-watcher-new", "new_1")
    world = replace(fake.world, clock=SystemClock(), watching=watching)
    handle = Service(world, WaitPolicy(), render).launch(
        make_spec(), secret=SECRET, retry_refused=True, journal=Notes(BEFORE)
    )
    until(lambda: handle._installer.state[1].code is Code.API_UNAVAILABLE)
    assert fake.pods.items == {}
    leases.items["dead"] = LeaseView("dead_1", START, frozenset({job_mark(name)}))
    until(lambda: not handle.is_refused)
    assert fake.releases.items[name].status == "deployed"
    handle.terminate()
    watching.stop()
    assert fake.is_empty


def test_a_job_that_another_has_keeps_its_secret(fake):
    """Whoever launches the same job by hand has a Secret of the same name."""
    journal = Notes()
    handle = launch(fake, journal)
    fake.releases.install_error = None
    other = {"TOKEN": b"another"}
    service(fake).launch(make_spec(), secret=other)
    assert handle.wait() is not None
    assert journal.is_over.wait(30)
    assert handle.close(30)
    assert fake.secrets.items == {NAME: other}


def at_site_1(spec):
    return {**render(spec), "labels": {**render(spec)["labels"], names.LABEL_SITE: spec.site}}


def test_gc_leaves_the_secret_of_a_job_that_is_tried_again(fake):
    leases, spec = FakeLeases(), make_spec(pod_name=names.pod_name("a1b2", "site-1"))
    own = LeaseWatching(leases, fake.clock, "fljob-watcher-own", "host_1")
    parent = Service(replace(fake.world, clock=SystemClock(), watching=own), WaitPolicy(), at_site_1)
    handle = parent.launch(spec, secret=SECRET, retry_refused=True, journal=Notes())
    (secret,) = fake.secrets.items
    until(lambda: own.renew() or job_mark(secret) in leases.items["fljob-watcher-own"].jobs)
    fake.clock.time = 3600.0
    leases.items["fljob-watcher-own"] = replace(leases.items["fljob-watcher-own"], renewed=fake.clock.now())
    watching = LeaseWatching(leases, fake.clock, "fljob-watcher-gc", "host_2")
    gc = Service(replace(fake.world, watching=watching), WaitPolicy(), at_site_1)
    assert list(gc.sweep("fl", 0.0)) == []
    fake.clock.time += LASTS
    assert list(gc.sweep("fl", 0.0)) == [f"secret {secret}"]
    handle.terminate()
    own.stop()


def test_a_refusal_for_a_moment_is_told_from_a_quota(fake):
    journal = Notes()
    handle = launch(fake, journal)
    fake.releases.install_error = Unavailable("no answer")
    until(lambda: journal.told[-1][0] is Code.API_UNAVAILABLE)
    assert Code.QUOTA_EXCEEDED in journal.told[-1][1]
    handle.terminate()


def test_a_lease_tells_of_nothing_once_it_is_over(fake):
    leases = FakeLeases()
    own = LeaseWatching(leases, fake.clock, "fljob-watcher-own", "host_1")
    world = replace(fake.world, clock=SystemClock(), watching=own)
    handle = Service(world, WaitPolicy(), render).launch(
        make_spec(), secret=SECRET, retry_refused=True, journal=Notes()
    )
    handle.terminate()
    until(
        lambda: own.renew() or leases.items.get("fljob-watcher-own", LeaseView("", None)).jobs == frozenset()
    )
    own.stop()
