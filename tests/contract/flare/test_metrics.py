"""A parent serves metrics where its site says so; a job process and a job's meta open nothing."""

from __future__ import annotations

import dataclasses
import json
import logging
import socket
import subprocess
import sys
import threading
import urllib.request
from functools import partial

import pytest
from nvflare.apis.event_type import EventType
from prometheus_client.parser import text_string_to_metric_families

from launcher.composition import render_values
from launcher.core.catalogue import Code
from launcher.core.pending.clocks import WaitPolicy
from launcher.core.spec.site import SiteConfig
from launcher.flare import ClientHelmJobLauncher
from launcher.flare.measurements import Measurements
from launcher.usecases.service import Service
from launcher.usecases.telling.metrics import Unmeasured
from tests.contract.flare import flare_side
from tests.contract.flare.case import write_workspace
from tests.contract.flare.in_memory import CASE, Launch, until
from tests.contract.flare.test_site_faults import CONFIG
from tests.fakes import running
from tests.said import said_by


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as one:
        return one.getsockname()[1]


@pytest.fixture
def port():
    return free_port()


def is_open(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def read(port):
    assert until(lambda: is_open(port))
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        families = text_string_to_metric_families(answer.read().decode())
        return {(one.name, *one.labels.values()): one.value for family in families for one in family.samples}


class Parent:
    """A parent as it is, of a site whose cluster is away."""

    def __init__(self, root, **site):
        files = {"kube/config": CONFIG, "fljob/fljob.yaml": {"namespace": "fl", **site}}
        self.case = dataclasses.replace(CASE, files=files)
        self.root = write_workspace(root, self.case)
        self.launcher = ClientHelmJobLauncher(config_file_path=str(self.root / "kube/config"))
        self.context = flare_side.context(self.case, self.root)
        self.handles = []

    def start(self):
        self.launcher.handle_event(EventType.SYSTEM_START, self.context)

    def write(self, **site):
        (self.root / "fljob/fljob.yaml").write_text(json.dumps({"namespace": "fl", **site}))

    def launch(self, meta=CASE.meta):
        """Launch a job, which is refused and tried again: the cluster is away."""
        handle = self.launcher.launch_job(dict(meta), self.context)
        self.handles.append(handle)
        return handle

    def service(self):
        """Return the use cases as a launch gets them."""
        site = self.launcher._check(dict(CASE.meta), self.context).site
        return self.launcher._service(site, "site-1", "fed")

    def close(self):
        for handle in self.handles:
            handle.handle._give_up()
        self.launcher._services._measurements.of(SiteConfig())


@pytest.fixture
def parent(tmp_path):
    made = []

    def make(**site):
        made.append(Parent(tmp_path / "workspace", **site))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_a_parent_that_starts_serves_what_it_does(parent, port):
    parent(metrics_port=port).start()
    assert until(
        lambda: any(is_open(port) and value for key, value in read(port).items() if "no_answer" in key)
    )
    found = read(port)
    assert found["fljob_acting",] == 1
    assert found["fljob_jobs", "RUNNING"] == 0


def test_without_a_port_nothing_is_served_and_nothing_counts(parent):
    one = parent()
    assert isinstance(one.service().world.metrics, Unmeasured)
    assert one.launcher._services._measurements._server is None


def test_the_file_moves_and_closes_the_port_with_the_next_launch(parent, port):
    one, other = parent(metrics_port=port), free_port()
    one.service().world.metrics.unclassified(Code.UNCLASSIFIED)
    assert read(port)["fljob_jobs_unclassified_total", "Unclassified"] == 1
    one.write(metrics_port=other)
    one.service().world.metrics.unclassified(Code.UNCLASSIFIED)
    assert not is_open(port)
    assert read(other)["fljob_jobs_unclassified_total", "Unclassified"] == 2
    one.write()
    assert isinstance(one.service().world.metrics, Unmeasured)
    assert not is_open(other)


def test_another_launch_leaves_the_port_alone(parent, port):
    one = parent(metrics_port=port)
    one.service()
    read(port)
    server = one.launcher._services._measurements._server
    one.write(metrics_port=port, timeout=5)
    one.service()
    assert one.launcher._services._measurements._server is server


def test_a_refused_job_waits_in_the_numbers(parent, port):
    one = parent(metrics_port=port)
    one.launch().poll()
    found = read(port)
    assert found["fljob_jobs", "STARTING"] == found["fljob_jobs_pending", "ApiUnavailable"] == 1
    assert found["fljob_watch_breaks_total", "pods"] >= 1


ASKED = {"metrics_port": 9464, "metrics_address": "0.0.0.0"}


@pytest.mark.parametrize(
    "meta",
    [
        {**CASE.meta, **ASKED},
        {**CASE.meta, "launcher_spec": {"default": {"k8s": {"image": "a", **ASKED}}}},
        {**CASE.meta, "launcher_spec": {"site-1": {"k8s": {"image": "a", **ASKED}}}},
        {**CASE.meta, "resource_spec": {"site-1": ASKED}},
    ],
    ids=["meta", "default", "site", "resources"],
)
def test_the_meta_of_a_job_opens_nothing(parent, meta):
    one = parent()
    one.launch(meta)
    assert isinstance(one.service().world.metrics, Unmeasured)
    assert one.launcher._services._measurements._server is None


class OnFakes(ClientHelmJobLauncher):
    """Of a parent on fakes, with metrics as it has them."""

    def _service(self, site, *parent):
        metrics = self._services._measurements.of(site)
        self.fake.metrics = metrics or Unmeasured()
        self.fake.pods.namespace = site.namespace
        return Service(self.fake.world, WaitPolicy(), partial(render_values, site=site))


def test_a_port_in_use_is_one_warning_and_no_job_is_harmed(tmp_path, caplog):
    launch = Launch(tmp_path / "workspace")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        own = OnFakes(namespace="fl", metrics_port=port)
        own.fake, launch.launcher = launch.fake, own
        handle = launch()
        assert until(lambda: said_by(caplog, "launcher.edges.metrics"))
        launch.fake.pods.show(dataclasses.replace(running(), name=launch.pod), launch.pod)
        assert handle.poll() == 127
        launch.end(0)
        handle.wait()
        assert handle.poll() == 0
        launch({**CASE.meta, "job_id": "another"})
    assert [line for line in said_by(caplog, "launcher.edges.metrics") if "in use" in line] == [
        f"no metrics at 127.0.0.1 port {port}, trying again every 30 s, jobs run all the same: Address already in use"
    ]
    own._services._measurements.of(SiteConfig())


def test_a_library_that_cannot_be_imported_is_a_warning(tmp_path, caplog, monkeypatch, port):
    monkeypatch.setitem(sys.modules, "launcher.edges.metrics.counting", None)
    launch = Launch(tmp_path / "workspace")
    own = OnFakes(namespace="fl", metrics_port=port)
    own.fake, launch.launcher = launch.fake, own
    handle = launch()
    assert handle.poll() == 127
    (said,) = said_by(caplog, "launcher.flare.measurements")
    assert said == (
        "no metrics, jobs run all the same: the image of this parent lacks launcher.edges.metrics.counting, "
        "add prometheus-client"
    )


def test_without_a_thread_for_the_server_jobs_run_and_the_next_launch_tries_again(monkeypatch, caplog, port):
    def no_thread(_):
        raise RuntimeError("can't start new thread")

    measurements, site = Measurements(), SiteConfig(metrics_port=port)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_thread)
        assert measurements.of(site) is None
    assert said_by(caplog, "launcher.flare.measurements") == [
        "no metrics, jobs run all the same: RuntimeError: can't start new thread"
    ]
    assert measurements.of(site) is not None
    assert read(port)["fljob_jobs", "RUNNING"] == 0
    assert measurements.of(SiteConfig()) is None


