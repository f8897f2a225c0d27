"""One federation for all scenarios of a worker of pytest: a server, two sites and an admin, made by scripts/federation."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import signal
import string
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
GONE_WITHIN = 240.0
END_WITHIN = 330.0  # submit.py itself gives up after 300 s


# Ends a process of a node by what its command line says, as the kernel or an administrator would: from outside.
# The words stand in the environment, so this shell's own command line does not hold them.
KILLER = """
apiVersion: v1
kind: Pod
metadata: {name: killer}
spec:
  hostPID: true
  restartPolicy: Never
  nodeName: $node
  containers:
  - name: kill
    image: $image
    env: [{name: WORDS, value: "$words"}]
    command:
    - sh
    - -c
    - |
      for process in /proc/[0-9]*; do
        line=$$(tr '\\0' ' ' 2> /dev/null < "$$process/cmdline")
        case $$line in *"$$WORDS"*) kill -9 "$${process#/proc/}" && echo "killed: $$line" ;; esac
      done
    securityContext: {privileged: true}
"""


def run(*args, check=True, stdin=None):
    done = subprocess.run(args, input=stdin, capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, f"{args}: {done.stdout}{done.stderr}"
    return done.stdout


@dataclass
class Run:
    """A submitted job that is being followed."""

    process: subprocess.Popen
    lines: list[str] = field(default_factory=list)

    def until(self, text):
        """Read until a line holds ``text``; fail when the job ends without it."""
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            if text in line:
                return
        pytest.fail(f"{text!r} never came:\n" + "\n".join(self.lines))

    def end(self):
        """Return the last status; a job that comes back after its end has another one then."""
        rest, _ = self.process.communicate(timeout=END_WITHIN)
        self.lines += rest.splitlines()
        found = re.findall(r"^ *[\d.]+ s  (\w+(?::\w+)?)$", "\n".join(self.lines), re.MULTILINE)
        assert found, "\n".join(self.lines)
        return found[-1]

    @property
    def job(self):
        """FLARE's id of the job."""
        return next(line.split()[1] for line in self.lines if line.startswith("job "))


@dataclass
class Federation:
    """What scenarios do with it."""

    namespace: str
    admin: str
    image: str
    runs: list[Run] = field(default_factory=list)

    def submit(self, *, action="", site_1=None, server=None, options=()):
        """Start a job and follow it; ``site_1`` and ``server`` are its launcher blocks there."""
        blocks = {"site-1": site_1, "server": server}
        words = [
            "scripts/federation",
            "admin",
            sys.executable,
            "-W",
            "ignore",
            "scripts/federation.d/submit.py",
        ]
        words += [self.admin, "examples/federation", self.image, "--action", action, *options]
        words += ["--block", json.dumps({name: block for name, block in blocks.items() if block})]
        started = subprocess.Popen(
            words,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.runs.append(Run(started))
        return self.runs[-1]

    def kubectl(self, *words, check=True, stdin=None):
        return run("kubectl", "-n", self.namespace, *words, check=check, stdin=stdin)

    def log(self, site):
        return self.kubectl("logs", f"deployment/{site}", "--tail=-1")

    def newest_says(self, site, text):
        """Wait until the newest parent of a site says a text: one that was deleted lives on for half a minute."""
        by_age = ("get", "pod", "-o", "name", "--sort-by=.metadata.creationTimestamp")
        pods = [name for name in self.kubectl(*by_age).split() if name.startswith(f"pod/{site}-")]
        deadline = time.monotonic() + GONE_WITHIN
        while text not in (said := self.kubectl("logs", pods[-1], "--tail=-1")):
            assert time.monotonic() < deadline, said
            time.sleep(1)

    def says(self, site, job):
        """Return what the parent of a site says about a job: by its id, its pod or its release."""
        words = (job, f"fj-{job[:8]}-")
        return "\n".join(line for line in self.log(site).splitlines() if any(word in line for word in words))

    @contextlib.contextmanager
    def file(self, site, path, text):
        """Give a file in the workspace of a site another content for a while."""
        target = Path(os.environ["FLJOB_SHARE"]) / self.namespace / site / path
        before = target.read_text() if target.exists() else None
        target.write_text(text)
        try:
            yield
        finally:
            target.unlink() if before is None else target.write_text(before)

    def pods(self, site):
        return self.left("pod", f"fljob.internal/site={site}")

    def pod_runs(self, site):
        """Wait until the job pod of a site runs: FLARE's RUNNING says only that it was asked for."""
        deadline = time.monotonic() + GONE_WITHIN
        phase = ("-l", f"fljob.internal/site={site}", "-o", "jsonpath={.items[*].status.phase}")
        while self.kubectl("get", "pod", *phase) != "Running":
            assert time.monotonic() < deadline, self.log(site)
            time.sleep(0.5)

    def kill(self, site, words, image):
        """End the processes on the node of a site's job pod whose command lines hold ``words``, with SIGKILL."""
        place = ("-l", f"fljob.internal/site={site}", "-o", "jsonpath={.items[0].spec.nodeName}")
        filled = string.Template(KILLER).substitute(
            node=self.kubectl("get", "pod", *place), image=image, words=words
        )
        self.kubectl("apply", "-f", "-", stdin=filled)
        self.kubectl("wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/killer", "--timeout=120s")
        said = self.kubectl("logs", "killer")
        self.kubectl("delete", "pod", "killer", "--now")
        assert said.count("killed:") == 1, said

    def left(self, kind="pod,secret", selector="fljob.internal/job-id"):
        return self.kubectl("get", kind, "-l", selector, "-o", "name").split()

    def releases(self):
        selector = ("--selector", "fljob.internal/job-id")
        return run("helm", "list", "-n", self.namespace, *selector, "--short").split()

    def is_clean(self):
        """Wait until no release, pod or per-job Secret is left."""
        deadline = time.monotonic() + GONE_WITHIN
        while (self.left() or self.releases()) and time.monotonic() < deadline:
            time.sleep(0.5)
        assert self.releases() == []
        assert self.left() == []
        credentials = [name for name in self.kubectl("get", "secret", "-o", "name").split() if "cred" in name]
        assert credentials == []
        return True


@pytest.fixture(scope="session")
def federation(worker_id):
    namespace = os.environ["FLJOB_NAMESPACE"] = f"fljob-scenarios-{worker_id}"
    run(str(ROOT / "scripts/federation"), "up")
    words = shlex.split(run(str(ROOT / "scripts/federation"), "env"))[1:]
    given = dict(word.split("=", 1) for word in words)
    yield Federation(namespace, given["FLJOB_ADMIN"], given["FLJOB_JOB_IMAGE"])
    run(str(ROOT / "scripts/federation"), "down")


@pytest.fixture(autouse=True)
def no_admin_left(federation):
    """End the followers of a test that failed, with everything they started."""
    yield
    while federation.runs:
        process = federation.runs.pop().process
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.stdout.close()
        process.wait()
