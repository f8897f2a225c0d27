"""A FLARE parent as a process that serves metrics: it launches a job for each line that it reads.

A line is JSON with the job's id, the script of its process and the keys of its k8s block. At the end of the input the
jobs that are left are terminated.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import urllib.request
import uuid
from pathlib import Path

from tests.cluster.conftest import ROOT
from tests.cluster.flare_parent import Parent

__all__ = ["ParentProcess"]

ENDS_WITHIN = 300.0


def main(root: str, namespace: str, image: str, port: str) -> None:
    """Be a parent; as FLARE's own does, wait for each job in a thread."""
    parent = Parent(Path(root), namespace, image, metrics_port=int(port))
    parent.start()
    handles = []
    for line in sys.stdin:
        asked = json.loads(line)
        parent.job = asked["job"]
        handles.append(parent.launch(asked["script"], **asked["k8s"]))
        threading.Thread(target=handles[-1].wait, daemon=True).start()
    for handle in handles:
        handle.terminate()
    parent.close()


class ParentProcess:
    """The other side: the process, on a port of loopback for its metrics."""

    def __init__(self, folder: Path, *words: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.host = f"127.0.0.1:{free.getsockname()[1]}"
        command = [sys.executable, "-m", "tests.cluster.metrics_parent", str(folder / "workspace"), *words]
        self._log = folder / "log"
        with self._log.open("wb") as log:
            port = self.host.partition(":")[2]
            streams = {"stdin": subprocess.PIPE, "stdout": log, "stderr": log, "text": True}
            # Of a Ctrl-C it hears by the end of its input, so that it takes its jobs away.
            self._process = subprocess.Popen([*command, port], cwd=ROOT, start_new_session=True, **streams)

    def launch(self, script: str, **k8s: object) -> str:
        """Have a job launched; return its id."""
        job = str(uuid.uuid4())
        self._process.stdin.write(json.dumps({"job": job, "script": script, "k8s": k8s}) + "\n")
        self._process.stdin.flush()
        return job

    def says(self) -> list[str]:
        """Return the lines that it serves; none while it serves nothing yet."""
        try:
            with urllib.request.urlopen(f"http://{self.host}/metrics", timeout=10) as answer:
                return answer.read().decode().splitlines()
        except OSError:
            assert self._process.poll() is None, self._log.read_text()
            return []

    def end(self) -> None:
        """End its jobs, and it; what does not end is killed."""
        if self._process.returncode is not None:
            return
        try:
            self._process.communicate(timeout=ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
        assert self._process.returncode == 0, self._log.read_text()


if __name__ == "__main__":
    main(*sys.argv[1:])
