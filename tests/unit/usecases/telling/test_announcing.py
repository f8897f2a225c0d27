"""Events on pods: the newest of each job, at a bounded rate, and never at the cost of a job."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from launcher.core.catalogue import Code
from launcher.core.jobref import JobRef
from launcher.core.pending.clocks import WaitPolicy
from launcher.core.report.pod_events import EventReason, JobEvent
from launcher.errors import Denied, NotFound, Unavailable
from launcher.usecases.service import Service
from launcher.usecases.telling import announcing, paced
from launcher.usecases.telling.announcing import Announcing
from tests.fakes import START, exited, main, running, scheduled, unscheduled
from tests.jobs import make_spec, render, show
from tests.said import said_by

PENDING, FAILED, REMOVED = EventReason


class FakeJobEvents:
    """Remembers when what was written of which job; raises ``errors`` first, one for each request."""

    def __init__(self, clock):
        self.clock, self.asked, self.written, self.errors = clock, [], [], []

    def put(self, job, event):
        self.asked.append(self.clock.time)
        if self.errors:
            raise self.errors.pop(0)
        self.written.append((job.release, event.reason, event.code))


@pytest.fixture
def events(fake):
    return FakeJobEvents(fake.clock)


@pytest.fixture
def announced(events, fake, monkeypatch):
    """Without its thread: each test says when time passes."""
    monkeypatch.setattr(Announcing, "_run", lambda _: None)
    return Announcing(events, fake.clock)


def job(name="fj-1", namespace="fl"):
    return JobRef(release=name, namespace=namespace, pod_name=f"pod-{name}")


def event(code=Code.INSUFFICIENT_RESOURCES, reason=PENDING):
    return JobEvent(reason, code, "words", START)


def pass_time(announced, clock, seconds, meanwhile=lambda: None):
    """Let time pass as the thread would see it, a quarter of a second at a time."""
    for _ in range(int(seconds * 4)):
        meanwhile()
        announced.write_due()
        clock.time += 0.25


def most_in_a_minute(moments):
    return max(sum(begin <= one < begin + 60 for one in moments) for begin in moments)


def test_a_cause_is_said_once_it_has_settled(announced, events, fake):
    announced.tell(job(), event(Code.NO_SCHEDULER))
    announced.write_due()
    fake.clock.time += 0.5
    announced.tell(job(), event())
    pass_time(announced, fake.clock, 10)
    assert events.written == [("fj-1", PENDING, Code.INSUFFICIENT_RESOURCES)]
    assert events.asked == [6.0]  # since the first of them: a parent looks again after five seconds


def test_an_end_is_said_at_once(announced, events, fake):
    announced.tell(job(), event(Code.OOM_KILLED, FAILED))
    announced.write_due()
    assert events.written == [("fj-1", FAILED, Code.OOM_KILLED)]


def test_a_job_that_runs_meanwhile_is_not_said_to_wait(announced, events, fake):
    announced.tell(job(), event())
    announced.tell(job(), None)
    pass_time(announced, fake.clock, 10)
    assert events.asked == []


def test_what_was_said_is_not_said_again_but_after_it_was_over(announced, events, fake):
    for said in (event(), event(), event(Code.MOUNT), event(Code.MOUNT), None, event(Code.MOUNT)):
        announced.tell(job(), said)
        pass_time(announced, fake.clock, 10)
    assert [code for _, _, code in events.written] == [Code.INSUFFICIENT_RESOURCES, *[Code.MOUNT] * 2]


def test_a_hundred_jobs_whose_causes_change_all_the_time_cost_thirty_requests_a_minute(
    announced, events, fake
):
    """Measured: what issue 17 asks for, with four causes a second and job."""
    turn, jobs, causes = 0, [job(f"fj-{number}") for number in range(100)], [event(code) for code in Code]

    def change():
        nonlocal turn
        turn += 1
        for number, one in enumerate(jobs):
            announced.tell(one, causes[(turn + number) % 40])

    pass_time(announced, fake.clock, 600, change)
    assert most_in_a_minute(events.asked) <= 30
    assert len(events.asked) == pytest.approx(600 / 2.5, abs=6)
    assert len({release for release, *_ in events.written}) == 100  # each has its turn
    assert len(announced._waiting) == 100


def test_a_hundred_jobs_that_wait_for_the_same_are_said_once_each(announced, events, fake):
    for number in range(100):
        announced.tell(job(f"fj-{number}"), event())
    pass_time(announced, fake.clock, 600)
    assert len(events.asked) == len(events.written) == 100
    assert most_in_a_minute(events.asked) <= 30
    assert events.asked[-1] < 250


def test_whatever_waits_and_is_remembered_is_bounded(announced, events, fake, monkeypatch):
    monkeypatch.setattr(paced, "MOST", 500)
    for number in range(5000):
        announced.tell(job(f"fj-{number}"), event())
    assert len(announced._waiting) == 500
    pass_time(announced, fake.clock, 2000)
    assert len(events.written) == 500
    for number in range(100):
        announced.tell(job(f"fj-b{number}"), event(Code.OOM_KILLED, FAILED))
        pass_time(announced, fake.clock, 2.5)
    assert len(announced._said) == 500
    announced.tell(job("fj-b99"), event(Code.OOM_KILLED, REMOVED))
    pass_time(announced, fake.clock, 10)
    assert len(announced._said) == 499


DENIED = Denied("cannot apply event fl/x: events is forbidden", cure="grant it")


def test_a_missing_right_is_said_once_and_seldom_asked_for(announced, events, fake, caplog):
    caplog.set_level("INFO", announcing.__name__)
    events.errors = [DENIED] * 2
    for number in range(200):
        announced.tell(job(f"fj-{number}"), event())
        pass_time(announced, fake.clock, 8)
    (said,) = said_by(caplog, announcing.__name__)
    assert "no events on pods of namespace fl" in said
    assert "`fljob rbac`" in said
    assert events.asked[1] - events.asked[0] >= 600
    assert len(events.written) > 0  # the right has come


def test_a_right_that_is_missing_in_one_namespace_is_used_in_the_other(announced, events, fake):
    events.errors = [DENIED]
    announced.tell(job("fj-1"), event())
    announced.tell(job("fj-2", "other"), event())
    pass_time(announced, fake.clock, 10)
    assert [release for release, *_ in events.written] == ["fj-2"]


def test_an_outage_costs_four_requests_a_minute_and_the_newest_is_said_after_it(announced, events, fake):
    events.errors = [Unavailable("cannot apply event: 503")] * 8
    announced.tell(job(), event(Code.MOUNT))
    pass_time(announced, fake.clock, 30)
    announced.tell(job(), event())
    pass_time(announced, fake.clock, 300)
    assert most_in_a_minute(events.asked) <= 5
    assert events.written == [("fj-1", PENDING, Code.INSUFFICIENT_RESOURCES)]


def test_a_server_that_asks_to_be_left_alone_is(announced, events, fake):
    events.errors = [Unavailable("429", retry_after=100.0)]
    announced.tell(job(), event())
    pass_time(announced, fake.clock, 200)
    assert events.asked[1] - events.asked[0] >= 100


def test_an_event_that_is_refused_is_dropped(announced, events, fake):
    events.errors = [NotFound("namespaces fl not found")]
    announced.tell(job(), event())
    pass_time(announced, fake.clock, 60)
    assert (len(events.asked), events.written) == (1, [])


def test_a_parent_that_stood_down_says_nothing(announced, events, fake):
    acts = [False]
    announced.leads(lambda: acts[0])
    announced.tell(job(), event())
    pass_time(announced, fake.clock, 10)
    assert (events.asked, len(announced._waiting)) == ([], 0)
    acts[0] = True
    announced.tell(job(), event())
    pass_time(announced, fake.clock, 10)
    assert len(events.written) == 1


# the thread


class Slow:
    """A server that answers when it is told to."""

    def __init__(self):
        self.answers, self.asked = threading.Event(), threading.Event()
        self.written = []

    def put(self, job, event):
        self.asked.set()
        assert self.answers.wait(30)
        self.written.append((event.reason, event.code))


def test_a_server_that_does_not_answer_holds_up_no_handle(fake):
    slow = Slow()
    told = Announcing(slow, fake.clock)
    fake.announced = told
    handle = Service(fake.world, WaitPolicy(), render).launch(make_spec())
    told.tell(job(), event(Code.OOM_KILLED, FAILED))
    assert slow.asked.wait(30)
    show(fake, exited(137, "OOMKilled"))
    assert handle.wait().code is Code.OOM_KILLED  # while that request still waits
    handle.terminate()
    assert slow.written == []
    slow.answers.set()
    told.stop()


def test_what_is_left_is_said_before_the_process_ends_but_not_waited_for_long(fake, monkeypatch):
    monkeypatch.setattr(paced, "_LAST_WORDS", 0.2)
    slow = Slow()
    told = Announcing(slow, fake.clock)
    told.tell(job("fj-1"), event(Code.OOM_KILLED, FAILED))
    assert slow.asked.wait(30)
    told.tell(job("fj-2"), event())
    told.stop()
    assert slow.written == []
    slow.answers.set()
    told._thread.join(30)
    assert slow.written == [(FAILED, Code.OOM_KILLED), (PENDING, Code.INSUFFICIENT_RESOURCES)]
    told.tell(job("fj-3"), event())
    assert told._thread is None


class Broken:
    """An adapter with a mistake in it."""

    def __init__(self):
        self.asked = threading.Semaphore(0)

    def put(self, job, event):
        self.asked.release()
        raise KeyError("a mistake")


def test_a_mistake_ends_neither_the_thread_nor_a_job(fake, monkeypatch, caplog):
    monkeypatch.setattr(paced, "_SILENT_FOR", 0.01)
    broken = Broken()
    told = Announcing(broken, fake.clock)
    for number in range(3):
        told.tell(job(f"fj-{number}"), event(Code.OOM_KILLED, FAILED))
    for _ in range(3):
        assert broken.asked.acquire(timeout=30)
    told.stop()
    assert said_by(caplog, paced.__name__)[0] == "fljob-events writes nothing for a while"


# what handles say


@pytest.fixture
def service(fake, announced):
    fake.announced = announced
    return Service(fake.world, WaitPolicy(), render)


def test_the_way_of_a_job_on_its_pod(service, announced, events, fake):
    handle = service.launch(make_spec(pending_timeout=None))
    refused = scheduled(main("waiting", "ErrImagePull", "toomanyrequests: 429"))
    for pod in (unscheduled(), unscheduled(), refused, running(), exited(137, "OOMKilled")):
        show(fake, pod)
        handle.poll()
        pass_time(announced, fake.clock, 10)
    handle.terminate()
    announced.write_due()
    release = make_spec().release
    assert events.written == [
        (release, PENDING, Code.INSUFFICIENT_RESOURCES),
        (release, PENDING, Code.IMAGE_PULL_TRANSIENT),
        (release, FAILED, Code.OOM_KILLED),
        (release, REMOVED, Code.OOM_KILLED),
    ]


def test_a_job_that_is_terminated_by_a_shell_is_said_to_be_removed(service, announced, events, fake):
    spec = make_spec()
    service.launch(spec)
    fake.pods.show(replace(fake.pods.items["job-1"], phase="Pending"))
    service.terminate(spec.release, "fl")
    announced.write_due()
    assert events.written == [(spec.release, REMOVED, Code.TERMINATED)]
