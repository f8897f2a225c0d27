"""The handle of one job: waiting for its end, taking it away, and what is called when it fails."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace

import pytest

from launcher.core.catalogue import Code
from launcher.core.catalogue.returncodes import ReturnCode
from launcher.core.jobref import JobRef
from launcher.core.lifecycle.state import JobState, Observation, Track
from launcher.core.lifecycle.step import step
from launcher.core.pending.clocks import WaitPolicy
from launcher.core.views import Seen
from launcher.errors import Denied, Unavailable
from launcher.usecases.telling.causes import log_cause
from tests.fakes import START, exited, main, make_pod, raising, running, scheduled, unscheduled
from tests.jobs import CANARY, make_spec, show
from tests.said import said_by


def test_success_is_reported_and_everything_removed(fake, service):
    handle = service.launch(make_spec(), secret={"TOKEN": CANARY})
    fake.pods.script = [unscheduled(), running(), exited(0)]
    assert handle.wait().code is Code.SUCCESS
    assert handle.close(5)
    assert fake.is_empty
    assert handle.poll() is ReturnCode.OK


def test_failure_keeps_the_release_and_drops_the_secret(fake, service):
    handle = service.launch(make_spec(), secret={"TOKEN": CANARY})
    fake.pods.script = [running(), exited(7)]
    outcome = handle.wait()
    handle.close(5)
    assert (outcome.code, outcome.exit_code, outcome.return_code) == (Code.APP_ERROR, 7, 9)
    assert list(fake.releases.items) == ["fj-a1b2-site-1-0"]
    assert fake.secrets.items == {}


def test_a_pod_that_will_never_start_is_removed(fake, service):
    handle = service.launch(make_spec(pending_timeout=2.0))
    fake.pods.script = [unscheduled(resource_version=str(n)) for n in range(20)]
    assert handle.wait().code is Code.INSUFFICIENT_RESOURCES
    handle.close(5)
    assert fake.is_empty


def test_wait_gives_up_at_its_timeout_and_leaves_the_job_alone(fake, service):
    handle = service.launch(make_spec(pending_timeout=None))
    assert handle.wait(timeout=3) is None
    assert handle.track.state is JobState.STARTING
    assert fake.releases.items


def test_wait_notifies_of_every_change(fake, service):
    handle = service.launch(make_spec())
    fake.pods.script = [unscheduled(), running(), exited(0)]
    told = []
    handle.wait(notify=lambda track: told.append(track.state.value))
    assert told == ["STARTING", "STARTING", "RUNNING", "SUCCEEDED"]


@pytest.mark.parametrize("pod", [make_pod(), unscheduled(), running(), exited(7), exited(0)])
def test_terminate_works_in_every_state_and_leaves_nothing(fake, service, pod):
    handle = service.launch(make_spec(), secret={"TOKEN": CANARY})
    fake.pods.show(pod)
    handle.terminate()
    handle.terminate()
    assert fake.is_empty
    assert handle.poll() is ReturnCode.ABORTED


def test_terminate_after_success_keeps_the_outcome(fake, service):
    handle = service.launch(make_spec())
    fake.pods.script = [exited(0)]
    handle.wait()
    handle.terminate()
    assert handle.poll() is ReturnCode.OK
    assert fake.is_empty


def test_terminate_wakes_every_waiter(fake, service):
    handle = service.launch(make_spec(pending_timeout=None))
    outcomes = []
    waiters = [threading.Thread(target=lambda: outcomes.append(handle.wait())) for _ in range(3)]
    for waiter in waiters:
        waiter.start()
    handle.terminate()
    for waiter in waiters:
        waiter.join(5)
    assert [o.code for o in outcomes] == [Code.TERMINATED] * 3


def test_a_quiet_job_is_looked_at_when_a_clock_is_due_and_an_onlooker_is_told_the_time(fake, service):
    handle = service.launch(make_spec(pending_timeout=12.0))
    fake.pods.show(unscheduled())
    looks = []
    handle.wait(timeout=3.0, notify=looks.append)
    assert len(looks) == 7
    fake.pods.log.clear()
    assert handle.wait().code is Code.INSUFFICIENT_RESOURCES
    assert fake.clock.time == 12.0
    assert len(fake.pods.log) == 3  # after 3, 8 and 12 s


def test_terminate_tries_again_while_the_cluster_cannot_be_asked(fake, service):
    handle = service.launch(make_spec())
    fake.releases.uninstall_errors = [Unavailable("refused")]
    handle.terminate()
    assert [entry[0] for entry in fake.releases.log] == ["install", "uninstall", "uninstall"]
    assert fake.is_empty


def test_terminate_says_what_it_may_not_remove(fake, service):
    handle = service.launch(make_spec())
    fake.releases.uninstall_errors = [Denied("secrets: delete"), Denied("secrets: delete")]
    with pytest.raises(Denied, match="secrets"):
        handle.terminate()
    handle.close(5)
    handle.terminate()
    assert fake.is_empty


def test_a_pod_that_hangs_in_its_deletion_is_removed_by_force(fake, service):
    handle = service.launch(make_spec())
    stuck = replace(fake.pods.items["job-1"], name="job-1", annotations={}, deleted=START)
    fake.releases.uninstall = lambda *_: fake.pods.show(stuck) or True
    ticking = fake.clock.monotonic
    fake.clock.monotonic = lambda: setattr(fake.clock, "time", fake.clock.time + 5) or ticking()
    handle.terminate()
    assert ("delete", "job-1", "uid-1", "0") in fake.pods.log
    assert fake.pods.items == {}


def test_terminate_has_a_time_limit_while_another_thread_removes(fake, service, monkeypatch):
    monkeypatch.setattr("launcher.usecases.handle._TERMINATE_WITHIN", 0.2)
    handle = service.launch(make_spec())
    with handle._removal, pytest.raises(Unavailable, match="another thread"):
        handle.terminate()
    handle.terminate()
    assert fake.is_empty


def test_close_says_when_something_is_left(fake, service):
    handle = service.launch(make_spec())
    fake.pods.script = [running(), exited(0)]
    fake.releases.uninstall_errors = [Denied("secrets: delete")]
    handle.wait()
    assert not handle.close(5)
    handle.poll()  # tries again
    assert handle.close(5)
    assert fake.is_empty


def test_the_secret_of_a_failed_job_is_deleted_with_retries(fake, service):
    handle = service.launch(make_spec(), secret={"TOKEN": CANARY})
    fake.secrets.delete_errors = [Unavailable("503")]
    fake.pods.script = [running(), exited(7)]
    handle.wait()
    assert handle.close(10)
    assert fake.secrets.items == {}


def test_secrets_never_show(fake, service, caplog):
    caplog.set_level("DEBUG")
    fake.releases.uninstall_errors = [Unavailable("refused")]
    handle = service.launch(make_spec(), secret={"TOKEN": CANARY})
    handle.terminate()
    shown = caplog.text + repr(handle) + repr(handle.track) + repr(handle.job) + str(fake.releases.values)
    assert CANARY.decode() not in shown


def test_a_later_attempt_of_the_same_name_is_not_ours(fake, service):
    handle = service.launch(make_spec(), secret={"TOKEN": CANARY})
    fake.pods.show(running())
    assert handle.poll() is ReturnCode.UNKNOWN
    fake.pods.show(replace(exited(0), uid="uid-2"))
    assert handle.wait().code is Code.DELETED_EXTERNALLY


def test_an_old_handle_does_not_take_a_later_attempt_away(fake, service):
    first = service.launch(make_spec())
    show(fake, exited(7))
    assert first.wait().exit_code == 7
    service.launch(make_spec())
    show(fake, replace(running(), uid="uid-2"))
    fake.releases.note_pod(first.job.release, "fl", "uid-2")
    first.terminate()
    assert fake.pods.items["job-1"].uid == "uid-2"
    assert fake.releases.items


def test_polling_an_ended_job_cleans_up_once(fake, service):
    handle = service.launch(make_spec())
    show(fake, exited(7))
    handle.wait()
    handle.close(5)
    assert handle.poll() is ReturnCode.ABORTED
    assert handle._cleaner is None


def test_a_pending_cause_is_logged_once_and_an_unknown_one_as_a_warning(fake, service, caplog):
    caplog.set_level("INFO")
    handle = service.launch(make_spec())
    fake.pods.script = [unscheduled(), unscheduled(resource_version="2"), unscheduled("brand new words")]
    handle.wait(timeout=3)
    told = [(r.levelname, r.getMessage()) for r in caplog.records if "pending:" in r.getMessage()]
    assert [level for level, _ in told if "InsufficientResources (pending_timeout)" in _] == ["INFO"]
    assert [level for level, _ in told if "Unschedulable (timeouts.heal): brand new words" in _] == [
        "WARNING"
    ]


def test_a_cause_is_logged_once_and_without_credentials(caplog):
    caplog.set_level(logging.INFO)
    job = JobRef(release="fj-1", namespace="fl", pod_name="job-1")
    words = 'Get "https://me:canary-1@registry/v2/": token=canary-2'
    pod = scheduled(main("waiting", "ImagePullBackOff", f"Back-off pulling image: ErrImagePull: {words}"))
    track = step(Track(launched=0.0), Observation(1.0, START, Seen.found(pod), Seen.found(())), WaitPolicy())
    told = log_cause(job, track, None)
    assert log_cause(job, track, told) is told
    assert len(said_by(caplog, "launcher.usecases.telling.causes")) == 1
    assert 'Get "https://me:***@registry/v2/": token=***' in caplog.text


def with_on_failure(service, **launch):
    seen = []
    handle = service.launch(make_spec(), on_failure=lambda *told: seen.append(told), **launch)
    return handle, seen


@pytest.mark.parametrize(
    "pod",
    [exited(7), exited(137, "OOMKilled"), scheduled(main("waiting", "InvalidImageName", "bad"))],
    ids=["exit", "oom", "never started"],
)
def test_on_failure_is_called_once_before_anything_goes(fake, service, pod):
    seen = []

    def note(job, track, measured):
        assert measured.outcome is track.outcome
        seen.append(
            (job.release in fake.releases.items, job.pod_name in fake.pods.items, dict(fake.secrets.items))
        )

    handle = service.launch(make_spec(), on_failure=note, secret={"TOKEN": b"x"})
    show(fake, pod)
    assert handle.wait(timeout=200) is not None
    assert handle.close(5)
    handle.terminate()
    assert fake.is_empty
    assert seen == [(True, True, {"nvflare-cred-job-1": {"TOKEN": b"x"}})]


def test_on_failure_is_not_called_for_success_and_termination(fake, service):
    handle, seen = with_on_failure(service)
    show(fake, exited(0))
    handle.wait()
    assert handle.close(5)
    handle, also = with_on_failure(service)
    show(fake, running())
    handle.terminate()
    assert (seen, also) == ([], [])
    assert fake.is_empty


@pytest.mark.parametrize(
    "error", [Unavailable("no"), OSError(28, "No space left on device"), ZeroDivisionError()]
)
def test_an_on_failure_that_raises_does_not_hinder_the_removal(fake, service, caplog, error):
    handle = service.launch(make_spec(), on_failure=raising(error))
    show(fake, exited(7))
    handle.wait()
    handle.terminate()
    assert fake.is_empty
    assert "has no diagnosis" in caplog.text


def test_many_threads_remove_and_one_calls_on_failure(fake, service):
    calls = []

    def slow(job, track, _):
        calls.append(threading.current_thread().name)
        threading.Event().wait(0.2)
        assert job.release in fake.releases.items

    handle = service.launch(make_spec(), on_failure=slow)
    show(fake, exited(7))
    handle.poll()
    threads = [threading.Thread(target=handle.terminate) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert len(calls) == 1
    assert fake.is_empty


def test_on_failure_of_an_attached_handle(fake, service):
    service.launch(make_spec())
    show(fake, exited(7))
    seen = []
    handle = service.attach(
        make_spec().release, "fl", on_failure=lambda job, track, _: seen.append(track.outcome.code.value)
    )
    handle.wait()
    assert handle.close(5)
    assert seen == ["AppError"]
