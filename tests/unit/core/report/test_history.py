"""The record of a job that is gone, and what jobs have used: what is written is read again, and nothing else is believed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from launcher.core.catalogue import Code
from launcher.core.ending.outcome import Outcome, make_outcome
from launcher.core.jobref import JobRef
from launcher.core.lifecycle.ledger import RUNNING
from launcher.core.lifecycle.ledger_note import LedgerNote
from launcher.core.lifecycle.state import Track
from launcher.core.report.history import LONGEST, from_line, record_of, to_line
from launcher.core.report.usage import causes_text, seconds_text, since_of, summed, to_json
from tests.fakes import START, main, running, scheduled

DIGEST = f"sha256:{'0a' * 32}"
JOB = JobRef(
    release="fj-1", namespace="fl", pod_name="p", job_id="j1", site="hôpital", role="client", study="heart"
)
NOTE = LedgerNote(
    pod="uid-1",
    launched=START - timedelta(seconds=100),
    until=START,
    seconds={"QuotaExceeded": 40.0, "InsufficientResources": 10.0, RUNNING: 50.0},
)
TRACK = Track(launched=0.0, pod=replace(running(), node="node-1"))
RECORD = record_of(JOB, TRACK, make_outcome(Code.SUCCESS, exit_code=0), NOTE)


def test_a_record_is_read_as_it_was_written():
    assert from_line(to_line(RECORD)) == RECORD
    assert (RECORD.launched, RECORD.ended) == (START - timedelta(seconds=100), START)
    assert (RECORD.job, RECORD.site, RECORD.study, RECORD.node) == ("j1", "hôpital", "heart", "node-1")
    assert to_line(RECORD).count("\n") == 1
    assert len(to_line(RECORD)) < 1000


def test_a_job_that_never_had_a_pod_has_a_record():
    outcome = Outcome(
        Code.QUOTA_EXCEEDED, make_outcome(Code.QUOTA_EXCEEDED).return_code, "", clock="pending_timeout"
    )
    record = record_of(JOB, Track(launched=0.0), outcome, NOTE)
    assert from_line(to_line(record)) == record
    assert (record.code, record.clock, record.node, record.image) == (
        "QuotaExceeded",
        "pending_timeout",
        "",
        "",
    )


def test_nothing_that_a_process_wrote_is_in_it():
    outcome = Outcome(Code.OOM_KILLED, make_outcome(Code.OOM_KILLED).return_code, "the patient's name", 1)
    assert "patient" not in to_line(record_of(JOB, TRACK, outcome, NOTE))


def test_lines_of_earlier_versions_are_read():
    later = ("digest", "digest_of", "submitter", "submitter_org", "submitter_role")
    content = json.loads(to_line(RECORD))
    assert from_line(json.dumps({key: value for key, value in content.items() if key not in later})) == RECORD


def test_a_record_says_who_submitted_the_job_and_which_digest_ran():
    ran = replace(main("terminated"), image="x:1", image_id=f"docker-pullable://r/x@{DIGEST}")
    track = Track(launched=0.0, pod=scheduled(ran))
    record = record_of(JOB, track, make_outcome(Code.SUCCESS, exit_code=0), NOTE)
    record = replace(record, submitter="ada@example.com", submitter_org="hôpital", submitter_role="lead")
    assert (record.digest, record.digest_of) == (DIGEST, "manifest")
    assert from_line(to_line(record)) == record


def test_the_longest_record_is_read_again():
    """Whoever makes a pod asks for what they like, in names as long as Kubernetes has them."""
    asks = {f"{number}{'r' * 400}": "9" * 400 for number in range(500)}
    ran = replace(main("terminated"), image="i" * 5000, image_id="\u2028" * 5000, requests=asks)
    names = dict.fromkeys(("release", "namespace", "job_id", "site", "study"), "😀" * 253)
    causes = {f"{'C' * 30}({'x' * 63},{'y' * 63},z{number:062})": 1.0 for number in range(20)}
    track = Track(launched=0.0, pod=replace(scheduled(ran), node="n" * 253))
    record = record_of(
        replace(JOB, **names), track, make_outcome(Code.OOM_KILLED), replace(NOTE, seconds=causes)
    )
    record = replace(record, submitter="a" * 200, submitter_org="b" * 200, submitter_role="c" * 200)
    assert len(to_line(record)) < LONGEST
    read = from_line(to_line(record))
    assert (read.digest, read.seconds) == ("", record.seconds)


def changed(**more):
    return json.dumps({**json.loads(to_line(RECORD)), **more})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "7",
        "{}",
        '"' + "x" * LONGEST + '"',
        "[" * 5000,
        changed(version=2),
        changed(job=None),
        changed(launched="yesterday"),
        changed(launched="2026-01-01T00:00:00"),
        changed(return_code="0"),
        changed(return_code=True),
        changed(return_code=1 << 40),
        changed(seconds=[]),
        changed(seconds={"a": "b"}),
        changed(seconds={"a": -1}),
        changed(seconds={"a": "12"}),
        changed(seconds={"a": "٣"}),
        changed(seconds={"a": True}),
        changed(seconds={"a": float("inf")}),
        changed(seconds={"a": 1e300}),
        changed(seconds={str(number): 1 for number in range(1000)}),
        changed(resources={"cpu": 1}),
        changed(digest="latest"),
        changed(digest=None),
        changed(digest_of="anything"),
        changed(submitter=7),
        '{"version": 1, "seconds": {"a": NaN}}',
    ],
)
def test_what_is_no_record_is_none(text):
    assert from_line(text) is None


def test_names_of_others_are_made_fit_to_be_shown():
    found = from_line(changed(job="\x1b[2J\nforged", study="s" * 10_000))
    assert not set("\x1b\n") & set(found.job)
    assert len(found.study) <= 300


def job(name, study, code, seconds, ended=START):
    return replace(
        RECORD, job=name, release=f"fj-{name}", study=study, code=code, seconds=seconds, ended=ended
    )


JOBS = [
    job("a", "heart", "Success", {RUNNING: 100.0, "QuotaExceeded": 20.0}),
    job("b", "heart", "OOMKilled", {RUNNING: 5.0, "InsufficientResources": 30.0}),
    job("c", "", "Success", {RUNNING: 7.0}, ended=START - timedelta(days=2)),
]


def test_sums_by_study_code_and_job():
    first, second = summed(JOBS, "study", None)
    assert (first.key, first.jobs, first.failed, first.running) == ("heart", 2, 1, 105.0)
    assert first.waiting == {"InsufficientResources": 30.0, "QuotaExceeded": 20.0}
    assert (second.key, second.failed) == ("default", 0)
    assert [use.key for use in summed(JOBS, "code", None)] == ["Success", "OOMKilled"]
    assert [use.key for use in summed(JOBS, "job", START - timedelta(days=1))] == ["a", "b"]
    assert [use.key for use in summed(JOBS, "site", None)] == ["hôpital"]
    assert to_json(first, "study")["waitingSeconds"] == {"InsufficientResources": 30.0, "QuotaExceeded": 20.0}


def test_an_end_that_two_parents_have_seen_counts_once():
    assert [use.jobs for use in summed([JOBS[0], replace(JOBS[0], code="Terminated")], "study", None)] == [1]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (41.4, "41s"),
        (60, "1m"),
        (61, "1m 1s"),
        (3600, "1h"),
        (11_520, "3h 12m"),
        (90_061, "1d 1h"),
    ],
)
def test_times_as_people_say_them(seconds, text):
    assert seconds_text(seconds) == text


def test_the_longest_causes_are_named():
    assert causes_text({"a": 300.0, "b": 60.0, "c": 5.0, "d": 2.0, "e": 0.2}) == "a 5m, b 1m, c 5s, 1 more"
    assert causes_text({}) == ""


NOW = datetime(2026, 11, 29, 12, 0, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("24h", NOW - timedelta(hours=24)),
        ("7d", NOW - timedelta(days=7)),
        ("2w", NOW - timedelta(days=14)),
        ("2026-11-01", datetime(2026, 11, 1, tzinfo=timezone.utc)),
        ("2026-11-01T10:00:00+01:00", datetime(2026, 11, 1, 9, tzinfo=timezone.utc)),
        ("tomorrow", None),
        ("", None),
        ("-3d", None),
        ("9999999999d", None),
        ("1.5h", NOW - timedelta(minutes=90)),
        ("٣d", None),
        ("99999w", datetime(1970, 1, 1, tzinfo=timezone.utc)),
        ("2026-11-01T10:00:00Z", datetime(2026, 11, 1, 10, tzinfo=timezone.utc)),
        ("0001-01-01", datetime(1970, 1, 1, tzinfo=timezone.utc)),
        ("0001-01-01T00:00:00+14:00", datetime(1970, 1, 1, tzinfo=timezone.utc)),
        ("9999-12-31T23:59:59-12:00", None),
    ],
)
def test_since_when(text, moment):
    assert since_of(text, NOW) == moment


def test_a_date_in_summer_begins_by_summer_time():
    summer = timezone(timedelta(hours=2))
    found = since_of(
        "2026-07-01", NOW.astimezone(timezone(timedelta(hours=1))), lambda day: day.replace(tzinfo=summer)
    )
    assert found == datetime(2026, 6, 30, 22, tzinfo=timezone.utc)


def test_two_parents_that_saw_the_same_launch_count_it_once():
    later = [replace(RECORD, launched=RECORD.launched + timedelta(seconds=after)) for after in (0.999, 3, 60)]
    (use,) = summed([RECORD, *later], "job", None)
    assert use.jobs == 2  # a minute later the id was launched again
