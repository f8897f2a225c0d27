"""What this process tells others of the jobs it watches, and what it makes of what they tell."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from launcher.core.pending.clocks import WaitPolicy
from launcher.core.watched import LASTS, LeaseView, job_mark
from launcher.errors import Conflict, Denied, LauncherError, Unavailable
from launcher.usecases import watching
from launcher.usecases.service import Service
from launcher.usecases.watching import LeaseWatching
from tests.fakes import START, FakeClock, exited
from tests.jobs import make_release, make_spec, render, show

OTHER = "fljob-watcher-other"
RELEASE = "fj-a1b2-site-1-0"


class FakeLeases:
    """Leases in memory."""

    def __init__(self) -> None:
        self.items: dict[str, LeaseView] = {}
        self.log: list[str] = []
        self.error: LauncherError | None = None

    def _ask(self, verb: str) -> None:
        self.log.append(verb)
        if self.error is not None:
            raise self.error

    def put(self, name, namespace, lease):
        self._ask("put")
        self.items[name] = lease

    def list(self, namespace):
        self._ask("list")
        return dict(self.items)

    def delete(self, name, namespace):
        self._ask("delete")
        self.items.pop(name, None)


@pytest.fixture
def leases():
    return FakeLeases()


@pytest.fixture
def own(leases, fake):
    """What this process tells; nothing by itself, since a test does not last for five seconds."""
    made = LeaseWatching(leases, fake.clock, "fljob-watcher-own", "host_1")
    yield made
    made.stop()


@pytest.fixture
def watched(fake, own):
    """The use cases of a process that looks at Leases."""
    return Service(replace(fake.world, watching=own), WaitPolicy(), render)


def other(leases, clock, *jobs):
    """Let another process watch jobs from now on."""
    leases.items[OTHER] = LeaseView("host_2", clock.now(), frozenset(map(job_mark, jobs)))


def test_one_lease_tells_of_all_jobs_and_goes_with_the_last(own, leases, fake):
    with own.of("fj-1", "fl"), own.of("fj-2", "fl"), own.of("fj-1", "fl"):
        own.renew()
        assert leases.items["fljob-watcher-own"] == LeaseView(
            "host_1", START, frozenset({job_mark("fj-1"), job_mark("fj-2")})
        )
        assert leases.log == ["put"]
    fake.clock.time = 15.0
    with own.of("fj-2", "fl"):
        own.renew()
        assert leases.items["fljob-watcher-own"] == LeaseView(
            "host_1", fake.clock.now(), frozenset({job_mark("fj-2")})
        )
    own.renew()
    assert leases.items == {}
    own.renew()
    assert leases.log == ["put", "put", "delete"]


def test_a_process_that_ends_takes_back_what_it_told(own, leases):
    with own.of("fj-1", "fl"):
        own.renew()
        own.stop()
    assert leases.items == {}


def test_it_is_told_in_the_background(leases, monkeypatch):
    monkeypatch.setattr(watching, "_FIRST", 0.01)
    monkeypatch.setattr(watching, "_EVERY", 0.01)
    one = LeaseWatching(leases, FakeClock(), "own", "me")
    with one.of("fj-1", "fl"):
        _until(lambda: leases.log.count("put") > 2)
    _until(lambda: not leases.items and not one._is_running)
    with one.of("fj-2", "fl"):
        _until(lambda: leases.items)
    one.stop()
    assert leases.items == {}


def _until(condition):
    for _ in range(500):
        if condition():
            return
        threading.Event().wait(0.01)
    pytest.fail("it did not come")


def test_a_missing_right_is_said_once_and_an_outage_is_outlasted(own, leases, caplog):
    caplog.set_level("INFO")
    with own.of("fj-1", "fl"):
        leases.error = Unavailable("away")
        own.renew()
        leases.error = None
        own.renew()
        assert leases.items
        leases.error = Denied("leases: patch")
        own.renew()
        own.renew()
    assert leases.log == ["put"] * 3
    assert caplog.text.count("leases: patch") == 1
    assert "`fljob rbac`" in caplog.text


def test_others_watch_while_they_renew_by_the_clock_of_the_api_server(own, leases, fake):
    other(leases, fake.clock, "fj-1")
    by_others = own.by_others("fl")
    assert by_others("fj-1")
    assert not by_others("fj-2")
    fake.clock.time = LASTS - 1.0
    assert by_others("fj-1")
    fake.clock.time = LASTS
    assert not by_others("fj-1")
    other(leases, fake.clock, "fj-1")  # it was only slow
    fake.clock.time += 11
    assert by_others("fj-1")


def test_what_this_process_watches_is_no_others(own, leases):
    with own.of("fj-1", "fl"):
        own.renew()
        assert leases.items
        assert not own.by_others("fl")("fj-1")


def test_without_the_right_to_list_nobody_is_known_to_watch(own, leases, caplog):
    caplog.set_level("INFO")
    leases.error = Denied("leases: list")
    assert not own.by_others("fl")("fj-1")
    assert own.left("fl") == ()
    assert "leases: list" in caplog.text


def ended(fake, service):
    service.launch(make_spec())
    show(fake, exited(1))
    fake.clock.time = 1000.0


def test_gc_leaves_what_somebody_watches(fake, watched, leases):
    ended(fake, watched)
    other(leases, fake.clock, RELEASE)
    assert list(watched.sweep("fl", 0.0)) == []
    fake.clock.time += LASTS
    assert list(watched.sweep("fl", 0.0)) == [f"release {RELEASE}"]


def test_gc_looks_again_before_it_removes(fake, watched, leases):
    ended(fake, watched)
    names = watched.sweep("fl", 0.0)
    other(leases, fake.clock, RELEASE)
    fake.clock.time += 11
    assert list(names) == []
    assert fake.releases.items


def test_gc_does_nothing_while_it_cannot_be_told_who_watches(fake, watched, leases):
    ended(fake, watched)
    leases.error = Unavailable("away")
    with pytest.raises(Unavailable):
        watched.sweep("fl", 0.0)
    assert fake.releases.items


@pytest.mark.parametrize("dry_run", [True, False])
def test_gc_removes_the_leases_of_those_who_are_gone_for_good(fake, watched, leases, dry_run):
    other(leases, fake.clock, RELEASE)
    leases.items["young"] = LeaseView("host_3", START + timedelta(hours=1))
    fake.clock.time = 3600.0
    assert list(watched.sweep("fl", 0.0, dry_run=dry_run)) == [f"lease {OTHER}"]
    assert set(leases.items) == ({OTHER, "young"} if dry_run else {"young"})


def test_a_slow_install_is_not_stolen_from_a_process_that_watches_it(fake, watched, leases):
    fake.releases.items[RELEASE] = make_release("pending-install")
    fake.clock.time = 61.0
    other(leases, fake.clock, RELEASE)
    with pytest.raises(Conflict, match="being installed by another process"):
        watched.launch(make_spec())
    assert list(watched.sweep("fl", 0.0)) == []
    fake.clock.time += LASTS
    assert watched.launch(make_spec()).job.release == RELEASE


def test_whoever_waits_for_a_job_watches_it(fake, watched, own, leases):
    handle = watched.launch(make_spec())
    following = handle.follow()
    next(following)
    own.renew()
    assert leases.items["fljob-watcher-own"].jobs == {job_mark(handle.job.release)}
    following.close()
    own.renew()
    assert leases.items == {}
