"""What helm and cosign say of a registry: every row is hit by its own sample, and whole outputs become sentences."""

from __future__ import annotations

import pytest

from launcher.core.catalogue import CATALOGUE
from launcher.core.catalogue.returncodes import ReturnCode
from launcher.core.chart_reference import ChartReference
from launcher.core.pending.refusal import refusal_of
from launcher.edges.charts.failures import COSIGN, PULL, explain
from launcher.edges.failure import find
from launcher.edges.helm.child import ChildFailed, Ended
from launcher.errors import Denied, InvalidInput, NotFound, Reason, Rejected, Unavailable

CHART = ChartReference("reg:5000", "charts/fljob", "", "sha256:" + "0" * 64)


def exited(text):
    return ChildFailed(Ended.EXITED, 1, text)


@pytest.mark.parametrize(
    ("table", "row"),
    [pytest.param(table, row, id=row.reason.value) for table in (PULL, COSIGN) for row in table],
)
def test_every_row_is_hit_by_its_own_sample_and_has_a_cure(table, row):
    found = find(table, row.sample)
    assert found is not None
    assert found[0] is row
    error = explain(exited(f"Error: {row.sample}\n"), table, CHART, "helm")
    assert (type(error), error.reason) == (row.error, row.reason)
    assert error.message.startswith(f"chart {CHART}: ")
    assert error.cure


@pytest.mark.parametrize(
    ("text", "error", "reason"),
    [
        # helm 4.3.0 and 3.22.0
        ('Get "https://h/v2/": dial tcp: lookup h on 10.0.0.1:53: no such host', Unavailable, Reason.CHART_REGISTRY_AWAY),
        ('Get "https://h/v2/": http: server gave HTTP response to HTTPS client', Unavailable, Reason.CHART_REGISTRY_AWAY),
        ('Get "https://h/v2/": tls: failed to verify certificate: x509: certificate signed by unknown authority', Unavailable, Reason.CHART_REGISTRY_AWAY),
        ('GET "http://h/v2/": response status code 503: Service Unavailable', Unavailable, Reason.CHART_REGISTRY_AWAY),
        ('GET "http://h/v2/x": basic credential not found', Denied, Reason.CHART_ACCESS_DENIED),
        ('GET "http://h/v2/x": response status code 403: denied: requested access is denied', Denied, Reason.CHART_ACCESS_DENIED),
        ('failed to perform "FetchReference" on source: h/charts/fljob:9.9.9: not found', NotFound, Reason.CHART_NOT_IN_REGISTRY),
        ('failed to perform "Push" on destination: mismatched digest', Rejected, Reason.CHART_OTHER_BYTES),
        ("manifest does not contain minimum number of descriptors (2), descriptors found: 1", InvalidInput, Reason.CHART_IS_NONE),
        ("something that nobody knows", Rejected, Reason.CHART_NOT_FETCHED),
        ("", Rejected, Reason.CHART_NOT_FETCHED),
    ],
)  # fmt: skip
def test_what_helm_says(text, error, reason):
    found = explain(exited(f"Error: {text}\n"), PULL, CHART, "helm")
    assert (type(found), found.reason) == (error, reason)
    assert found.cure


@pytest.mark.parametrize("row", [*PULL, *COSIGN], ids=lambda row: row.reason.value)
def test_none_of_it_is_the_fault_of_a_job_and_an_outage_heals(row):
    refusal = refusal_of(explain(exited(f"Error: {row.sample}\n"), PULL + COSIGN, CHART, "helm"))
    assert CATALOGUE[refusal.code].return_code is ReturnCode.INFRASTRUCTURE_ERROR
    assert refusal.may_heal is (row.reason is Reason.CHART_REGISTRY_AWAY)


def test_a_registry_that_is_slow_is_away():
    found = explain(ChildFailed(Ended.TIMED_OUT, -15, ""), PULL, CHART, "helm")
    assert (type(found), found.reason) == (Unavailable, Reason.CHART_REGISTRY_AWAY)
    assert "registry reg:5000 did not answer helm in time" in found.message
