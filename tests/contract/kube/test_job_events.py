"""Events on pods: what is sent to the API server, what its refusals are, and that we never read our own."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest

from launcher.core.catalogue import Code
from launcher.core.jobref import JobRef
from launcher.core.lifecycle.state import Observation, Track
from launcher.core.lifecycle.step import step
from launcher.core.pending.clocks import WaitPolicy
from launcher.core.report.pod_events import EventReason, JobEvent
from launcher.core.spec.site import PendingPolicy
from launcher.core.views import Seen
from launcher.edges.kube import KubeJobEvents
from launcher.errors import Denied, NotFound, Unavailable
from tests.contract.kube.test_events import said
from tests.contract.kube.test_watch import event, until
from tests.fakes import SHORTAGE, main, make_pod, scheduled

JOB = JobRef(release="fj-1", namespace="fl", pod_name="a1.b-site-1", uid="u1")
AT = datetime(2026, 1, 2, 3, 4, 5, 678, timezone(timedelta(hours=2)))
EVENT = JobEvent(EventReason.PENDING, Code.MOUNT, "why, and the cure", AT, is_warning=True)


def sent(server):
    """Return path, content type and body of the last request."""
    kind, body = server.patches[-1]
    return server.requests[-1], kind, json.loads(body)


def test_an_event_is_one_apply_with_all_that_kubectl_shows(server, client):
    KubeJobEvents(client).put(JOB, EVENT)
    path, kind, body = sent(server)
    name = body["metadata"]["name"]
    assert path == f"/api/v1/namespaces/fl/events/{name}?fieldManager=fljob&force=true"
    assert kind == "application/apply-patch+yaml"
    assert len(server.requests) == 1
    instance = body.pop("reportingInstance")
    assert 0 < len(instance) <= 128
    assert body == {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": "fl"},
        "involvedObject": {
            "apiVersion": "v1",
            "kind": "Pod",
            "namespace": "fl",
            "name": "a1.b-site-1",
            "uid": "u1",
        },
        "reason": "FljobPending",
        "message": "why, and the cure",
        "type": "Warning",
        "source": {"component": "fljob"},
        "reportingComponent": "fljob",
        "firstTimestamp": "2026-01-02T01:04:05Z",
        "lastTimestamp": "2026-01-02T01:04:05Z",
        "count": 1,
    }


def names_of(server, client, *puts):
    for job, told in puts:
        KubeJobEvents(client).put(job, told)
    return [json.loads(body)["metadata"]["name"] for _, body in server.patches]


def test_the_same_cause_of_a_pod_is_the_same_event_whoever_writes_it(server, client):
    again = JobEvent(EventReason.PENDING, Code.MOUNT, "other words", AT + timedelta(hours=1))
    first, second = names_of(server, client, (JOB, EVENT), (JOB, again))
    assert first == second


def test_another_cause_decision_or_pod_is_another_event(server, client):
    other = JobRef(release="fj-1", namespace="fl", pod_name=JOB.pod_name, uid="u2")
    before = JobRef(release="fj-1", namespace="fl", pod_name=JOB.pod_name)
    told = [
        EVENT,
        JobEvent(EventReason.PENDING, Code.SANDBOX, "", AT),
        JobEvent(EventReason.FAILED, Code.MOUNT, "", AT),
    ]
    puts = [*((JOB, one) for one in told), (other, EVENT), (before, EVENT)]
    assert len(set(names_of(server, client, *puts))) == len(puts)


def test_of_a_job_without_a_pod_the_pod_it_will_have_is_named(server, client):
    KubeJobEvents(client).put(JobRef(release="fj-1", namespace="fl", pod_name="p"), EVENT)
    about = sent(server)[2]["involvedObject"]
    assert about == {"apiVersion": "v1", "kind": "Pod", "namespace": "fl", "name": "p"}


@pytest.mark.parametrize(
    ("status", "error"), [(403, Denied), (404, NotFound), (429, Unavailable), (500, Unavailable)]
)
def test_a_refusal_is_one_of_ours(server, client, status, error):
    server.list_status = [status]
    with pytest.raises(error, match=r"cannot apply event fl/a1b-site-1\.[0-9a-f]+"):
        KubeJobEvents(client).put(JOB, EVENT)


# what we read


def ours(name, reason, message, at="2026-01-01T00:00:59Z", **changes):
    """An event as we write it, or as somebody forges it, newer than all others."""
    written = {"reason": reason, "source": {"component": "fljob"}, "reportingComponent": "fljob", **changes}
    return {**said(name, "u1", message, at), **written}


def verdict_of(pod, events, mode):
    policy = WaitPolicy(mode)
    seen = Observation(
        1.0, datetime(2026, 1, 1, 0, 1, tzinfo=timezone.utc), Seen.found(pod), Seen.found(events)
    )
    return step(Track(launched=0.0), seen, policy).verdict


STRANGERS = [
    ours("o", "FljobPending", f"InsufficientResources (pending_timeout: no limit): {SHORTAGE}"),
    ours("o", "FljobFailed", "ImageNotFound (return code 101): not found"),
    ours("o", "FailedMount", 'secret "forged" not found'),
    ours("o", "FailedScheduling", SHORTAGE),
    ours("o", "FailedScheduling", SHORTAGE, reportingComponent=""),
]
# What would tell that the volumes are there, or that a pull goes on, had the kubelet said it.
CLEARING = [
    ours("o", reason, 'Pulling image "x"', type="Normal") for reason in ("Pulling", "Pulled", "Started")
]


@pytest.mark.parametrize("mode", PendingPolicy)
@pytest.mark.parametrize("own", STRANGERS)
@pytest.mark.parametrize("pod", [make_pod(), scheduled(main("waiting", "ContainerCreating"))])
def test_an_event_of_ours_is_no_cause(server, pods, mode, own, pod):
    without = verdict_of(pod, (), mode)
    server.items = [own]
    assert pods.events("fl", "u1") == ()
    assert verdict_of(pod, pods.events("fl", "u1"), mode) == without


def test_such_an_event_of_somebody_else_is_a_cause(server, pods):
    """Else the test above could not fail."""
    server.items = [{**STRANGERS[2], "reportingComponent": "kubelet"}]
    pod = scheduled(main("waiting", "ContainerCreating"))
    verdict = verdict_of(pod, pods.events("fl", "u1"), PendingPolicy.GRACEFUL)
    assert verdict.code is Code.MISSING_REF


@pytest.mark.parametrize("own", [*STRANGERS, *CLEARING])
def test_a_forged_event_of_ours_hides_no_cause(server, pods, own):
    real = said("real", "u1", 'MountVolume.SetUp failed for volume "x" : secret "nope" not found')
    server.items = [real, own]
    pod = scheduled(main("waiting", "ContainerCreating"))
    verdict = verdict_of(pod, pods.events("fl", "u1"), PendingPolicy.GRACEFUL)
    assert (verdict.code, '"nope" not found' in verdict.detail) == (Code.MISSING_REF, True)


def test_any_number_of_forged_events_takes_the_place_of_none(server, pods):
    real = said("real", "u1", "volume")
    server.items = [real, *(ours(f"o{number}", "FljobPending", "x") for number in range(1000))]
    assert [one.message for one in pods.events("fl", "u1")] == ["volume"]


def test_a_real_event_that_somebody_signs_with_our_name_stays_as_it_was(server, pods):
    real = said("real", "u1", "volume")
    server.items = [real]
    end = said("end", "u1", "after it")
    server.scripts = [
        [event("MODIFIED", {**real, "reportingComponent": "fljob"}), event("ADDED", end), server.hold.wait]
    ]
    until(lambda: len(pods.events("fl", "u1")) == 2)
    assert {one.message for one in pods.events("fl", "u1")} == {"volume", "after it"}
