"""``fljob events``: a table or JSON, and with ``-f`` what is new until the end."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

from launcher.core.views import PodEvent
from launcher.errors import Unavailable
from tests.fakes import START, exited, running
from tests.unit.cli.conftest import show

PULLED = PodEvent("Pulled", "image is there", last_seen=START)
BACKOFF = PodEvent("BackOff", "back-off", "Warning", START, 2)


def test_events_are_a_table_or_json(fake, fljob, release):
    fake.pods.event_list = (PULLED, BACKOFF)
    fake.clock.time = 180
    code, out, _ = fljob("events", release, "-n", "fl")
    assert code == 0
    assert [line.split() for line in out.splitlines()] == [
        ["AGE", "TYPE", "REASON", "COUNT", "MESSAGE"],
        ["3m", "Normal", "Pulled", "1", "image", "is", "there"],
        ["3m", "Warning", "BackOff", "2", "back-off"],
    ]
    rows = json.loads(fljob("events", release, "-n", "fl", "-o", "json")[1])
    assert rows[1] == {
        "lastSeen": "2026-01-01T00:00:00+00:00", "type": "Warning", "reason": "BackOff", "count": 2,
        "message": "back-off", "source": "",
    }  # fmt: skip


def test_no_events_and_no_pod(fake, fljob, release):
    assert json.loads(fljob("events", release, "-n", "fl", "-o", "json")[1]) == []
    code, out, err = fljob("events", release, "-n", "fl")
    assert (code, out) == (0, "")
    assert "no events" in err
    (name,) = fake.pods.items
    fake.pods.show(None, name)
    code, _, err = fljob("events", release, "-n", "fl")
    assert code == 3
    assert "fljob status" in err


def test_following_prints_what_is_new_or_has_grown_until_the_end(fake, fljob, release, monkeypatch):
    (pod,) = fake.pods.items.values()
    grown = replace(BACKOFF, count=3, last_seen=START + timedelta(seconds=2))
    answers = iter(
        [(PULLED,), Unavailable("refused"), Unavailable("refused"), (PULLED, BACKOFF), (PULLED, grown)]
    )
    named = {"name": pod.name, "labels": pod.labels, "annotations": pod.annotations}
    fake.pods.script = [replace(one, **named) for one in (running(), running(), running(), exited(7))]

    def events(namespace, uid):
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(fake.pods, "events", events)
    monkeypatch.setattr(fake.pods, "list", lambda namespace: (replace(running(), **named),))
    code, out, err = fljob("events", release, "-n", "fl", "-f", "-o", "json")
    assert code == 0
    assert [(row["reason"], row["count"]) for row in map(json.loads, out.splitlines())] == [
        ("Pulled", 1), ("BackOff", 2), ("BackOff", 3),
    ]  # fmt: skip
    assert err.count("refused") == 1
    assert next(answers, None) is None


def test_following_a_job_that_has_ended_prints_the_head_once(fake, fljob, release):
    show(fake, exited(7))
    fake.pods.event_list = (PULLED,)
    assert fljob("events", release, "-n", "fl", "-f")[1].count("REASON") == 1


def test_following_events_is_interrupted_with_130(fake, fljob, release, monkeypatch):
    show(fake, running())

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(type(fake.pods.watch("fl")), "wait", stop)
    assert fljob("events", release, "-n", "fl", "-f")[0] == 130
