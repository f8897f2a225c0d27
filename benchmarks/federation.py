"""Whole jobs in one real federation, with FLARE's own launcher and with ours, taking turns.

benchmarks/federation.py [--runs 3] [LAUNCHER ...]

LAUNCHER is fljob or flare (both, if none is named). The federation is made by scripts/federation (FLJOB_NAMESPACE,
fljob-bench-federation). A turn gives the kits of the server and both sites to that launcher, restarts the parents,
waits until both sites are registered and submits two jobs, one after the other: the first one that the parents
have ever launched, and a second one. It prints, for each launcher, median and range of the seconds from submit
to DISPATCHED, RUNNING and COMPLETED, and what the two jobs leave behind.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import statistics
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
NAMESPACE = "fljob-bench-federation"
FEDERATION = str(ROOT / "scripts/federation")
STATES = ("DISPATCHED", "RUNNING", "FINISHED:COMPLETED")
LAUNCHERS = ("fljob", "flare")
KINDS = ("first job", "second job")
# Parents are busy for some seconds after they start; FLARE's launcher keeps what it leaves, ours is still removing.
SETTLE, LEFT_AFTER = 5.0, 10.0


def run(*words: str) -> str:
    """Run a program and return what it prints."""
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{shlex.join(words)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def jobs_of(admin: str, image: str) -> list[dict[str, float]]:
    """Submit two jobs and return status -> seconds of each."""
    words = ["admin", sys.executable, "-W", "ignore", "scripts/federation.d/submit.py", admin]
    text = run(FEDERATION, *words, "examples/federation", image, "--jobs", "2", "--settle", str(SETTLE))
    found = []
    for block in re.split(r"^job \S+ submitted$", text, flags=re.MULTILINE)[1:]:
        seen = {
            state: float(seconds)
            for seconds, state in re.findall(r"^ *([\d.]+) s  (\S+)$", block, re.MULTILINE)
        }
        if "FINISHED:COMPLETED" not in seen:
            raise SystemExit(f"a job did not complete:\n{text}")
        found.append(seen)
    return found


def left() -> Counter[str]:
    """Count what two jobs left in the namespace (but each site's startup Secret), and take it away for the next turn."""
    time.sleep(LEFT_AFTER)
    count = Counter({"pods": 0, "per-job Secrets": 0, "releases": 0})
    listed = json.loads(run("kubectl", "get", "pod,secret", "-n", NAMESPACE, "-o", "json"))["items"]
    for item in listed:
        kind, name = item["kind"], item["metadata"]["name"]
        if kind == "Pod" and re.match(r"j?[0-9a-f]{8}-[0-9a-f]{4}-", name):
            count["pods"] += 1
            run("kubectl", "delete", "pod", name, "-n", NAMESPACE, "--force", "--grace-period=0")
        elif name.startswith("nvflare-cred-"):
            count["per-job Secrets"] += 1
    query = ("--selector", "fljob.internal/job-id", "--short")
    count["releases"] = len(run("helm", "list", "-n", NAMESPACE, *query).split())
    return count


def show(launcher: str, turns: list[list[dict[str, float]]], counts: Counter[str]) -> None:
    """Print the lines of one launcher."""
    for number, kind in enumerate(KINDS):
        cells = []
        for state in STATES:
            # A status that the 0.2 s poll missed was followed by the next one at once.
            values = [turn[number].get(state, turn[number]["FINISHED:COMPLETED"]) for turn in turns]
            low, high = min(values), max(values)
            cells.append(
                f"{state.rpartition(':')[2]} {statistics.median(values):.1f} s ({low:.1f}-{high:.1f})"
            )
        print(f"{launcher:6} {kind:10}  {'  '.join(cells)}")
    total = 2 * len(turns)
    print(
        f"{launcher:6} left by {total} jobs: {', '.join(f'{n} {what}' for what, n in sorted(counts.items()))}"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("launchers", nargs="*", metavar="LAUNCHER")
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    launchers = given.launchers or list(LAUNCHERS)
    if unknown := set(launchers) - set(LAUNCHERS):
        parser.error(f"{', '.join(sorted(unknown))}: no launcher; there are {', '.join(LAUNCHERS)}")
    os.environ["FLJOB_NAMESPACE"] = NAMESPACE
    print(f"load at the start {os.getloadavg()[0]:.1f}", flush=True)
    run(FEDERATION, "up")
    try:
        pairs = (word.split("=", 1) for word in shlex.split(run(FEDERATION, "env"))[1:])
        env = dict(pairs)
        turns: dict[str, list[list[dict[str, float]]]] = {name: [] for name in launchers}
        counts: dict[str, Counter[str]] = {name: Counter() for name in launchers}
        for number in range(given.runs):
            for name in launchers:
                run(FEDERATION, "launcher", name)
                turns[name].append(jobs_of(env["FLJOB_ADMIN"], env["FLJOB_JOB_IMAGE"]))
                counts[name].update(left())  # `+=` would drop the zeros
                print(
                    f"turn {number + 1}, {name}: {turns[name][-1]}, load {os.getloadavg()[0]:.1f}", flush=True
                )
    finally:
        run(FEDERATION, "down")
    for name in launchers:
        show(name, turns[name], counts[name])


if __name__ == "__main__":
    main()
