"""Parents are away at a bad moment in a real federation: what is saved, what is not, and what the cause says then."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest

from launcher.core.names import release_name
from tests.cluster.federation.adopted import IMPOSSIBLE, ROUNDS, SERVER, completed, started, went_on
from tests.cluster.federation.conftest import ROOT, run

pytestmark = pytest.mark.cluster


def taken_over(federation, job, site="site-1"):
    federation.newest_says(site, f"job {job} taken over")


def in_time(condition, seconds):
    """Wait until a condition holds; return the seconds that it took."""
    begin = time.monotonic()
    while not condition():
        assert time.monotonic() - begin < seconds
        time.sleep(0.5)
    return time.monotonic() - begin


def test_a_frozen_job_process_is_ended_by_an_abort_after_a_restart(federation, image):
    """It answers nobody: FLARE's heartbeat clean-up ends it by way of the entry that adoption has made."""
    job, uids = started(federation)
    federation.replace_now("site-1")
    taken_over(federation, job)
    federation.kill("site-1", f"{job} -c site-1 ", image, sign="STOP")
    assert federation.uids(job).items() <= uids.items()
    federation.ask(job, "abort")
    # A heartbeat (10 s), FLARE's wait for the process (10 s), the pod's grace period (30 s).
    in_time(lambda: not federation.pods("site-1"), 90)
    assert federation.ends(job) == "FINISHED:ABORTED"
    assert federation.is_clean()


@pytest.fixture
def gated(federation):
    """The job pod of site-1 fits no node until the returned function is called."""
    label = f"{federation.namespace}.fljob.test/may-run"
    site = {"values": {"pod": {"spec": {"nodeSelector": {label: "yes"}}}}}
    (parent,) = federation.parents("site-1")
    node = federation.kubectl("get", parent, "-o", "jsonpath={.spec.nodeName}")
    with federation.file("site-1", "fljob/fljob.yaml", json.dumps(site)):
        yield lambda: run("kubectl", "label", "node", node, f"{label}=yes")
    run("kubectl", "label", "node", node, f"{label}-")


def pending(federation, **more):
    submitted = federation.submit(options=("--rounds", str(ROUNDS)), **more)
    submitted.until("RUNNING")
    in_time(lambda: len(federation.uids(submitted.job)) == 3, 60)
    return submitted.job, federation.uids(submitted.job)


def test_a_pending_pod_starts_after_a_restart(federation, gated):
    job, uids = pending(federation)
    federation.replace_now("site-1")
    taken_over(federation, job)
    gated()
    federation.pod_runs("site-1")
    assert federation.uids(job).items() <= uids.items()
    went_on(federation, job, "site-1")


def test_a_pending_pod_ends_by_its_own_clock_after_a_restart(federation):
    job, _ = pending(federation, site_1={**IMPOSSIBLE, "pending_timeout": 30})
    federation.replace_now("site-1")
    taken_over(federation, job)
    assert federation.ends(job) == "FINISHED:ABNORMAL"
    assert "ended: InsufficientResources, return code 104" in federation.says("site-1", job)
    assert federation.is_clean()


# What the trainer says at the end of each of its rounds.
TRAINED = "penguins, model ["
A_ROUND = 4.0
# FLARE's job process waits 30 s for its parent, and looks for it every ten; longer than the one it gives up.
SAFE, GIVES_UP = 18.0, 31.0


@pytest.fixture
def penguins(tmp_path):
    """A copy of the job, to be changed."""
    return Path(shutil.copytree(ROOT / "examples/federation", tmp_path / "penguins"))


@pytest.fixture
def short(penguins):
    """A job whose rounds are slow enough to tell them apart, and no slower."""
    trainer = penguins / "app/custom/trainer.py"
    trainer.write_text(trainer.read_text().replace("SLOW = 15.0", f"SLOW = {A_ROUND}"))
    return penguins


