"""What sites tell the server of a job gets into its meta and its results: FLARE's own job store, messages and workspace."""

from __future__ import annotations

import gc
import json
import logging
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from nvflare.apis.fl_constant import FLContextKey, SystemComponents
from nvflare.apis.fl_context import FLContext, FLContextManager
from nvflare.apis.impl.job_def_manager import SimpleJobDefManager
from nvflare.apis.job_def import JobMetaKey, RunStatus
from nvflare.apis.workspace import Workspace
from nvflare.app_common.storages.filesystem_storage import FilesystemStorage
from nvflare.fuel.f3.cellnet.defs import MessageHeaderKey, ReturnCode
from nvflare.fuel.f3.cellnet.utils import make_reply
from nvflare.private.defs import CellMessageHeaderKeys, new_cell_message
from nvflare.private.fed.server.server_engine import ServerEngine

from launcher.core.catalogue import Code
from launcher.core.catalogue import returncodes as ours
from launcher.core.ending.outcome import make_outcome
from launcher.core.lifecycle.state import JobState, Track
from launcher.core.report.site_verdict import SiteVerdict, to_message, told_of
from launcher.core.spec.jobspec import Role
from launcher.errors import Denied
from launcher.flare.reports import Reports
from launcher.flare.verdicts.store import VerdictStore
from launcher.flare.verdicts.teller import Answer, Teller
from launcher.flare.verdicts.to_server import CHANNEL, TOPIC, sender
from tests.contract.flare.case import JOB
from tests.contract.flare.in_memory import until
from tests.fakes import FakeWorld

WAITS = SiteVerdict("STARTING", "InsufficientResources", "0/3 nodes are available", "timeouts.resources")


class Server:
    """The parent of a server as far as it takes part: job store, engine, and a cell that knows callbacks."""

    def __init__(self, root):
        self.jobs = SimpleJobDefManager(uri_root=str(root / "jobs"))
        self.storage = FilesystemStorage(str(root / "store"))
        parts = {SystemComponents.JOB_MANAGER: self.jobs, "job_store": self.storage}
        self.engine = ServerEngine.__new__(ServerEngine)  # its constructor starts servers
        self.engine.run_manager = SimpleNamespace(get_component=parts.get)
        contexts = FLContextManager(engine=self.engine, identity_name="server")
        self.engine.new_context = contexts.new_context
        self.callbacks = {}
        self.engine.cell = SimpleNamespace(
            register_request_cb=lambda channel, topic, cb: self.callbacks.update({(channel, topic): cb})
        )
        (root / "startup").mkdir()
        (root / "local").mkdir()
        self.workspace = Workspace(str(root))
        self.context = contexts.new_context()
        self.store = VerdictStore(self.engine, str(root))
        self.job = self.jobs.create({"name": "a", "deploy_map": {}}, b"", self.context)["job_id"]
        detail = {JobMetaKey.JOB_DEPLOY_DETAIL.value: ["server: OK", "site-1: OK", "site-2: OK"]}
        self.jobs.update_meta(self.job, detail, self.context)

    @property
    def meta(self):
        return self.jobs.get_job(self.job, self.context).meta

    @property
    def told(self):
        return told_of(self.meta)

    def message(self, site="site-1", origin="site-1", payload=None):
        headers = {CellMessageHeaderKeys.CLIENT_NAME: site, MessageHeaderKey.ORIGIN: origin}
        return new_cell_message(headers, to_message({self.job: WAITS}) if payload is None else payload)

    def answer(self, **given):
        return self.store.receive(self.message(**given)).get_header(MessageHeaderKey.RETURN_CODE)


@pytest.fixture
def server(tmp_path):
    return Server(tmp_path)


