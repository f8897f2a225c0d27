"""The status of a job: its JSON, and the texts that people read."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from launcher.core.catalogue import CATALOGUE, Code
from launcher.core.jobref import JobRef
from launcher.core.lifecycle.state import JobState, Observation, Track
from launcher.core.lifecycle.step import step
from launcher.core.pending.clocks import Timing, WaitPolicy
from launcher.core.report.status import cause_line, cause_rows, describe, report, verdict_line
from launcher.core.views import ReleaseView, Seen
from tests.fakes import SHORTAGE, START, exited, make_pod, running, unscheduled

JOB = JobRef(
    release="fj-1",
    namespace="fl",
    pod_name="job-1",
    job_id="a1",
    site="site#1",
    role="client",
    study="cancer",
)
RELEASE = ReleaseView("fj-1", "fl", "deployed", 1, START)
SHORT = CATALOGUE[Code.INSUFFICIENT_RESOURCES]
OOM = CATALOGUE[Code.OOM_KILLED]
UNSEEN = Track(launched=0.0)
UNKNOWN = Track(launched=0.0, state=JobState.UNKNOWN, stale_since=0.0, why_stale="no answer")


def track(*pods, seconds=10.0, policy=None):
    known = UNSEEN
    for number, pod in enumerate(pods):
        now = number * seconds
        seen = Observation(now, START + timedelta(seconds=now), Seen.found(pod))
        known = step(known, seen, policy or WaitPolicy())
    return known


def described(known, now=0.0, release=None):
    return report(JOB, release, known, now=now, wall=START + timedelta(seconds=now))


def timed(known, timing):
    return replace(known, verdict=replace(known.verdict, timing=timing))


def test_json_of_a_job_that_was_not_seen_yet():
    assert described(UNSEEN) == {
        "release": "fj-1",
        "namespace": "fl",
        "jobId": "a1",
        "site": "site#1",
        "role": "client",
        "study": "cancer",
        "foreign": None,
        "state": "STARTING",
        "helm": None,
        "pod": None,
        "drift": None,
        "pending": None,
        "outcome": None,
        "ledger": None,
        "launched": None,
        "unreadable": [],
    }


def test_json_of_release_and_pod():
    shown = described(track(running()), release=RELEASE)
    assert shown["helm"] == {"status": "deployed", "revision": 1, "summary": "Helm has accepted its objects"}
    assert shown["pod"] == {
        "name": "job-1",
        "uid": "uid-1",
        "node": "node-1",
        "phase": "Running",
        "requests": {},
    }
    assert (shown["state"], shown["pending"], shown["outcome"]) == ("RUNNING", None, None)


def test_json_of_a_pending_job():
    assert described(track(unscheduled(), unscheduled()), 10.0)["pending"] == {
        "action": "WAIT_FOR_RESOURCES",
        "code": "InsufficientResources",
        "summary": SHORT.summary,
        "detail": SHORTAGE,
        "cure": SHORT.cure,
        "clock": "pending_timeout",
        "since": "2026-01-01T00:00:00+00:00",
        "deadline": "2026-01-01T00:02:00+00:00",
        "expired": False,
        "timing": "watched",
        "resources": [],
    }


def test_json_of_a_wait_without_end():
    pending = described(track(unscheduled(), policy=WaitPolicy(pending_timeout=None)))["pending"]
    assert (pending["deadline"], pending["clock"]) == (None, "")


def test_json_of_an_ended_job():
    shown = described(track(exited(137, "OOMKilled")))
    assert (shown["state"], shown["pending"]) == ("FAILED", None)
    assert shown["outcome"] == {
        "code": "OOMKilled",
        "returnCode": 104,
        "exitCode": 137,
        "summary": OOM.summary,
        "detail": "container job ran out of memory",
        "cure": OOM.cure,
    }


def test_job_whose_wait_ended_is_not_pending():
    shown = described(track(unscheduled(), unscheduled(), seconds=120.0), 120.0)
    assert (shown["pending"], shown["outcome"]["code"]) == (None, "InsufficientResources")


@pytest.mark.parametrize("known", [UNSEEN, UNKNOWN, track(make_pod()), track(running()), track(exited(1))])
def test_json_is_json(known):
    assert json.loads(json.dumps(described(known))) == described(known)


@pytest.mark.parametrize(
    ("known", "text"),
    [
        (UNSEEN, "STARTING"),
        (track(running()), "RUNNING"),
        (UNKNOWN, "UNKNOWN  (cluster cannot be asked: no answer)"),
        (
            track(unscheduled()),
            f"STARTING  WAIT_FOR_RESOURCES InsufficientResources (pending_timeout: 115 s left): {SHORT.summary} {SHORTAGE}\n  cure: {SHORT.cure}",
        ),
    ],
)
def test_describe(known, text):
    assert describe(known, 5.0) == text


@pytest.mark.parametrize(
    ("timing", "now", "text"),
    [
        (Timing.WATCHED, 5.0, "(pending_timeout: 115 s left)"),
        (Timing.WATCHED, 500.0, "(pending_timeout: 0 s left)"),
        (Timing.CLUSTER, 5.0, "(pending_timeout: about 115 s left by the cluster's clock)"),
        (Timing.CLUSTER, 119.5, "(pending_timeout: run out by the cluster's clock)"),
        (Timing.UNKNOWN, 5.0, "(pending_timeout: at most 115 s left)"),
    ],
)
def test_remaining_time_says_how_it_is_known(timing, now, text):
    known = timed(track(unscheduled()), timing)
    assert text in describe(known, now)
    rows = cause_rows(described(known), START + timedelta(seconds=now))
    assert rows["until"] == f"2026-01-01T00:02:00+00:00 {text}"


def test_wait_without_end_has_no_limit():
    known = track(unscheduled(), policy=WaitPolicy(pending_timeout=None))
    assert "(no limit)" in describe(known, 5.0)
    assert cause_rows(described(known), START)["until"] == "no limit"


@pytest.mark.parametrize(
    ("known", "line"),
    [
        (UNSEEN, "STARTING"),
        (track(running()), "RUNNING"),
        (
            track(exited(0)),
            "SUCCEEDED  Success: The job process ended with exit code 0. (return code 0)",
        ),
        (
            track(exited(137, "OOMKilled")),
            f"FAILED  OOMKilled: {OOM.summary} container job ran out of memory (return code 104)\n  cure: {OOM.cure}",
        ),
    ],
)
def test_verdict_line(known, line):
    assert verdict_line(described(known)) == line


def test_cause_rows_of_a_pending_job():
    rows = cause_rows(described(track(unscheduled())), START)
    assert list(rows) == ["cause", "detail", "action", "until", "cure"]
    assert rows["cause"] == f"InsufficientResources: {SHORT.summary}"
    assert (rows["detail"], rows["action"], rows["cure"]) == (SHORTAGE, "WAIT_FOR_RESOURCES", SHORT.cure)


def test_cause_rows_of_an_ended_job():
    assert cause_rows(described(track(exited(137, "OOMKilled"))), START) == {
        "cause": f"OOMKilled: {OOM.summary}",
        "detail": "container job ran out of memory",
        "cure": OOM.cure,
    }


def test_cause_rows_leave_out_what_is_empty():
    assert cause_rows(described(UNSEEN), START) == {}
    assert cause_rows(described(track(running())), START) == {}
    # nobody needs a cure for a success, and its detail is its summary
    assert list(cause_rows(described(track(exited(0))), START)) == ["cause"]


@pytest.mark.parametrize(
    ("known", "line"),
    [
        (UNSEEN, "Starting: the pod has not been looked at yet. Cure: ask again in a moment"),
        (UNKNOWN, "Unknown: Kubernetes or helm could not be asked. Cure: read missing.txt"),
        (track(running()), "Running: the job runs."),
        (replace(UNSEEN, state=JobState.TERMINATED), "TERMINATED"),
        (track(exited(0)), "Success: The job process ended with exit code 0. Cure: nothing to do"),
    ],
)
def test_cause_line(known, line):
    assert cause_line(described(known)) == line


def test_detail_that_begins_with_the_summary_does_not_repeat_it():
    shown = described(track(unscheduled(), unscheduled(), seconds=120.0), 120.0)
    for text in (verdict_line(shown), cause_line(shown), *cause_rows(shown, START).values()):
        assert text.count(SHORT.summary) <= 1
    assert cause_rows(shown, START)["detail"] == SHORTAGE


def test_a_job_whose_log_explains_its_end_shows_what_to_do_about_it():
    """The catalogue knows a cure for the code, the log one for the case."""
    no_parent = "workspace transfer bootstrap cell failed to connect to parent site-1 within 30.0 seconds"
    log = ("[ws-transfer] upload_results start job=a1", f"RuntimeError: {no_parent}")
    plain = described(track(exited(101)))
    known = step(UNSEEN, Observation(0.0, START, Seen.found(exited(101)), log=log), WaitPolicy())
    told = described(known)
    assert plain["outcome"]["cure"] == CATALOGUE[Code.APP_CODE].cure
    assert told["outcome"]["cure"].startswith(
        "submit the job again; restart parents neither in the last minute"
    )
    changed = ("cure", "detail")
    assert {key: value for key, value in told["outcome"].items() if key not in changed} == {
        key: value for key, value in plain["outcome"].items() if key not in changed
    }
    for text in (cause_line(told), verdict_line(told), "\n".join(cause_rows(told, START).values())):
        assert "its results could not be delivered: its parent was away" in text
        assert "restart parents neither in the last minute" in text
