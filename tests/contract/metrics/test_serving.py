"""Metrics on a real port, read over HTTP and parsed as Prometheus does."""

from __future__ import annotations

import http.client
import logging
import socket
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest
from prometheus_client.parser import text_string_to_metric_families

from launcher.core.catalogue import Code
from launcher.core.catalogue.returncodes import ReturnCode
from launcher.core.lifecycle.state import JobSample, JobState
from launcher.core.measured import ApiResult, ApiVerb, HelmResult, HelmVerb, Watched
from launcher.core.report.metrics import METRICS, Kind
from launcher.edges.metrics import server as server_module
from launcher.edges.metrics.counting import PrometheusMetrics
from launcher.edges.metrics.server import MetricsServer
from tests.said import said_by

WITHIN = 10.0


class Job:
    """A job that lives."""

    def __init__(self, *samples):
        self.samples = list(samples)

    def sample(self):
        return self.samples[0] if len(self.samples) == 1 else self.samples.pop(0)


def free_port(address="127.0.0.1"):
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as one:
        one.bind((address, 0))
        return one.getsockname()[1]


def until(check):
    end = time.monotonic() + WITHIN
    while not check():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def metrics():
    return PrometheusMetrics()


@pytest.fixture
def serve(metrics):
    """Serve the metrics, and return the server."""
    made = []

    def start(address="127.0.0.1", port=None, **more):
        one = MetricsServer(metrics.registry, address, port or free_port(address), **more)
        made.append(one)
        one.start()
        return one

    yield start
    for one in made:
        one.stop()


def listens(one):
    try:
        socket.create_connection(one.where, 1).close()
    except OSError:
        return False
    return True


def get(one, path="/metrics", method="GET"):
    until(lambda: listens(one))
    address, port = one.where
    host = f"[{address}]" if ":" in address else address
    request = urllib.request.Request(f"http://{host}:{port}{path}", method=method)
    with urllib.request.urlopen(request, timeout=WITHIN) as answer:
        return answer.read().decode()


def read(one):
    """Return what Prometheus reads: name of a sample and its labels -> value."""
    families = text_string_to_metric_families(get(one))
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def test_what_is_counted_is_read(metrics, serve):
    one = serve()
    waiting = JobSample(JobState.STARTING, Code.PULLING, 40.0)
    jobs = [
        Job(waiting),
        Job(JobSample(JobState.STARTING, Code.PULLING, 12.5)),
        Job(JobSample(JobState.RUNNING)),
        Job(None),
    ]
    for job in jobs:
        metrics.follow(job)
    metrics.waited(Code.PULLING, 52.5)
    metrics.unclassified(Code.UNCLASSIFIED)
    metrics.started(4.0)
    metrics.ended(Code.OOM_KILLED, ReturnCode.INFRASTRUCTURE_ERROR, 1.5)
    metrics.ended(Code.TERMINATED, ReturnCode.ABORTED)
    metrics.helm_ran(HelmVerb.INSTALL, HelmResult.FAILED, 3.0, 0.3)
    metrics.api_asked(ApiVerb.WATCH, ApiResult.GONE)
    metrics.watch_broke(Watched.EVENTS)
    metrics.leads(lambda: False)
    found = read(one)
    assert {key: value for key, value in found.items() if value and key[0].startswith("fljob_") and "_bucket" not in key[0]} == {
        ("fljob_jobs", ("state", "STARTING")): 2,
        ("fljob_jobs", ("state", "RUNNING")): 1,
        ("fljob_jobs_pending", ("code", "Pulling")): 2,
        ("fljob_jobs_pending_longest_seconds", ("code", "Pulling")): 40.0,
        ("fljob_jobs_pending_seconds_total", ("code", "Pulling")): 52.5,
        ("fljob_jobs_unclassified_total", ("code", "Unclassified")): 1,
        ("fljob_jobs_ended_total", ("code", "OOMKilled"), ("return_code", "104")): 1,
        ("fljob_jobs_ended_total", ("code", "Terminated"), ("return_code", "9")): 1,
        ("fljob_job_start_duration_seconds_sum",): 4.0,
        ("fljob_job_start_duration_seconds_count",): 1,
        ("fljob_job_end_delay_seconds_sum",): 1.5,
        ("fljob_job_end_delay_seconds_count",): 1,
        ("fljob_helm_runs_total", ("result", "failed"), ("verb", "install")): 1,
        ("fljob_helm_run_duration_seconds_sum", ("verb", "install")): 0.3,
        ("fljob_helm_run_duration_seconds_count", ("verb", "install")): 1,
        ("fljob_helm_queue_duration_seconds_sum", ("verb", "install")): 3.0,
        ("fljob_helm_queue_duration_seconds_count", ("verb", "install")): 1,
        ("fljob_api_requests_total", ("result", "gone"), ("verb", "watch")): 1,
        ("fljob_watch_breaks_total", ("kind", "events")): 1,
    }  # fmt: skip
    assert found["fljob_acting",] == 0
    assert found["process_resident_memory_bytes",] > 1e6


