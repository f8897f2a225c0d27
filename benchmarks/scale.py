"""A thousand jobs of one parent: what a launch, an end and a quiet job cost, and how soon an end is known.

benchmarks/scale.py [--jobs 100,300,1000] [--at-once 8] [--flare-jobs 60] [--standin] [--profile FOLDER]

Pods run on kwok nodes of the benchmark's own, so that only parent, helm and API server do any work. Each row is a
parent of its own (scale_parent.py): it launches all jobs, --at-once at a time, stays quiet for --idle seconds, and
then all jobs end together, as fast as this process can write their status. CPU is that of the parent's process
without helm's. Printed are a table, and the chart of docs/benchmarks.md as Mermaid. With --standin neither cluster
nor helm are needed (standin.py): for profiles, not for figures. With --pools 1,2,4,8 the number of jobs stays and
the sizes of both pools change, which is how their defaults were found. With --metrics PORT each is measured once more
with metrics_port, while somebody reads it every five seconds.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

from scale_cluster import Cluster, until

HERE = Path(__file__).parent
OURS = "launcher.flare.ClientHelmJobLauncher"
FLARES = "nvflare.app_opt.job_launcher.k8s_launcher.ClientK8sJobLauncher"
LEFT_WITHIN = 120.0


class Parent:
    """One parent process, and what it says at the end of each phase."""

    def __init__(self, words: list[str]) -> None:
        command = [sys.executable, str(HERE / "scale_parent.py"), *words]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=HERE)

    def heard(self, phase: str) -> dict[str, Any]:
        """Return what it says at the end of a phase, and let it go on."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith('{"phase"'):
                found: dict[str, Any] = json.loads(line)
                assert found["phase"] == phase, line
                return found
        raise SystemExit(f"the parent ended before {phase}")

    def go_on(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()


def measure(
    cluster: Cluster, given: argparse.Namespace, launcher: str, jobs: int, site: dict[str, Any]
) -> dict[str, Any]:
    """Run one parent and return its row."""
    at_once = given.at_once if launcher == OURS else min(jobs, 200)  # FLARE's launch_job waits for the pod
    words = [launcher, "--jobs", str(jobs), "--at-once", str(at_once), "--namespace", cluster.namespace]
    words += ["--image", given.image, "--template", json.dumps(cluster.template), "--idle", str(given.idle)]
    words += ["--site", json.dumps(site), "--profile", given.profile]
    begin, parent = time.monotonic(), Parent(words)
    parent.heard("warm")
    parent.go_on()
    launched = parent.heard("launched")
    cluster.until_running(len(launched["launched"]) + 1)
    time.sleep(5)
    parent.go_on()
    idle = parent.heard("idle")
    parent.go_on()
    parent.heard("burst")
    parent.go_on()
    ended = cluster.end_all()
    last = parent.heard("ended")
    is_clean = until(lambda: not any(cluster.left().values()), LEFT_WITHIN if launcher == OURS else 5.0)
    return {
        "launcher": "ours" if launcher == OURS else "FLARE's",
        "jobs": jobs,
        **costs(jobs, launched, idle, last),
        **delays(ended, last["returned"]),
        "left": "nothing" if is_clean else str(cluster.left()),
        "seconds of the run": round(time.monotonic() - begin),
    }


def costs(jobs: int, launched: dict[str, Any], idle: dict[str, Any], last: dict[str, Any]) -> dict[str, Any]:
    helm = launched["helm_cpu"] + last["helm_cpu"]
    return {
        "failed": len(launched["failures"]) + len(last["wrong"]),
        "launches/s": round(jobs / launched["seconds"], 1),
        "launch_job p50 s": round(statistics.median(launched["launched"]), 2),
        "CPU ms/launch": round(1000 * launched["cpu"] / jobs, 1),
        "CPU ms/end": round(1000 * last["cpu"] / jobs, 1),
        "idle CPU %": round(100 * idle["share"], 1),
        "RSS MB": round(idle["rss"]),
        "threads": idle["threads"],
        "files": idle["files"],
        "helm runs/job": round(sum(last.get("runs", {}).values()) / (jobs + 1), 2),
        "most helms": last.get("most", 0),
        "helm CPU ms/job": round(1000 * helm / jobs),
    }


def delays(ended: dict[str, float], returned: dict[str, float]) -> dict[str, Any]:
    """Return the seconds from the moment at which an end was written until wait() returned."""
    # Names of pods begin with the job's id, whose first character a letter may stand before.
    length = len(next(iter(returned)))
    when = {name.lstrip("j")[:length]: at for name, at in ended.items()}
    seconds = [at - when[job] for job, at in returned.items()]
    return {
        "end -> wait p50 s": round(statistics.median(seconds), 2),
        "end -> wait p95 s": round(statistics.quantiles(seconds, n=20)[-1], 2),
        "ends written within s": round(max(ended.values()) - min(ended.values()), 1),
    }


def table(rows: list[dict[str, Any]]) -> str:
    """Return the rows as a table of Markdown, one column a row."""
    lines = [f"| {name} | " + " | ".join(str(row.get(name, "")) for row in rows) + " |" for name in rows[0]]
    return "\n".join([lines[0], "|---" * (len(rows) + 1) + "|", *lines[1:]])


def chart(rows: list[dict[str, Any]]) -> str:
    """Return CPU per launch and per end over the number of jobs, ours only, as a chart of Mermaid."""
    ours = [row for row in rows if row["launcher"] == "ours"]
    launches, ends = ([row[name] for row in ours] for name in ("CPU ms/launch", "CPU ms/end"))
    return "\n".join(
        [
            "```mermaid",
            "xychart-beta",
            '    title "CPU of the parent per launch (above) and per end (below), ms"',
            f'    x-axis "jobs of one parent" [{", ".join(str(row["jobs"]) for row in ours)}]',
            f'    y-axis "ms" 0 --> {max(30, *map(int, (*launches, *ends)))}',
            f"    line {launches}",
            f"    line {ends}",
            "```",
        ]
    )


def scrape(port: int) -> None:
    """Read metrics as Prometheus does, more often: every five seconds, while somebody serves them."""
    while True:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5).read()
        time.sleep(5)


