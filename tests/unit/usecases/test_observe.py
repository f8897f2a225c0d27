"""What is asked for in one observation, while a job is followed, and when a job is seen only once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from launcher.core.catalogue import Code
from launcher.core.jobref import JobRef
from launcher.core.lifecycle.state import Observation, Track
from launcher.core.lifecycle.step import step
from launcher.core.pending.clocks import WaitPolicy
from launcher.core.spec.site import PendingPolicy, Timeouts
from launcher.core.views import ContainerKind, ContainerView, NodeView, PodEvent, Seen
from launcher.errors import Denied, Unavailable
from launcher.usecases.observe import follow, follow_events, observe, observe_once
from launcher.usecases.service import Service
from tests.fakes import START, FakeWorld, exited, main, make_pod, running, scheduled, unscheduled
from tests.jobs import make_spec, render, show


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
    handle = service.launch(make_spec())
    asks = ContainerView("job", ContainerKind.MAIN, requests={"cpu": "999"})
    fake.pods.show(unscheduled(containers=(asks,)))
    outcome = handle.wait(timeout=40)
    assert (outcome.code, outcome.return_code, outcome.clock) == (
        Code.IMPOSSIBLE_REQUEST,
        101,
        "timeouts.impossible",
    )


def test_events_of_claims_are_asked_for_while_a_claim_is_unbound():
    world, job, policy = FakeWorld(), JobRef(release="fj-1", namespace="fl", pod_name="job-1"), WaitPolicy()
    world.pods.claims = {"data": PodEvent("ProvisioningFailed", "no such class")}
    track = Track(launched=0.0)

    def look(pod):
        nonlocal track
        world.pods.show(pod)
        for _ in range(2):  # the first look finds the cause, the next asks what is known about it
            seen = observe(world.world, world.pods.watch("fl"), job, track, policy)
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
    world, job, policy = FakeWorld(), JobRef(release="fj-1", namespace="fl", pod_name="job-1"), WaitPolicy()
    world.pods.claims = {"data": PodEvent("ExternalProvisioning", "waiting for the provisioner x")}
    world.pods.show(make_pod(claims=("data",)))
    track = Track(launched=0.0)
    for _ in range(2):
        track = step(track, observe(world.world, world.pods.watch("fl"), job, track, policy), policy)
    assert track.verdict.code is Code.VOLUME_UNBOUND
    assert "provisioner x" in track.verdict.detail


@pytest.mark.parametrize(
    ("policy", "code"),
    [(WaitPolicy(), Code.POST_START_HOOK), (WaitPolicy(PendingPolicy.STRICT), Code.KILLED)],
)
def test_events_of_a_killed_job_are_asked_for_its_post_start_hook(policy, code):
    world, job = FakeWorld(), JobRef(release="fj-1", namespace="fl", pod_name="job-1")
    world.pods.event_list = (PodEvent("FailedPostStartHook", "PostStartHook failed", "Warning"),)
    world.pods.show(replace(exited(137), phase="Failed"))
    seen = observe(world.world, world.pods.watch("fl"), job, Track(launched=0.0), policy)
    assert step(Track(launched=0.0), seen, policy).outcome.code is code


def test_a_killed_job_ends_without_its_events():
    world, job = FakeWorld(), JobRef(release="fj-1", namespace="fl", pod_name="job-1")
    world.pods.event_error = Unavailable("refused")
    world.pods.show(exited(137))
    seen = observe(world.world, world.pods.watch("fl"), job, Track(launched=0.0), WaitPolicy())
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
        fake.world, "fl", lambda watch: watch.pod("job-1").value.main.state.value, "terminated".__eq__
    )
    assert list(phases) == ["running", "terminated"]


def test_following_reads_again_without_a_change_and_ends_at_its_timeout(fake):
    seconds = follow(fake.world, "fl", lambda _: fake.clock.time, lambda _: False, every=2.0, timeout=5.0)
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
    job = JobRef(release="fj-1", namespace="fl", pod_name="job-1")
    assert [one.why or one.value for one in follow_events(fake.world, job)] == ["503", (pulled,), (back_off,)]


def test_events_of_a_pod_of_a_later_attempt_are_not_followed(fake):
    fake.pods.show(running())
    job = JobRef(release="fj-1", namespace="fl", pod_name="job-1", uid="uid-0")
    assert list(follow_events(fake.world, job)) == []
