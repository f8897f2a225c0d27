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

pytest.register_assert_rewrite("tests.cluster.federation.adopted")

ROOT = Path(__file__).parents[3]
GONE_WITHIN = 240.0
TRIES = 4
END_WITHIN = 330.0  # submit.py itself gives up after 300 s
# A `get_task` that was under way when the server's parent went is repeated after 300 s (communication_timeout).
LATE_WITHIN = 700.0


# Signals a process of a node by what its command line says, as the kernel or an administrator would: from outside.
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
        case $$line in *"$$WORDS"*) kill -$signal "$${process#/proc/}" && echo "killed: $$line" ;; esac
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

    def submit(self, *, action="", site_1=None, server=None, options=(), folder="examples/federation"):
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
        words += [self.admin, str(folder), self.image, "--action", action, *options]
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

    def ask(self, job, what):
        """Return what the server answers in a new session: ``end``, ``abort`` or ``delete`` of a job."""
        words = ("scripts/federation", "admin", sys.executable, "-W", "ignore")
        script = "tests/cluster/federation/ask.py"
        for _ in range(TRIES):  # a port-forward to a parent that is being replaced leads nowhere
            done = subprocess.run(
                [*words, script, self.admin, job, what], cwd=ROOT, capture_output=True, text=True, check=False
            )
            if done.returncode == 0:
                break
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.partition("answer: ")[2].strip()

    def as_admin(self, *words):
        """Run our command line where an admin sits: no cluster, a way to the server, and his kit."""
        found = subprocess.run(
            ["scripts/federation", "admin", "fljob", "federation", *words, "--study", "penguins"],
            cwd=ROOT,
            env=os.environ | {"FLJOB_ADMIN_KIT": f"{self.admin}/admin@acme.com"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert found.returncode == 0, found.stdout + found.stderr
        return found.stdout

    def ends(self, job):
        """Wait for the end of a job whose follower has lost the server, and return its status."""
        deadline = time.monotonic() + LATE_WITHIN
        while not (status := self.ask(job, "end")).startswith("FINISHED"):
            assert time.monotonic() < deadline, f"{status}: {self.log('nvflare-server')}"
        return status

    def restart(self, *sites):
        """Roll the parents of sites out anew, as for a new image, and wait until they run."""
        for site in sites:
            self.kubectl("rollout", "restart", f"deployment/{site}")
        for site in sites:
            self.kubectl("rollout", "status", f"deployment/{site}", "--timeout=180s")

    def replace_now(self, site):
        """Replace the parent of a site as after the crash of its node: without the half minute of a roll-out."""
        self.kubectl("delete", "--grace-period=1", *self.parents(site))
        self.kubectl("rollout", "status", f"deployment/{site}", "--timeout=180s")

    @contextlib.contextmanager
    def away(self, site):
        """Take the parent of a site away, at once, and have another one afterwards.

        One that was scaled to none works on for half a minute: a kubelet that stops a container does not hear
        of less time. So nobody may stop it, or start another one, before it is deleted.
        """
        name, old = f"deployment/{site}", self.parents(site)
        made = json.loads(self.kubectl("get", name, "-o", "json"))
        chosen = ",".join(f"{key}={value}" for key, value in made["spec"]["selector"]["matchLabels"].items())
        again = {key: made[key] for key in ("apiVersion", "kind", "spec")}
        again["metadata"] = {key: made["metadata"][key] for key in ("name", "labels", "annotations")}
        self.kubectl("delete", name, "--cascade=orphan")
        self.kubectl("delete", "replicaset", "-l", chosen, "--cascade=orphan")
        try:
            self.kubectl("delete", "--grace-period=1", *old)
            yield
        finally:
            self.kubectl("create", "-f", "-", stdin=json.dumps(again))
            self.kubectl("rollout", "status", name, "--timeout=180s")

    def only_newest(self, site):
        """Wait until the parents before the newest are gone: they ignore SIGTERM, and a Service leads to any."""
        if old := self.parents(site)[:-1]:
            self.kubectl("wait", "--for=delete", *old, "--timeout=180s")

    def uids(self, job):
        """Return the pods of a job, site -> uid."""
        items = json.loads(self.kubectl("get", "pod", "-l", f"fljob.internal/job-id={job}", "-o", "json"))[
            "items"
        ]
        return {item["metadata"]["labels"]["fljob.internal/site"]: item["metadata"]["uid"] for item in items}

    def results(self, site, job):
        """Return the names of what a job left in the workspace of a site."""
        folder = Path(os.environ["FLJOB_SHARE"]) / self.namespace / site / job
        return {path.name for path in folder.rglob("*")}

    def kubectl(self, *words, check=True, stdin=None):
        return run("kubectl", "-n", self.namespace, *words, check=check, stdin=stdin)

    @contextlib.contextmanager
    def following(self, pod, tail=0):
        """Read the log of a pod to its end."""
        words = ("kubectl", "-n", self.namespace, "logs", "--follow", f"--tail={tail}", pod)
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
            yield process.stdout
            process.kill()

    def fljob(self, site, *words):
        """Run our command line in the pod of a parent, with its rights."""
        return self.kubectl("exec", f"deployment/{site}", "--", "fljob", *words)

    def log(self, site):
        return self.kubectl("logs", f"deployment/{site}", "--tail=-1")

    def parents(self, site):
        """Return the pods of the parents of a site, oldest first."""
        by_age = ("get", "pod", "-o", "name", "--sort-by=.metadata.creationTimestamp")
        return [name for name in self.kubectl(*by_age).split() if name.startswith(f"pod/{site}-")]

    def delete_parent(self, site):
        """Delete the parent of a site and return its pod once another one has come beside it."""
        (old,) = self.parents(site)
        self.kubectl("delete", "--wait=false", old)
        deadline = time.monotonic() + GONE_WITHIN
        while self.parents(site)[-1:] in ([], [old]):
            assert time.monotonic() < deadline, self.parents(site)
            time.sleep(0.5)
        return old

    def newest_says(self, site, *texts):
        """Wait until the newest parent of a site says one of these: an older one may live for half a minute."""
        newest = self.parents(site)[-1]
        self.kubectl("wait", "--for=jsonpath={.status.phase}=Running", newest, "--timeout=180s")
        self.pod_says(newest, *texts)

    def pod_says(self, pod, *texts):
        """Wait until the log of a pod has one of these."""
        deadline = time.monotonic() + GONE_WITHIN
        said = self.kubectl("logs", pod, "--tail=-1")
        while not any(text in said for text in texts):
            assert time.monotonic() < deadline, said
            time.sleep(1)
            said = self.kubectl("logs", pod, "--tail=-1")

    def says(self, site, job):
        """Return what the parent of a site says about a job: by its id, its pod or its release."""
        words = (job, f"fj-{job[:8]}-")
        return "\n".join(line for line in self.log(site).splitlines() if any(word in line for word in words))

    @contextlib.contextmanager
    def file(self, site, path, text):
        """Give a file in the workspace of a site another content for a while."""
        target = Path(os.environ["FLJOB_SHARE"]) / self.namespace / site / path
        before = target.read_text() if target.exists() else None
        target.parent.mkdir(exist_ok=True)
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

    def kill(self, site, words, image, sign="KILL"):
        """Signal the process on the node of a site's job pod whose command line holds ``words``.

        A container runs a moment before its process has its name: it is looked for more than once.
        """
        for _ in range(TRIES):
            said = self._signalled(site, words, image, sign)
            if said:
                break
            time.sleep(1)
        assert said.count("killed:") == 1, said or self.kubectl("get", "pod", "-o", "wide")

    def _signalled(self, site, words, image, sign):
        place = ("-l", f"fljob.internal/site={site}", "-o", "jsonpath={.items[0].spec.nodeName}")
        filled = string.Template(KILLER).substitute(
            node=self.kubectl("get", "pod", *place), image=image, words=words, signal=sign
        )
        self.kubectl("apply", "-f", "-", stdin=filled)
        self.kubectl("wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/killer", "--timeout=120s")
        said = self.kubectl("logs", "killer")
        self.kubectl("delete", "pod", "killer", "--now")
        return said

    def left(self, kind="pod,secret", selector="fljob.internal/job-id"):
        return self.kubectl("get", kind, "-l", selector, "-o", "name").split()

    def credentials(self):
        return [name for name in self.kubectl("get", "secret", "-o", "name").split() if "cred" in name]

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
        assert self.credentials() == []
        return True


@pytest.fixture(scope="session")
def federation(worker_id):
    # FLJOB_SCENARIOS: several runs of these tests can share a cluster.
    prefix = os.environ.get("FLJOB_SCENARIOS", "fljob-scenarios")
    namespace = os.environ["FLJOB_NAMESPACE"] = f"{prefix}-{worker_id}"
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
