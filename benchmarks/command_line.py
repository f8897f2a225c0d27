"""How long a command lets one wait: fljob beside kubectl and helm, on the cluster of KUBECONFIG.

    eval "$(scripts/cluster env)"; $BIN/python benchmarks/command_line.py [--runs 15] [-n NAMESPACE]

Prints the median wall time, the CPU time of the process and its children, and the largest RSS of the program
itself. On a busy machine the CPU column says more than the wall.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

META = {"launcher_spec": {"default": {"k8s": {"image": "example.test/img:1"}}}}
# Runs a command line of fljob in this interpreter, and prints the RSS of that alone: helm is a child.
FLJOB = """
import resource, sys, launcher.cli
try:
    launcher.cli.main(sys.argv[1:])
except SystemExit as done:
    sys.stderr.write(f"rss={resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}\\n")
    raise
"""


def commands(namespace: str, meta: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield what is measured; `status` of a job that is not there asks all that one of a running job asks."""
    python = [sys.executable, "-c", FLJOB]
    whole = "fj-none-site-1-" + "0" * 20
    yield "fljob list", [*python, "list", "-n", namespace]
    yield "fljob status RELEASE", [*python, "status", whole, "-n", namespace]
    yield "fljob status ID", [*python, "status", "none", "-n", namespace]
    yield "fljob template", [*python, "template", str(meta), "--site", "site-1"]
    yield "fljob --help", [*python, "--help"]
    yield "kubectl get pods", ["kubectl", "get", "pods", "-n", namespace]
    yield "helm list", ["helm", "list", "-n", namespace]


def measure(command: list[str]) -> tuple[float, float, int]:
    """Return wall seconds, CPU seconds and RSS in KiB (0 where the program does not tell) of one run."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wall, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    told = [line for line in done.stderr.splitlines() if line.startswith("rss=")]
    return wall, cpu, int(told[-1].removeprefix("rss=")) if told else 0


def main() -> None:
    """Measure in turns, so that a busy moment meets all alike, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("-n", "--namespace", default="default")
    given = parser.parse_args()
    os.environ["PYTHONPATH"] = str(Path(__file__).parents[1])
    with tempfile.TemporaryDirectory() as folder:
        meta = Path(folder) / "meta.json"
        meta.write_text(json.dumps(META))
        rows = list(commands(given.namespace, meta))
        found: dict[str, list[tuple[float, float, int]]] = {name: [] for name, _ in rows}
        for _ in range(given.runs):
            for name, command in rows:
                found[name].append(measure(command))
    print(f"{'command':22} {'wall s':>7} {'cpu s':>7} {'RSS MB':>7}   median of {given.runs}")
    for name, runs in found.items():
        wall, cpu, rss = (statistics.median(column) for column in zip(*runs, strict=True))
        print(
            f"{name:22} {wall:7.2f} {cpu:7.2f} {rss / 1024:7.0f}"
            if rss
            else f"{name:22} {wall:7.2f} {cpu:7.2f}"
        )


if __name__ == "__main__":
    main()