def test_what_a_site_tells_is_in_the_meta_of_the_job_and_in_its_results(server):
    folder = Path(server.workspace.get_run_dir(server.job))
    assert server.store.put("site-1", {server.job: WAITS})  # FLARE has not made the job's folder yet
    assert server.store.put("server", {server.job: SiteVerdict("RUNNING")})
    told = server.told
    assert told["site-1"]["code"] == "InsufficientResources"
    assert told["server"]["state"] == "RUNNING"
    assert not folder.exists()
    folder.mkdir(parents=True)
    server.store.put("site-2", {server.job: WAITS})
    written = json.loads((folder / "fljob/verdicts.json").read_text())
    assert written.keys() == {"site-1", "server", "site-2"}


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({}, ReturnCode.OK),
        ({"origin": "relay-1.site-1"}, ReturnCode.OK),
        ({"origin": f"site-1.{JOB}"}, ReturnCode.UNAUTHENTICATED),  # a job process, with the site's own token
        ({"origin": "site-2"}, ReturnCode.UNAUTHENTICATED),
        ({"site": "server", "origin": "server"}, ReturnCode.UNAUTHENTICATED),
        ({"site": None}, ReturnCode.UNAUTHENTICATED),
        ({"payload": ["verdicts"]}, ReturnCode.INVALID_REQUEST),
        ({"payload": {"jobs": {"a": {"state": 5}}}}, ReturnCode.INVALID_REQUEST),
    ],
)
def test_only_the_parent_of_a_site_is_believed_and_only_a_verdict(server, given, code):
    assert server.answer(**given) == code
    assert bool(server.told) is (code == ReturnCode.OK)


def test_a_site_that_has_no_part_in_the_job_writes_nothing(server):
    assert server.answer(site="site-9", origin="site-9") == ReturnCode.OK
    assert server.told == {}


@pytest.mark.parametrize("job", [JOB, "../../etc", ""])
def test_a_job_that_there_is_not_is_passed_over(server, job):
    server.store.put("site-1", {job: WAITS, server.job: WAITS})
    assert "site-1" in server.told


def test_a_site_cannot_make_the_meta_long(server):
    server.store.put("site-1", {server.job: replace(WAITS, detail="x" * 100)})
    long = {"jobs": {server.job: {"state": "S" * 10_000, "detail": "d" * 100_000, "more": "m" * 100_000}}}
    assert server.answer(payload=long) == ReturnCode.OK
    assert len(json.dumps(server.told)) < 1000


def test_neither_loses_what_the_other_writes_at_the_same_time(server):
    """FLARE reads a meta, merges and writes it without a lock: an end that is lost leaves the job RUNNING."""
    server.store.put("site-1", {server.job: WAITS})
    lost, over = [], threading.Event()

    def tell():
        while not over.is_set():
            server.store.put("site-1", {server.job: WAITS})

    teller = threading.Thread(target=tell)
    teller.start()
    for number in range(300):
        server.jobs.update_meta(server.job, {"number": number}, server.context)
        if server.meta["number"] != number:
            lost.append(number)
    over.set()
    teller.join()
    assert lost == []


def test_a_store_that_fails_is_asked_again_and_raises_nothing(server, monkeypatch, caplog):
    def fail(*_, **__):
        raise OSError("No space left on device")

    monkeypatch.setattr(server.jobs, "update_meta", fail)
    assert server.answer() == ReturnCode.SERVICE_UNAVAILABLE
    assert "No space left on device" in caplog.text


def test_a_status_that_flare_sets_stays(server):
    server.jobs.set_status(server.job, RunStatus.RUNNING, server.context)
    server.store.put("site-1", {server.job: WAITS})
    server.jobs.set_status(server.job, RunStatus.FINISHED_ABNORMAL, server.context)
    assert (server.meta["status"], "site-1" in server.told) == ("FINISHED:ABNORMAL", True)


class Sites:
    """Whom a parent tells: answers are taken from a list, then all is heard."""

    def __init__(self, *answers):
        self.answers, self.told = list(answers), []

    def __call__(self, verdicts):
        self.told.append(dict(verdicts))
        return self.answers.pop(0) if self.answers else Answer(is_heard=True)

    @property
    def states(self):
        return [{job: one.state for job, one in message.items()} for message in self.told]


class Handle:
    def __init__(self):
        self.track = Track(launched=0.0)