def test_every_series_of_every_row_is_there_before_anything_happens(serve):
    one = serve()
    expected = {
        (f"{row.name}_count" if row.kind is Kind.HISTOGRAM else row.name, *sorted(zip(row.labels, values, strict=True)))
        for row in METRICS
        for values in row.series
    }  # fmt: skip
    found = {key for key in read(one) if key[0].startswith("fljob_")}
    assert expected <= found
    parts = ("_bucket", "_sum")
    assert {key for key in found - expected if not key[0].endswith(parts)} == set()


def test_types_and_help_are_those_of_the_rows(serve):
    families = {family.name: family for family in text_string_to_metric_families(get(serve()))}
    for row in METRICS:
        family = families[row.name.removesuffix("_total")]
        assert (family.type, family.documentation) == (row.kind.value, row.meaning)
    assert not [name for name in families if name.endswith("_created")]


def test_seconds_that_a_sample_counts_are_in_the_same_answer(metrics, serve):
    class Waiting(Job):
        def sample(self):
            metrics.waited(Code.QUOTA_EXCEEDED, 5.0)
            return JobSample(JobState.STARTING, Code.QUOTA_EXCEEDED, 5.0)

    job = Waiting()
    metrics.follow(job)
    assert read(serve())["fljob_jobs_pending_seconds_total", ("code", "QuotaExceeded")] == 5.0


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_it_is_read_only(serve, method):
    one = serve()
    with pytest.raises(urllib.error.HTTPError, match="405"):
        get(one, method=method)


def test_only_the_named_metrics_are_sent_to_who_names_some(serve):
    text = get(serve(), "/metrics?name[]=fljob_acting")
    assert [line for line in text.splitlines() if not line.startswith("#")] == ["fljob_acting 1.0"]


def test_an_address_of_ipv6(serve):
    assert "fljob_acting 1.0" in get(serve("::1"))


def test_a_port_in_use_is_said_once_and_tried_until_it_is_free(serve, caplog):
    caplog.set_level(logging.INFO)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        one = serve(port=port, again=0.05)
        until(lambda: said_by(caplog, "launcher.edges.metrics"))
        time.sleep(0.3)
    read(one)
    assert said_by(caplog, "launcher.edges.metrics") == [
        f"no metrics at 127.0.0.1 port {port}, trying again every 0.05 s, jobs run all the same: Address already in use",
        f"metrics at http://127.0.0.1:{port}/metrics",
    ]


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1"])
def test_an_address_of_another_machine_is_said(serve, caplog, address):
    serve(address, 9464)
    until(lambda: said_by(caplog, "launcher.edges.metrics"))
    assert "jobs run all the same: " in said_by(caplog, "launcher.edges.metrics")[0]


def test_a_server_that_is_stopped_leaves_the_port(serve):
    one = serve()
    read(one)
    one.stop()
    assert not listens(one)
    again = serve(port=one.where[1])
    assert read(again)


@pytest.mark.parametrize("_try", range(20))
def test_a_server_can_be_stopped_at_any_moment(metrics, _try):
    one = MetricsServer(metrics.registry, "127.0.0.1", free_port(), again=0.01)
    one.start()
    time.sleep(_try / 4000)
    stopping = threading.Thread(target=one.stop, daemon=True)
    stopping.start()
    stopping.join(WITHIN)
    assert not stopping.is_alive()
    assert not listens(one)


def test_who_says_nothing_is_hung_up_on_and_never_more_than_a_few_are_answered(serve, monkeypatch, capfd):
    monkeypatch.setattr(server_module._Handler, "timeout", 0.5)
    one = serve()
    read(one)
    silent = [socket.create_connection(one.where) for _ in range(20)]
    serving = [one for one in threading.enumerate() if "process_request_thread" in one.name]
    assert len(serving) <= server_module._AT_ONCE
    for client in silent:
        client.settimeout(WITHIN)
        assert client.recv(1) == b""
        client.close()
    assert read(one)
    assert capfd.readouterr() == ("", "")


def test_many_who_ask_while_jobs_come_and_go_get_whole_answers(metrics, serve):
    one, over = serve(), threading.Event()

    def churn():
        while not over.is_set():
            job = Job(JobSample(JobState.RUNNING))
            metrics.follow(job)
            metrics.ended(Code.SUCCESS, ReturnCode.OK)

    threads = [threading.Thread(target=churn, daemon=True) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda _: read(one), range(20)))
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert all("fljob_jobs" in {key[0] for key in answer} for answer in answers)


def test_a_sample_that_fails_is_an_answer_500_and_no_more(metrics, serve, capfd):
    class Broken(Job):
        def sample(self):
            raise ZeroDivisionError

    one, job = serve(), Broken()
    metrics.follow(job)
    with pytest.raises(urllib.error.HTTPError, match="500"):
        get(one)
    del job

    def answers():
        try:
            return "fljob_acting" in get(one)
        except urllib.error.HTTPError:  # the thread that met it may still hold it
            return False

    until(answers)
    capfd.readouterr()


def test_a_request_that_is_no_http_ends_nothing(serve):
    one = serve()
    read(one)
    with socket.create_connection(one.where) as client:
        client.sendall(b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n")
        client.settimeout(WITHIN)
        client.recv(100)
    connection = http.client.HTTPConnection(*one.where, timeout=WITHIN)
    connection.request("GET", "/metrics", headers={"Accept-Encoding": "gzip"})
    assert connection.getresponse().getheader("Content-Encoding") == "gzip"
    connection.close()
