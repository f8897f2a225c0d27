"""What handles note in Helm's record for other shells: rarely, never at the cost of a job, and the end always."""

from __future__ import annotations

from dataclasses import replace

import pytest

from launcher.core.catalogue import Code
from launcher.core.catalogue.returncodes import ReturnCode
from launcher.core.lifecycle.ledger import RUNNING
from launcher.core.lifecycle.ledger_note import note_in
from launcher.core.lifecycle.state import JobState, Track
from launcher.core.pending.clocks import Action, Timing, Verdict, WaitPolicy
from launcher.core.spec.jobspec import ref_of_spec
from launcher.errors import Denied, NotFound, Unavailable
from launcher.usecases.measuring import Measuring
from launcher.usecases.noting import Noting
from launcher.usecases.paced import Pace
from launcher.usecases.service import Service
from launcher.usecases.telling import telling
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
    assert (found.track.verdict.timing, found.track.verdict.since) == (Timing.WATCHED, 0.0)
    (listed,) = other.jobs("fl")
    assert listed.track.verdict.timing is Timing.WATCHED
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


def test_a_parent_that_dies_again_and_again_does_not_wait_for_ever(fake, notes):
    service = Service(fake.world, WaitPolicy(pending_timeout=120), render)
    handle = service.launch(make_spec(pending_timeout=120))
    show(fake, unscheduled())
    for _ in range(4):
        pass_time(fake, notes, 35, handle)
        fake.clock.time += 1000  # nobody looks: that does not count
        notes._at.clear()
        handle = service.attach(handle.job.release, "fl")
        if handle.poll() is not ReturnCode.UNKNOWN:
            break
    assert handle.track.outcome.code is Code.INSUFFICIENT_RESOURCES
    handle.terminate()


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
    (said,) = said_by(caplog, "launcher.usecases.noting")
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
    monkeypatch.setattr("launcher.usecases.paced.Paced._run", lambda _: None)
    events, noted = Put(fake.clock), []
    monkeypatch.setattr(fake.releases, "note_ledger", lambda *_: noted.append(fake.clock.time))
    told = telling(fake.releases, events, fake.clock)
    fake.notes, fake.announced = told["notes"], told["announced"]
    verdict = Verdict(Action.WAIT, Code.INSUFFICIENT_RESOURCES, "words", 0.0, None)
    waits = Track(launched=0.0, verdict=verdict)
    for number in range(100):
        job = replace(ref_of_spec(make_spec()), release=f"fj-{number}")
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
