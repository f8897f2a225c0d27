"""The federation of benchmarks/restarts.py: what happens in it, noted with its time, and ways to restart a parent."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.cluster.federation.conftest import Federation  # noqa: E402 - the root is no package

FOLLOW = "benchmarks/restarts_follow.py"
PARENTS = ("nvflare-server", "site-1", "site-2")
PARENT_PORT = 8102
RESULTS = {"log.txt", "stats_pool_summary.json"}
JOB_POD = re.compile(r"^j?[0-9a-f]{8}-[0-9a-f]{4}-.*?-(server|site-\d)(-|$)")
READY_WITHIN, ASK_WITHIN = 300.0, 180.0
WAYS: dict[str, tuple[str, ...]] = {
    "rolled out": ("rollout", "restart", "deployment/{parent}"),
    "deleted": ("delete", "--wait=false", "{pod}"),
    "killed": ("delete", "--wait=false", "--grace-period=1", "{pod}"),
}


@dataclass
class Pod:
    """A pod, and when what of it was seen (seconds of the epoch)."""

    name: str
    made: float
    log: Path
    container: str = ""
    starts: int = 0
    began: float | None = None
    ended: float | None = None
    gone: float | None = None
    process: subprocess.Popen[bytes] | None = None

    @property
    def dead(self) -> float | None:
        """When its container had ended, at the latest."""
        seen = [when for when in (self.ended, self.gone) if when is not None]
        return min(seen) if seen else None

    def lines(self, pattern: str) -> list[tuple[float, str]]:
        """Return the lines of its log that match, each with its time."""
        if not self.log.exists():
            return []
        rows = (line.partition(" ") for line in self.log.read_text(errors="replace").splitlines())
        return [
            (_when(first), rest) for first, _, rest in rows if re.search(pattern, rest) and _is_time(first)
        ]

    def first(self, pattern: str) -> float | None:
        """Return the time of the first line that matches."""
        return next((when for when, _ in self.lines(pattern)), None)

    def again(self) -> float | None:
        """Return the seconds from the loss of the connection to the parent to the next one; None = there was none."""
        lost, links = None, set()
        for when, text in self.lines(r"Connection \[CN\d+ "):
            link = text.partition("[")[2].split()[0]
            if f":{PARENT_PORT} " in text and "is created" in text:
                links.add(link)
                if lost is not None:
                    return round(when - lost, 1)
            elif link in links:
                lost = when
        return None

    def last(self, pattern: str) -> float | None:
        """Return the time of the last line that matches."""
        return next((when for when, _ in reversed(self.lines(pattern))), None)


def _is_time(word: str) -> bool:
    with suppress(ValueError):
        return bool(_when(word))
    return False


def _when(word: str) -> float:
    return datetime.fromisoformat(word).timestamp()


class Watch(threading.Thread):
    """Notes every pod of a namespace by its uid, and reads its log to its end."""

    def __init__(self, namespace: str) -> None:
        super().__init__(daemon=True)
        self.namespace = namespace
        self.folder = Path(tempfile.mkdtemp(prefix="restarts-"))
        self.pods: dict[str, Pod] = {}

    def run(self) -> None:
        words = (
            "kubectl",
            "get",
            "pod",
            "-n",
            self.namespace,
            "-o",
            "json",
            "--watch",
            "--output-watch-events",
        )
        while True:
            with subprocess.Popen(
                words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            ) as process:
                for event in _events(process):
                    self._note(event["type"], event["object"], time.time())
            time.sleep(0.5)

    def _note(self, kind: str, item: dict[str, Any], now: float) -> None:
        meta = item["metadata"]
        log = self.folder / f"{meta['name']}-{meta['uid'][:8]}.log"
        pod = self.pods.setdefault(meta["uid"], Pod(meta["name"], now, log))
        (status,) = (item.get("status") or {}).get("containerStatuses") or [{}]
        state = status.get("state") or {}
        if "terminated" in state and pod.ended is None:
            pod.ended = now
        # A new parent whose connection the old one has cut ends, and the kubelet starts it again.
        if status.get("containerID", "") != pod.container and state.get("waiting") is None:
            pod.container, pod.ended = status["containerID"], None
            started = state.get("running") or state["terminated"]
            pod.began, pod.starts = _when(started["startedAt"]), pod.starts + 1
            words = ("kubectl", "logs", "-n", self.namespace, "-f", "--timestamps", pod.name)
            with pod.log.open("ab") as file:
                pod.process = subprocess.Popen(words, stdout=file, stderr=subprocess.DEVNULL)
        if kind == "DELETED":
            pod.gone = now

    def of_job(self, job: str) -> dict[str, list[Pod]]:
        """Return the pods of a job: participant -> pods, oldest first."""
        found: dict[str, list[Pod]] = {}
        for pod in [*self.pods.values()]:
            match = JOB_POD.match(pod.name)
            if match and job[1:] in pod.name:
                name = "nvflare-server" if match.group(1) == "server" else match.group(1)
                found.setdefault(name, []).append(pod)
        return found

    def parents(self, name: str) -> list[Pod]:
        """Return the pods of the parent of a participant that there are and were, oldest first."""
        mine = [pod for pod in [*self.pods.values()] if pod.name.startswith(f"{name}-")]
        return sorted(mine, key=lambda pod: pod.made)

    def close(self) -> None:
        for pod in self.pods.values():
            if pod.process is not None and pod.process.poll() is None:
                pod.process.kill()


def _events(process: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    """Yield what a watch of kubectl writes: one JSON object a line."""
    assert process.stdout is not None
    yield from (json.loads(line) for line in process.stdout)


class Follower(threading.Thread):
    """The admin that submits one job and follows it."""

    def __init__(self, federation: Federation, rounds: int, seconds: float, limit: float) -> None:
        super().__init__(daemon=True)
        words = _admin(federation, "submit", federation.image, str(rounds), str(seconds), str(limit))
        self.log = Path(tempfile.mkstemp(prefix="restarts-admin-")[1])
        with self.log.open("w") as errors:
            self.process = subprocess.Popen(
                words, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True
            )
        self.facts: list[dict[str, Any]] = []

    def run(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("{"):
                self.facts.append(json.loads(line))

    def submitted(self) -> tuple[str, float]:
        """Return the job and the moment from which its times count."""
        if not until(lambda: any("job" in fact for fact in self.facts), ASK_WITHIN):
            raise SystemExit(f"no job was submitted: {self.log.read_text()[-2000:]}")
        fact = next(fact for fact in self.facts if "job" in fact)
        return fact["job"], fact["at"]

    @property
    def statuses(self) -> list[tuple[float, str]]:
        return [(fact["at"], fact["status"]) for fact in [*self.facts] if "status" in fact]

    @property
    def finished(self) -> float | None:
        """When the last status came, if the job has ended with it."""
        last = self.statuses[-1:] or [(0.0, "")]
        return last[0][0] if last[0][1].startswith("FINISHED") else None

    def close(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def until(condition: Callable[[], object], seconds: float, pause: float = 0.3) -> bool:
    """Wait until a condition holds; return whether it did within so many seconds."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(pause)
    return True


