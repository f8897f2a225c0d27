"""Launching one job: what is refused, what a failure undoes, and two launches at the same time."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from launcher.core import names
from launcher.core.catalogue.returncodes import ReturnCode
from launcher.core.jobref import MOST_ATTEMPTS, unreadable
from launcher.errors import (
    Cancelled,
    Conflict,
    Denied,
    LeftBehind,
    NotPrepared,
    Reason,
    Rejected,
    Unavailable,
)
from tests.fakes import START, exited, running, unscheduled
from tests.jobs import CANARY, make_release, make_spec, render, show


def test_launch_returns_when_helm_has_accepted(fake, service):
    handle = service.launch(make_spec())
    assert fake.releases.log == [("install", "fj-a1b2-site-1-0", "fl")]
    assert handle.poll() is ReturnCode.UNKNOWN


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


def test_the_attempt_stays_a_number_that_is_read_whatever_is_written_on_a_dead_pod(fake, service):
    service.launch(make_spec())
    show(fake, exited(7))
    labels = {**fake.pods.items["job-1"].labels, names.LABEL_ATTEMPT: str(MOST_ATTEMPTS)}
    fake.pods.show(replace(fake.pods.items["job-1"], labels=labels))
    service.launch(make_spec())
    made = fake.pods.items["job-1"]
    assert made.labels[names.LABEL_ATTEMPT] == str(MOST_ATTEMPTS)
    assert not [said for said in unreadable(made) if names.LABEL_ATTEMPT in said]


def test_a_dead_pod_without_a_release_that_stays_is_said_to_be_held_by_finalizers(fake, service):
    labels = {names.LABEL_JOB_ID: "a1b2"}
    held = replace(exited(1), labels=labels, deleted=START, grace_seconds=0)
    fake.pods.show(held)
    fake.pods.delete = lambda *_args, **_more: None  # a finalizer
    with pytest.raises(
        Unavailable, match=r"job-1 is still there 4\d s after its deletion; no release"
    ) as raised:
        service.launch(make_spec())
    assert "`kubectl get pod job-1 -n fl -o yaml`" in raised.value.cure
    assert "finalizers" in raised.value.cure


def test_a_pod_of_the_same_name_that_is_nobodys_job_is_not_called_one(fake, service):
    fake.pods.show(running())
    with pytest.raises(Conflict, match="pod fl/job-1 is not a job's; that of job 'a1b2' at site 'site-1'"):
        service.launch(make_spec())


def test_a_release_without_a_pod_is_replaced(fake, service):
    fake.releases.items["fj-a1b2-site-1-0"] = make_release("failed")
    service.launch(make_spec())
    assert [entry[0] for entry in fake.releases.log] == ["install", "uninstall", "install"]


@pytest.mark.parametrize(("age", "refused"), [(5, True), (90, False)])
def test_a_release_that_another_process_is_installing_is_left_alone_for_a_minute(fake, service, age, refused):
    fake.clock.time = age
    fake.releases.items["fj-a1b2-site-1-0"] = make_release("pending-install")
    if refused:
        with pytest.raises(Conflict, match="another process"):
            service.launch(make_spec())
    else:
        service.launch(make_spec())


@pytest.mark.parametrize(
    "error", [Rejected("quota", reason=Reason.QUOTA_EXCEEDED), Unavailable("refused"), KeyboardInterrupt()]
)
def test_a_launch_that_fails_leaves_no_secret(fake, service, error):
    fake.releases.install_error = error
    with pytest.raises(type(error)):
        service.launch(make_spec(), secret={"TOKEN": CANARY})
    assert fake.is_empty


def test_secret_that_cannot_be_made_is_a_launch_that_was_not_prepared(fake, service):
    fake.secrets.put_error = denied = Denied("secrets is forbidden", cure="grant it")
    with pytest.raises(NotPrepared, match="secrets is forbidden\n  cure: grant it") as caught:
        service.launch(make_spec(), secret={"TOKEN": CANARY})
    assert caught.value.because is denied
    assert fake.releases.log == []


def test_what_is_prepared_first_and_fails_is_a_launch_that_was_not_prepared(fake, service):
    def prepare():
        raise Denied("no startup kit")

    with pytest.raises(NotPrepared, match="no startup kit"):
        service.launch(make_spec(), secret={"TOKEN": CANARY}, prepare=prepare)
    assert fake.is_empty


def test_release_that_cannot_be_removed_after_a_cancel_is_left_behind(fake, service):
    fake.releases.uninstall_errors = [Unavailable("503")]
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(LeftBehind, match="503"):
        service.launch(make_spec(), cancel=cancel)


def test_a_cluster_that_cannot_be_asked_is_not_launched_into(fake, service):
    fake.pods.unavailable = "connection refused"
    with pytest.raises(Unavailable, match=r"connection refused\n  cure: mend the proxy$"):
        service.launch(make_spec())
    assert fake.releases.log == []


def test_the_pod_owns_its_secret(fake, service):
    service.launch(make_spec(), secret={"TOKEN": CANARY})
    assert fake.secrets.owners == {"nvflare-cred-job-1": "uid-1"}


def test_a_cancel_that_comes_after_the_install_undoes_the_release(fake, service):
    cancel = threading.Event()
    install = fake.releases.install

    def accept(*args):
        install(*args)
        cancel.set()

    fake.releases.install = accept
    with pytest.raises(Cancelled):
        service.launch(make_spec(), secret={"TOKEN": CANARY}, cancel=cancel)
    assert fake.is_empty


def test_a_launch_refused_by_a_running_install_leaves_its_secret_alone(fake, service):
    secret = "nvflare-cred-job-1"
    fake.secrets.items[secret] = {"TOKEN": b"the winner's"}
    fake.releases.items[make_spec().release] = make_release("pending-install")
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


def first_of_two(fake, service, when, secret):
    """Let another process launch the same job when a launch has seen that there is no pod."""
    other = {"TOKEN": b"the winner's"} if secret else None
    if when == "before the Secret":
        return lambda spec: service.launch(make_spec(), secret=other) and render(spec)
    install = fake.releases.install

    def late(*args):
        fake.releases.install = install
        service.launch(make_spec(), secret=other)
        install(*args)

    fake.releases.install = late
    return render


@pytest.mark.parametrize("when", ["before the Secret", "before the install"])
@pytest.mark.parametrize("secret", [True, False])
def test_the_second_of_two_launches_leaves_the_first_ones_job_alone(fake, service, when, secret):
    rendered = first_of_two(fake, service, when, secret)
    with pytest.raises(Conflict, match="already running"):
        replace(service, render=rendered).launch(make_spec(), secret={"TOKEN": CANARY} if secret else None)
    assert [entry[0] for entry in fake.releases.log].count("uninstall") == 0
    assert fake.releases.items
    assert fake.pods.items
    assert list(fake.secrets.items.values()) == ([{"TOKEN": b"the winner's"}] if secret else [])


def test_a_dead_release_replaced_by_another_process_is_a_conflict(fake, service):
    dead = make_release("failed")
    fake.releases.items[dead.name] = dead
    uninstall = fake.releases.uninstall

    def late(*args):
        fake.releases.uninstall = uninstall
        uninstall(*args)
        service.launch(make_spec())
        return True

    fake.releases.uninstall = late
    with pytest.raises(Conflict, match="already running"):
        service.launch(make_spec())
    assert fake.releases.items[dead.name].status == "deployed"


def test_a_deployed_release_without_its_pod_is_replaced_at_any_age(fake, service):
    service.launch(make_spec())
    fake.pods.show(None)
    service.launch(make_spec())
    assert [entry[0] for entry in fake.releases.log] == ["install", "install", "uninstall", "install"]
