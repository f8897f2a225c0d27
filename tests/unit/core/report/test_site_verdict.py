"""What a site tells FLARE's server of a job, what the server believes of it, and what an admin reads."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from launcher.core.catalogue import Code
from launcher.core.catalogue.returncodes import ReturnCode
from launcher.core.ending.outcome import Outcome
from launcher.core.lifecycle.state import JobState, Track
from launcher.core.pending.clocks import Action, Verdict
from launcher.core.redaction import cautious
from launcher.core.report.federation import site_rows
from launcher.core.report.site_verdict import (
    META_KEY,
    MOST_JOBS,
    SiteVerdict,
    from_message,
    from_meta,
    is_news,
    refused,
    to_message,
    to_meta,
    verdict_of,
    with_told,
)
from launcher.errors import InvalidInput
from tests.fakes import START

CANARY = "canary-token-4711"
MASK = cautious([CANARY])
WAITS = Track(
    launched=0.0,
    verdict=Verdict(
        Action.WAIT,
        Code.INSUFFICIENT_RESOURCES,
        f"0/3 nodes are available: 3 Insufficient cpu. {CANARY}",
        100.0,
        400.0,
        "timeouts.resources",
    ),
)
FAILED = replace(
    WAITS,
    state=JobState.FAILED,
    outcome=Outcome(Code.OOM_KILLED, ReturnCode.EXECUTION_EXCEPTION, "the patient's name is in it", 137),
)


def meta_of(sites):
    return {"job_id": "j", **with_told("j", sites)}


def told(track, now=142.0):
    return verdict_of(track, now, START, MASK)


def test_of_a_job_that_waits_the_cause_the_clock_and_what_kubernetes_says():
    verdict = told(WAITS)
    assert (verdict.state, verdict.code, verdict.clock) == (
        "STARTING",
        "InsufficientResources",
        "timeouts.resources",
    )
    assert verdict.since == (START - timedelta(seconds=42)).isoformat(timespec="seconds")
    assert verdict.deadline == (START + timedelta(seconds=258)).isoformat(timespec="seconds")
    assert verdict.detail.startswith("0/3 nodes are available: 3 Insufficient cpu.")
    assert CANARY not in repr(verdict)
    assert not verdict.is_final


def test_of_a_job_that_runs_nothing_but_that():
    assert told(replace(WAITS, state=JobState.RUNNING, verdict=None)) == SiteVerdict("RUNNING")


def test_of_one_that_has_ended_its_codes_and_no_text_of_its_process():
    verdict = told(FAILED)
    assert verdict == SiteVerdict("FAILED", Code.OOM_KILLED.value, return_code=101, exit_code=137)
    assert "patient" not in json.dumps(to_message({"j": verdict}))
    assert verdict.is_final


def test_of_one_that_was_refused_what_the_api_server_said():
    verdict = refused(Code.FORBIDDEN, f"pods is forbidden: {CANARY}", ReturnCode.INFRASTRUCTURE_ERROR, MASK)
    assert (verdict.state, verdict.code, verdict.return_code) == ("FAILED", "Forbidden", 104)
    assert CANARY not in verdict.detail


def test_a_message_is_what_it_was_on_the_other_side():
    sent = {"job-1": told(WAITS), "job-2": told(FAILED)}
    assert from_message(json.loads(json.dumps(to_message(sent)))) == sent


@pytest.mark.parametrize(
    "content",
    [
        None,
        [],
        {},
        {"jobs": []},
        {"jobs": {"a": None}},
        {"jobs": {"a": {"state": 7}}},
        {"jobs": {"a": {"state": "FAILED", "return_code": "0"}}},
        {"jobs": {"a": {"state": "FAILED", "return_code": True}}},
        {"jobs": {"a": {"state": "FAILED", "return_code": 1 << 40}}},
        {"jobs": {"a": {"state": "STARTING", "deadline": "tomorrow"}}},
        {"jobs": {5: {"state": "STARTING"}}},
        {"jobs": {str(number): {"state": "RUNNING"} for number in range(MOST_JOBS + 1)}},
    ],
)
def test_what_is_no_message_is_refused(content):
    with pytest.raises(InvalidInput):
        from_message(content)


def test_what_a_site_writes_is_cut_and_made_fit_to_be_shown():
    long = {
        "state": "S" * 1000,
        "code": "\x1b[31mred",
        "detail": "x\nforged: line" + "y" * 10_000,
        "more": [1],
    }
    (verdict,) = from_message({"jobs": {"job\x00": long}}).values()
    shown = f"{verdict.state}{verdict.code}{verdict.detail}"
    assert len(shown) < 500
    assert not set("\n\x1b") & set(shown)


def test_a_code_of_a_later_release_stays_what_it_is():
    later = SiteVerdict("DREAMING", "SolarFlare", detail="a node is in the sun")
    assert from_message(to_message({"j": later})) == {"j": later}
    meta = to_meta(later, START)
    assert "summary" not in meta
    ((site, lines),) = site_rows(from_meta(meta_of({"site-1": meta})), START)
    assert (site, lines) == ("site-1", ["DREAMING, SolarFlare", "a node is in the sun"])


def test_the_meta_of_the_job_has_words_for_who_reads_it_as_it_is():
    meta = to_meta(told(WAITS), START)
    assert meta["summary"]
    assert meta["told"] == START.isoformat(timespec="seconds")
    assert json.loads(json.dumps(meta)) == meta
    assert len(json.dumps(meta)) < 1000
    assert from_meta(meta_of({"site-2": meta})) == {"site-2": told(WAITS)}


@pytest.mark.parametrize(
    "content", [None, "x", [], {"site-1": 5}, {"site-1": {"state": []}}, {3: {"state": "A"}}]
)
def test_what_is_no_verdict_in_a_meta_is_left_out(content):
    assert from_meta({"job_id": "j", META_KEY: content}) == {}
    assert from_meta({"job_id": "j", META_KEY: {"job_id": "j", "sites": content}}) == {}


def test_a_clone_has_nothing_of_the_job_that_it_was_made_of():
    meta = meta_of({"site-1": to_meta(told(WAITS), START)})
    assert from_meta(meta)
    assert from_meta({**meta, "job_id": "clone"}) == {}


@pytest.mark.parametrize(
    ("change", "age", "news"),
    [
        ({}, 1e6, False),
        ({"detail": "0/4 nodes are available"}, 1e6, False),
        ({"code": "QuotaExceeded"}, 0.0, True),
        ({"clock": "pending_timeout"}, 0.0, True),
        ({"state": "RUNNING"}, 0.0, True),
        ({"return_code": 0}, 0.0, True),
        ({"deadline": ""}, 0.0, True),
        ({"deadline": "2030-01-01T00:00:00+00:00"}, 59.0, False),
        ({"deadline": "2030-01-01T00:00:00+00:00"}, 60.0, True),
    ],
)
def test_what_is_news(change, age, news):
    before = told(WAITS)
    assert is_news(before, replace(before, **change), age) is news
    assert is_news(None, before, 0.0)


def test_the_rows_of_a_federation():
    rows = dict(
        site_rows(
            {
                "site-2": told(WAITS),
                "server": SiteVerdict("RUNNING"),
                "site-1": told(FAILED),
                "site-3": SiteVerdict("SUCCEEDED", Code.SUCCESS.value, return_code=0, exit_code=0),
                "site-4": replace(told(WAITS), deadline="2020-01-01T00:00:00"),
            },
            START,
        )
    )
    assert list(rows) == ["server", "site-1", "site-2", "site-3", "site-4"]
    assert rows["server"] == ["RUNNING"]
    assert rows["site-2"][0].startswith(
        "STARTING, for 42 s, timeouts.resources ends it in 258 s, InsufficientResources: "
    )
    assert rows["site-2"][2].startswith("cure, at the site: ")
    assert rows["site-1"][0].startswith("FAILED, return code 101 (exit code 137), OOMKilled: ")
    assert rows["site-3"] == ["SUCCEEDED, return code 0 (exit code 0), Success"]
    assert "its clock has run out" in rows["site-4"][0]
