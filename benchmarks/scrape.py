"""What one scrape of a parent is: series, bytes on the wire with and without gzip, and CPU.

    PYTHONPATH=. $BIN/python benchmarks/scrape.py [JOBS...]

Prints a row for each number of jobs that wait, with as many causes as there are. Needs no cluster; asks over HTTP as
Prometheus does, so that text, compression and server are those of a parent.
"""

from __future__ import annotations

import gzip
import itertools
import logging
import socket
import sys
import time
import urllib.request
from typing import Any

from launcher.core.catalogue import Code
from launcher.core.jobref import JobRef
from launcher.core.lifecycle.state import Track
from launcher.core.pending.clocks import Action, Verdict
from launcher.core.report.metrics import PENDING
from launcher.edges.clock import SystemClock
from launcher.edges.metrics.counting import PrometheusMetrics
from launcher.edges.metrics.server import MetricsServer
from launcher.usecases.ports import World
from launcher.usecases.telling.measuring import Measuring

TIMES = 50
# What Prometheus 3 asks for, first choice first among those that prometheus-client knows.
ACCEPT = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"


def waiting(metrics: PrometheusMetrics, code: Code, number: int) -> Measuring:
    """Return what follows a job that waits, as a parent has it."""
    nothing: Any = None  # no cluster
    clock = SystemClock()
    since = clock.monotonic() - 12.345 * number
    world = World(nothing, nothing, nothing, clock, metrics=metrics)
    made = Measuring(world, launched=since, is_launched=True)
    verdict = Verdict(Action.WAIT, code, "", since, None)
    made.saw(JobRef(release="r", namespace="fl", pod_name="p"), Track(since, verdict=verdict))
    return made


def read(port: int, **headers: str) -> bytes:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/metrics", headers={"Accept": ACCEPT, **headers}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return bytes(answer.read())


def ready(port: int) -> None:
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), 5).close()
        except OSError:
            time.sleep(0.02)


def measured(jobs: int) -> tuple[int, int, int, float]:
    """Return series, bytes, bytes with gzip, and milliseconds of CPU, those of whoever asks among them."""
    metrics = PrometheusMetrics()
    causes = itertools.islice(itertools.cycle(PENDING), jobs)
    held = [waiting(metrics, code, number) for number, code in enumerate(causes)]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    server = MetricsServer(metrics.registry, "127.0.0.1", port)
    server.start()
    ready(port)
    plain = read(port)
    begin = time.process_time()
    for _ in range(TIMES):
        zipped = read(port, **{"Accept-Encoding": "gzip"})
    spent = (time.process_time() - begin) / TIMES * 1000
    server.stop()
    assert len(gzip.decompress(zipped)) > len(plain) / 2
    assert len(held) == jobs  # who is not held is not counted
    return sum(not line.startswith(b"#") for line in plain.splitlines()), len(plain), len(zipped), spent


def main() -> None:
    logging.disable()
    print("| jobs that wait | series | bytes | with gzip | CPU |\n|---|---|---|---|---|")
    for jobs in [int(word) for word in sys.argv[1:]] or [0, 100, 1000]:
        series, plain, zipped, spent = measured(jobs)
        print(f"| {jobs} | {series} | {plain / 1000:.1f} kB | {zipped / 1000:.1f} kB | {spent:.1f} ms |")


if __name__ == "__main__":
    main()
