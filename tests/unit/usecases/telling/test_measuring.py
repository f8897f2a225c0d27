"""What is counted of a job, and that counting never touches it."""

from __future__ import annotations

import gc
import threading
import weakref
from dataclasses import replace
from datetime import timedelta

import pytest

from launcher.core.catalogue import Code
from launcher.core.catalogue.returncodes import ReturnCode
from launcher.core.lifecycle.state import JobSample, JobState
from launcher.core.pending.clocks import WaitPolicy
from launcher.core.spec.site import PendingPolicy
from launcher.errors import Cancelled, Rejected, Unavailable
from launcher.usecases.service import Service
from launcher.usecases.telling.metrics import Unmeasured, careful
from tests.fakes import START, exited, main, raising, running, scheduled, unscheduled
from tests.jobs import make_spec, render, show
from tests.said import said_by


class Counted(Unmeasured):
    """Remembers what it was told."""

    def __init__(self):
        self.jobs, self.seconds, self.told = [], {}, []

    def follow(self, job):
        self.jobs.append(job)

    def waited(self, code, seconds):
        assert seconds >= 0
        self.seconds[code] = self.seconds.get(code, 0.0) + seconds

    def unclassified(self, code):
        self.told.append(("unclassified", code))

    def started(self, seconds):
        self.told.append(("started", seconds))

    def ended(self, code, return_code, unseen=None):
        self.told.append(("ended", code, return_code, unseen))


@pytest.fixture
def counted(fake):
    fake.metrics = Counted()
    return fake.metrics


@pytest.fixture
def service(fake, counted):
    return Service(fake.world, WaitPolicy(), render)


def ends(counted):
    return [one for one in counted.told if one[0] == "ended"]


def test_the_way_of_a_job_that_waits_runs_and_ends(fake, service, counted):
    handle = service.launch(make_spec())
    fake.clock.time = 3.0
    fake.pods.show(unscheduled())
    list(handle.follow(timeout=20, every=1.0))
    assert counted.jobs[0].sample() == JobSample(JobState.STARTING, Code.INSUFFICIENT_RESOURCES, 20.0)
    show(fake, running())
    handle.poll()
    assert counted.jobs[0].sample() == JobSample(JobState.RUNNING)
    ended = replace(
        main("terminated", "Completed", exit_code=0), finished_at=START + timedelta(seconds=fake.clock.time)
    )
    show(fake, scheduled(ended, phase="Running"))
    fake.clock.time += 1.5
    handle.wait()
    assert counted.told == [("started", 23.0), ("ended", Code.SUCCESS, ReturnCode.OK, 1.5)]
    assert counted.seconds == {Code.INSUFFICIENT_RESOURCES: 20.0}
    assert counted.jobs[0].sample() is None


def test_the_seconds_of_a_job_that_waits_unchanged_are_counted_when_somebody_asks(fake, service, counted):
    handle = service.launch(make_spec(pending_timeout=None))
    fake.pods.show(unscheduled())
    handle.poll()
    (job,) = counted.jobs
    fake.clock.time += 100
    assert job.sample().lasting == 100.0
    assert counted.seconds == {Code.INSUFFICIENT_RESOURCES: 100.0}
    fake.clock.time += 10
    handle.poll()
    assert counted.seconds == {Code.INSUFFICIENT_RESOURCES: 110.0}


def test_each_cause_has_the_seconds_of_its_own(fake, service, counted):
    handle = service.launch(make_spec(pending_timeout=None))
    for pod in (unscheduled(), scheduled(main("waiting", "ErrImagePull", "toomanyrequests: 429")), running()):
        show(fake, pod)
        handle.poll()
        fake.clock.time += 7
    handle.poll()
    assert counted.seconds == {Code.INSUFFICIENT_RESOURCES: 7.0, Code.IMAGE_PULL_TRANSIENT: 7.0}


def test_a_job_that_somebody_else_launched_has_no_time_to_start(fake, service, counted):
    spec = make_spec()
    service.launch(spec)
    again = service.attach(spec.release, "fl")
    show(fake, running())
    again.poll()
    assert counted.told == []
    show(fake, exited(7))
    again.poll()
    assert counted.told == [("ended", Code.APP_ERROR, ReturnCode.ABORTED, None)]