def begun(handle, sites):
    """Return a teller of job-1 that tells only when it is asked to."""
    teller = Teller()
    teller.send = sites
    teller._is_running = True
    teller.follow("job-1", handle, FakeWorld().world, str)
    return teller


def test_each_change_is_told_once_and_the_end_is_the_last():
    handle, sites = Handle(), Sites()
    teller = begun(handle, sites)
    for state in (JobState.STARTING, JobState.RUNNING):
        handle.track = replace(handle.track, state=state)
        assert teller.tell()
        assert teller.tell()
    handle.track = replace(handle.track, state=JobState.SUCCEEDED, outcome=make_outcome(Code.SUCCESS))
    assert teller.tell()
    assert sites.states == [{"job-1": "STARTING"}, {"job-1": "RUNNING"}, {"job-1": "SUCCEEDED"}]
    assert teller._jobs == {}


def test_what_was_not_heard_is_told_again_as_it_is_then():
    handle, sites = Handle(), Sites(Answer(is_heard=False))
    teller = begun(handle, sites)
    assert not teller.tell()
    handle.track = replace(handle.track, state=JobState.RUNNING)
    assert teller.tell()
    assert sites.states == [{"job-1": "STARTING"}, {"job-1": "RUNNING"}]


def test_a_server_with_another_launcher_is_asked_ever_more_rarely_and_nothing_piles_up():
    handle, clock = Handle(), FakeWorld().clock
    sites = Sites(*[Answer(is_heard=False, is_refused=True)] * 1000)
    teller = Teller()
    teller.send, teller._is_running = sites, True
    world = replace(FakeWorld().world, clock=clock)
    teller.follow("job-1", handle, world, str)
    for _ in range(4 * 24 * 60):
        teller.tell()
        clock.time += 15.0
    assert len(sites.told) < 30
    handle.track = replace(handle.track, state=JobState.SUCCEEDED, outcome=make_outcome(Code.SUCCESS))
    clock.time += 3600.0
    teller.tell()
    assert teller._jobs == {}


def test_a_server_that_was_only_starting_hears_what_it_missed():
    handle, clock = Handle(), FakeWorld().clock
    sites = Sites(Answer(is_heard=False, is_refused=True))
    teller = Teller()
    teller.send, teller._is_running = sites, True
    teller.follow("job-1", handle, replace(FakeWorld().world, clock=clock), str)
    handle.track = replace(handle.track, state=JobState.SUCCEEDED, outcome=make_outcome(Code.SUCCESS))
    assert teller.tell()
    assert teller.tell()
    assert len(sites.told) == 1
    clock.time += 15.0
    assert teller.tell()
    assert [len(sites.told), teller._jobs] == [2, {}]


def test_many_jobs_go_in_few_messages():
    handles, sites, teller = [Handle() for _ in range(250)], Sites(), Teller()
    teller.send, teller._is_running = sites, True
    world = FakeWorld().world
    for number, handle in enumerate(handles):
        teller.follow(f"job-{number}", handle, world, str)
    for _ in range(4):
        teller.tell()
    assert [len(message) for message in sites.told] == [100, 100, 50]


def test_a_parent_that_acts_no_more_and_one_that_does_not_want_to_tell_nothing():
    handle, sites, acting = Handle(), Sites(), SimpleNamespace(is_acting=False)
    teller = Teller()
    teller.send, teller._is_running = sites, True
    teller.follow("job-1", handle, replace(FakeWorld().world, acting=acting), str)
    assert teller.tell()
    teller.is_on = False
    teller.follow("job-2", handle, FakeWorld().world, str)
    assert teller.tell()
    assert (sites.told, [*teller._jobs]) == ([], ["job-1"])


def test_an_end_is_told_also_when_nobody_else_holds_the_handle_any_more():
    """FLARE lets go of it as soon as `wait` has returned, which may be before anybody has looked."""
    handle, sites = Handle(), Sites()
    teller = begun(handle, sites)
    teller.tell()
    handle.track = replace(handle.track, state=JobState.SUCCEEDED, outcome=make_outcome(Code.SUCCESS))
    del handle
    gc.collect()
    teller.tell()
    assert (teller._jobs, sites.states[-1]) == ({}, {"job-1": "SUCCEEDED"})


