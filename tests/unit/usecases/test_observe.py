"""What is asked for in one observation, while a job is followed, and when a job is seen only once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from launcher.core import names
from launcher.core.catalogue import Code
from launcher.core.jobref import RELEASE_ANNOTATION, JobRef
from launcher.core.lifecycle.state import Observation, Track
from launcher.core.lifecycle.step import step
from launcher.core.ownership import Owner, Ownership
from launcher.core.pending.clocks import WaitPolicy
from launcher.core.spec.site import PendingPolicy, Timeouts
from launcher.core.views import ContainerKind, ContainerView, NodeView, PodEvent, Seen
from launcher.errors import Conflict, Denied, Unavailable
from launcher.usecases.follow import follow, follow_events
from launcher.usecases.observe import observe, observe_once
from launcher.usecases.service import Service
from tests.fakes import START, FakeWorld, exited, main, make_pod, raising, running, scheduled, unscheduled
from tests.jobs import make_release, make_spec, render, show

OF_SITE_1 = {"id": "a1b2", "site": "site-1"}
# Its pod is known already, as after a launch.
JOB = JobRef(release="fj-1", namespace="fl", pod_name="job-1", uid="uid-1")


def test_events_are_asked_for_while_the_job_is_pending_and_not_when_it_runs(fake, service):
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


def test_a_request_that_no_node_can_ever_meet_ends_early(fake, service):
    fake.pods.node_list = (NodeView("n", {"cpu": "8"}),)
    handle = replace(service, policy=WaitPolicy(may_grow=False)).launch(make_spec())
    asks = ContainerView("job", ContainerKind.MAIN, requests={"cpu": "999"})
    fake.pods.show(unscheduled(containers=(asks,)))
    outcome = handle.wait(timeout=40)
    assert (outcome.code, outcome.return_code, outcome.clock) == (
        Code.IMPOSSIBLE_REQUEST,
        101,
        "timeouts.impossible",
    )


def test_events_of_claims_are_asked_for_while_a_claim_is_unbound():
    world, policy = FakeWorld(), WaitPolicy()
    world.pods.claims = {"data": PodEvent("ProvisioningFailed", "no such class")}
    track = Track(launched=0.0)

    def look(pod):
        nonlocal track
        world.pods.show(pod)
        for _ in range(2):  # the first look finds the cause, the next asks what is known about it
            seen = observe(world.world, world.pods.watch("fl"), JOB, track, policy)
            track = step(track, seen, policy)

    look(unscheduled(claims=("data",)))
    assert ("claims", "fl") not in world.pods.log
    unbound = "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims."
    look(unscheduled(unbound, claims=("data",)))
    assert track.verdict.detail == f"{unbound}; claim data (ProvisioningFailed: no such class)"
    world.pods.log.clear()
    look(unscheduled(unbound))
    assert ("claims", "fl") not in world.pods.log


def test_events_of_claims_are_asked_for_while_the_scheduler_says_nothing():
    world, policy = FakeWorld(), WaitPolicy()
    world.pods.claims = {"data": PodEvent("ExternalProvisioning", "waiting for the provisioner x")}
    world.pods.show(make_pod(claims=("data",)))
    track = Track(launched=0.0)
    for _ in range(2):
        track = step(track, observe(world.world, world.pods.watch("fl"), JOB, track, policy), policy)
    assert track.verdict.code is Code.VOLUME_UNBOUND
    assert "provisioner x" in track.verdict.detail


@pytest.mark.parametrize(
    ("policy", "code"),
    [(WaitPolicy(), Code.POST_START_HOOK), (WaitPolicy(PendingPolicy.STRICT), Code.KILLED)],
)
def test_events_of_a_killed_job_are_asked_for_its_post_start_hook(policy, code):
    world = FakeWorld()
    world.pods.event_list = (PodEvent("FailedPostStartHook", "PostStartHook failed", "Warning"),)
    world.pods.show(replace(exited(137), phase="Failed"))
    seen = observe(world.world, world.pods.watch("fl"), JOB, Track(launched=0.0), policy)
    assert step(Track(launched=0.0), seen, policy).outcome.code is code


def test_a_killed_job_ends_without_its_events():
    world = FakeWorld()
    world.pods.event_error = Unavailable("refused")
    world.pods.show(exited(137))
    seen = observe(world.world, world.pods.watch("fl"), JOB, Track(launched=0.0), WaitPolicy())
    assert step(Track(launched=0.0), seen, WaitPolicy()).outcome.code is Code.KILLED


def test_the_hook_that_was_known_before_the_end_is_remembered():
    hook = PodEvent("FailedPostStartHook", "PostStartHook failed", "Warning")
    track = replace(Track(launched=0.0), events=(hook,))
    seen = Observation(1.0, START, Seen.found(exited(137)), Seen.found(()))
    assert step(track, seen, WaitPolicy()).outcome.code is Code.POST_START_HOOK


def test_observing_once_a_pod_that_should_long_be_gone_finds_its_node_lost(fake, service):
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


def test_observing_once_does_not_fail_a_job_that_may_wait(fake, service):
    service.launch(make_spec())
    show(fake, unscheduled())
    assert service.inspect("fj-a1b2-site-1-0", "fl").track.outcome is None


def test_following_starts_with_what_is_there_and_ends_with_the_last(fake):
    fake.pods.show(running())
    fake.pods.script = [exited(0)]
    phases = follow(
        fake.world,
        JOB,
        lambda watch: watch.pod("job-1").value.main.state.value,
        "terminated".__eq__,
        lambda _: 60.0,
    )
    assert list(phases) == ["running", "terminated"]


def test_following_reads_again_without_a_change_and_ends_at_its_timeout(fake):
    seconds = follow(fake.world, JOB, lambda _: fake.clock.time, lambda _: False, lambda _: 2.0, timeout=5.0)
    assert list(seconds) == [0.0, 2.0, 4.0, 5.0]


def test_new_events_are_yielded_once_and_an_outage_once(fake):
    pulled, back_off = PodEvent("Pulled", "x"), PodEvent("BackOff", "y")
    answers = [Unavailable("503"), Unavailable("503"), (pulled,), (pulled,), (pulled, back_off)]

    def events(namespace, uid):
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    fake.pods.events = events
    fake.pods.show(running())
    fake.pods.script = [*(replace(running(), resource_version=str(n)) for n in range(3)), exited(0)]
    assert [one.why or one.value for one in follow_events(fake.world, JOB)] == ["503", (pulled,), (back_off,)]


def test_events_of_a_pod_of_a_later_attempt_are_not_followed(fake):
    fake.pods.show(running())
    assert list(follow_events(fake.world, replace(JOB, uid="uid-0"))) == []


CLAIMS = {RELEASE_ANNOTATION: make_spec().release, names.ANNOTATION_SITE: "site-1"}
LABELS = {names.LABEL_JOB_ID: "a1b2"}


@pytest.mark.parametrize(
    "changes",
    [
        {"labels": {}},
        {"labels": {names.LABEL_JOB_ID: "other"}},
        {"annotations": {}},
        {"annotations": {**CLAIMS, RELEASE_ANNOTATION: "fj-other"}},
        {"annotations": {**CLAIMS, names.ANNOTATION_SITE: "site-2"}},
    ],
)
def test_a_job_whose_pod_nobody_saw_adopts_no_strangers(fake, service, changes):
    """The pod is gone, and a stranger's takes its name while somebody waits."""
    service.launch(make_spec())
    fake.pods.show(None)
    release = make_spec().release
    fake.releases.items[release] = make_release(values={**render(make_spec()), "job": OF_SITE_1})
    found = service.inspect(release, "fl")
    stranger = replace(running(), **{"uid": "s", "labels": LABELS, "annotations": CLAIMS, **changes})
    handle = service.attach(release, "fl")
    fake.pods.show(stranger)
    fake.pods.event_list = (PodEvent("Pulled", "x"),)
    assert not any(now.track.has_started for now in service.follow_start(found))
    assert list(service.follow_events(found)) == []
    assert not handle.wait(timeout=60).succeeded
    fake.pods.show(stranger)
    for act in (service.follow_start, service.follow_events):
        with pytest.raises(Conflict, match="left alone"):
            act(replace(found, ownership=Ownership(Owner.FOREIGN_POD, "pod job-1 is another's")))


