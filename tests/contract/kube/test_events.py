"""The shared event watch against the same misbehaving server: no request per pod, and only the pod's events."""

from __future__ import annotations

import threading
import time

import pytest

from launcher.edges.kube import events as events_module
from launcher.errors import Denied, Unavailable
from tests.contract.kube.test_watch import GONE, event, until


def said(name, uid, message, at="2026-01-01T00:00:00Z", version=11):
    return {
        "metadata": {"name": name, "namespace": "fl", "resourceVersion": str(version)},
        "involvedObject": {"kind": "Pod", "uid": uid},
        "reason": "FailedMount",
        "message": message,
        "type": "Warning",
        "lastTimestamp": at,
    }


def messages(pods, uid):
    return [one.message for one in pods.events("fl", uid)]


def test_events_are_selected_by_uid_and_sorted_by_time(server, pods):
    late, early = "2026-01-01T00:00:09Z", "2026-01-01T00:00:01Z"
    server.items = [
        said("b", "u1", "second", late),
        said("a", "u1", "first", early),
        said("c", "u2", "other"),
    ]
    assert messages(pods, "u1") == ["first", "second"]
    assert messages(pods, "u2") == ["other"]
    assert messages(pods, "u3") == []


def test_of_one_second_the_kubelet_speaks_after_the_scheduler(server, pods):
    """On a quick node all of it is within a second, and the kubelet's stamps are cut to it."""
    second = "2026-01-01T00:00:05"
    scheduled = {**said("c", "u1", "scheduled"), "lastTimestamp": None, "eventTime": second + ".430000Z"}
    later = {**said("b", "u1", "preempted"), "lastTimestamp": None, "eventTime": "2026-01-01T00:00:06.1Z"}
    server.items = [said("a", "u1", "pulled", second + "Z"), later, scheduled]
    assert messages(pods, "u1") == ["scheduled", "pulled", "preempted"]


def test_hundred_pods_share_one_list_and_one_watch(server, pods):
    server.items = [said(f"e{n}", f"u{n}", str(n)) for n in range(100)]
    for _ in range(20):
        assert [messages(pods, f"u{n}") for n in range(100)] == [[str(n)] for n in range(100)]
    until(lambda: server.count("watch=") == 1)
    assert len(server.requests) == 2
    assert all("involvedObject.kind" in path for path in server.requests)


def test_changes_duplicates_and_deletions_are_applied(server, pods):
    grown = said("a", "u1", "grown")
    server.items = [said("a", "u1", "new"), said("b", "u1", "expires")]
    server.scripts = [
        [
            event("MODIFIED", grown),
            event("MODIFIED", grown),
            event("DELETED", server.items[1]),
            server.hold.wait,
        ]
    ]
    until(lambda: messages(pods, "u1") == ["grown"])


@pytest.mark.parametrize("about", [None, {}, {"uid": 7}, "x", {"kind": "Pod"}])
def test_event_without_pod_uid_is_dropped(server, pods, about):
    server.items = [{**said("a", "u1", "x"), "involvedObject": about}, said("b", "u1", "mine")]
    assert messages(pods, "u1") == ["mine"]


def test_410_lists_again_and_drops_expired_events(server, pods):
    server.items = [said("a", "u1", "old")]
    server.scripts = [[lambda: setattr(server, "items", [said("b", "u1", "new")]), GONE]]
    until(lambda: messages(pods, "u1") == ["new"])


@pytest.mark.parametrize(("status", "error"), [(403, Denied), (500, Unavailable), (400, Unavailable)])
def test_unavailable_events_are_an_error_not_empty(server, pods, status, error):
    server.list_status = [status] * 50
    with pytest.raises(error, match="list events in namespace fl"):
        pods.events("fl", "u1")