JOB_PROCESS = """
import socket, sys
from nvflare.apis.event_type import EventType
from nvflare.apis.fl_context import FLContext
from launcher.flare import ClientHelmJobLauncher, ServerHelmJobLauncher

port = int(sys.argv[1])
mine = {name for name in vars(EventType) if name.isupper()} - {"SYSTEM_START", "SYSTEM_BOOTSTRAP"}
for kind in (ClientHelmJobLauncher, ServerHelmJobLauncher):
    launcher = kind(metrics_port=port, metrics_address="127.0.0.1")
    for name in sorted(mine):
        launcher.handle_event(getattr(EventType, name), FLContext())
assert len(mine) > 20
print(sorted(name for name in sys.modules if "prometheus" in name or name.startswith("launcher.edges.metrics")))
print(socket.socket().connect_ex(("127.0.0.1", port)) != 0)
"""


def test_a_job_process_opens_no_port_and_imports_nothing(port):
    done = subprocess.run(
        [sys.executable, "-c", JOB_PROCESS, str(port)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("[]\nTrue\n", 0), done.stderr


def test_serving_is_logged_with_its_address(parent, port, caplog):
    caplog.set_level(logging.INFO)
    parent(metrics_port=port).start()
    read(port)
    assert said_by(caplog, "launcher.edges.metrics") == [f"metrics at http://127.0.0.1:{port}/metrics"]
