"""The rows of the metrics: names as Prometheus wants them, labels from closed sets only."""

from __future__ import annotations

import re

import pytest

from launcher.core.catalogue import CATALOGUE, ENDS, Code
from launcher.core.catalogue.returncodes import ReturnCode
from launcher.core.lifecycle.state import JobState
from launcher.core.measured import ApiResult, ApiVerb, HelmResult, HelmVerb, Watched
from launcher.core.report.metrics import METRICS, PENDING, Kind

SETS = {
    "state": {state.value for state in JobState},
    "code": {code.value for code in Code},
    "return_code": {str(int(code)) for code in ReturnCode},
    "kind": {kind.value for kind in Watched},
    "verb": {verb.value for verb in (*HelmVerb, *ApiVerb)},
    "result": {result.value for result in (*HelmResult, *ApiResult)},
}
BY_NAME = {row.name: row for row in METRICS}


def test_no_two_rows_have_one_name():
    assert len(BY_NAME) == len(METRICS)


@pytest.mark.parametrize("row", METRICS, ids=lambda row: row.name)
def test_a_row_is_named_by_the_rules_of_prometheus(row):
    assert re.fullmatch(r"fljob_[a-z_]+", row.name)
    assert row.name.endswith("_total") == (row.kind is Kind.COUNTER)
    assert row.name.endswith("_seconds") or row.kind is not Kind.HISTOGRAM
    assert (len(row.buckets) > 4) == (row.kind is Kind.HISTOGRAM)
    assert list(row.buckets) == sorted(set(row.buckets))
    assert row.meaning.endswith(".")
    assert "\n" not in row.meaning


@pytest.mark.parametrize("row", METRICS, ids=lambda row: row.name)
def test_every_series_is_of_closed_sets_and_there_once(row):
    assert len(set(row.series)) == len(row.series) > 0
    for values in row.series:
        assert len(values) == len(row.labels)
        assert all(value in SETS[label] for label, value in zip(row.labels, values, strict=True))


def test_every_code_ends_with_its_return_code_and_a_job_process_with_any_of_its_own():
    ends = set(BY_NAME["fljob_jobs_ended_total"].series)
    assert {code for code, _ in ends} == {code.value for code in CATALOGUE}
    assert {number for code, number in ends if code == "AppCode"} == {"101", "102", "103", "104"}
    assert ("OOMKilled", "104") in ends


def test_what_waits_is_no_end_and_no_clock():
    assert not set(PENDING) & (set(ENDS) | {Code.START_TIMEOUT, Code.LAUNCH_TIMEOUT})
    assert {Code.QUOTA_EXCEEDED, Code.SCHEDULING_GATED, Code.PULLING, Code.UNCLASSIFIED} <= set(PENDING)