def _admin(federation: Federation, *words: str) -> list[str]:
    return ["scripts/federation", "admin", sys.executable, "-W", "ignore", FOLLOW, federation.admin, *words]


def ask(federation: Federation, job: str, *questions: str) -> dict[str, dict[str, Any]]:
    """Return what the server says to each question about a job: "answer" or "refused"."""
    said = ""
    for _ in range(3):  # a port-forward to a parent that is being replaced leads nowhere
        with suppress(subprocess.TimeoutExpired):
            words = _admin(federation, "ask", job, *questions)
            done = subprocess.run(
                words, cwd=ROOT, capture_output=True, text=True, check=False, timeout=ASK_WITHIN
            )
            said = done.stderr
            facts = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
            if len(facts) == len(questions):
                return {fact["asked"]: fact for fact in facts}
    return {what: {"refused": said.strip()[-300:]} for what in questions}


def restart(federation: Federation, parent: str, way: str) -> None:
    """Order a restart; it is not waited for."""
    pod = federation.parents(parent)[-1]
    federation.kubectl(*(word.format(parent=parent, pod=pod) for word in WAYS[way]))


def settled(federation: Federation) -> None:
    """Wait until each participant has one parent, and that runs."""

    def is_so() -> bool:
        phase = ("get", "-o", "jsonpath={.status.phase}")
        found = [federation.parents(name) for name in PARENTS]
        return all(len(pods) == 1 for pods in found) and all(
            federation.kubectl(*phase, pods[0], check=False) == "Running" for pods in found
        )

    if not until(is_so, READY_WITHIN, 1.0):
        raise SystemExit(f"the parents do not settle: {federation.kubectl('get', 'pod')}")


def results(federation: Federation, job: str, saved: dict[str, Any]) -> list[str]:
    """Return the participants that have the results of a job: sites in their workspace, the server in its store."""
    sites = [site for site in PARENTS[1:] if federation.results(site, job) >= RESULTS]
    return [*(["nvflare-server"] if saved.get("models") else []), *sites]
