"""A real Prometheus as a process of a test, and what Grafana would ask it for a dashboard."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.conftest import happens

__all__ = ["Graph", "Prometheus", "serving"]

# Seconds; Prometheus gives up on a target after as long.
EVERY = 5
READY_WITHIN = 120.0
END_WITHIN = 60.0
# A test that is killed leaves none behind.
MORTAL = ("setpriv", "--pdeathsig", "TERM", "--") if shutil.which("setpriv") else ()
# Numbers by the labels of their series.
Found = dict[frozenset[tuple[str, str]], list[float]]


class Prometheus:
    """A Prometheus that is ready; ``serving`` makes it.

    Attributes:
        host: address and port of its own.
    """

    def __init__(self, host: str) -> None:
        self.host = host

    def ask(self, path: str, **words: object) -> Any:
        """Return what the API gives; an answer without success fails the test with Prometheus' words."""
        url = f"http://{self.host}/api/v1/{path}?{urllib.parse.urlencode(words, doseq=True)}"
        try:
            with urllib.request.urlopen(url, timeout=60) as answer:
                said = json.load(answer)
        except urllib.error.HTTPError as error:
            pytest.fail(f"{words}: {error.code} {error.read().decode()}")
        assert said["status"] == "success", f"{words}: {said}"
        return said["data"]

    def query(self, query: str, **graph: object) -> Found:
        """Return the numbers of each series that a query finds, those that are none left out.

        Args:
            query: in PromQL, without variables.
            graph: start, end and step of a graph; without them the query is for now.
        """
        data = self.ask("query_range" if graph else "query", query=query, **graph)
        found: Found = {}
        for one in data["result"]:
            texts = [text for _, text in one.get("values") or [one["value"]] if text != "NaN"]
            if texts:
                found[frozenset(one["metric"].items())] = [float(text) for text in texts]
        return found

    def number(self, query: str) -> float | None:
        """Return the number of a query for now; None when it finds nothing."""
        found = self.query(query)
        assert len(found) < 2, found
        return next((values[-1] for values in found.values()), None)

    def firing(self) -> dict[str, dict[str, Any]]:
        """Return the alerts that fire, by name."""
        alerts = self.ask("alerts")["alerts"]
        return {one["labels"]["alertname"]: one for one in alerts if one["state"] == "firing"}


@contextlib.contextmanager
def serving(config: Mapping[str, Any], **files: str) -> Iterator[Prometheus]:
    """Run Prometheus on a port of loopback, in a folder that goes with it; it reads itself, too.

    Args:
        config: its configuration; relative paths are of its folder.
        files: texts of further files there, by the name without ``.yaml``.
    """
    if shutil.which("prometheus") is None:
        pytest.fail(
            'prometheus is not on PATH: run `scripts/test cluster`, or `eval "$(scripts/tools prometheus)"`'
        )
    with tempfile.TemporaryDirectory(prefix="fljob-prometheus-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        itself = {"job_name": "prometheus", "file_sd_configs": [{"files": ["itself.json"]}]}
        whole = {**config, "scrape_configs": [*config["scrape_configs"], itself]}
        for file, text in {**files, "prometheus": json.dumps(whole)}.items():
            (folder / f"{file}.yaml").write_text(text)
        command = [
            *(*MORTAL, "prometheus", f"--config.file={folder / 'prometheus.yaml'}"),
            *(f"--storage.tsdb.path={folder / 'data'}", "--web.listen-address=127.0.0.1:0"),
        ]
        log = stack.enter_context((folder / "log").open("wb"))
        process = subprocess.Popen(command, stdout=log, stderr=log)
        stack.callback(_ended, process)
        host = _ready(process, folder / "log")
        (folder / "new").write_text(json.dumps([{"targets": [host]}]))
        (folder / "new").rename(folder / "itself.json")
        yield Prometheus(host)


def _ready(process: subprocess.Popen[bytes], log: Path) -> str:
    """Wait until Prometheus is ready; return where it listens, which is in its log."""

    def host() -> str:
        return next(
            iter(re.findall(r'msg="Listening on" .*?address=(127\.0\.0\.1:\d+)', log.read_text())), ""
        )

    def is_ready() -> bool:
        if process.poll() is not None or not host():
            return process.poll() is not None
        with contextlib.suppress(OSError):
            return urllib.request.urlopen(f"http://{host()}/-/ready", timeout=5).close() is None
        return False

    assert happens(is_ready, READY_WITHIN), log.read_text()
    assert process.poll() is None, log.read_text()
    return host()


def _ended(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(END_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@dataclass(frozen=True)
class Graph:
    """What Grafana asks a data source for one panel: its variables, and the time that is shown.

    Attributes:
        start, end: of the time shown, seconds of the epoch.
        instance: the parent that is chosen; empty = all of them.
    """

    start: float
    end: float
    instance: str = ""

    def query(self, text: str) -> str:
        """Return a query with Grafana's variables filled in, as its data source for Prometheus does.

        ``$__rate_interval`` is the larger one of step + scrape interval and four scrape intervals.
        """
        chosen = re.sub(r"[$^*{}\[\]'+?.()|]", r"\\\\\g<0>", self.instance) or ".*"
        for name, value in {
            "$__rate_interval": f"{max(EVERY + EVERY, 4 * EVERY)}s",
            "$__range": f"{int(self.end - self.start)}s",
            "$instance": chosen,
        }.items():
            text = text.replace(name, value)
        assert "$" not in text
        return text

    def ask(self, prometheus: Prometheus, target: Mapping[str, Any]) -> Found:
        """Return what a target of a panel shows."""
        query = self.query(target["expr"])
        if target.get("instant"):
            return prometheus.query(query)
        return prometheus.query(query, start=self.start, end=self.end, step=EVERY)
