"""The port ``Metrics``, in a registry of its own."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.core import GaugeMetricFamily

from launcher.core.catalogue import Code
from launcher.core.catalogue.returncodes import ReturnCode
from launcher.core.lifecycle.state import JobSample
from launcher.core.measured import ApiResult, ApiVerb, HelmResult, HelmVerb, Watched
from launcher.core.report.metrics import ALIVE, METRICS, PENDING, Kind, Metric

__all__ = ["PrometheusMetrics"]

_GAUGES = {row.name: row for row in METRICS if row.kind is Kind.GAUGE}


class _Job(Protocol):
    def sample(self) -> JobSample | None: ...


class _Registry(CollectorRegistry):
    """A registry without the series ``_created``: they double the answer, and no query needs them."""

    def collect(self) -> Iterator[Any]:
        for family in super().collect():
            family.samples = [one for one in family.samples if not one.name.endswith("_created")]
            yield family


class _Live:
    """What is counted when somebody asks: the jobs that live, and who acts."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: weakref.WeakSet[_Job] = weakref.WeakSet()
        self.is_acting: Callable[[], bool] = lambda: True

    def add(self, job: _Job) -> None:
        """Count a job while somebody holds it."""
        with self._lock:
            self._jobs.add(job)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the gauges."""
        with self._lock:
            jobs = tuple(self._jobs)
        states = {state.value: 0 for state in ALIVE}
        pending, longest = ({code.value: 0.0 for code in PENDING} for _ in range(2))
        for sample in filter(None, (job.sample() for job in jobs)):
            states[sample.state.value] = states.get(sample.state.value, 0) + 1
            if sample.code is not None:
                code = sample.code.value
                pending[code] = pending.get(code, 0) + 1
                longest[code] = max(longest.get(code, 0), sample.lasting)
        yield _gauge("fljob_jobs", states.items())
        yield _gauge("fljob_jobs_pending", pending.items())
        yield _gauge("fljob_jobs_pending_longest_seconds", longest.items())
        yield _gauge("fljob_acting", [((), int(self.is_acting()))])


def _gauge(name: str, values: Iterable[tuple[Any, float]]) -> GaugeMetricFamily:
    row = _GAUGES[name]
    family = GaugeMetricFamily(name, row.meaning, labels=row.labels)
    for label, value in values:
        family.add_metric([label] if label else [], value)
    return family


class PrometheusMetrics:
    """Counters and histograms of every row that is no gauge, and the gauges when somebody asks.

    Attributes:
        registry: what a server gives away; nothing of it is in the library's own registry.
    """

    def __init__(self) -> None:
        self.registry: CollectorRegistry = _Registry(auto_describe=True)
        self._live = _Live()
        self.registry.register(self._live)  # first: what it asks brings the counters up to date
        self._of: dict[str, Any] = {
            row.name: _made(row, self.registry) for row in METRICS if row.kind is not Kind.GAUGE
        }
        ProcessCollector(registry=self.registry)

    def follow(self, job: _Job) -> None:
        """Count a job among those that live while somebody holds it."""
        self._live.add(job)

    def leads(self, is_acting: Callable[[], bool]) -> None:
        """Learn what tells whether this process acts for its site."""
        self._live.is_acting = is_acting

    def waited(self, code: Code, seconds: float) -> None:
        """Add the seconds that a job has spent with a cause."""
        self._of["fljob_jobs_pending_seconds_total"].labels(code.value).inc(seconds)

    def unclassified(self, code: Code) -> None:
        """Count a cause that the catalogue does not know."""
        self._of["fljob_jobs_unclassified_total"].labels(code.value).inc()

    def started(self, seconds: float) -> None:
        """Count a job that runs."""
        self._of["fljob_job_start_duration_seconds"].observe(seconds)

    def ended(self, code: Code, return_code: ReturnCode, unseen: float | None = None) -> None:
        """Count an end, and how long nobody knew of it."""
        self._of["fljob_jobs_ended_total"].labels(code.value, str(int(return_code))).inc()
        if unseen is not None:
            self._of["fljob_job_end_delay_seconds"].observe(unseen)

    def helm_ran(self, verb: HelmVerb, result: HelmResult, queued: float, lasted: float) -> None:
        """Count a run of helm."""
        self._of["fljob_helm_runs_total"].labels(verb.value, result.value).inc()
        self._of["fljob_helm_queue_duration_seconds"].labels(verb.value).observe(queued)
        self._of["fljob_helm_run_duration_seconds"].labels(verb.value).observe(lasted)

    def api_asked(self, verb: ApiVerb, result: ApiResult) -> None:
        """Count a request to the API server."""
        self._of["fljob_api_requests_total"].labels(verb.value, result.value).inc()

    def watch_broke(self, kind: Watched) -> None:
        """Count a list or watch that failed."""
        self._of["fljob_watch_breaks_total"].labels(kind.value).inc()


def _made(row: Metric, registry: CollectorRegistry) -> Any:
    """Return a metric with all its series."""
    more = {"buckets": row.buckets} if row.buckets else {}
    kind: Any = Histogram if row.kind is Kind.HISTOGRAM else Counter
    metric = kind(row.name, row.meaning, row.labels, registry=registry, **more)
    for values in row.series if row.labels else ():
        metric.labels(*values)
    return metric
