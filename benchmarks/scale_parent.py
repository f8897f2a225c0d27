"""The parent of benchmarks/scale.py: one launcher, many jobs, and what they cost this process.

It is told by lines on stdin to go on and prints one line of JSON per phase. Only what a parent of FLARE does happens
in this process: the pods are ended, counted and looked for in another one.
"""

from __future__ import annotations

import argparse
import contextlib
import cProfile
import importlib
import json
import logging
import os
import pstats
import re
import resource
import sys
import threading
import time
import uuid
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from launchers import context, workspace

from launcher.edges.helm.child import HelmProcess

STUDY = "scale"
PROFILED_LINES = 45


class Counted:
    """Counts the runs of helm of our launcher, and the most at once."""

    def __init__(self) -> None:
        self.runs: dict[str, int] = {}
        self.now = self.most = 0
        self._lock, self._run = threading.Lock(), HelmProcess.run
        HelmProcess.run = self._counting()  # type: ignore[method-assign]

    def _counting(self) -> Any:
        run = self._run

        def counting(process: Any, args: Any, stdin: bytes | None = None) -> bytes:
            with self._lock:
                self.runs[args[0]] = self.runs.get(args[0], 0) + 1
                self.now += 1
                self.most = max(self.most, self.now)
            try:
                return run(process, args, stdin)
            finally:
                with self._lock:
                    self.now -= 1

        return counting


class Profiled:
    """Profiles every thread while it is open: one profiler for each, since each has a stack of its own."""

    def __init__(self, folder: str) -> None:
        self._folder, self._profiles = folder, list[cProfile.Profile]()
        self._run = threading.Thread.run

    def __enter__(self) -> None:
        if self._folder:
            threading.Thread.run = self._profiling()  # type: ignore[method-assign]

    def _profiling(self) -> Any:
        run, profiles = self._run, self._profiles

        def profiling(thread: threading.Thread) -> None:
            profile = cProfile.Profile(time.thread_time)
            profiles.append(profile)
            profile.runcall(run, thread)

        return profiling

    def __exit__(self, *_: object) -> None:
        threading.Thread.run = self._run  # type: ignore[method-assign]

    def show(self, name: str) -> None:
        ended = [one for one in self._profiles if one.getstats()]
        if not ended:
            return
        with (Path(self._folder) / f"{name}.txt").open("w") as file:
            stats = pstats.Stats(ended[0], stream=file)
            for one in ended[1:]:
                stats.add(one)
            for order in ("tottime", "cumulative"):
                stats.sort_stats(order).print_stats(PROFILED_LINES)


def cpu() -> float:
    """Return the CPU seconds of this process; those of helm are not in it."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def by_thread() -> dict[str, float]:
    """Return the CPU seconds of this process's threads, those of one name together; numbers do not count."""
    used: dict[str, float] = defaultdict(float)
    for thread in threading.enumerate():
        with contextlib.suppress(OSError):  # it has ended
            nanoseconds = Path(f"/proc/self/task/{thread.native_id}/schedstat").read_text().split()[0]
            used[re.sub(r"[-_]?\d+", "", thread.name)] += int(nanoseconds) / 1e9
    return used


def helms_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def size() -> dict[str, float]:
    lines = Path("/proc/self/status").read_text().splitlines()
    kib = next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
    return {
        "rss": kib / 1024,
        "threads": threading.active_count(),
        "files": len(os.listdir("/proc/self/fd")),
    }


def say(**found: Any) -> None:
    print(json.dumps(found), flush=True)
    if found["phase"] != "ended":
        sys.stdin.readline()


