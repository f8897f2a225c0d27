"""`fljob list --watch` and `fljob top` on a real cluster: jobs appear, change and vanish while somebody looks."""

from __future__ import annotations

import json
import queue
import signal
import subprocess
import sys
import threading
import time

import pytest

from tests.cluster.conftest import happens, kubectl
from tests.cluster.matrix import registry

pytestmark = pytest.mark.cluster
WITHIN = 120.0


class Stream:
    """A command that goes on, and the documents that it has written."""

    def __init__(self, env, *args: str) -> None:
        command = [sys.executable, "-m", "launcher", *args, "-o", "json"]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self.process = subprocess.Popen(command, env=env, text=True, **pipes)
        self.seen: list[dict] = []
        self._news: queue.Queue[dict] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stdout:
            self._news.put(json.loads(line))

    def until(self, is_it):
        """Return the first document from here on for which it holds; all before it are read."""
        end = time.monotonic() + WITHIN
        while True:
            document = self._news.get(timeout=max(0.1, end - time.monotonic()))
            self.seen.append(document)
            if is_it(document):
                return document

    def states(self, release: str) -> list[str]:
        """Return the states of a job, each once in a row."""
        found = [one["job"]["state"] for one in self.seen if one.get("job", {}).get("release") == release]
        return [state for n, state in enumerate(found) if n == 0 or found[n - 1] != state]

    def stop(self, number: int) -> tuple[int, str]:
        self.process.send_signal(number)
        self.process.wait(30)
        return self.process.returncode, self.process.stderr.read()

    def close(self) -> None:
        with self.process:
            self.process.kill()
            self._reader.join()


@pytest.fixture
def stream(cluster_env):
    """Return a function that starts to look."""
    started = []

    def look(*args):
        started.append(Stream(cluster_env, *args))
        return started[-1]

    yield look
    for one in started:
        one.close()


def is_now(kind, state=None, code=None):
    def check(document):
        job = document.get("job") or {}
        pending = job.get("pending") or {}
        return (
            document["type"] == kind
            and state in (None, job.get("state"))
            and code in (None, pending.get("code"))
        )

    return check


@pytest.mark.smoke
def test_a_job_appears_changes_and_vanishes_in_the_stream(stream, fljob, job_folder, namespace):
    looking = stream("list", "--watch", "-n", namespace)
    assert looking.until(is_now("LISTED"))["jobs"] == 0
    args = ("launch", str(job_folder(cpu="100m")), "--site", "site-1", "-n", namespace, "-o", "json", "--")
    release = json.loads(fljob(*args, "sh", "-c", "sleep 6; exit 3", check=0).stdout)["release"]
    runs = looking.until(lambda one: one.get("job", {}).get("state") == "RUNNING")["job"]
    assert runs["release"] == release
    assert {name: runs["pod"]["requests"][name] for name in ("cpu", "memory")} == {
        "cpu": "0.1",
        "memory": "64Mi",
    }
    assert runs["pod"]["node"]
    assert looking.until(is_now("MODIFIED", "FAILED"))["job"]["outcome"]["exitCode"] == 3
    # One that starts within a second may be seen as late as that.
    assert looking.states(release) in (["STARTING", "RUNNING", "FAILED"], ["RUNNING", "FAILED"])
    fljob("terminate", release, "-n", namespace, check=0)
    assert looking.until(is_now("DELETED"))["job"]["release"] == release
    assert "DeletedExternally" not in json.dumps(looking.seen)
    assert looking.stop(signal.SIGINT) == (130, "")


def test_a_download_is_named_and_does_not_look_like_a_stuck_node(
    stream, fljob, job_folder, namespace, bad_registry
):
    looking = stream("top", "-A")
    looking.until(is_now("LISTED"))
    image = f"{registry.HOST}/slow:1"
    args = ("launch", str(job_folder(image=image)), "--site", "site-1", "-n", namespace, "-o", "json", "--")
    release = json.loads(fljob(*args, "true", check=0).stdout)["release"]
    said = looking.until(
        lambda one: (
            one.get("job", {}).get("namespace") == namespace and is_now(one["type"], None, "Pulling")(one)
        )
    )
    assert f"pulling image {image} for " in said["job"]["pending"]["detail"]
    assert f"pulling image {image} for " in fljob("status", release, "-n", namespace, check=0).stdout
    assert f"Pulling: {image} for " in fljob("list", "-n", namespace, check=0).stdout
    time.sleep(3)  # it goes on, which is no news
    fljob("terminate", release, "-n", namespace, check=0)
    looking.until(lambda one: one["type"] == "DELETED" and one["job"]["release"] == release)
    pulls = [
        one
        for one in looking.seen
        if is_now("MODIFIED", None, "Pulling")(one) and one["job"]["release"] == release
    ]
    assert len(pulls) <= 2
    assert looking.stop(signal.SIGTERM) == (143, "")


def test_without_the_right_to_read_events_the_pod_tells_that_a_download_may_be_left(
    fljob, job_folder, namespace, bad_registry, tmp_path
):
    kubectl("create", "serviceaccount", "looker", "-n", namespace)
    rights = ("--verb=get,list,watch", "--resource=pods,secrets")
    kubectl("create", "role", "looker", *rights, "-n", namespace)
    kubectl(
        "create",
        "rolebinding",
        "looker",
        "--role=looker",
        f"--serviceaccount={namespace}:looker",
        "-n",
        namespace,
    )
    view = json.loads(kubectl("config", "view", "--raw", "--minify", "-o", "json"))
    token = kubectl("create", "token", "looker", "-n", namespace).strip()
    view["users"] = [{"name": view["contexts"][0]["context"]["user"], "user": {"token": token}}]
    config = tmp_path / "looker.yaml"
    config.write_text(json.dumps(view))
    args = ("launch", str(job_folder(image=f"{registry.HOST}/slow:2")), "--site", "site-1", "-n", namespace)
    release = json.loads(fljob(*args, "-o", "json", "--", "true", check=0).stdout)["release"]

    def status():
        return fljob("status", release, "-n", namespace, "--kubeconfig", str(config), check=0).stdout

    assert happens(lambda: "volumes and network are ready on node" in status(), WITHIN)
    assert f"its image {registry.HOST}/slow:2 is being downloaded" in " ".join(status().split())
    fljob("terminate", release, "-n", namespace, check=0)
