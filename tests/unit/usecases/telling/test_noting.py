"""What handles note in Helm's record for other shells: rarely, never at the cost of a job, and the end always."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from launcher.core.catalogue import Code
from launcher.core.catalogue.returncodes import ReturnCode
from launcher.core.lifecycle.ledger import RUNNING
from launcher.core.lifecycle.ledger_note import from_text, note_in
from launcher.core.lifecycle.state import JobState, Track
from launcher.core.pending.clocks import Action, Timing, Verdict, WaitPolicy
from launcher.core.report.status import cause_rows
from launcher.core.spec.jobspec import ref_of_spec
from launcher.errors import Denied, NotFound, Unavailable
from launcher.usecases.service import Service
from launcher.usecases.telling.measuring import Measuring
from launcher.usecases.telling.noting import Noting
from launcher.usecases.telling.paced import Pace
from launcher.usecases.telling.tellers import tellers
from tests.fakes import exited, raising, running, unscheduled
from tests.jobs import make_spec, render, show
from tests.said import said_by


@pytest.fixture
def notes(fake, monkeypatch):
    """Without its thread: each test says when time passes."""
    monkeypatch.setattr(Noting, "_run", lambda _: None)
    fake.notes = Noting(fake.releases, fake.clock)
    return fake.notes


@pytest.fixture
def service(fake, notes):
    return Service(fake.world, WaitPolicy(pending_timeout=None), render)


def pass_time(fake, notes, seconds, handle=None):
    """Let time pass, a second at a time, while somebody waits for the job."""
    for _ in range(seconds):
        fake.clock.time += 1
        if handle is not None:
            handle.poll()
        notes.write_due()


def note(fake, service, release="fj-a1b2-site-1-0"):
    return note_in(fake.releases.items[release].revisions)


def waiting(fake, service):
    handle = service.launch(make_spec(pending_timeout=None))
    show(fake, unscheduled())
    handle.poll()
    return handle


def test_a_cause_is_noted_once_however_long_it_lasts(fake, notes, service):
    handle = waiting(fake, service)
    pass_time(fake, notes, 600, handle)
    assert len(fake.releases.noted) == 1
    found = note(fake, service)
    assert found.code is Code.INSUFFICIENT_RESOURCES
    assert found.at(fake.clock.now()).seconds == {"InsufficientResources": 600}


def test_a_job_that_runs_at_once_costs_one_request(fake, notes, service):
    handle = service.launch(make_spec())
    show(fake, running())
    pass_time(fake, notes, 600, handle)
    assert len(fake.releases.noted) == 1
    assert note(fake, service).cause == RUNNING
    show(fake, exited(0))
    handle.poll()
    handle.close()
    assert len(fake.releases.noted) == 1  # it is gone
    assert fake.is_empty


def test_a_cause_that_flaps_is_noted_once_a_minute_with_the_sum(fake, notes, service):
    handle = waiting(fake, service)
    for _ in range(300):
        show(fake, running())
        pass_time(fake, notes, 1, handle)
        show(fake, unscheduled())
        pass_time(fake, notes, 1, handle)
    assert 9 <= len(fake.releases.noted) <= 11
    read = note(fake, service).at(fake.clock.now())
    assert sum(read.seconds.values()) == pytest.approx(600)


def test_another_shell_sees_the_clock_of_who_waits_and_where_the_time_went(fake, notes, service):
    handle = waiting(fake, service)
    pass_time(fake, notes, 100, handle)
    other = Service(fake.world, WaitPolicy(pending_timeout=500), render)
    found = other.inspect(handle.job.release, "fl")
    assert (found.track.verdict.timing, found.track.verdict.since) == (Timing.NOTED, 0.0)
    (listed,) = other.jobs("fl")
    assert listed.track.verdict.timing is Timing.NOTED
    shown = other.describe(found)
    assert shown["ledger"]["seconds"] == {"InsufficientResources": 100}
    assert shown["ledger"]["cause"] == "InsufficientResources"


def test_the_end_that_was_found_is_what_every_shell_says(fake, notes, service):
    handle = service.launch(make_spec())
    show(fake, running())
    pass_time(fake, notes, 20, handle)
    show(fake, exited(137, "OOMKilled"))
    assert handle.wait().code is Code.OOM_KILLED
    handle.close(10)
    fake.pods.show(None, "job-1")
    fake.pods.last.clear()
    found = service.inspect(handle.job.release, "fl")
    (listed,) = service.jobs("fl")
    for track in (found.track, listed.track):
        assert (track.state, track.outcome.code) == (JobState.FAILED, Code.OOM_KILLED)
        assert track.outcome.exit_code == 137
    assert service.attach(handle.job.release, "fl").wait(5).code is Code.OOM_KILLED
    written = len(fake.releases.noted)
    second = service.attach(handle.job.release, "fl")
    second.wait(5)
    second.close(10)
    assert len(fake.releases.noted) == written  # it knows no more, not even which pod it was
    assert service.diagnose(handle.job.release, "fl").cause.startswith("OOMKilled")


def test_the_end_of_a_failed_job_is_there_before_its_diagnosis_begins(fake, notes, service):
    seen = []
    handle = service.launch(make_spec(), on_failure=lambda *_: seen.append(note(fake, service).outcome.code))
    show(fake, exited(137, "OOMKilled"))
    handle.wait()
    handle.close(10)
    assert seen == [Code.OOM_KILLED]


def test_a_process_that_goes_on_counts_on(fake, notes, service):
    handle = waiting(fake, service)
    pass_time(fake, notes, 100, handle)
    fake.clock.time += 50  # it is gone, and nobody looks
    second = service.attach(handle.job.release, "fl")
    show(fake, running())
    second.poll()
    pass_time(fake, notes, 60, second)
    ledger = second.measuring.ledger
    assert ledger.seconds == {"InsufficientResources": 150, RUNNING: 60}
    assert note(fake, service).at(fake.clock.now()).seconds == ledger.seconds


def test_an_end_goes_into_no_record_of_another_pod(fake, notes, service):
    """A shell waits, another one ends the job and launches it again: the release has the same name."""
    old = service.launch(make_spec())
    show(fake, running())
    old.poll()
    service.terminate(old.job.release, "fl")
    service.launch(make_spec())
    show(fake, replace(running(), uid="uid-2"))
    fake.releases.note_pod(old.job.release, "fl", "uid-2")
    assert old.wait(60).code is Code.DELETED_EXTERNALLY
    old.close(10)
    assert fake.releases.noted == []
    (listed,) = service.jobs("fl")
    assert (listed.track.state, listed.track.outcome) == (JobState.RUNNING, None)
    assert service.attach(old.job.release, "fl").poll() is ReturnCode.UNKNOWN


def test_a_job_that_was_ended_as_asked_and_could_not_be_removed_has_not_ended(fake, notes, service):
    handle = service.launch(make_spec())
    show(fake, running())
    handle.poll()
    fake.releases.uninstall_errors = [Denied("no right to delete pods")] * 50
    with pytest.raises(Denied):
        service.terminate(handle.job.release, "fl")
    assert fake.releases.noted == []


def test_a_job_that_waits_in_vain_is_given_up_although_its_clock_was_noted(fake, notes):
    service = Service(fake.world, WaitPolicy(pending_timeout=120), render)
    handle = service.launch(make_spec(pending_timeout=120))
    show(fake, unscheduled())
    pass_time(fake, notes, 30, handle)
    assert len(fake.releases.noted) == 1
    fake.clock.time += 86400  # whoever waited is gone
    found = service.inspect(handle.job.release, "fl")
    assert found.track.verdict.timing is Timing.NOTED
    shown = service.describe(found)
    assert "whoever waits for the job ends it" in cause_rows(shown, fake.clock.now())["next"]
    assert "run out" in cause_rows(shown, fake.clock.now())["until"]
    assert [*service.sweep("fl", 3600, dry_run=True)] != []


def test_a_note_that_is_on_its_way_does_not_undo_the_end(fake, notes, service, monkeypatch):
    handle = waiting(fake, service)
    show(fake, running())
    handle.poll()
    real, errors = fake.releases.note_ledger, [Unavailable("503")]

    def once_away(*words):
        if errors:
            raise errors.pop()
        real(*words)

    monkeypatch.setattr(fake.releases, "note_ledger", once_away)
    fake.clock.time += 11
    notes.write_due()  # is to be written again in 15 s
    show(fake, exited(7))
    handle.wait()
    handle.close(10)
    pass_time(fake, notes, 60)
    assert note(fake, service).outcome.code is Code.APP_ERROR


def test_the_end_waits_for_what_is_on_its_way(fake, notes, service, monkeypatch):
    order, begun, may_land = [], threading.Event(), threading.Event()

    def slow(_name, _namespace, text, _pod):
        is_end = from_text(text).outcome is not None
        if not is_end:
            begun.set()
            may_land.wait(30)
        order.append(is_end)

    monkeypatch.setattr(fake.releases, "note_ledger", slow)
    handle = waiting(fake, service)
    fake.clock.time += 11
    writer = threading.Thread(target=notes.write_due)
    writer.start()
    assert begun.wait(30)
    show(fake, exited(7))
    handle.poll()
    assert not handle.close(0.3)
    may_land.set()
    writer.join(30)
    assert handle.close(30)
    assert order == [False, True]


def test_the_time_after_the_end_of_a_container_is_not_its_time(fake, notes, service):
    handle = service.launch(make_spec())
    show(fake, running())
    pass_time(fake, notes, 60, handle)
    ended = exited(7)
    last = replace(ended.main, finished_at=fake.clock.now())
    show(fake, replace(ended, containers=(last,)))
    fake.clock.time += 7200  # nobody looks
    second = service.attach(handle.job.release, "fl")
    second.poll()
    assert second.measuring.ledger.seconds == {"Launching": 1, RUNNING: 59}
    shown = service.describe(service.inspect(handle.job.release, "fl"))
    assert shown["ledger"]["seconds"] == {"Launching": 1, RUNNING: 59}


def test_a_refused_job_has_no_record_to_note_it_in(fake, notes, service):
    fake.releases.install_error = Unavailable("etcd is away")
    handle = service.launch(make_spec(pending_timeout=None), retry_refused=True)
    pass_time(fake, notes, 60, handle)
    assert fake.releases.noted == []
    handle.terminate()


@pytest.mark.parametrize("error", [Unavailable("503"), Denied("no"), NotFound("gone"), None])
def test_what_cannot_be_noted_costs_no_job(fake, notes, service, error):
    if error is not None:
        fake.releases.note_ledger = raising(error)
    handle = waiting(fake, service)
    pass_time(fake, notes, 30, handle)
    show(fake, exited(7))
    assert handle.wait().exit_code == 7
    assert handle.close(10)


def test_a_missing_right_is_said_once(fake, notes, service, caplog):
    caplog.set_level("INFO")
    fake.releases.note_ledger = raising(Denied("secrets is forbidden"))
    handle = waiting(fake, service)
    for _ in range(5):
        show(fake, running())
        pass_time(fake, notes, 61, handle)
        show(fake, unscheduled())
        pass_time(fake, notes, 61, handle)
    (said,) = said_by(caplog, "launcher.usecases.telling.noting")
    assert "`fljob rbac`" in said


def test_a_parent_that_does_not_act_notes_nothing(fake, notes, service):
    notes.leads(lambda: False)
    pass_time(fake, notes, 60, waiting(fake, service))
    assert fake.releases.noted == []


class Put:
    """Counts events that are written."""

    def __init__(self, clock):
        self.clock, self.at = clock, []

    def put(self, job, event):
        self.at.append(self.clock.time)


def test_events_and_notes_of_a_hundred_jobs_are_thirty_requests_a_minute_together(fake, monkeypatch):
    monkeypatch.setattr("launcher.usecases.telling.paced.Paced._run", lambda _: None)
    events, noted = Put(fake.clock), []
    monkeypatch.setattr(fake.releases, "note_ledger", lambda *_: noted.append(fake.clock.time))
    told = tellers(fake.releases, events, fake.clock)
    fake.notes, fake.announced = told["notes"], told["announced"]
    verdict = Verdict(Action.WAIT, Code.INSUFFICIENT_RESOURCES, "words", 0.0, None)
    waits = Track(launched=0.0, verdict=verdict)
    for number in range(100):
        job = replace(ref_of_spec(make_spec()), release=f"fj-{number}", uid=f"uid-{number}")
        measuring = Measuring(fake.world, launched=0.0, is_launched=True)
        measuring.saw(job, waits)
    for _ in range(1200):
        fake.clock.time += 1
        for port in told.values():
            port.write_due()
    asked = sorted([*events.at, *noted])
    most = max(sum(begin <= one < begin + 60 for one in asked) for begin in asked)
    assert most <= 30
    assert len(events.at) == len(noted) == 100


def test_a_pace_is_shared():
    class Clock:
        time = 0.0

        def monotonic(self):
            return self.time

    clock = Clock()
    pace = Pace(clock)
    assert [pace.take() for _ in range(7)] == [0.0] * 6 + [2.5]
    clock.time = 2.5
    assert pace.take() == 0.0
