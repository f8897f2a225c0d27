"""The watch against a server that misbehaves on purpose: it serves list and watch from a script."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from launcher.core.views import Presence
from launcher.edges.kube import KubePods, KubeSecrets
from launcher.edges.kube import listwatch as watch_module
from launcher.errors import Denied, Unavailable

WITHIN = 30.0


def pod(name: str, version: int, phase: str = "Running") -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "fl", "uid": f"u-{name}", "resourceVersion": str(version)},
        "status": {"phase": phase},
    }


def event(kind: str, item: dict[str, Any]) -> bytes:
    return json.dumps({"type": kind, "object": item}).encode() + b"\n"


GONE = event("ERROR", {"kind": "Status", "code": 410, "message": "too old resource version"})
BOOKMARK = event("BOOKMARK", {"metadata": {"resourceVersion": "50"}})


class Server:
    """Lists ``items``; each watch request takes the next script: a list of bytes to send, or a callable."""

    def __init__(self) -> None:
        self.items: list[dict[str, Any]] = []
        self.list_status: list[int] = []
        self.retry_after = ""
        self.scripts: list[Any] = []
        self.requests: list[str] = []
        self.patches: list[tuple[str, bytes]] = []
        self.hold = threading.Event()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.requests.append(handler.path)
        if "watch=" in handler.path:
            self._watch(handler)
            return
        status = self.list_status.pop(0) if self.list_status else 200
        body = {"kind": "PodList", "metadata": {"resourceVersion": "10"}, "items": self.items}
        if status != 200:
            body = {"kind": "Status", "message": f"no {status}", "code": status}
        _send(handler, status, body, self.retry_after if status != 200 else "")

    def _watch(self, handler: BaseHTTPRequestHandler) -> None:
        script = self.scripts.pop(0) if self.scripts else [self.hold.wait]
        if isinstance(script, int):
            _send(handler, script, {"kind": "Status", "message": "no", "code": script})
            return
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for part in script:
            if isinstance(part, Callable):
                part()
                continue
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            handler.wfile.flush()
        handler.close_connection = True
        if _BREAK not in script:
            handler.wfile.write(b"0\r\n\r\n")

    def count(self, word: str) -> int:
        return sum(word in path for path in list(self.requests))


def _BREAK() -> None:  # noqa: N802 - a word of the script: end without the last chunk
    return


def _send(handler: BaseHTTPRequestHandler, status: int, body: dict[str, Any], retry_after: str = "") -> None:
    data = json.dumps(body).encode()
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(data)))
    if retry_after:
        handler.send_header("Retry-After", retry_after)
    handler.end_headers()
    handler.wfile.write(data)


@contextmanager
def serving(server: Server, *, posts: bool = False) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            try:
                server.answer(self)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def do_PATCH(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            server.patches.append((self.headers["Content-Type"], body))
            self.do_GET()

        def log_message(self, *_: object) -> None:
            return

    if posts:
        Handler.do_POST = Handler.do_GET  # type: ignore[attr-defined]
    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{http.server_port}"
    finally:
        server.hold.set()
        http.shutdown()
        http.server_close()
        thread.join()


def until(check: Callable[[], object]) -> None:
    end = time.monotonic() + WITHIN
    while not check():
        assert time.monotonic() < end, f"not within {WITHIN:.0f} s"
        time.sleep(0.01)


def test_listed_and_watched_pods_are_seen(server, pods):
    server.items = [pod("a", 1)]
    server.scripts = [
        [event("ADDED", pod("b", 11)), event("MODIFIED", pod("a", 12, "Failed")), server.hold.wait]
    ]
    watch = pods.watch("fl")
    assert watch.pod("a").value.phase in ("Running", "Failed")
    until(lambda: watch.pod("b").presence is Presence.FOUND and watch.pod("a").value.phase == "Failed")
    assert watch.pod("c").presence is Presence.ABSENT
    assert pods.watch("fl") is watch
    assert server.count("watch=") == 1


def test_deleted_pod_is_absent_with_its_last_state(server, pods):
    server.items = [pod("a", 1)]
    server.scripts = [[event("DELETED", pod("a", 12, "Succeeded")), server.hold.wait]]
    watch = pods.watch("fl")
    until(lambda: watch.pod("a").presence is Presence.ABSENT)
    assert watch.pod("a").value.phase == "Succeeded"


def test_pod_missing_from_second_list_is_absent(server, pods):
    server.items = [pod("a", 1)]
    server.scripts = [[lambda: setattr(server, "items", []), GONE]]
    watch = pods.watch("fl")
    until(lambda: watch.pod("a").presence is Presence.ABSENT)
    assert watch.pod("a").value.name == "a"


@pytest.mark.parametrize("gone", [410, [GONE]])
def test_410_lists_again(server, pods, gone):
    server.items = [pod("a", 1)]
    server.scripts = [gone]
    watch = pods.watch("fl")
    until(lambda: server.count("limit=") >= 2 and server.count("watch=") >= 2)
    until(lambda: watch.pod("a").presence is Presence.FOUND)


def test_next_watch_resumes_from_bookmark(server, pods):
    server.scripts = [[BOOKMARK]]
    pods.watch("fl")
    until(lambda: server.count("watch=") >= 2)
    assert server.count("resourceVersion=50") == 1
    assert server.count("limit=") == 1


def test_duplicate_and_outdated_events_are_ignored(server, pods):
    server.items = [pod("a", 1), pod("b", 1)]
    late = [event("MODIFIED", pod("a", 11, "Pending")), event("ADDED", pod("b", 11))]
    server.scripts = [
        [
            event("MODIFIED", pod("a", 12, "Failed")),
            event("MODIFIED", pod("a", 12, "Failed")),
            event("DELETED", pod("b", 12, "Succeeded")),
            *late,
            event("ADDED", pod("end", 13)),
            server.hold.wait,
        ]
    ]
    watch = pods.watch("fl")
    until(lambda: watch.pod("end").presence is Presence.FOUND)
    assert watch.pod("a").value.phase == "Failed"
    assert watch.pod("b").presence is Presence.ABSENT
    assert watch.pod("b").value.phase == "Succeeded"


def test_events_may_be_split_anywhere(server, pods):
    text = event("ADDED", pod("bär", 11)) + event("ADDED", pod("b", 12))
    server.scripts = [[*(text[i : i + 7] for i in range(0, len(text), 7)), server.hold.wait]]
    watch = pods.watch("fl")
    until(lambda: watch.pod("b").presence is Presence.FOUND)
    assert watch.pod("bär").presence is Presence.FOUND


@pytest.mark.parametrize(
    "script",
    [[b"not json\n"], [event("ADDED", pod("x", 11)), _BREAK], 500, 503, 429, [event("ERROR", {"code": 500})]],
)
def test_broken_watch_recovers_without_loss(server, pods, script):
    server.items = [pod("a", 1)]
    server.scripts = [script]
    watch = pods.watch("fl")
    until(lambda: server.count("watch=") >= 2)
    until(lambda: watch.pod("a").presence is Presence.FOUND)


def test_failed_list_is_unavailable_not_absent(server, pods):
    server.list_status = [500]
    server.items = [pod("a", 1)]
    watch = pods.watch("fl")
    seen = watch.pod("a")
    assert seen.presence in (Presence.UNAVAILABLE, Presence.FOUND)
    until(lambda: watch.pod("a").presence is Presence.FOUND)


def test_missing_right_is_reported_while_it_is_missing(server, pods):
    server.list_status = [403] * 50
    watch = pods.watch("fl")
    seen = watch.pod("a")
    assert seen.presence is Presence.UNAVAILABLE
    assert "list pods in namespace fl" in seen.why


def test_silent_connection_is_detected(server, pods, monkeypatch):
    monkeypatch.setattr(watch_module, "_WATCH", 1)
    monkeypatch.setattr(watch_module, "_SILENCE", 0.2)
    server.items = [pod("a", 1)]
    server.scripts = [[server.hold.wait]]
    pods.watch("fl")
    until(lambda: server.count("watch=") >= 2)


def test_waiters_wake_on_change_and_on_timeout(server, pods):
    ready = threading.Event()
    server.scripts = [[ready.wait, event("ADDED", pod("a", 11)), server.hold.wait]]
    watch = pods.watch("fl")
    version, other = watch.version("a"), watch.version("b")
    assert watch.wait("a", version, 0.05) == version
    ready.set()
    assert watch.wait("a", version, WITHIN) != version
    assert watch.version("b") == other


def test_a_thousand_changes_wake_only_whom_they_concern(server, pods):
    """Woken for every change, a thousand handles cost the parent 121 ms of CPU per launch."""
    ready = threading.Event()
    changes = [event("ADDED", pod(f"p{number}", 11 + number)) for number in range(1000)]
    server.scripts = [[ready.wait, *changes, event("ADDED", pod("last", 2000)), server.hold.wait]]
    watch = pods.watch("fl")
    seen = watch.version("last")
    woken: list[str] = []

    def follow(name: str) -> None:
        version = watch.version(name)
        while watch.wait(name, version, WITHIN) != version and not server.hold.is_set():
            version = watch.version(name)
            woken.append(name)

    threads = [threading.Thread(target=follow, args=(f"p{number}",), daemon=True) for number in range(50)]
    for thread in threads:
        thread.start()
    until(lambda: len(watch._waiters._waiting) == len(threads))
    ready.set()
    watch.wait("last", seen, WITHIN)
    until(lambda: len(woken) == len(threads))
    assert sorted(woken) == sorted(f"p{number}" for number in range(50))


def test_a_broken_list_wakes_everybody(server, pods):
    server.scripts = [[GONE]]
    server.list_status = [200, 500]
    watch = pods.watch("fl")
    version = watch.version("a")
    assert watch.wait("a", version, WITHIN) != version


def test_a_watch_with_somebody_who_waits_is_not_idle(server, pods, monkeypatch):
    monkeypatch.setattr(watch_module, "_WATCH", 1)
    monkeypatch.setattr("launcher.edges.kube.watch._IDLE_AFTER", 0.1)
    server.scripts = [[lambda: time.sleep(0.3)] for _ in range(5)]
    watch = pods.watch("fl")
    watch.wait("a", watch.version("a"), 1.0)
    assert watch.alive


def test_a_watch_that_has_ended_wakes_everybody(server, pods):
    watch = pods.watch("fl")
    version = watch.version("a")
    threading.Timer(0.1, watch.stop).start()
    assert watch.wait("a", version, WITHIN) != version
    assert not watch.alive


def test_stopping_does_not_wait_for_a_silent_server(server, pods):
    pods.watch("fl")
    until(lambda: server.count("watch=") == 1)
    start = time.monotonic()
    pods.stop()
    assert time.monotonic() - start < 5  # of the 8 s after which a silent watch is given up


@pytest.mark.parametrize(
    ("status", "error"), [(403, Denied), (401, Denied), (500, Unavailable), (429, Unavailable)]
)
def test_refused_request_raises_our_error(server, client, status, error):
    server.list_status = [status, status]  # a 401 is tried again with new credentials
    with pytest.raises(error, match="list pods in namespace fl"):
        KubePods(client).list("fl")


@pytest.mark.parametrize(("said", "seconds"), [("7", 7), ("3600", 30), ("", 0), ("Wed, 21 Oct 2026", 0)])
def test_retry_after_is_kept(server, client, said, seconds):
    server.list_status, server.retry_after = [429], said
    with pytest.raises(Unavailable) as refused:
        KubePods(client).list("fl")
    assert refused.value.retry_after == seconds


def test_watch_obeys_retry_after(server, pods):
    server.list_status, server.retry_after = [429], "1"
    start = time.monotonic()
    watch = pods.watch("fl")
    until(lambda: watch.pod("a").presence is Presence.ABSENT)
    assert time.monotonic() - start >= 1
    until(lambda: server.count("watch=") == 1)  # what was listed is seen before the watch is asked for


def test_no_secret_in_error_or_repr(server, client, caplog):
    caplog.set_level("DEBUG")
    secrets = KubeSecrets(client)
    with pytest.raises(Unavailable) as failed:  # the server knows no POST
        secrets.put("s", "fl", {"TOKEN": b"canary-3720"}, {})
    shown = f"{failed.value} {failed.value.__cause__!r} {secrets!r} {client!r} {caplog.text}"
    assert "canary-3720" not in shown
    assert "Y2FuYXJ5LTM3MjA" not in shown


def test_listed_secret_has_job_and_federation_and_no_value(server, client):
    labels = {"fljob.internal/job-id": "a1", "fljob.internal/federation": "fed"}
    for name, marks in (("launched", labels), ("by-hand", {"fljob.internal/job-id": "a2"})):
        made = {"name": name, "creationTimestamp": "2026-01-01T00:00:00Z", "labels": marks}
        server.items.append({"metadata": made, "data": {"TOKEN": "Y2FuYXJ5LTM3MjA="}})
    found = KubeSecrets(client).list("fl")
    assert {name: (one.job_id, one.federation) for name, one in found.items()} == {
        "launched": ("a1", "fed"),
        "by-hand": ("a2", ""),
    }
    assert "Y2FuYXJ5LTM3MjA" not in repr(found)


def _requests_within(server: Server, seconds: float) -> int:
    until(lambda: server.requests)
    time.sleep(seconds)
    return len(server.requests)


@pytest.mark.parametrize("script", [[GONE], 410, [], [BOOKMARK], [event("ADDED", pod("b", 11))], 429, 503])
def test_a_server_that_ends_every_watch_at_once_is_asked_with_growing_pauses(server, pods, script):
    server.items, server.scripts = [pod("a", 1)], [script] * 5000
    watch = pods.watch("fl")
    # Pauses of 0.1 to 0.2 s, 0.2 to 0.4 s, ...: at most five watches, each with a list before it.
    assert _requests_within(server, 3.0) <= 12
    if script not in (429, 503):  # a watch that fails is an unknown state until the next list
        assert watch.pod("a").presence is Presence.FOUND


def test_after_a_healthy_while_the_pauses_begin_again(server, pods, monkeypatch):
    monkeypatch.setattr(watch_module, "_HEALTHY", 0.3)
    ended: list[float] = []
    healthy = [lambda: time.sleep(0.4), lambda: ended.append(time.monotonic())]
    server.scripts = [*[[GONE]] * 5, healthy, [GONE], [lambda: server.hold.wait(5)]]
    pods.watch("fl")
    until(lambda: server.count("watch=") == 7)
    assert (
        time.monotonic() - ended[0] < 3.0
    )  # 0.2 s at most; the sixth pause without a break is 3.2 s at least


def test_events_are_watched_with_growing_pauses_too(server, pods):
    server.scripts = [[GONE]] * 5000
    pods.events("fl", "u1")
    assert _requests_within(server, 3.0) <= 12


def test_a_list_that_fails_again_and_again_is_asked_with_growing_pauses(server, pods):
    server.list_status = [503, 429, 500] * 500
    pods.watch("fl")
    assert _requests_within(server, 3.0) <= 7


def elsewhere(name: str, version: int) -> dict[str, Any]:
    """Return a pod of another namespace."""
    item = pod(name, version)
    item["metadata"] |= {"namespace": "other", "uid": f"o-{name}"}
    return item


def test_all_pods_are_seen_and_any_change_wakes_who_waits_for_any(server, pods):
    server.items = [pod("a", 1)]
    comes = threading.Event()
    server.scripts = [[comes.wait, event("ADDED", pod("b", 11)), server.hold.wait]]
    watch = pods.watch("fl")
    assert [view.name for view in watch.all().value] == ["a"]
    before = watch.version("")
    assert watch.wait("", before, 0.05) == before
    threading.Timer(0.2, comes.set).start()
    assert watch.wait("", before, WITHIN) != before
    assert sorted(view.name for view in watch.all().value) == ["a", "b"]


def test_one_watch_shows_the_pods_of_all_namespaces(server, pods):
    server.items = [pod("a", 1), elsewhere("a", 2)]
    server.scripts = [[event("DELETED", elsewhere("a", 12)), server.hold.wait]]
    watch = pods.watch("")
    until(lambda: [view.uid for view in watch.all().value] == ["u-a"])
    assert watch.pod("fl/a").value.uid == "u-a"
    gone = watch.pod("other/a")
    assert (gone.presence, gone.value.uid) == (Presence.ABSENT, "o-a")
    assert {path.partition("?")[0] for path in server.requests} == {"/api/v1/pods"}
    assert server.count("labelSelector=") == len(server.requests)


def test_all_pods_are_unknown_while_the_list_is_out_of_date(server, pods):
    server.list_status = [500] * 3
    seen = pods.watch("fl").all()
    assert (seen.presence, "cannot list pods" in seen.why) == (Presence.UNAVAILABLE, True)
    until(lambda: pods.watch("fl").all().presence is Presence.FOUND)


def test_an_event_wakes_who_looks_at_all_namespaces(server, pods):
    server.items = [pod("a", 1)]
    watch, comes = pods.watch(""), threading.Event()
    until(lambda: server.count("watch=") == 1)
    about = {"kind": "Pod", "name": "a", "namespace": "fl", "uid": "u-a"}
    news = {"metadata": {"name": "e", "resourceVersion": "12"}, "involvedObject": about, "reason": "Pulling"}
    server.scripts = [[comes.wait, event("ADDED", news), server.hold.wait]]
    assert pods.events("fl", "u-a") == ()
    before = watch.version("")
    comes.set()
    # Sooner than the silent watches of this server time out, which wakes everybody.
    assert watch.wait("", before, 4.0) != before
    assert [one.reason for one in pods.events("fl", "u-a")] == ["Pulling"]
