"""``fljob status``: its JSON, and cause, clock and cure for people."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import pytest

from tests.fakes import START, exited, unscheduled
from tests.unit.cli.conftest import installed, show


def test_status_has_the_documented_shape(fake, fljob, release):
    _, pod = installed(fake)
    show(fake, unscheduled())
    code, out, _ = fljob("status", release, "-n", "fl", "-o", "json")
    row = json.loads(out)
    assert code == 0
    assert {key: row[key] for key in ("release", "namespace", "jobId", "site", "role", "study", "state", "helm", "outcome")} == {
        "release": release, "namespace": "fl", "jobId": "a1", "site": "site-1", "role": "client", "study": "",
        "state": "STARTING", "helm": {"status": "deployed", "revision": 1, "summary": "Helm has accepted its objects"}, "outcome": None,
    }  # fmt: skip
    assert row["pod"] == {"name": pod.name, "uid": "uid-1", "node": "", "phase": "Pending", "requests": {}}
    assert row["drift"] is None
    assert (row["pending"]["action"], row["pending"]["code"]) == (
        "WAIT_FOR_RESOURCES",
        "InsufficientResources",
    )
    waited = datetime.fromisoformat(row["pending"]["deadline"]) - datetime.fromisoformat(
        row["pending"]["since"]
    )
    assert waited.total_seconds() == 120
    assert datetime.fromisoformat(row["pending"]["since"]).tzinfo == timezone.utc


def test_status_for_people_names_cause_and_cure(fake, fljob, release):
    show(fake, exited(137, "OOMKilled"))
    _, out, _ = fljob("status", release, "-n", "fl")
    assert "state:    FAILED (return code 104)\ncause:    OOMKilled: The job used more memory" in out
    assert "cure:     raise memory" in out


def test_status_prints_cause_clock_and_cure(fake, fljob, release):
    show(fake, unscheduled())
    out = fljob("status", release, "-n", "fl")[1]
    assert "cause:    InsufficientResources: " in out
    assert "detail:   0/1 nodes are available: 1 Insufficient cpu." in out
    assert "(pending_timeout: about 120 s left by the cluster's clock)" in out
    assert "cure:     " in out
    pending = json.loads(fljob("status", release, "-n", "fl", "-o", "json")[1])["pending"]
    assert pending["clock"] == "pending_timeout"
    assert pending["summary"].endswith(".")
    assert pending["cure"]


@pytest.mark.parametrize(
    ("seconds", "left"),
    [(40, "about 80 s left by the cluster's clock"), (1000, "run out by the cluster's clock")],
)
def test_status_prints_what_is_left_of_the_clock_of_a_job_that_nobody_watched(
    fake, fljob, release, seconds, left
):
    show(fake, unscheduled())
    fake.clock.time += seconds - fake.clock.monotonic()
    assert f"(pending_timeout: {left})" in fljob("status", release, "-n", "fl")[1]
    row = json.loads(fljob("status", release, "-n", "fl", "-o", "json")[1])
    assert row["outcome"] is None
    assert row["pending"]["timing"] == "cluster"
    assert row["pending"]["since"] == START.isoformat()


def test_status_of_success_has_no_cure(fake, fljob, release):
    show(fake, exited(0))
    out = fljob("status", release, "-n", "fl")[1]
    assert "cause:    Success: The job process ended with exit code 0." in out
    assert "cure" not in out
    assert "detail" not in out


def test_on_a_narrow_terminal_texts_stay_beside_their_titles(fake, fljob, release, monkeypatch):
    show(fake, unscheduled())
    monkeypatch.setenv("COLUMNS", "50")
    lines = fljob("status", release, "-n", "fl")[1].splitlines()
    assert [line for line in lines if len(line) > 50 and " " in line[10:].strip()] == []
    assert any(line.startswith(" " * 10) for line in lines)