@contextlib.contextmanager
def behind(federation, folder, rounds):
    """Run a job; yield its id, its pods, and the log of site-1's job process behind some of its rounds."""
    job, uids = started(federation, folder=folder)
    with federation.following(*federation.pods("site-1"), tail=-1) as log:
        for _ in range(rounds):
            assert any(TRAINED in line for line in log)
        yield job, uids, log


def test_a_parent_that_is_away_over_the_end_costs_the_results_of_its_site(federation, short):
    lost = "its results could not be delivered: its parent was away"
    with behind(federation, short, 1) as (job, uids, log), federation.away("site-1"):
        assert "failed to connect to parent site-1 within 30.0 seconds" in log.read()
        assert federation.uids(job)["site-1"] == uids["site-1"]
        # The log of a container ends a moment before its kubelet says how the container did.
        failed = ("--for=jsonpath={.status.phase}=Failed", "pod", "-l", "fljob.internal/site=site-1")
        federation.kubectl("wait", *failed, "--timeout=120s")
        words = ("status", release_name(job, "site-1"), "-n", federation.namespace)
        shown = " ".join(run(sys.executable, "-m", "launcher", *words, check=False).split())
        for text in ("AppCode", lost, "restart parents neither in the last minute"):
            assert text in shown
    assert federation.ends(job) == "FINISHED:EXECUTION_EXCEPTION"
    assert federation.ask(job, "rounds") == str(ROUNDS)
    assert "stats_pool_summary.json" not in federation.results("site-1", job)
    assert federation.is_clean()
    said = federation.says("site-1", job)
    assert "ended: AppCode, return code 101" in said
    assert lost in said
    folder = Path(os.environ["FLJOB_SHARE"], federation.namespace, "site-1/fljob/diagnosis", job, "site-1")
    assert lost in (folder / "cause.txt").read_text()


def moment(log, text):
    """Return the time of the first line with a text in a log of FLARE."""
    line = next(line for line in log.splitlines() if text in line)
    return datetime.fromisoformat(re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", line)[0])


def test_a_parent_that_is_back_in_time_gets_the_results(federation, short):
    delivers = "upload_results start"
    with behind(federation, short, 1) as (job, _, log):
        with federation.away("site-1"):
            begun = next(line for line in log if delivers in line)
        taken_over(federation, job)
        log.read()
    waits = moment(begun, delivers)
    back = moment(federation.log("site-1"), f"job {job} taken over")
    away = (back - waits).total_seconds()
    print(f"the parent was back {away:.0f} s after the job process had begun to deliver")  # noqa: T201 - for -rP
    if away < SAFE:
        completed(federation, job)
    elif away > GIVES_UP:
        assert federation.ends(job) == "FINISHED:EXECUTION_EXCEPTION"
    else:
        # Between the two the beat of the job process decides.
        assert federation.ends(job) in ("FINISHED:COMPLETED", "FINISHED:EXECUTION_EXCEPTION")
    assert federation.is_clean()


# A name that the certificate of every API server has.
API = "kubernetes.default.svc"
AWAY_FOR = 40.0
# Without a selector nobody but the test says who is behind it; while nobody is, who connects is refused.
GATE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "api-gate"},
    "spec": {"ports": [{"port": 443}]},
}
# Said in the parent's pod, of the only road to the API server that it knows.
REACHES = f"""
import socket
try:
    socket.create_connection(("{API}", 443), 3)
    print("reached")
except OSError as error:
    print("not reached:", error)
"""


def open_gate(federation):
    """Put the API server behind the Service."""
    found = json.loads(run("kubectl", "get", "-n", "default", "endpointslice/kubernetes", "-o", "json"))
    about = {key: found[key] for key in ("apiVersion", "kind", "addressType", "endpoints")}
    metadata = {"name": "api-gate", "labels": {"kubernetes.io/service-name": "api-gate"}}
    ports = [{"port": found["ports"][0]["port"]}]
    federation.kubectl("apply", "-f", "-", stdin=json.dumps({**about, "metadata": metadata, "ports": ports}))