def test_a_job_whose_pod_comes_late_finds_it_by_what_it_claims(fake, service):
    service.launch(make_spec())
    fake.pods.show(None)
    handle = service.attach(make_spec().release, "fl")
    fake.pods.script = [replace(one, labels=LABELS, annotations=CLAIMS) for one in (running(), exited(0))]
    assert handle.wait(timeout=60).succeeded


NO_PARENT = "workspace transfer bootstrap cell failed to connect to parent site-1 within 30.0 seconds"
GAVE_UP = ["[ws-transfer] upload_results start job=a1b2", f"RuntimeError: {NO_PARENT}"]
MODES = [PendingPolicy.GRACEFUL, PendingPolicy.STRICT]


@pytest.mark.parametrize("mode", MODES)
def test_the_log_of_a_job_that_gave_its_files_up_tells_why(fake, mode):
    handle = Service(fake.world, WaitPolicy(mode), render).launch(make_spec())
    fake.pods.lines[""] = GAVE_UP
    fake.pods.script = [running(), exited(101, phase="Failed")]
    outcome = handle.wait()
    assert (outcome.code, outcome.return_code) == (Code.APP_CODE, 101)
    assert "its results could not be delivered" in outcome.detail
    assert "restart parents" in outcome.cure
    seen_once = observe_once(fake.world, WaitPolicy(mode), exited(101, phase="Failed")).outcome
    assert seen_once.detail == outcome.detail


def test_a_log_is_asked_for_only_where_it_may_tell(fake, service):
    handle = service.launch(make_spec())
    fake.pods.script = [running(), exited(7)]
    assert handle.wait().code is Code.APP_ERROR
    observe_once(fake.world, WaitPolicy(), exited(101), ask_events=False)
    assert not any(asked[0] == "logs" for asked in fake.pods.log)


@pytest.mark.parametrize("error", [Denied("pods/log is forbidden"), Unavailable("503")])
def test_a_log_that_cannot_be_read_changes_no_end(fake, service, monkeypatch, error):
    monkeypatch.setattr(fake.pods, "logs", raising(error))
    handle = service.launch(make_spec())
    fake.pods.script = [running(), exited(101)]
    outcome = handle.wait()
    assert (outcome.code, outcome.return_code) == (Code.APP_CODE, 101)
    assert outcome.detail == "the job process ended with FLARE's code 101"