def test_idle_watch_ends_and_restarts_for_the_next_reader(server, pods, monkeypatch):
    monkeypatch.setattr(events_module, "_IDLE_AFTER", 1.0)  # a thread may start late
    server.items = [said("a", "u1", "x")]
    # A real server ends a watch in time: the thread checks whether it is idle only between two of them.
    server.scripts = [[lambda: time.sleep(0.2)] for _ in range(150)]
    assert messages(pods, "u1") == ["x"]
    watch = next(iter(pods._watches.values()))
    until(lambda: not watch.alive)
    before = len(server.requests)
    assert messages(pods, "u1") == ["x"]
    assert len(server.requests) > before


def about_claim(name, reason, second):
    return {
        "metadata": {"name": f"{name}.{reason}", "resourceVersion": "1"},
        "involvedObject": {"kind": "PersistentVolumeClaim", "name": name},
        "reason": reason,
        "message": f"said {second}",
        "lastTimestamp": f"2026-01-01T00:00:{second:02}Z",
    }


def test_latest_trouble_of_each_claim_is_cached(server, pods):
    server.items = [
        about_claim("data", "ProvisioningFailed", 9),
        about_claim("data", "FailedBinding", 4),
        about_claim("data", "ExternalProvisioning", 20),
        about_claim("late", "WaitForFirstConsumer", 5),
        about_claim("bound", "ProvisioningFailed", 5),
        about_claim("bound", "ProvisioningSucceeded", 6),
        {"reason": "FailedBinding", "involvedObject": None},
    ]
    assert {name: event.message for name, event in pods.claim_events("fl").items()} == {"data": "said 9"}
    assert pods.claim_events("fl").keys() == {"data"}
    assert len(server.requests) == 1
    assert "involvedObject.kind%3DPersistentVolumeClaim" in server.requests[0]


def test_unreadable_claim_events_are_empty(server, pods):
    server.list_status = [403]
    assert pods.claim_events("fl") == {}


def forged(number, uid=None):
    return said(f"e{number}", uid or f"foreign-{number}", "x" * 200, version=number + 1)


def watch_of(pods):
    return next(one for one in pods._watches.values() if isinstance(one, events_module.KubeEventWatch))


def test_a_hundred_thousand_events_of_foreign_pods_cost_nothing_that_lasts(server, pods):
    server.items = [*(forged(number) for number in range(50_000)), said("a", "u1", "mine")]
    server.items += [forged(number) for number in range(50_000, 100_000)]
    assert messages(pods, "u1") == ["mine"]
    assert watch_of(pods).kept <= 501


def test_events_that_come_before_their_pod_is_asked_for_are_not_lost(server, pods):
    ready, foreign = threading.Event(), [event("ADDED", forged(number)) for number in range(400)]
    mine = [event("ADDED", said("a", "u1", "early")), event("ADDED", said("b", "u0", "end"))]
    server.scripts = [[ready.wait, *foreign, *mine, server.hold.wait]]
    assert messages(pods, "u0") == []
    ready.set()
    until(lambda: messages(pods, "u0") == ["end"])
    assert messages(pods, "u1") == ["early"]


def test_events_of_job_pods_are_kept_before_anybody_asks(server, pods):
    job = {"metadata": {"name": "job", "namespace": "fl", "uid": "u1", "resourceVersion": "1"}}
    server.items = [job]
    pods.watch("fl")
    server.items = [said("a", "u1", "kept"), *(forged(number) for number in range(2000))]
    assert messages(pods, "other") == []
    assert messages(pods, "u1") == ["kept"]


def test_events_of_one_pod_are_bounded_and_the_newest_stay(server, pods):
    server.items = [forged(number, "u1") for number in range(5000)]
    assert len(messages(pods, "u1")) == 100
    assert watch_of(pods).kept == 100


def test_all_events_are_bounded(server, pods, monkeypatch):
    monkeypatch.setattr(events_module, "_MOST", 50)
    server.items = [said("keep", "u0", "x")]
    for number in range(30):
        pods.events("fl", f"u{number}")
    watch = watch_of(pods)
    with watch._changed:
        for number in range(3000):
            watch._apply("ADDED", forged(number, f"u{number % 30}"))
    assert watch._kept == 50
    assert sum(map(len, watch._of.values())) == 50