def test_an_end_is_counted_once_whoever_asks_for_it(fake, service, counted):
    handle = service.launch(make_spec())
    show(fake, exited(137, "OOMKilled"))
    handle.poll()
    handle.poll()
    handle.wait()
    handle.terminate()
    handle.close(5)
    assert ends(counted) == [("ended", Code.OOM_KILLED, ReturnCode.INFRASTRUCTURE_ERROR, None)]


def test_a_job_that_is_terminated_has_ended(fake, service, counted):
    handle = service.launch(make_spec())
    show(fake, running())
    handle.poll()
    handle.terminate()
    assert ends(counted) == [("ended", Code.TERMINATED, ReturnCode.ABORTED, None)]
    assert counted.jobs[0].sample() is None


@pytest.mark.parametrize(
    ("mode", "return_code"),
    [(PendingPolicy.GRACEFUL, 104), (PendingPolicy.STRICT, 101)],
)
def test_a_launch_that_is_refused_for_good_is_an_end(fake, counted, mode, return_code):
    fake.releases.install = raising(Unavailable("the API server is away"))
    service = Service(fake.world, WaitPolicy(mode), render)
    with pytest.raises(Unavailable):
        service.launch(make_spec())
    assert ends(counted) == [("ended", Code.API_UNAVAILABLE, return_code, None)]
    assert counted.jobs == []


def test_a_launch_that_is_cancelled_is_no_end(fake, service, counted):
    cancel = threading.Event()
    cancel.set()
    fake.releases.install = raising(Cancelled("cancelled"))
    with pytest.raises(Cancelled):
        service.launch(make_spec(), cancel=cancel)
    assert ends(counted) == []


def test_a_job_that_is_refused_and_tried_again_waits(fake, service, counted):
    fake.releases.install = raising(Unavailable("the API server is away"))
    handle = service.launch(make_spec(), retry_refused=True)
    handle.poll()
    assert counted.jobs[0].sample().code is Code.API_UNAVAILABLE
    handle.terminate()
    assert ends(counted) == [("ended", Code.TERMINATED, ReturnCode.ABORTED, None)]


def test_words_that_the_catalogue_does_not_know_are_counted_once_for_each_job(fake, service, counted):
    handle = service.launch(make_spec())
    show(fake, scheduled(main("waiting", "ErrNobodyKnows", "what is this")))
    handle.poll()
    handle.poll()
    assert counted.told == [("unclassified", Code.UNCLASSIFIED)]


class Broken:
    """Metrics of which everything fails."""

    def __getattr__(self, name):
        return raising(ZeroDivisionError(f"no {name}"))


def test_metrics_that_fail_end_no_job_and_are_logged_once(fake, caplog):
    fake.metrics = careful(Broken())
    handle = Service(fake.world, WaitPolicy(), render).launch(make_spec())
    fake.pods.script = [unscheduled(), running(), exited(0)]
    assert handle.wait().code is Code.SUCCESS
    assert handle.close(5)
    assert fake.is_empty
    assert said_by(caplog, "launcher.usecases.telling.metrics") == [
        "metrics are not complete: follow: ZeroDivisionError: no follow"
    ]


def test_a_refusal_is_raised_whatever_counts(fake):
    fake.metrics = careful(Broken())
    fake.releases.install = raising(Rejected("no"))
    with pytest.raises(Rejected, match="no"):
        Service(fake.world, WaitPolicy(), render).launch(make_spec())


def test_a_handle_that_nobody_holds_is_followed_no_longer(fake):
    class Weak(Unmeasured):
        def __init__(self):
            self.jobs = weakref.WeakSet()

        def follow(self, job):
            self.jobs.add(job)

    fake.metrics = Weak()
    handle = Service(fake.world, WaitPolicy(), render).launch(make_spec())
    assert len(fake.metrics.jobs) == 1
    del handle
    gc.collect()
    assert len(fake.metrics.jobs) == 0