class Jobs:
    """Launches, waits for and ends jobs as FLARE does: launch_job, then wait() on a thread of its own."""

    def __init__(self, launcher: Any, root: Path, image: str) -> None:
        self._launcher, self._root, self._image = launcher, root, image
        self.launched: list[float] = []
        self.returned: dict[str, float] = {}
        self.codes: dict[str, int] = {}
        self.handles: list[Any] = []
        self.failures: list[str] = []
        self._threads: list[threading.Thread] = []
        self.run = uuid.uuid4().hex[:4]

    def id_of(self, number: int) -> str:
        return f"00000000-0000-4000-8000-{self.run}{number:08d}"

    def launch(self, number: int) -> None:
        job = self.id_of(number)
        k8s = {"image": self._image, "python_path": "/usr/local/bin/python3", "cpu_request": "1m"}
        meta = {"job_id": job, "study": STUDY, "launcher_spec": {"default": {"k8s": k8s}}}
        begin = time.monotonic()
        try:
            handle = self._launcher.launch_job(meta, context(job, self._root, 3600))
        except RuntimeError as error:
            self.failures.append(f"{type(error).__name__}: {error}")
            return
        self.launched.append(time.monotonic() - begin)
        self.handles.append(handle)
        thread = threading.Thread(target=self._wait, args=(job, handle), daemon=True)
        self._threads.append(thread)
        thread.start()

    def _wait(self, job: str, handle: Any) -> None:
        handle.wait()
        self.returned[job] = time.time()
        self.codes[job] = handle.poll()
        if not hasattr(handle, "handle"):
            handle.terminate()  # FLARE's own leaves the pod otherwise

    def join(self) -> None:
        for thread in self._threads:
            thread.join(600)
        for handle in self.handles:
            if hasattr(handle, "handle"):
                handle.handle.close(600)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("launcher")
    parser.add_argument("--jobs", type=int, required=True)
    parser.add_argument("--at-once", type=int, required=True)
    parser.add_argument("--namespace", required=True)
    parser.add_argument("--image", required=True)
    parser.add_argument("--template", required=True)
    parser.add_argument("--site", default="{}")
    parser.add_argument("--idle", type=float, required=True)
    parser.add_argument("--profile", default="")
    return parser.parse_args()


def prepared(given: argparse.Namespace) -> Jobs:
    """Return the jobs of a new workspace with the launcher that was asked for."""
    module, _, kind = given.launcher.rpartition(".")
    root = workspace()
    studies = {STUDY: {"pod_template": json.loads(given.template)}}
    (root / "local/study_runtime.yaml").write_text(json.dumps({"format_version": 2, "studies": studies}))
    if module.startswith("launcher"):
        (root / "local/fljob.yaml").write_text(given.site)
    launcher = getattr(importlib.import_module(module), kind)(
        config_file_path=os.environ["KUBECONFIG"], namespace=given.namespace, pending_timeout=None
    )
    return Jobs(launcher, root, given.image)


def main() -> None:
    given = arguments()
    logging.disable(logging.WARNING)
    counted, jobs = Counted(), prepared(given)
    jobs.launch(given.jobs)  # imports, templates and the first list of the watch are not what is measured
    say(phase="warm", failures=jobs.failures)
    launch(jobs, given)
    before, threads, begin = cpu(), by_thread(), time.monotonic()
    time.sleep(given.idle)
    say(phase="idle", share=(cpu() - before) / (time.monotonic() - begin), **size())
    if given.profile:
        used = {name: seconds - threads.get(name, 0.0) for name, seconds in by_thread().items()}
        lines = [f"{used[name]:8.2f} s  {name}\n" for name in sorted(used, key=lambda name: -used[name])]
        (Path(given.profile) / "idle.txt").write_text("".join(lines))
    end(jobs, given, counted)


def launch(jobs: Jobs, given: argparse.Namespace) -> None:
    jobs.launched.clear()
    before, helms, begin = cpu(), helms_cpu(), time.monotonic()
    profiled = Profiled(given.profile)
    with profiled, ThreadPoolExecutor(given.at_once) as pool:
        list(pool.map(jobs.launch, range(given.jobs)))
    found = {"seconds": time.monotonic() - begin, "cpu": cpu() - before, "helm_cpu": helms_cpu() - helms}
    profiled.show("launch")
    say(phase="launched", launched=jobs.launched, failures=jobs.failures, **found, **size())


def end(jobs: Jobs, given: argparse.Namespace, counted: Counted) -> None:
    before, helms = cpu(), helms_cpu()
    profiled = Profiled(given.profile)
    with profiled:
        say(phase="burst")
        jobs.join()
    used = {"cpu": cpu() - before, "helm_cpu": helms_cpu() - helms}
    profiled.show("end")
    wrong = sorted({code for code in jobs.codes.values() if code != 0})
    say(phase="ended", returned=jobs.returned, wrong=wrong, runs=counted.runs, most=counted.most, **used)


if __name__ == "__main__":
    main()