@pytest.fixture
def gate(federation):
    """Let the next parents of site-1 know the API server as that Service only; return how."""
    federation.kubectl("apply", "-f", "-", stdin=json.dumps(GATE))
    address = federation.kubectl("get", "service/api-gate", "-o", "jsonpath={.spec.clusterIP}")
    (container,) = federation.kubectl(
        "get", "deployment/site-1", "-o", "jsonpath={..containers[*].name}"
    ).split()
    road = {"KUBERNETES_SERVICE_HOST": API, "KUBERNETES_SERVICE_PORT": "443"}
    env = [{"name": name, "value": value} for name, value in road.items()]
    pod = {
        "hostAliases": [{"ip": address, "hostnames": [API]}],
        "containers": [{"name": container, "env": env}],
    }
    patch = json.dumps({"spec": {"template": {"spec": pod}}})
    yield lambda: changed_now(federation, "patch", "deployment/site-1", "-p", patch)
    changed_now(federation, "rollout", "undo", "deployment/site-1")
    federation.kubectl("delete", "endpointslice/api-gate", "service/api-gate", "--ignore-not-found")


def changed_now(federation, *change):
    """Change the deployment of site-1, without the half minute of a roll-out."""
    old = federation.parents("site-1")
    federation.kubectl(*change)
    federation.kubectl("delete", "--grace-period=1", *old)
    federation.kubectl("rollout", "status", "deployment/site-1", "--timeout=180s")


def test_an_api_server_that_is_away_when_the_parent_starts_makes_adoption_late(federation, gate):
    job, uids = started(federation)
    gate()
    until = time.monotonic() + AWAY_FOR
    while time.monotonic() < until:
        said = federation.kubectl("exec", "deployment/site-1", "--", "python3", "-c", REACHES)
        assert said.startswith("not reached"), said
        time.sleep(3)
    assert "taken over" not in federation.log("site-1")
    open_gate(federation)
    taken_over(federation, job)
    assert federation.uids(job).items() <= uids.items()
    completed(federation, job)


def test_the_servers_job_process_is_killed_while_its_parent_is_away(federation, image):
    job, _ = started(federation)
    with federation.away(SERVER):
        federation.kill("server", f"{job}/app_server ", image)
    assert federation.ends(job) == "FINISHED:ABNORMAL"
    assert "ended: Killed, return code 104" in federation.says(SERVER, job)
    assert federation.is_clean()
    assert federation.submit().end() == "FINISHED:COMPLETED"


# A component of a job that ends it as FLARE's workflows do when they cannot go on, some time after its start.
PANIC = """
import threading
from nvflare.apis.event_type import EventType
from nvflare.apis.fl_component import FLComponent


class Panic(FLComponent):
    def handle_event(self, event_type, fl_ctx):
        if event_type == EventType.START_RUN:
            self.engine = fl_ctx.get_engine()
            threading.Timer(@SECONDS@, self.end).start()

    def end(self):
        with self.engine.new_context() as fl_ctx:
            self.system_panic("it was told to panic", fl_ctx)
"""
PANICS_AFTER = 25.0


@pytest.fixture
def panicking(penguins):
    """A job whose process at the server fails by itself."""
    (penguins / "app/custom/panic.py").write_text(PANIC.replace("@SECONDS@", str(PANICS_AFTER)))
    path = penguins / "app/config/config_fed_server.json"
    config = json.loads(path.read_text())
    config["components"].append({"id": "panic", "path": "panic.Panic", "args": {}})
    path.write_text(json.dumps(config))
    return penguins


def test_a_failure_that_the_servers_parent_never_heard_of_is_no_success(federation, panicking):
    job, _ = started(federation, action="sleep", folder=panicking)
    with federation.following(*federation.pods("server"), tail=-1) as log:
        assert any("Round 0 started" in line for line in log)
        with federation.away(SERVER):
            assert any("told to panic" in line for line in log)
    status = federation.ends(job)
    # It ends with 0, as after a success, and only the word that it sends once says that it has failed; or it
    # finds no parent to deliver to, and ends with 101.
    assert status in ("FINISHED:EXECUTION_EXCEPTION", "FINISHED:ABNORMAL")
    assert federation.is_clean()
