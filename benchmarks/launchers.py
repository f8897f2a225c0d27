"""Measure a FLARE job launcher through its own entry point, side by side with others in one run.

benchmarks/launchers.py --kubeconfig FILE --namespace NAME --image IMAGE [--runs 20] [--seconds 1.5] CLASS [CLASS ...]

CLASS is a launcher such as launcher.flare.ClientHelmJobLauncher or
nvflare.app_opt.job_launcher.k8s_launcher.ClientK8sJobLauncher; they take turns. Three figures of each:
launch_job, called until it returns; end to wait, from the last act of the job process (it writes the time
into its termination message) until wait() returns; and shown to wait, from the moment at which a watch of
the benchmark's own sees the container terminated until wait() returns.

The kubelet looks at containers once a second, so jobs last between one and two seconds at random. With
--seconds all last the same, as in most published figures: each job then starts at what the end of the one
before it made of the kubelet's second, and a launcher meets the same part of it again and again.
"""

from __future__ import annotations

import argparse
import importlib
import os
import random
import statistics
import threading
import time
import uuid
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from kubernetes import client, config, watch
from nvflare.apis.fl_constant import FLContextKey
from nvflare.apis.fl_context import FLContext, FLContextManager
from nvflare.apis.job_launcher_spec import JobProcessArgs
from nvflare.apis.workspace import Workspace

SITE = "bench"
# FLARE starts `python -u -m MODULE FLAG VALUE ...`: timeit's setup statement is the job.
ACT = "import time; time.sleep({seconds}); open('/dev/termination-log', 'w').write(repr(time.time()))"


class Cell:
    """As much of a parent's cell as a launch needs."""

    def get_fqcn(self) -> str:
        return SITE

    def register_request_cb(self, channel: str, topic: str, cb: Any) -> None:
        """Nobody will ask."""


class Engine:
    """As much of a parent's engine as a launch needs."""

    cell = Cell()


class Ends(threading.Thread):
    """Sees on a watch of its own what each pod wrote at its end."""

    def __init__(self, namespace: str) -> None:
        super().__init__(daemon=True)
        self.namespace = namespace
        self.messages: dict[str, float] = {}
        self.shown: dict[str, float] = {}

    def run(self) -> None:
        core = client.CoreV1Api(config.new_client_from_config(os.environ["KUBECONFIG"]))
        for event in watch.Watch().stream(core.list_namespaced_pod, self.namespace):
            pod = event["object"]
            for status in pod.status.container_statuses or []:
                if status.state.terminated and status.state.terminated.message:
                    self.shown.setdefault(pod.metadata.name, time.time())
                    self.messages[pod.metadata.name] = float(status.state.terminated.message)


def context(job: str, root: Path, seconds: float) -> FLContext:
    made = FLContextManager(engine=Engine(), identity_name=SITE, job_id=job).new_context()
    flags = {
        JobProcessArgs.EXE_MODULE: ("-m", "timeit"),
        JobProcessArgs.WORKSPACE: ("-n", "1"),
        JobProcessArgs.STARTUP_DIR: ("-r", "1"),
        JobProcessArgs.JOB_ID: ("-s", ACT.format(seconds=seconds)),
        JobProcessArgs.AUTH_TOKEN: ("-t", "token"),
    }
    values = {
        FLContextKey.WORKSPACE_OBJECT: Workspace(str(root), SITE),
        FLContextKey.ARGS: argparse.Namespace(workspace=str(root), set=None),
        FLContextKey.JOB_PROCESS_ARGS: flags,
    }
    for key, value in values.items():
        made.set_prop(key, value, private=True, sticky=False)
    return made


def workspace() -> Path:
    """Make as much of a site's workspace as a launch needs."""
    root = Path(mkdtemp())
    (root / "startup").mkdir()
    (root / "startup/fed_client.json").write_text('{"benchmark": "launchers"}')  # the mark of its federation
    (root / "local").mkdir()
    (root / "local/resources.json").write_text("{}")
    return root


def measure(
    launcher: Any, image: str, root: Path, ends: Ends, seconds: float | None
) -> tuple[float, float, float] | None:
    """Return seconds of launch_job, and from the end of the process and its being shown to the return of wait().

    None for a job that failed: the command fails for no launcher, so a launcher gave it up.
    """
    job = str(uuid.uuid4())
    spec = {"image": image, "python_path": "/usr/local/bin/python3", "cpu_request": "50m"}
    meta = {"job_id": job, "launcher_spec": {"default": {"k8s": spec}}}
    ready = context(job, root, 1 + random.random() if seconds is None else seconds)
    begin = time.monotonic()
    handle = launcher.launch_job(meta, ready)
    launched = time.monotonic() - begin
    handle.wait()
    returned = time.time()
    code = handle.poll()
    handle.terminate()
    if code != 0:
        print(f"{type(launcher).__name__}: job {job} ended with {code}")
        return None
    name = next(name for name in ends.messages if job[1:] in name)
    return launched, returned - ends.messages[name], max(0.0, returned - ends.shown[name])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("classes", nargs="+")
    parser.add_argument("--kubeconfig", required=True)
    parser.add_argument("--namespace", required=True)
    parser.add_argument("--image", required=True)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--seconds", type=float, help="all jobs last as long; default: 1 to 2 at random")
    given = parser.parse_args()
    root = workspace()
    ends = Ends(given.namespace)
    ends.start()
    launchers = {}
    for path in given.classes:
        module, _, name = path.rpartition(".")
        kind = getattr(importlib.import_module(module), name)
        launchers[path] = kind(config_file_path=given.kubeconfig, namespace=given.namespace)
        # Imports and the image are not what is measured.
        measure(launchers[path], given.image, root, ends, given.seconds)
    found: dict[str, list[tuple[float, float, float]]] = {path: [] for path in launchers}
    for _ in range(given.runs):
        for path, launcher in launchers.items():
            measured = measure(launcher, given.image, root, ends, given.seconds)
            found[path] += [measured] if measured else []
    print(f"{given.runs} runs each, load {os.getloadavg()[0]:.1f}")
    for path, rows in found.items():
        print(f"{path.rpartition('.')[2]:24} {given.runs - len(rows)} of {given.runs} failed")
        for label, values in zip(
            ("launch_job", "end to wait", "shown to wait"), zip(*rows, strict=True), strict=True
        ):
            p95 = statistics.quantiles(values, n=20)[-1]
            middle = statistics.median(values)
            print(
                f"{path.rpartition('.')[2]:24} {label:14} p50 {middle:.3f} s  p95 {p95:.3f} s  {min(values):.3f}-{max(values):.3f}"
            )


if __name__ == "__main__":
    main()
