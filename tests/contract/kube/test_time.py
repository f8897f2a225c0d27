"""The time of the API server, and when it says that Helm's record was made."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest

from launcher.edges.clock import SystemClock
from launcher.edges.kube import KubePods, KubeRecords
from launcher.errors import Unavailable

NOW = datetime(2031, 1, 1, tzinfo=timezone.utc)


@pytest.fixture
def at(server, monkeypatch):
    """Return a function that sets the time of the server."""

    def set_to(moment):
        text = moment if isinstance(moment, str) else format_datetime(moment, usegmt=True)
        monkeypatch.setattr("http.server.BaseHTTPRequestHandler.date_time_string", lambda *_: text)

    return set_to


@pytest.mark.parametrize("skew", [-600, 600, 0, -86400 * 400])
def test_the_time_is_that_of_the_servers_last_answer(client, at, skew):
    clock = SystemClock(client.server_time)
    moment = datetime.now(timezone.utc) + timedelta(seconds=skew)
    assert abs((clock.now() - datetime.now(timezone.utc)).total_seconds()) < 5  # nothing was asked yet
    at(moment)
    KubePods(client).list("fl")
    assert abs((clock.now() - moment).total_seconds()) < 10


def test_a_clock_of_this_machine_that_is_set_changes_nothing(client, at, monkeypatch):
    at(NOW)
    KubePods(client).list("fl")
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert abs((SystemClock(client.server_time).now() - NOW).total_seconds()) < 10


@pytest.mark.parametrize(
    "text", ["", "soon", "Sun, 99 Nov 2026 00:45:51 GMT", "Sun, 29 Nov 99999 00:45:51 GMT"]
)
def test_a_date_that_is_none_changes_nothing(client, at, text):
    at(NOW)
    KubePods(client).list("fl")
    at(text)
    KubePods(client).list("fl")
    assert abs((client.server_time() - NOW).total_seconds()) < 20


@pytest.mark.parametrize(("driver", "kind"), [("secret", "secrets"), ("configmap", "configmaps")])
def test_when_a_record_was_made(server, client, driver, kind):
    server.answer = lambda handler: answer(
        handler, server, {"metadata": {"creationTimestamp": "2031-01-01T00:00:00Z"}}
    )
    assert KubeRecords(client, driver).made("fj-1", "fl") == NOW
    assert server.requests == [f"/api/v1/namespaces/fl/{kind}/sh.helm.release.v1.fj-1.v1"]


@pytest.mark.parametrize("body", [{}, {"metadata": 3}, {"metadata": {"creationTimestamp": "x"}}])
def test_a_record_that_does_not_say(server, client, body):
    server.answer = lambda handler: answer(handler, server, body)
    assert KubeRecords(client, "secret").made("fj-1", "fl") is None


def test_a_record_that_is_not_there_and_one_that_cannot_be_asked_for(server, client):
    server.list_status = [404, 503]
    records = KubeRecords(client, "secret")
    assert records.made("fj-1", "fl") is None
    with pytest.raises(Unavailable, match=r"get Helm's record fl/sh\.helm\.release\.v1\.fj-1\.v1"):
        records.made("fj-1", "fl")


def answer(handler, server, body):
    from tests.contract.kube.test_watch import _send  # noqa: PLC0415

    server.requests.append(handler.path)
    _send(handler, 200, body)
