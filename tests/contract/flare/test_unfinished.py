"""What a new parent of the server does with jobs that its job store calls running: FLARE's own store and runner."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import pytest
from nvflare.apis.event_type import EventType
from nvflare.apis.fl_constant import SystemComponents
from nvflare.apis.fl_context import FLContextManager
from nvflare.apis.impl.job_def_manager import SimpleJobDefManager
from nvflare.apis.job_def import RunStatus
from nvflare.app_common.storages.filesystem_storage import FilesystemStorage
from nvflare.private.fed.server.job_runner import JobRunner
from nvflare.private.fed.server.server_engine import ServerEngine

from launcher.core.spec.jobspec import Role
from tests.contract.flare import our_side
from tests.contract.flare.case import Case
from tests.said import said_by

SERVER = Case(meta={}, role=Role.SERVER)
LEFT = (RunStatus.RUNNING, RunStatus.DISPATCHED)


class Server:
    """The parent of a server as far as it takes part: a store with one job of each status, runner and engine."""

    def __init__(self, root):
        self.store = FilesystemStorage(str(root / "store"))
        self.jobs = SimpleJobDefManager(uri_root=str(root / "jobs"))
        parts = {SystemComponents.JOB_MANAGER: self.jobs, "job_store": self.store}
        self.engine = ServerEngine.__new__(ServerEngine)  # its constructor starts servers
        self.engine.run_manager = SimpleNamespace(get_component=parts.get)
        self.engine.job_runner = JobRunner(str(root))
        self.context = FLContextManager(engine=self.engine, identity_name="server").new_context()
        self.ids = {status: self._add(status) for status in RunStatus}

    def _add(self, status):
        job = self.jobs.create({"name": "a", "deploy_map": {}}, b"", self.context)["job_id"]
        self.jobs.set_status(job, status, self.context)
        return job

    def status(self, job):
        return self.jobs.get_job(job, self.context).meta["status"]


@pytest.fixture
def server(tmp_path):
    return Server(tmp_path)


@pytest.fixture
def start(tmp_path):
    """Return a function that fires an event at the launcher of the server's parent."""
    launcher = our_side.make_launcher(SERVER, tmp_path)
    return lambda context: launcher.handle_event(EventType.SYSTEM_BOOTSTRAP, context)


def test_only_jobs_that_were_running_end(server, start, caplog):
    start(server.context)
    for status, job in server.ids.items():
        assert server.status(job) == (RunStatus.FINISHED_ABNORMAL if status in LEFT else status).value
    said = [line for line in caplog.messages if "left running by an earlier parent" in line]
    assert {server.ids[status] for status in LEFT} == {line.split()[1] for line in said}


def test_a_second_start_finds_nothing(server, start, caplog):
    start(server.context)
    caplog.clear()
    start(server.context)
    assert said_by(caplog, "launcher.flare.unfinished") == []


def test_a_store_that_cannot_be_read_does_not_end_the_parent(server, start, caplog):
    (server.engine.get_component(SystemComponents.JOB_MANAGER)).get_jobs_by_status = None
    with caplog.at_level(logging.ERROR):
        start(server.context)
    assert "cannot end the jobs of an earlier parent of the server" in caplog.text
    assert server.status(server.ids[RunStatus.RUNNING]) == RunStatus.RUNNING.value


def test_a_parent_of_a_client_has_no_store(start, caplog):
    start(FLContextManager(engine=SimpleNamespace(cell=None), identity_name="site-1").new_context())
    assert said_by(caplog, "launcher.flare.unfinished") == []
