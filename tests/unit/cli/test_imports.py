"""What a command imports while it asks helm and the API server: the modules that make it slow are named."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from launcher.core import names
from launcher.core.jobref import RELEASE_ANNOTATION
from tests.kits import write_kit

ROOT = Path(__file__).parents[3]
# Each costs more than 30 ms of CPU, or brings what does.
SLOW = (
    *("kubernetes.client.api_client", "kubernetes.client.models", "kubernetes.client.api"),
    *("kubernetes.config.kube_config", "kubernetes.dynamic", "kubernetes.watch", "kubernetes.stream"),
    *("requests_oauthlib", "oauthlib", "requests", "google.auth", "dateutil", "jsonschema", "websocket"),
    *("pydantic", "pydantic_core", "pyhelm3.client", "pyhelm3.models", "jinja2", "rich.console", "nvflare"),
)
RELEASE, POD = "fj-a-site-1-0", "a-site-1-0"
VALUES = {
    "job": {"id": "a", "site": "site-1", "role": "client"},
    "pod": {"name": POD},
    "labels": {names.LABEL_JOB_ID: "a"},
}
HELM = {
    "list": [{"name": RELEASE, "namespace": "fl", "status": "deployed", "chart": "fljob-0.1.0"}],
    "status": {"name": RELEASE, "namespace": "fl", "info": {"status": "deployed"}, "config": VALUES},
}
JOB_POD = {
    "metadata": {
        "name": POD,
        "namespace": "fl",
        "uid": "u",
        "labels": {names.LABEL_JOB_ID: "a", names.LABEL_SITE: "site-1"},
        "annotations": {RELEASE_ANNOTATION: RELEASE, names.ANNOTATION_JOB_ID: "a"},
        "creationTimestamp": "2026-01-01T00:00:00Z",
    },
    "spec": {"nodeName": "n", "containers": [{"name": "job", "image": "i"}]},
    "status": {
        "phase": "Running",
        "containerStatuses": [{"name": "job", "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}}],
    },
}


class Handler(BaseHTTPRequestHandler):
    """Answers every list with the one pod there is, every log with one line, a watch with nothing."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if "watch=" in self.path:
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            time.sleep(30)  # a command has ended by then, and its connection with it
            return
        is_pods = "/pods?" in self.path
        answer = json.dumps({"items": [JOB_POD] if is_pods else [], "metadata": {"resourceVersion": "1"}})
        answer = json.dumps(JOB_POD) if self.path.endswith(f"/pods/{POD}") else answer
        answer = "hello\n" if "/log" in self.path else answer
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def cluster(tmp_path):
    """The environment of a command with a helm and an API server that know one running job."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    kubeconfig = {
        "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    (tmp_path / "config").write_text(json.dumps(kubeconfig))
    for verb, answer in HELM.items():
        (tmp_path / verb).write_text(json.dumps(answer))
    (tmp_path / "helm").write_text(f'#!/bin/sh\ncat "{tmp_path}/$1"\n')
    (tmp_path / "helm").chmod(0o755)
    yield {"PATH": f"{tmp_path}:/usr/bin:/bin", "KUBECONFIG": str(tmp_path / "config"), "HOME": str(tmp_path)}
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        (("list",), RELEASE),
        (("list", "-o", "json"), RELEASE),
        (("status", RELEASE), "RUNNING"),
        (("events", RELEASE, "-o", "json"), "[]"),
        (("logs", RELEASE), "hello"),
    ],
    ids=" ".join,
)
def test_a_command_that_asks_imports_nothing_slow(cluster, command, shown):
    script = (
        "import sys, launcher.cli\n"
        "try: launcher.cli.main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        f"print(sorted(m for m in {SLOW} if m in sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *command, "-n", "fl"],
        capture_output=True,
        text=True,
        check=False,
        env=cluster | {"PYTHONPATH": str(ROOT)},
        timeout=60,
    )
    assert shown in done.stdout, done.stderr
    assert done.stderr.splitlines()[-1] == "[]", done.stderr


# FLARE is on no machine of a reviewer, and neither a cluster nor helm's client is asked.
NOT_FOR_A_REVIEW = ("nvflare", "kubernetes", "pyhelm3", "cryptography", "rich.console")


@pytest.mark.parametrize(
    "command", [("render",), ("template",), ("diff", "--to-config", "kit/fljob/fljob.yaml")], ids=" ".join
)
def test_a_review_of_a_kit_needs_neither_flare_nor_a_cluster(cluster, tmp_path, command):
    write_kit(tmp_path / "kit", files={"fljob/fljob.yaml": "image: a\n"})
    (tmp_path / "template").write_text("kind: Pod\nmetadata: {name: a}\n")
    script = (
        "import sys, launcher.cli\n"
        "try: launcher.cli.main(sys.argv[1:])\n"
        "except SystemExit as done: print(done.code, file=sys.stderr)\n"
        f"print(sorted(m for m in {NOT_FOR_A_REVIEW} if m in sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, command[0], "--kit", "kit", *command[1:]],
        capture_output=True,
        text=True,
        check=False,
        env=cluster | {"PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        timeout=60,
    )
    assert done.stderr.splitlines()[-2:] == ["0", "[]"], done.stderr


STARTS = "from launcher.cli import main\nprint('starts', flush=True)\nmain()"


@pytest.mark.parametrize("after", [number * 0.03 for number in range(1, 20)])
def test_ctrl_c_at_any_moment_ends_a_command_at_once(cluster, after):
    with subprocess.Popen(
        [sys.executable, "-c", STARTS, "list", "-n", "fl"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=cluster | {"PYTHONPATH": str(ROOT)},
    ) as process:
        assert process.stdout.readline() == "starts\n"
        time.sleep(after)
        process.send_signal(signal.SIGINT)
        try:
            _, errors = process.communicate(timeout=10)
        finally:
            process.kill()
    # Python gives up its handlers last of all: a shell calls that end 130, too.
    ends = {(130, "interrupted"), (0, ""), (-signal.SIGINT, "")}
    # CPython drops an exception in a callback of its import locks, with these words; and before our first line
    # there is nobody to catch it.
    is_pythons = "KeyboardInterrupt" in errors and str(ROOT) not in errors
    assert (process.returncode, errors.strip()) in ends or is_pythons, (process.returncode, errors)
