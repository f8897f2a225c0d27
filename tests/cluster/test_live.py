"""`fljob list --watch` and `fljob top` on a real cluster: jobs appear, change and vanish while somebody looks."""

from __future__ import annotations

import json
import queue
import re
import signal
import subprocess
import sys
import threading
import time

import pytest

from launcher.core.rights import Right
from tests.cluster.accounts import account, granted
from tests.cluster.conftest import TOLD, happens, kubectl, tell
from tests.cluster.matrix import registry
from tests.terminals import Terminal

pytestmark = pytest.mark.cluster
WITHIN = 120.0
LOOKING = {Right(kind, verb) for kind in ("pods", "secrets") for verb in ("get", "list", "watch")}


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
    release = json.loads(fljob(*args, "sh", "-c", f"{TOLD}; exit 3", check=0).stdout)["release"]
    runs = looking.until(lambda one: one.get("job", {}).get("state") == "RUNNING")["job"]
    assert runs["release"] == release
    assert {name: runs["pod"]["requests"][name] for name in ("cpu", "memory")} == {
        "cpu": "0.1",
        "memory": "64Mi",
    }
    assert runs["pod"]["node"]
    tell(runs["pod"]["name"], namespace)
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
    config = tmp_path / "looker.yaml"
    account(namespace, LOOKING, config, "looker")
    args = ("launch", str(job_folder(image=f"{registry.HOST}/slow:2")), "--site", "site-1", "-n", namespace)
    release = json.loads(fljob(*args, "-o", "json", "--", "true", check=0).stdout)["release"]

    def status():
        return fljob("status", release, "-n", namespace, "--kubeconfig", str(config), check=0).stdout

    assert happens(lambda: "volumes and network are ready on node" in status(), WITHIN)
    assert f"its image {registry.HOST}/slow:2 is being downloaded" in " ".join(status().split())
    fljob("terminate", release, "-n", namespace, check=0)


@pytest.fixture
def terminal(cluster_env):
    """Return a function that starts a command on a terminal of a size."""
    started = []

    def start(size, *args):
        started.append(Terminal([sys.executable, "-m", "launcher", *args], cluster_env, size))
        return started[-1]

    yield start
    for one in started:
        one.close()


@pytest.fixture
def four_jobs(fljob, job_folder, namespace, bad_registry):
    """One that waits for its image, one for which no node is large enough, one that has failed, one that runs."""
    jobs = (
        ({"image": f"{registry.HOST}/slow:3"}, ("true",)),
        ({"cpu": "900"}, ("true",)),
        ({}, ("sh", "-c", "exit 3")),
        ({}, ("sleep", "600")),
    )
    releases = []
    for asked, command in jobs:
        args = ("launch", str(job_folder(**asked)), "--site", "site-1", "-n", namespace, "-o", "json", "--")
        releases.append(json.loads(fljob(*args, *command, check=0).stdout)["release"])
    yield releases
    for release in releases:
        fljob("terminate", release, "-n", namespace)


def words_of(text):
    return " ".join(text.split())


def test_top_says_at_any_width_what_is_wrong_and_what_helps_and_gives_the_terminal_back(
    terminal, fljob, namespace, four_jobs
):
    too_big = four_jobs[1]
    cure = json.loads(fljob("status", too_big, "-n", namespace, "-o", "json", check=0).stdout)["pending"][
        "cure"
    ]
    ends = (
        (50, lambda top: top.type("q"), 0),
        (80, lambda top: top.type("\x03"), 130),
        (140, lambda top: top.process.send_signal(signal.SIGTERM), 143),
    )
    for columns, end, code in ends:
        top = terminal((columns, 30), "top", "-n", namespace)
        frame = top.showing("RUNNING", "AppError", "Pulling", "NodesTooSmall")
        assert words_of(cure) in words_of(frame)
        assert max(map(len, frame.splitlines())) <= columns
        assert re.search(r"Pulling: \S+slow:3 for \d+ s", words_of(frame)), frame
        end(top)
        assert top.end() == code
        assert "RUNNING" in top.after
        assert "Traceback" not in top.sent
        assert top.modes() == top.before
        assert top.has_cursor
        assert not top.has_screen


@pytest.fixture
def names_only(namespace, tmp_path):
    """The kubeconfig of an account that may look into one namespace, and list the names of all."""
    account(namespace, LOOKING, tmp_path / "one.yaml", "looker")

    def may_list_names():
        kubectl("create", "clusterrole", namespace, "--verb=list", "--resource=namespaces")
        user = f"--serviceaccount={namespace}:looker"
        kubectl("create", "clusterrolebinding", namespace, f"--clusterrole={namespace}", user)

    yield str(tmp_path / "one.yaml"), may_list_names
    kubectl("delete", "clusterrole,clusterrolebinding", namespace, "--ignore-not-found")


@pytest.fixture
def later(fljob, job_folder):
    """A function that makes a namespace, and one that launches a job into one; all are taken away."""
    spaces, jobs = [], []

    def make(name):
        kubectl("create", "namespace", name)
        spaces.append(name)
        kubectl("wait", "--for=create", "serviceaccount/default", "-n", name, "--timeout=120s")

    def launched(space):
        args = (
            "launch",
            str(job_folder()),
            "--site",
            "site-1",
            "-n",
            space,
            "-o",
            "json",
            "--",
            "sleep",
            "600",
        )
        release = json.loads(fljob(*args, check=0).stdout)["release"]
        jobs.append((release, space))
        return release

    yield make, launched
    for release, space in jobs:
        fljob("terminate", release, "-n", space)
    for name in spaces:
        kubectl("delete", "namespace", name, "--wait=false")


def test_without_the_right_to_all_namespaces_those_are_shown_that_may_be_and_later_ones_too(
    stream, fljob, namespace, names_only, later
):
    (config, may_list_names), (make, launched) = names_only, later
    first, second = launched(namespace), f"{namespace}-later"
    for command in (("list", "-A"), ("list", "-A", "--watch"), ("top", "-A")):
        said = fljob(*command, "--kubeconfig", config, check=6)
        assert "at the cluster scope" in said.stderr
        assert "cure: name a namespace in which you have rights: -n NAMESPACE; or " in said.stderr
        assert said.stdout == ""
    may_list_names()
    shown = fljob("list", "-A", "--kubeconfig", config, "-o", "json", check=6)
    assert [row["release"] for row in json.loads(shown.stdout)] == [first]
    assert "left out, since there is no right to look there: " in shown.stderr
    looking = stream("list", "-A", "--watch", "--kubeconfig", config)
    listed = looking.until(is_now("LISTED"))
    assert listed["jobs"] == 1
    assert "kube-system" in listed["leftOut"]
    make(second)
    granted(second, LOOKING, "looker", of=namespace)
    release = launched(second)
    come = looking.until(lambda one: one["type"] == "ADDED" and one["job"]["namespace"] == second)
    assert come["job"]["release"] == release
    assert looking.stop(signal.SIGINT) == (130, "")
