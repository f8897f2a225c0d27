"""A log that is followed over everything that a server, a proxy and a kubelet do to its connection."""

from __future__ import annotations

import re
import threading
import time
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from launcher.edges.kube import logs as logs_module
from launcher.errors import Denied, NotFound, Rejected, Unavailable
from tests.contract.kube.test_watch import _send, until
from tests.said import said_by

JOB = {"name": "job", "image": "i"}


def stamp(second: float, zone: str = "Z") -> str:
    return f"2026-11-28T21:{int(second) // 60:02}:{int(second) % 60:02}.{round(second % 1 * 1e9):09}{zone}"


def log_of(*texts: str, step: float = 0.25) -> list[str]:
    """Return the lines of a kubelet's log, a quarter of a second apart."""
    return [f"{stamp(60 + number * step)} {text}" for number, text in enumerate(texts)]


class Kubelet:
    """A pod and its log; each request for the log takes the next script.

    A script is a number of bytes after which the connection breaks, such a number as text (after so many the stream
    ends in due form), ``"hold"`` (all bytes, then silence), ``"end"`` (the stream ends as if the container had), or a
    status with a message. After the last one all is well.
    """

    def __init__(self) -> None:
        self.log: list[str] = []
        self.scripts: list[Any] = []
        self.pod_status: list[int] = []
        self.asked: list[dict[str, list[str]]] = []
        self.requests: list[str] = []
        self.state: dict[str, Any] = {"running": {}}
        self.phase = "Running"
        self.uid: str | None = "u1"
        self.hold = threading.Event()
        self.before: dict[int, Any] = {}

    def start(self, scripts: list[Any]) -> None:
        """Begin again with other scripts."""
        self.state, self.phase, self.scripts = {"running": {}}, "Running", scripts

    def end(self, code: int = 0) -> None:
        self.state = {"terminated": {"exitCode": code}}
        self.phase = "Succeeded" if code == 0 else "Failed"

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.requests.append(handler.path)
        if "/log" in handler.path:
            self._log(handler, parse_qs(urlsplit(handler.path).query))
        elif self.pod_status:
            status = self.pod_status.pop(0)
            _send(handler, status, {"kind": "Status", "message": f"no {status}", "code": status})
        elif self.uid is None:
            _send(handler, 404, {"kind": "Status", "message": 'pods "p" not found', "code": 404})
        else:
            main = {"name": "job", "state": self.state}
            _send(
                handler,
                200,
                {
                    "metadata": {"name": "p", "namespace": "fl", "uid": self.uid},
                    "spec": {"containers": [JOB]},
                    "status": {"phase": self.phase, "containerStatuses": [main]},
                },
            )

    def _log(self, handler: BaseHTTPRequestHandler, asked: dict[str, list[str]]) -> None:
        self.asked.append(asked)
        if act := self.before.pop(len(self.asked), None):
            act()
        script = self.scripts.pop(0) if self.scripts else None
        if isinstance(script, tuple):
            status, message = script
            _send(handler, status, {"kind": "Status", "message": message, "code": status})
            return
        since = asked.get("sinceTime", [""])[0].removesuffix("Z")
        lines = [line for line in self.log if line[: len(since)] >= since or not line[0].isdigit()]
        if "tailLines" in asked:
            lines = lines[-int(asked["tailLines"][0]) :]
        data = "".join(f"{line}\n" for line in lines).encode()
        is_part = isinstance(script, int) or (isinstance(script, str) and script.isdigit())
        _stream(handler, data[: int(script)] if is_part else data)
        if script == "hold":
            self.hold.wait(20)
        is_cut = isinstance(script, int) or script == "hold"
        if not is_cut:
            if script is None and asked["follow"] == ["true"]:
                self.end()
            handler.wfile.write(b"0\r\n\r\n")
        handler.close_connection = True


def _stream(handler: BaseHTTPRequestHandler, data: bytes) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", "text/plain")
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    for start in range(0, len(data), 37):
        part = data[start : start + 37]
        handler.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
    handler.wfile.flush()


