"""What a parent tells Prometheus: one row for each metric, with every series that it can have.

The edge makes its metrics of these rows, all series from the first moment on: a counter that first appears
with its first job would not be seen to have grown. The values of labels are codes of the catalogue, return
codes, states, verbs and results, and never what somebody else has written.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product

from launcher.core.catalogue import CATALOGUE, CREATION, STARTING, UNSCHEDULED, Code, Limit
from launcher.core.catalogue.returncodes import PASS_THROUGH
from launcher.core.lifecycle.state import JobState
from launcher.core.measured import ApiResult, ApiVerb, HelmResult, HelmVerb, Watched

__all__ = ["ALIVE", "METRICS", "PENDING", "UNCLASSIFIED", "Kind", "Metric"]

ALIVE = (JobState.STARTING, JobState.RUNNING, JobState.UNKNOWN)
# The codes with which a job can wait; those of limit NOW wait under policy `strict` only.
PENDING: tuple[Code, ...] = tuple(
    code for code, entry in {**CREATION, **UNSCHEDULED, **STARTING}.items() if entry.limit is not Limit.NEVER
)
# Causes that the catalogue does not know: whoever reads the log may want to report the words.
UNCLASSIFIED = (Code.UNCLASSIFIED, Code.UNSCHEDULABLE)


class Kind(str, enum.Enum):
    """What Prometheus calls a metric."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes:
        name: as queries write it, of a histogram without ``_bucket``.
        kind: of Prometheus.
        meaning: one sentence.
        labels: their names.
        series: values of the labels, of each series that is there from the beginning.
        buckets: upper ends of a histogram's, in seconds.
    """

    name: str
    kind: Kind
    meaning: str
    labels: tuple[str, ...] = ()
    series: tuple[tuple[str, ...], ...] = ((),)
    buckets: tuple[float, ...] = ()


def _each(words: Iterable[enum.Enum]) -> tuple[tuple[str, ...], ...]:
    return tuple((str(word.value),) for word in words)


def _pairs(verbs: Iterable[enum.Enum], results: Iterable[enum.Enum]) -> tuple[tuple[str, ...], ...]:
    return tuple((str(one.value), str(two.value)) for one, two in product(verbs, results))


def _ends() -> Iterator[tuple[str, ...]]:
    """Yield each code with its return code, and with each one that a job process can choose."""
    for code, entry in CATALOGUE.items():
        for number in sorted(PASS_THROUGH) if entry.returns_own else (entry.return_code,):
            yield code.value, str(int(number))


METRICS: tuple[Metric, ...] = (
    Metric("fljob_jobs", Kind.GAUGE, "Jobs that live, by state.", ("state",), _each(ALIVE)),
    Metric(
        "fljob_jobs_pending", Kind.GAUGE, "Jobs that do not run yet, by cause.", ("code",), _each(PENDING)
    ),
    Metric(
        "fljob_jobs_pending_longest_seconds",
        Kind.GAUGE,
        "Seconds of the job that has waited longest with the cause; 0 = none waits.",
        ("code",),
        _each(PENDING),
    ),
    Metric(
        "fljob_jobs_pending_seconds_total",
        Kind.COUNTER,
        "Seconds that jobs have waited, by cause.",
        ("code",),
        _each(PENDING),
    ),
    Metric(
        "fljob_jobs_ended_total",
        Kind.COUNTER,
        "Jobs that have ended, refused ones too, by code and FLARE's return code.",
        ("code", "return_code"),
        tuple(_ends()),
    ),
    Metric(
        "fljob_jobs_unclassified_total",
        Kind.COUNTER,
        "Causes that the catalogue does not know, once for each job; the parent's log has the words.",
        ("code",),
        _each(UNCLASSIFIED),
    ),
    Metric(
        "fljob_job_start_duration_seconds",
        Kind.HISTOGRAM,
        "From the launch of a job until it was seen to run.",
        buckets=(1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 14400),
    ),
    Metric(
        "fljob_job_end_delay_seconds",
        Kind.HISTOGRAM,
        "From the end of a job's container until the parent knew; the kubelet gives whole seconds.",
        buckets=(0.5, 1, 2, 5, 10, 30, 60, 300),
    ),
    Metric(
        "fljob_helm_runs_total",
        Kind.COUNTER,
        "Runs of helm against the cluster, by verb and result.",
        ("verb", "result"),
        _pairs(HelmVerb, HelmResult),
    ),
    Metric(
        "fljob_helm_run_duration_seconds",
        Kind.HISTOGRAM,
        "How long a run of helm lasted.",
        ("verb",),
        _each(HelmVerb),
        (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 45, 300),
    ),
    Metric(
        "fljob_helm_queue_duration_seconds",
        Kind.HISTOGRAM,
        "How long a run of helm waited for its turn (helm_installs, helm_removals).",
        ("verb",),
        _each(HelmVerb),
        (0.01, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 600),
    ),
    Metric(
        "fljob_api_requests_total",
        Kind.COUNTER,
        "Requests of the parent to the API server, by verb and result; those of helm are its own.",
        ("verb", "result"),
        _pairs(ApiVerb, ApiResult),
    ),
    Metric(
        "fljob_watch_breaks_total",
        Kind.COUNTER,
        "Lists and watches of a namespace that failed, after which it is listed again.",
        ("kind",),
        _each(Watched),
    ),
    Metric(
        "fljob_acting", Kind.GAUGE, "1 = this parent acts for its site, 0 = another one does and this waits."
    ),
)