def test_a_job_that_was_refused_for_good_is_told_with_its_cause():
    sites, teller = Sites(), Teller()
    teller.send = sites
    error, code = Denied("pods is forbidden"), ours.ReturnCode.INFRASTRUCTURE_ERROR
    teller.refused("job-1", error, code, FakeWorld().world, str)
    assert until(lambda: not teller._jobs)
    (told,) = sites.told
    assert (told["job-1"].code, told["job-1"].return_code) == ("Forbidden", 104)


def test_the_thread_outlives_whatever_sending_raises_and_ends_with_the_last_job(monkeypatch, caplog):
    monkeypatch.setattr("launcher.flare.verdicts.teller._PAUSE", 0.01)
    monkeypatch.setattr("launcher.flare.verdicts.teller._EVERY", 0.01)
    handle, heard = Handle(), []

    def send(verdicts):
        heard.append(verdicts)
        if len(heard) == 1:
            raise RuntimeError("FLARE's")
        return Answer(is_heard=True)

    teller = Teller()
    teller.send = send
    teller.follow("job-1", handle, FakeWorld().world, str)
    assert until(lambda: len(heard) == 2)
    assert "verdicts cannot be told: RuntimeError" in caplog.text
    handle.track = replace(handle.track, state=JobState.FAILED, outcome=make_outcome(Code.OOM_KILLED))
    assert until(lambda: not teller._is_running)
    handle.track = replace(handle.track, state=JobState.STARTING, outcome=None)
    teller.follow("job-2", handle, FakeWorld().world, str)
    assert until(lambda: "job-2" in heard[-1])


def reply(code):
    return make_reply(code)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (reply(ReturnCode.OK), Answer(is_heard=True)),
        (reply(ReturnCode.PROCESS_EXCEPTION), Answer(is_heard=False, is_refused=True)),
        (reply(ReturnCode.INVALID_REQUEST), Answer(is_heard=False, is_refused=True)),
        (reply(ReturnCode.SERVICE_UNAVAILABLE), Answer(is_heard=False)),
        (reply(ReturnCode.TARGET_UNREACHABLE), Answer(is_heard=False)),
        (None, Answer(is_heard=False)),
    ],
)
def test_what_flare_answers(given, expected):
    sent = []

    def request(**arguments):
        sent.append(arguments)
        return given

    assert sender(SimpleNamespace(send_request_before_shutdown=request))({"job-1": WAITS}) == expected
    assert (sent[0]["target"], sent[0]["channel"], sent[0]["topic"]) == ("server", CHANNEL, TOPIC)


def bootstrap(engine, root):
    context = FLContext()
    context._manager = None
    context.get_engine = lambda: engine
    context.set_prop(FLContextKey.ARGS, SimpleNamespace(workspace=str(root)))
    return context


def test_the_parent_of_a_server_listens_and_tells_itself(server, tmp_path):
    reports = Reports()
    reports.begin(Role.SERVER, bootstrap(server.engine, tmp_path))
    assert reports.history.workspace == str(tmp_path)
    assert reports.teller.send({server.job: WAITS}).is_heard
    answer = server.callbacks[CHANNEL, TOPIC](server.message())
    assert answer.get_header(MessageHeaderKey.RETURN_CODE) == ReturnCode.OK
    assert server.told.keys() == {"server", "site-1"}


@pytest.mark.parametrize("role", Role)
def test_a_flare_without_what_is_needed_costs_nothing(role, tmp_path, caplog):
    caplog.set_level(logging.WARNING)
    reports = Reports()
    reports.begin(role, bootstrap(SimpleNamespace(cell=SimpleNamespace()), tmp_path))
    reports.begin(role, bootstrap(SimpleNamespace(), tmp_path))
    assert reports.teller.send is None
