"""Launch, wait, terminate and clean up against a recording world."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from launcher.core import names
from launcher.core.catalogue import Code
from launcher.core.catalogue.returncodes import ReturnCode
from launcher.core.lifecycle.state import JobState
from launcher.core.pending.clocks import WaitPolicy
from launcher.core.spec.site import Timeouts
from launcher.core.views import ContainerKind, ContainerView, NodeView, PodEvent, ReleaseView
from launcher.errors import Cancelled, Conflict, Denied, NotFound, Rejected, Unavailable
from launcher.usecases.observe import observe_once
from launcher.usecases.service import Service
from tests.fakes import START, exited, main, make_pod, running, scheduled, unscheduled
from tests.jobs import CANARY, make_spec, render, show


def test_launch_returns_when_helm_has_accepted(fake, service):
    handle = service.launch(make_spec())
    assert fake.releases.log == [("install", "fj-a1b2-site-1-0", "fl")]
    assert handle.poll() is ReturnCode.UNKNOWN


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


def test_wait_tells_what_it_sees(fake, service):
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


def test_one_look_at_a_pod_that_should_long_be_gone_tells_of_its_node(fake, service):
    fake.clock.time = 61.0
    assert (
        observe_once(service.world, service.policy, scheduled(main("running"), deleted=START)).outcome.code
        is Code.NODE_LOST
    )
    assert (
        observe_once(
            service.world, service.policy, scheduled(main("running"), deleted=START + timedelta(seconds=2))
        ).outcome
        is None
    )


@pytest.mark.parametrize("pod", [unscheduled(), running()])
def test_a_relaunch_of_a_live_job_is_refused_by_name(fake, service, pod):
    service.launch(make_spec())
    show(fake, pod)
    with pytest.raises(Conflict, match=r"already running.*fj-a1b2-site-1-0.*fl/job-1"):
        service.launch(make_spec(), secret={"TOKEN": CANARY})
    assert fake.secrets.items == {}
    assert len(fake.releases.items) == 1


def test_a_leftover_of_a_dead_job_is_removed_first_and_the_attempt_counted(fake, service):
    service.launch(make_spec())
    show(fake, exited(7))
    service.launch(make_spec())
    assert [entry[0] for entry in fake.releases.log] == ["install", "uninstall", "install"]
    assert fake.pods.items["job-1"].labels[names.LABEL_ATTEMPT] == "2"


def test_a_release_without_a_pod_is_replaced(fake, service):
    fake.releases.items["fj-a1b2-site-1-0"] = ReleaseView("fj-a1b2-site-1-0", "fl", "failed", 1, START)
    service.launch(make_spec())
    assert [entry[0] for entry in fake.releases.log] == ["install", "uninstall", "install"]


@pytest.mark.parametrize(("age", "refused"), [(5, True), (90, False)])
def test_a_release_that_another_process_is_installing_is_left_alone_for_a_minute(fake, service, age, refused):
    fake.clock.time = age
    fake.releases.items["fj-a1b2-site-1-0"] = ReleaseView(
        "fj-a1b2-site-1-0", "fl", "pending-install", 1, START
    )
    if refused:
        with pytest.raises(Conflict, match="another process"):
            service.launch(make_spec())
    else:
        service.launch(make_spec())


@pytest.mark.parametrize(
    "error", [Rejected("quota", code="QuotaExceeded"), Unavailable("refused"), KeyboardInterrupt()]
)
def test_a_launch_that_fails_leaves_no_secret(fake, service, error):
    fake.releases.install_error = error
    with pytest.raises(type(error)):
        service.launch(make_spec(), secret={"TOKEN": CANARY})
    assert fake.is_empty


def test_a_cluster_that_cannot_be_asked_is_not_launched_into(fake, service):
    fake.pods.unavailable = "connection refused"
    with pytest.raises(Unavailable, match="connection refused"):
        service.launch(make_spec())
    assert fake.releases.log == []


def test_the_pod_owns_its_secret(fake, service):
    service.launch(make_spec(), secret={"TOKEN": CANARY})
    assert fake.secrets.owners == {"nvflare-cred-job-1": "uid-1"}


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


def test_events_are_looked_up_while_the_job_is_pending_and_not_when_it_runs(fake, service):
    handle = service.launch(make_spec())
    fake.pods.event_list = (PodEvent("FailedMount", 'secret "nope" not found', "Warning", START),)
    fake.pods.show(scheduled(resource_version="7"))
    handle.wait(timeout=2)
    assert handle.track.verdict.code is Code.MISSING_REF
    fake.pods.show(running())
    handle.wait(timeout=1)
    asked = len(fake.pods.log)
    handle.wait(timeout=30)
    assert len(fake.pods.log) == asked


@pytest.mark.parametrize("error", [Denied("events is forbidden"), Unavailable("503")])
def test_events_that_cannot_be_read_do_not_stop_the_clock_over_everything(fake, error):
    policy = WaitPolicy(graces=Timeouts(start=20.0))
    handle = Service(fake.world, policy, render).launch(make_spec())
    fake.pods.event_error = error
    fake.pods.show(scheduled(resource_version="7"))
    assert handle.wait(timeout=40).code is Code.START_TIMEOUT


def test_a_watch_that_fell_silent_ends_nothing(fake, service):
    handle = service.launch(make_spec())
    handle.wait(timeout=1)
    fake.pods.blind = True  # the watch shows an old list, the API server knows better
    assert handle.wait(timeout=60) is None
    fake.pods.blind = False
    fake.pods.script = [running(), exited(0)]
    assert handle.wait().code is Code.SUCCESS


def test_terminate_waits_no_longer_than_it_promises_for_another_thread(fake, service, monkeypatch):
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


def test_the_secret_of_a_failed_job_is_deleted_with_patience(fake, service):
    handle = service.launch(make_spec(), secret={"TOKEN": CANARY})
    fake.secrets.delete_errors = [Unavailable("503")]
    fake.pods.script = [running(), exited(7)]
    handle.wait()
    assert handle.close(10)
    assert fake.secrets.items == {}


def test_a_request_that_no_node_can_ever_meet_ends_early(fake, service):
    fake.pods.node_list = (NodeView("n", {"cpu": "8"}),)
    handle = service.launch(make_spec())
    asks = ContainerView("job", ContainerKind.MAIN, requests={"cpu": "999"})
    fake.pods.show(unscheduled(containers=(asks,)))
    outcome = handle.wait(timeout=40)
    assert (outcome.code, outcome.return_code, outcome.clock) == (
        Code.IMPOSSIBLE_REQUEST,
        101,
        "timeouts.impossible",
    )


def test_inspect_names_what_is_not_there(service):
    with pytest.raises(NotFound, match="no job release 'nope'"):
        service.inspect("nope", "fl")


def test_jobs_lists_releases_with_and_without_a_pod(fake, service):
    service.launch(make_spec())
    show(fake, running())
    fake.releases.items["fj-gone"] = ReleaseView("fj-gone", "fl", "deployed", 1, START, {"job": {"id": "x"}})
    jobs = service.jobs("fl")
    assert [(j.job.release, j.track.state.value) for j in jobs] == [
        ("fj-a1b2-site-1-0", "RUNNING"),
        ("fj-gone", "FAILED"),
    ]
    assert jobs[1].track.outcome.code is Code.DELETED_EXTERNALLY


def test_one_look_does_not_condemn_a_job_that_may_wait(fake, service):
    service.launch(make_spec())
    show(fake, unscheduled())
    assert service.inspect("fj-a1b2-site-1-0", "fl").track.outcome is None


def test_a_release_of_which_there_is_nothing_may_be_one_that_is_tried_again(service):
    with pytest.raises(NotFound, match="no job release 'fj-1' in namespace 'fl'") as raised:
        service.inspect("fj-1", "fl")
    assert "refused for now and tried again" in raised.value.cure
    with pytest.raises(NotFound) as again:
        service.diagnose("fj-1", "fl")
    assert str(again.value) == str(raised.value)


def test_terminate_by_name(fake, service):
    service.launch(make_spec(), secret={"TOKEN": CANARY})
    show(fake, running())
    report = service.terminate("fj-a1b2-site-1-0", "fl")
    assert report.track.state is JobState.RUNNING
    assert fake.is_empty
    with pytest.raises(NotFound):
        service.terminate("fj-a1b2-site-1-0", "fl")


def test_attach_goes_on_with_the_jobs_own_patience(fake, service):
    service.launch(make_spec())
    handle = service.attach("fj-a1b2-site-1-0", "fl")
    fake.pods.script = [running(), exited(0)]
    assert handle.wait().succeeded


def test_a_cancel_that_comes_after_the_install_takes_the_release_back(fake, service):
    cancel = threading.Event()
    install = fake.releases.install

    def accept(*args):
        install(*args)
        cancel.set()

    fake.releases.install = accept
    with pytest.raises(Cancelled):
        service.launch(make_spec(), secret={"TOKEN": CANARY}, cancel=cancel)
    assert fake.is_empty


def test_an_old_handle_does_not_take_a_later_attempt_away(fake, service):
    first = service.launch(make_spec())
    show(fake, exited(7))
    assert first.wait().exit_code == 7
    service.launch(make_spec())
    show(fake, replace(running(), uid="uid-2"))
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


def test_the_loser_of_two_launches_leaves_the_winners_secret_alone(fake, service):
    secret = "nvflare-cred-job-1"
    fake.secrets.items[secret] = {"TOKEN": b"the winner's"}
    fake.releases.items[make_spec().release] = ReleaseView(
        make_spec().release, "fl", "pending-install", 1, START
    )
    with pytest.raises(Conflict, match="being installed by another process"):
        service.launch(make_spec(), secret={"TOKEN": CANARY})
    assert fake.secrets.items == {secret: {"TOKEN": b"the winner's"}}


def test_a_relaunch_is_not_taken_for_the_pod_that_the_watch_remembers(fake, service):
    service.launch(make_spec())
    show(fake, exited(0))
    old = fake.pods.items["job-1"]
    again = service.launch(make_spec())
    assert again.job.uid
    fake.pods.last["job-1"] = old
    assert again.poll() is ReturnCode.UNKNOWN
