"""Of several parents of a site one acts, and the others change nothing."""

from __future__ import annotations

import inspect
import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from launcher.core.leader import SiteLease
from launcher.core.watched import LASTS
from launcher.errors import Conflict, Denied, NotFound, Rejected, StoodDown, Unavailable
from launcher.usecases import leader, ports
from launcher.usecases.leader import WRITES, Holder, LeaseActing, guarded
from tests.said import said_by

WHERE = ("fljob-parent-1", "fl")


class FakeSiteLeases:
    """One Lease in memory; ``before`` happens between a read and the write that follows."""

    def __init__(self):
        self.lease = SiteLease()
        self.asked = 0
        self.error = None
        self.before = []

    def read(self, name, namespace):
        assert (name, namespace) == WHERE
        self.asked += 1
        if self.error is not None:
            raise self.error
        return self.lease

    def write(self, name, namespace, lease):
        assert (name, namespace) == WHERE
        if self.before:
            self.before.pop(0)()
        if lease.version != self.lease.version:
            raise Conflict("the object has been modified")
        self.lease = replace(lease, version=str(int(lease.version or 0) + 1))


@pytest.fixture
def leases():
    return FakeSiteLeases()


@pytest.fixture
def parent(leases, fake, monkeypatch):
    """Make parents; each asks when it is told to."""
    monkeypatch.setattr(leader, "_EVERY", 100_000.0)
    made = []

    def make(name):
        made.append(LeaseActing(leases, fake.clock, Holder(name), "site-1", WHERE))
        return made[-1]

    yield make
    for one in made:
        one.stop()


def pass_time(fake, seconds):
    fake.clock.sleep(seconds)


@pytest.fixture
def stood_down(parent, fake):
    """A parent that does not act any more, and the one that acts instead."""
    old, new = parent("old"), parent("new")
    old.check()
    new.check()
    pass_time(fake, 3)
    with pytest.raises(StoodDown):
        old.check()
    return old, new


def test_the_first_parent_acts_and_asks_seldom(parent, leases, fake):
    own = parent("own")
    for _ in range(1000):
        own.check()
    assert (leases.asked, leases.lease.holder, leases.lease.transitions) == (1, "own", 0)
    pass_time(fake, 3)
    own.check()
    assert leases.asked == 2
    assert leases.lease.renewed > leases.lease.acquired


def test_a_new_parent_takes_over_and_lets_the_old_one_end_what_it_does(parent, leases, fake, caplog):
    old, new = parent("old"), parent("new")
    old.check()
    pass_time(fake, 3)
    before = fake.clock.monotonic()
    new.check()
    assert fake.clock.monotonic() - before == 2.0  # for so long the old one relies on its last answer
    assert leases.lease.transitions == 1
    for _ in range(3):
        with pytest.raises(
            StoodDown, match="another parent of site site-1 acts: new since 2026-01-01"
        ) as caught:
            old.check()
    assert "fljob-parent-1 -n fl" in caught.value.cure
    assert not old.is_acting
    new.check()
    said = said_by(caplog, "launcher.usecases.leader")
    assert sum("leaves all jobs alone" in line for line in said) == 1
    assert sum("acts for site site-1 now, instead of old" in line for line in said) == 1


def test_two_at_the_same_moment_agree(parent, leases):
    one, two = parent("one"), parent("two")
    leases.before = [two.check]
    one.check()
    assert leases.lease.holder == "one"  # its second try was the last: it is the newest that never acted
    assert one.is_acting


def test_the_old_one_acts_again_when_the_new_one_is_gone(stood_down, fake):
    old, new = stood_down
    turn = old.turn
    waits = threading.Thread(target=old.again, args=(turn,))
    waits.start()
    held = threading.Thread(target=old.hold)
    held.start()
    held.join(0.1)
    assert held.is_alive()
    pass_time(fake, LASTS + 1)
    old.check()
    waits.join(10)
    held.join(10)
    assert not waits.is_alive()
    assert not held.is_alive()
    assert (old.turn, old.is_acting) == (turn + 1, True)
    pass_time(fake, 3)
    with pytest.raises(StoodDown):  # it was cut off, say, and comes back: the other has its place
        new.check()


def test_who_ends_by_itself_leaves_the_lease(stood_down, leases):
    old, new = stood_down
    old.stop()  # has nothing to leave
    assert leases.lease.holder == "new"
    new.stop()
    assert leases.lease.holder == ""
    old.check()
    assert leases.lease.holder == "old"


def test_without_the_right_both_act_and_it_is_said_once(parent, leases, fake, caplog):
    caplog.set_level("INFO")
    own = parent("own")
    leases.error = Denied("may not list leases")
    for _ in range(3):
        own.check()
        pass_time(fake, 3)
    assert leases.asked == 1
    assert sum("would both act" in line for line in said_by(caplog, "launcher.usecases.leader")) == 1


def test_who_cannot_ask_changes_nothing_and_is_not_stood_down(parent, leases, fake):
    own = parent("own")
    own.check()
    leases.error = Unavailable("no answer")
    own.check()  # as of the last two seconds
    pass_time(fake, 3)
    with pytest.raises(Unavailable) as caught:
        own.check()
    assert not isinstance(caught.value, StoodDown)
    own.hold()
    assert own.is_acting
    leases.error = None
    pass_time(fake, 3)
    own.check()