def stand_in() -> subprocess.Popen[str]:
    folder = Path(tempfile.mkdtemp())
    served = subprocess.Popen(
        [sys.executable, str(HERE / "standin.py"), str(folder)], stdout=subprocess.PIPE, text=True
    )
    served.stdout.readline()
    os.environ["KUBECONFIG"] = str(folder / "kubeconfig")
    os.environ["PATH"] = f"{folder}:{os.environ['PATH']}"
    return served


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--image", default="localhost/none:1")
    parser.add_argument("--jobs", default="100,300,1000")
    parser.add_argument("--at-once", type=int, default=8)
    parser.add_argument("--flare-jobs", type=int, default=0)
    parser.add_argument("--idle", type=float, default=30)
    parser.add_argument("--namespace", default=f"fljob-scale-{os.getpid()}")
    parser.add_argument("--standin", action="store_true")
    parser.add_argument("--profile", default="")
    parser.add_argument("--pools", default="")
    parser.add_argument("--metrics", type=int, default=0)
    parser.add_argument("--out", default="")
    return parser.parse_args()


def main() -> None:
    given = arguments()
    served = stand_in() if given.standin else None
    pools = [int(one) for one in given.pools.split(",") if one]
    sites: list[dict[str, Any]] = [{"helm_installs": one, "helm_removals": one} for one in pools] or [{}]
    if given.metrics:
        sites += [site | {"metrics_port": given.metrics} for site in sites]
        threading.Thread(target=scrape, args=(given.metrics,), daemon=True).start()
    wanted = [(OURS, int(jobs), site) for jobs in given.jobs.split(",") for site in sites]
    wanted += [(FLARES, given.flare_jobs, {})] if given.flare_jobs else []
    cluster, rows = Cluster(given.namespace, is_standin=given.standin), []
    cluster.up(max(jobs for _, jobs, _ in wanted))
    try:
        for launcher, jobs, site in wanted:
            rows.append(measure(cluster, given, launcher, jobs, site) | site)
            print(rows[-1], f"load {os.getloadavg()[0]:.1f}", flush=True)
    finally:
        cluster.down()
        if served is not None:
            served.kill()
    print(f"\n{table(rows)}\n\n{chart(rows)}")
    if given.out:
        Path(given.out).write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
