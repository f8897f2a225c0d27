"""What is asked for in one look, and what the parent's log says about a pending job."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from launcher.core.catalogue import Code
from launcher.core.jobref import JobRef
from launcher.core.lifecycle.state import Observation, Track
from launcher.core.lifecycle.step import step
from launcher.core.pending.clocks import WaitPolicy
from launcher.core.spec.site import PendingPolicy
from launcher.core.views import PodEvent, Seen
from launcher.errors import Unavailable
from launcher.usecases.handle import log_cause
from launcher.usecases.observe import observe
from tests.fakes import START, FakeWorld, exited, main, scheduled, unscheduled


def test_the_cause_is_told_once_and_without_credentials(caplog):
    caplog.set_level(logging.INFO)
    job = JobRef(release="fj-1", namespace="fl", pod_name="job-1")
    words = 'Get "https://me:canary-1@registry/v2/": token=canary-2'
    pod = scheduled(main("waiting", "ImagePullBackOff", f"Back-off pulling image: ErrImagePull: {words}"))
    track = step(Track(launched=0.0), Observation(1.0, START, Seen.found(pod), Seen.found(())), WaitPolicy())
    told = log_cause(job, track, None)
    assert log_cause(job, track, told) is told
    assert len(caplog.records) == 1
    assert 'Get "https://me:***@registry/v2/": token=***' in caplog.text


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


@pytest.mark.parametrize(
    ("policy", "code"),
    [(WaitPolicy(), Code.POST_START_HOOK), (WaitPolicy(PendingPolicy.STRICT), Code.KILLED)],
)
def test_a_job_that_was_killed_in_its_first_second_is_asked_for_its_hook(policy, code):
    world, job = FakeWorld(), JobRef(release="fj-1", namespace="fl", pod_name="job-1")
    world.pods.event_list = (PodEvent("FailedPostStartHook", "PostStartHook failed", "Warning"),)
    world.pods.show(replace(exited(137), phase="Failed"))
    seen = observe(world.world, world.pods.watch("fl"), job, Track(launched=0.0), policy)
    assert step(Track(launched=0.0), seen, policy).outcome.code is code


def test_a_killed_job_whose_events_cannot_be_read_has_ended_all_the_same():
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