@pytest.fixture
def server():
    return Kubelet()


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Pauses of milliseconds, a silence of a second."""
    monkeypatch.setattr(logs_module, "_FIRST_PAUSE", 0.005)
    monkeypatch.setattr(logs_module, "_LONGEST_PAUSE", 0.02)
    monkeypatch.setattr(logs_module, "_SILENCE", 1.0)


def follow(pods, **options):
    return list(pods.logs("p", "fl", follow=True, **options))


TEXTS = [f"line {number}" for number in range(40)]


def test_a_log_that_nothing_happens_to_is_read_once_and_looked_at_again(server, pods):
    server.log = log_of(*TEXTS)
    assert follow(pods) == TEXTS
    assert [one["follow"] for one in server.asked] == [["true"], ["false"]]
    assert all(one["timestamps"] == ["true"] and one["container"] == ["job"] for one in server.asked)
    assert len(server.requests) == 4


@pytest.mark.parametrize("cuts", [[0], [1], [300], [600, 300, 5, 0], [333] * 5, ["end"], ["end", 200, "end"]])
def test_no_line_is_lost_or_doubled_over_cuts(server, pods, cuts):
    server.log, server.scripts = log_of(*TEXTS), list(cuts)
    assert follow(pods) == TEXTS
    assert not server.scripts


def test_a_cut_within_a_line_loses_nothing_of_it(server, pods):
    server.log = log_of("first of all", "second", "third")
    for how in (int, str):
        for size in range(0, 120, 7):
            server.start([how(size)])
            assert follow(pods) == ["first of all", "second", "third"], (how, size)


def test_lines_of_one_time_stamp_are_counted(server, pods):
    server.log = log_of(*"aabbaab", step=0.0)
    for cut in (30, 90, 130, 170, 300):
        server.start([cut, cut + 10])
        assert follow(pods) == list("aabbaab")


@pytest.mark.parametrize("zone", ["Z", "+05:30", "-03:00"])
def test_the_zone_of_the_node_is_read(server, pods, zone):
    server.log = [f"{stamp(60 + number, zone)} {number}" for number in range(9)]
    server.scripts = [150]
    list(pods.logs("p", "fl", follow=True))
    since = server.asked[1]["sinceTime"][0]
    assert re.fullmatch(r"2026-11-2\dT\d\d:\d\d:\d\dZ", since)
    assert since[11:13] == {"Z": "21", "+05:30": "15", "-03:00": "00"}[zone]


def test_lines_out_of_order_around_a_second_are_not_lost(server, pods):
    server.log = [f"{stamp(at)} {at}" for at in (61.2, 62.0001, 61.9999, 62.1, 61.99995)]
    server.scripts = [90]
    assert follow(pods) == ["61.2", "62.0001", "61.9999", "62.1", "61.99995"]


def test_a_clock_of_the_node_that_is_set_back_costs_nothing(server, pods):
    server.log = [f"{stamp(at)} {number}" for number, at in enumerate((900, 901, 902, 300, 301, 302, 899))]
    server.scripts = [160, 230]
    assert sorted(follow(pods)) == list("0123456")


def test_a_rotated_log_goes_on_with_what_there_is(server, pods):
    server.log, server.scripts = log_of(*TEXTS), [400]
    server.before[2] = lambda: server.log.__delitem__(slice(0, 20))
    shown = follow(pods)
    assert shown[-20:] == TEXTS[-20:]
    assert len(set(shown)) == len(shown)


def test_a_silent_connection_does_not_outlive_the_container(server, pods):
    server.log, server.scripts = log_of("a", "b"), ["hold"]
    threading.Timer(0.3, server.end).start()
    begin = time.monotonic()
    assert follow(pods) == ["a", "b"]
    assert time.monotonic() - begin < 5


def test_a_container_that_says_nothing_for_long_is_no_trouble(server, pods, caplog):
    server.log, server.scripts = log_of("a"), ["hold", "hold"]
    assert follow(pods) == ["a"]
    assert said_by(caplog, logs_module.__name__) == []


def test_what_came_while_nobody_listened_is_read_after_the_end(server, pods):
    server.log, server.scripts = log_of("a", "b"), ["hold"]

    def more() -> None:
        server.log += log_of("x", "y", "c")[2:]
        server.end()

    threading.Timer(0.3, more).start()
    assert follow(pods) == ["a", "b", "c"]


WAITING = 'container "job" in pod "p" is waiting to start: ContainerCreating'


PASSING = [
    (400, WAITING),
    (404, 'pods "p" not found'),
    (410, "too old"),
    (429, "too many requests"),
    (500, "dial tcp 10.0.0.1:10250: connect: connection refused"),
    (502, "bad gateway"),
    (503, "apiserver is shutting down"),
    (504, "timeout"),
]


@pytest.mark.parametrize("after", [[], [200]])
def test_what_passes_is_waited_for(server, pods, after):
    server.log = log_of(*TEXTS)
    for trouble in PASSING:
        server.start([*after, trouble, trouble])
        assert follow(pods) == TEXTS, trouble


def test_credentials_that_are_refused_for_a_while_end_no_log(server, pods):
    server.log, server.scripts = log_of(*TEXTS), [200, *[(401, "Unauthorized")] * 4]
    assert follow(pods) == TEXTS


@pytest.mark.parametrize("status", [401, 403])
def test_a_right_that_was_never_there_is_told_at_once(server, pods, status):
    server.scripts = [(status, "no")] * 2
    with pytest.raises(Denied, match="read the log of pod fl/p"):
        follow(pods)


def test_a_right_that_is_taken_away_is_told_in_the_end(server, pods, monkeypatch):
    monkeypatch.setattr(logs_module, "_READ_WITHIN", 0.3)
    server.log, server.scripts = log_of(*TEXTS), [200, *[(403, "forbidden")] * 200]
    with pytest.raises(Denied):
        follow(pods)


def test_a_request_that_is_wrong_is_told_at_once(server, pods):
    server.scripts = [(400, "container nope is not valid for pod p")]
    with pytest.raises(Rejected, match="not valid"):
        follow(pods)


def test_a_log_that_cannot_be_read_after_the_end_is_an_error_and_no_silence(server, pods, monkeypatch):
    monkeypatch.setattr(logs_module, "_READ_WITHIN", 0.3)
    server.log, server.scripts = log_of(*TEXTS), [200, *[(500, "node is lost")] * 200]
    server.before[2] = server.end
    with pytest.raises(Unavailable, match="node is lost"):
        follow(pods)


def test_a_pod_that_was_never_there(server, pods):
    server.uid = None
    with pytest.raises(NotFound, match="there is no pod fl/p"):
        follow(pods)


def test_a_pod_that_cannot_be_seen_is_not_called_deleted(server, pods):
    server.pod_status = [503]
    with pytest.raises(Unavailable, match="cannot see pod fl/p"):
        list(pods.logs("p", "fl"))


@pytest.mark.parametrize("uid", [None, "u2"])
def test_a_pod_that_goes_at_the_end_of_its_log_ends_it(server, pods, uid):
    server.log, server.scripts = log_of("a", "b"), ["end"]
    server.before[1] = lambda: setattr(server, "uid", uid)
    assert follow(pods) == ["a", "b"]
    assert len(server.asked) == 1


def test_a_pod_that_goes_while_its_log_is_cut_off_is_told(server, pods):
    server.log, server.scripts = log_of(*TEXTS), [200]
    server.before[1] = lambda: setattr(server, "uid", None)
    with pytest.raises(NotFound, match="the end of it may be missing"):
        follow(pods)


def test_an_api_server_that_does_not_answer_about_the_pod_ends_nothing(server, pods, caplog):
    server.log, server.scripts = log_of(*TEXTS), [200, 300]
    server.before[1] = lambda: server.pod_status.extend([503, 503])
    assert follow(pods) == TEXTS
    assert len(said_by(caplog, logs_module.__name__)) == 1


def test_a_container_that_was_started_again_is_followed_on(server, pods):
    server.log, server.scripts = log_of("a", "b"), ["end"]
    server.before[2] = lambda: setattr(server, "log", log_of("a", "b", "again")[2:])
    assert follow(pods) == ["a", "b", "again"]


@pytest.mark.parametrize("cuts", [[], [None, 45], [45], [None, "45", (503, "no")]])
def test_a_tail_is_the_beginning_only(server, pods, cuts):
    for tail, shown in ((0, ["new"]), (1, ["old 2", "new"]), (5, ["old 0", "old 1", "old 2", "new"])):
        server.start([*cuts])
        server.log, server.asked = log_of("old 0", "old 1", "old 2"), []
        server.before[2] = lambda: server.log.extend(log_of("", "", "", "new")[3:])
        assert follow(pods, tail=tail) == shown
        assert "tailLines" in server.asked[0]
        assert "tailLines" not in server.asked[-1]


def test_a_tail_begins_within_one_time_stamp(server, pods):
    server.log, server.scripts = log_of(*"abcd", step=0.0), [None, 100]
    assert follow(pods, tail=2) == ["c", "d"]


def test_no_tail_of_an_empty_log_hides_nothing_that_follows(server, pods):
    server.before[2] = lambda: server.log.extend(log_of("new"))
    assert follow(pods, tail=0) == ["new"]


def test_text_without_a_stamp_is_passed_on_once(server, pods):
    said = "unable to retrieve container logs for containerd://4711"
    server.log, server.scripts = [*log_of("a"), said], [110]
    assert follow(pods) == ["a", said]


def test_the_stamps_of_a_long_log_are_forgotten(monkeypatch):
    monkeypatch.setattr(logs_module, "_STAMPS", 100)
    known = logs_module._Stamps()
    is_new = known.replay()
    times = (f"2026-11-28T{n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}.000000000Z" for n in range(5000))
    assert all(is_new(at, "the same") for at in times)
    assert len(known._order) <= 200
    assert len(known._counted) == len(known._order)
    assert known.since() == "2026-11-28T01:23:17Z"


def test_a_server_that_ends_every_stream_at_once_is_asked_with_pauses(server, pods, monkeypatch):
    monkeypatch.setattr(logs_module, "_FIRST_PAUSE", 0.2)
    monkeypatch.setattr(logs_module, "_LONGEST_PAUSE", 5.0)
    server.log, server.scripts = log_of("a"), ["end"] * 500
    shown: list[str] = []
    thread = threading.Thread(target=lambda: shown.extend(follow(pods)), daemon=True)
    thread.start()
    time.sleep(3)
    assert len(server.asked) <= 8
    server.scripts.clear()
    until(lambda: not thread.is_alive())
    assert shown == ["a"]