def test_no_answer_counts_for_two_seconds_as_an_answer_does(parent, leases, fake):
    own = parent("own")
    leases.error = Unavailable("no answer", cure="wait", retry_after=7.0)
    for _ in range(100):  # threads that waited for the one that asked
        with pytest.raises(Unavailable) as caught:
            own.check()
    assert (leases.asked, caught.value.cure, caught.value.retry_after) == (1, "wait", 7.0)
    leases.error = None
    pass_time(fake, 3)
    own.check()
    assert leases.lease.holder == "own"


def test_who_was_stood_down_still_is_when_nobody_answers(stood_down, leases):
    old, _ = stood_down
    leases.error = Unavailable("no answer")
    for _ in range(2):
        with pytest.raises(StoodDown, match=r"acts: new since .*; no answer"):
            old.check()


@pytest.mark.parametrize(
    "error",
    [Denied("may not list leases"), Rejected("exceeded quota: count/leases"), NotFound("no namespace")],
    ids=lambda error: type(error).__name__,
)
def test_who_may_not_hold_a_lease_acts_until_it_may(parent, leases, fake, caplog, error):
    caplog.set_level("INFO")
    old, new = parent("old"), parent("new")
    old.check()
    new.check()
    pass_time(fake, 3)
    with pytest.raises(StoodDown):
        old.check()
    leases.error = error
    old.check()
    old.hold()  # returns
    assert (old.is_acting, old.turn) == (True, 1)
    pass_time(fake, 30)
    old.check()
    assert sum("would both act" in line for line in said_by(caplog, "launcher.usecases.leader")) == 1
    leases.error = None
    pass_time(fake, 31)
    leases.lease = replace(leases.lease, renewed=fake.clock.now())  # the new one renews it all the time
    with pytest.raises(StoodDown):
        old.check()


def test_who_takes_the_lease_looks_again_before_it_acts(parent, leases, fake, monkeypatch):
    old, new, newest = parent("old"), parent("new"), parent("newest")
    old.check()
    sleep = fake.clock.sleep

    def overtaken(seconds):
        monkeypatch.setattr(fake.clock, "sleep", sleep)
        newest.check()
        sleep(seconds)

    monkeypatch.setattr(fake.clock, "sleep", overtaken)
    with pytest.raises(StoodDown):
        new.check()
    assert leases.lease.holder == "newest"


def test_a_defect_does_not_end_the_renewals(leases, fake, monkeypatch, caplog):
    monkeypatch.setattr(leader, "_EVERY", 0.01)
    own = LeaseActing(leases, fake.clock, Holder("own"), "site-1", WHERE)
    own.check()
    leases.error = KeyError("spec")
    for _ in range(1000):
        if any("not renewed" in line for line in said_by(caplog, "launcher.usecases.leader")):
            break
        threading.Event().wait(0.01)
    leases.error, asked = None, leases.asked
    for _ in range(1000):
        if leases.asked > asked + 1:
            break
        threading.Event().wait(0.01)
    assert leases.asked > asked + 1
    own.stop()


def test_a_lease_that_changes_all_the_time_is_no_answer(parent, leases):
    own = parent("own")

    def change():
        leases.lease = replace(leases.lease, version=str(int(leases.lease.version or 0) + 1))

    leases.before = [change] * 100
    with pytest.raises(Unavailable, match="again and again"):
        own.check()


def test_it_is_renewed_in_the_background(leases, fake, monkeypatch):
    monkeypatch.setattr(leader, "_EVERY", 0.01)
    own = LeaseActing(leases, fake.clock, Holder("own"), "site-1", WHERE)
    own.check()
    deadline = threading.Event()
    for _ in range(1000):
        if leases.asked > 3:
            break
        deadline.wait(0.01)
    assert leases.asked > 3
    own.stop()


def test_nothing_is_changed_while_another_acts(parent, fake):
    own, other = parent("own"), parent("other")
    world = guarded(fake.world, own)
    own.check()
    other.check()
    pass_time(fake, 3)
    before = [*fake.pods.log, *fake.releases.log]
    for port, methods in WRITES.items():
        for method in methods:
            with pytest.raises(StoodDown):
                getattr(getattr(world, port), method)()
    assert [*fake.pods.log, *fake.releases.log] == before
    assert world.pods.list("fl") == ()
    assert not own.is_acting


# What a port's methods only read; a new one stands here or in WRITES.
READS = {
    ports.Releases: {"status", "record", "revisions", "is_whole", "list", "template"},
    ports.Pods: {
        *("get", "raw", "list", "has_namespace", "namespaces", "watch", "watching", "events", "claim_events"),
        *("nodes", "limit_ranges", "logs"),
    },
    ports.Secrets: {"shared", "mask", "credentials", "list", "namespaces"},
}


@pytest.mark.parametrize("port", READS, ids=lambda port: port.__name__)
def test_every_method_of_a_port_reads_or_is_guarded(port):
    methods = {name for name, _ in inspect.getmembers(port, inspect.isfunction) if not name.startswith("_")}
    assert methods == READS[port] | set(WRITES[port.__name__.lower()])


def test_the_time_of_a_lease_is_the_api_servers(parent, leases, fake):
    own = parent("own")
    own.check()
    assert abs(leases.lease.renewed - fake.clock.now()) < timedelta(seconds=1)
