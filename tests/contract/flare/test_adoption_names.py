"""What taking over needs of FLARE's private names: with one of them missing it is not tried, and nothing else changes."""

from __future__ import annotations

import argparse
import importlib
import json
import threading
from operator import attrgetter
from types import SimpleNamespace

import pytest
from nvflare.apis.event_type import EventType
from nvflare.apis.fl_constant import FLContextKey, SystemComponents
from nvflare.apis.fl_context import FLContextManager
from nvflare.apis.job_def import RunStatus
from nvflare.apis.workspace import Workspace

from launcher.core.spec.jobspec import Role
from launcher.flare.adoption.late_handle import LateHandle
from launcher.flare.adoption.names import NAMES, PARTS, missing
from launcher.flare.adoption.tables import ServerTables
from launcher.flare.adoption.transfers import Transfers
from tests.contract.flare import our_side
from tests.contract.flare.case import Case

PLACES = [(role, name) for role in Role for name in NAMES[role]]
PATHS = [(role, path) for role in Role for path, _ in PARTS[role]]


class Cell:
    def get_fqcn(self):
        return "site-1"

    def register_request_cb(self, **_):
        """Nothing is requested."""


def make_engine(role):
    """Return an engine with everything that is looked for."""
    common = {"cell": Cell(), "new_context": print, "fire_event": print, "lock": threading.Lock()}
    if role is Role.CLIENT:
        client = SimpleNamespace(client_name="site-1", send_request_before_shutdown=print)
        executor = SimpleNamespace(run_processes={}, lock=threading.Lock(), abort_app=print)
        return SimpleNamespace(**common, client=client, client_executor=executor)
    runner = SimpleNamespace(
        running_jobs={},
        _pending_client_outcomes={},
        lock=threading.Lock(),
        update_abnormal_finished_jobs=print,
    )
    store = SimpleNamespace(get_jobs_by_status=lambda status, context: [], get_job=lambda job, context: None)
    return SimpleNamespace(
        **common,
        run_processes={},
        exception_run_processes={},
        wait_for_complete=print,
        client_manager=SimpleNamespace(name_to_clients={}),
        job_runner=runner,
        get_component=lambda name: store,
        server=SimpleNamespace(my_own_token_signature=None),
    )


@pytest.fixture
def bootstrap(tmp_path):
    """Return a function that starts a parent of a role and returns its launcher."""
    (tmp_path / "fljob").mkdir()
    (tmp_path / "fljob/fljob.yaml").write_text("adopt: true")
    (tmp_path / "startup").mkdir()
    (tmp_path / "startup/rootCA.pem").write_text("certificate")
    for name in ("local", "transfer"):
        (tmp_path / name).mkdir()

    def start(role, engine=None, *, adopt=True):
        launcher = our_side.make_launcher(Case(meta={}, role=role), tmp_path, adopt=adopt)
        context = FLContextManager(engine=engine or make_engine(role), identity_name="site-1").new_context()
        context.set_prop(FLContextKey.WORKSPACE_OBJECT, Workspace(str(tmp_path), "site-1"), private=True)
        context.set_prop(FLContextKey.ARGS, argparse.Namespace(workspace=str(tmp_path)), private=True)
        launcher.handle_event(EventType.SYSTEM_BOOTSTRAP, context)
        return launcher

    return start


@pytest.mark.parametrize("role", Role)
def test_this_flare_has_every_name(role):
    assert missing(make_engine(role), role) == []


@pytest.mark.parametrize("role", Role)
def test_with_all_names_jobs_are_taken_over(role, bootstrap):
    launcher = bootstrap(role)
    assert launcher._orphans.heir(launcher._service(our_side.SiteConfig())) is launcher._adoption


@pytest.mark.parametrize(("role", "name"), PLACES, ids=lambda one: getattr(one, "path", one))
def test_without_one_name_nothing_is_taken_over(role, name, monkeypatch, bootstrap, caplog):
    owner, _, leaf = name.path.rpartition(".")
    module = importlib.import_module(name.module)
    monkeypatch.delattr(attrgetter(owner)(module) if owner else module, leaf)
    launcher = bootstrap(role)
    assert launcher._adoption is None
    assert launcher._orphans.heir(None) is launcher._refused
    assert f"running jobs cannot be taken over: this FLARE has not {name.path}" in caplog.text


@pytest.mark.parametrize(
    ("role", "name"), [one for one in PLACES if one[1].takes], ids=lambda one: getattr(one, "path", one)
)
def test_with_another_signature_nothing_is_taken_over(role, name, monkeypatch, bootstrap, caplog):
    owner, _, leaf = name.path.rpartition(".")
    module = importlib.import_module(name.module)
    monkeypatch.setattr(attrgetter(owner)(module) if owner else module, leaf, lambda anything: None)
    assert bootstrap(role)._adoption is None
    assert f"{name.path} (takes anything)" in caplog.text


@pytest.mark.parametrize(("role", "path"), PATHS)
def test_without_one_part_of_the_engine_nothing_is_taken_over(role, path, bootstrap, caplog):
    engine = make_engine(role)
    owner, _, leaf = path.rpartition(".")
    if leaf == "__dict__":
        engine.cell = 1  # no object with a dictionary of its own
    else:
        delattr(attrgetter(owner)(engine) if owner else engine, leaf)
    assert bootstrap(role, engine)._adoption is None
    assert f"engine.{path}" in caplog.text


@pytest.mark.parametrize("role", Role)
def test_a_flare_that_raises_anything_goes_on(role, bootstrap, caplog):
    engine = make_engine(role)

    class Broken(Cell):
        def register_request_cb(self, **_):
            raise KeyError("anything")

    engine.cell = Broken()
    launcher = bootstrap(role, engine)
    assert launcher._adoption is None
    assert "running jobs cannot be taken over: KeyError: 'anything'" in caplog.text


def test_a_manager_that_flare_has_made_already_is_left(bootstrap):
    engine = make_engine(Role.CLIENT)
    there = engine.cell.__dict__["_workspace_transfer_manager"] = object()
    assert bootstrap(Role.CLIENT, engine)._adoption is None
    assert engine.cell.__dict__["_workspace_transfer_manager"] is there


def test_a_site_that_does_not_want_it_lets_requests_wait_for_nothing(bootstrap):
    launcher = bootstrap(Role.CLIENT, adopt=False)
    assert not launcher._adoption.is_on
    assert launcher._adoption.transfers.settled.is_set()


def test_a_request_waits_until_its_job_is_known():
    transfers = Transfers.put(Cell())
    threading.Timer(
        0.3, lambda: (transfers.restore("a", "/workspace", "old"), transfers.settled.set())
    ).start()
    assert transfers._get_record("a").transfer_token == "old"
    assert transfers._get_record("b") is None


class Site:
    """A site as the server knows it."""

    def __init__(self, name, token):
        self.name, self.token = name, token


@pytest.fixture
def tables():
    """Tables with one job of two sites, as the server that launched it has them; and its engine."""
    engine = make_engine(Role.SERVER)
    tables = ServerTables(engine, "/workspace")
    tables.enter("a", object(), object(), ["site-1", "site-2"])
    sites = (Site("site-1", "t1"), Site("site-2", "t2"), Site("site-3", "t3"))
    engine.run_processes["a"]["_participants"] = {site.token: site for site in sites}
    return tables, engine


def again(engine):
    """Return the tables of the parent after that one."""
    tables = ServerTables(engine, "/workspace")
    tables.enter("a", object(), object(), ["site-1", "site-2"])
    return tables


def test_sites_are_entered_all_or_none(tables):
    before, engine = tables
    marks = before.marks("a")
    assert set(marks) == {"site-1", "site-2"}
    assert not {"t1", "t2"} & set(marks.values())
    now, known = again(engine), engine.client_manager.name_to_clients
    known["site-1"] = Site("site-1", "t1")
    assert now.fill("a", marks)
    assert engine.run_processes["a"]["_participants"] == {}
    known["site-2"] = Site("site-2", "t2")
    assert not now.fill("a", marks)
    assert set(engine.run_processes["a"]["_participants"]) == {"t1", "t2"}


def test_a_site_that_has_another_token_now_is_not_entered(tables):
    """Its job process has the old one: a server process that starts with the new one refuses it for ever."""
    before, engine = tables
    marks, now = before.marks("a"), again(engine)
    engine.client_manager.name_to_clients.update(
        {"site-1": Site("site-1", "t9"), "site-2": Site("site-2", "t2")}
    )
    assert not now.fill("a", marks)
    assert engine.run_processes["a"]["_participants"] == {}


def test_a_job_that_has_ended_has_no_sites(tables):
    now, engine = tables
    marks = now.marks("a")
    now.leave("a")
    assert not now.fill("a", marks)
    assert (engine.job_runner.running_jobs, engine.run_processes, now.awaited("a")) == ({}, {}, None)


def test_a_site_whose_end_was_reported_is_struck_out_of_the_note(bootstrap, tmp_path):
    """FLARE fails a job when a site that it awaits sends a heartbeat without it: the next parent must not await it."""
    engine = make_engine(Role.SERVER)
    adoption = bootstrap(Role.SERVER, engine)._adoption
    context = FLContextManager(engine=engine, identity_name="server").new_context()
    context.set_prop(FLContextKey.EVENT_DATA, {"job_id": "a"}, private=True, sticky=False)
    adoption._tables.enter("a", object(), object(), ["site-1", "site-2"])
    engine.run_processes["a"]["_participants"] = {name: Site(name, name) for name in ("site-1", "site-2")}
    adoption.follow(EventType.JOB_STARTED, context)
    note = tmp_path / "fljob/running/a.json"
    assert set(json.loads(note.read_text())) == {"site-1", "site-2"}
    engine.job_runner._pending_client_outcomes["a"].discard("site-2")
    adoption.follow(EventType.CLIENT_HEARTBEAT_PROCESSED, context)
    assert set(json.loads(note.read_text())) == {"site-1"}
    adoption.follow(EventType.JOB_COMPLETED, context)
    assert not note.exists()


def test_an_event_that_cannot_be_followed_ends_nothing(bootstrap, caplog):
    engine = make_engine(Role.SERVER)
    adoption = bootstrap(Role.SERVER, engine)._adoption
    adoption._noted["a"] = {"site-1": "1"}
    engine.job_runner._pending_client_outcomes = None
    context = FLContextManager(engine=engine, identity_name="server").new_context()
    adoption.follow(EventType.CLIENT_HEARTBEAT_PROCESSED, context)
    assert "is not followed: AttributeError" in caplog.text


def test_a_server_that_acts_once_more_ends_no_job_of_its_own(bootstrap, tmp_path):
    """It may be starting one at this moment, and await the sites of another whose server process has ended."""
    engine, ended = make_engine(Role.SERVER), []
    adoption = bootstrap(Role.SERVER, engine)._adoption
    engine.new_context = FLContextManager(engine=engine, identity_name="server").new_context
    engine.job_runner.update_abnormal_finished_jobs = lambda kept, _: ended.append({*kept})
    stored = {RunStatus.RUNNING: ["mine", "waits", "lost"], RunStatus.DISPATCHED: ["starts"]}
    engine.get_component(SystemComponents.JOB_MANAGER).get_jobs_by_status = lambda statuses, _: [
        SimpleNamespace(job_id=job) for status in statuses for job in stored[status]
    ]
    engine.run_processes["mine"] = {}
    engine.job_runner.running_jobs["waits"] = object()
    for job in ("mine", "waits", "told", "left"):
        adoption._notes.write(job, {})
    # FLARE says that it has started, and then writes RUNNING.
    engine.job_runner.running_jobs["told"] = object()
    adoption.again()
    assert ended == [{"mine", "waits", "told", "starts"}]
    assert adoption.jobs == ()
    assert {path.stem for path in (tmp_path / "fljob/running").iterdir()} == {"mine", "waits", "told"}


def test_a_server_that_acts_once_more_writes_no_end_of_what_another_has_ended(bootstrap, tmp_path, caplog):
    """FLARE would call it COMPLETED: of the end that the other one has seen it has heard nothing."""
    engine = make_engine(Role.SERVER)
    adoption = bootstrap(Role.SERVER, engine)._adoption
    engine.new_context = FLContextManager(engine=engine, identity_name="server").new_context
    statuses = {
        "failed": RunStatus.FINISHED_ABNORMAL,
        "mine": RunStatus.RUNNING,
        "writes": RunStatus.FINISHED_COMPLETED,
    }
    engine.get_component(SystemComponents.JOB_MANAGER).get_job = lambda job, _: (
        job in statuses and SimpleNamespace(meta={"status": statuses[job].value})
    )
    late = {job: LateHandle(lambda: False) for job in (*statuses, "unknown")}
    for job, handle in late.items():
        adoption._late[job] = handle
        adoption._tables.enter(job, object(), handle, ["site-1"])
        adoption._notes.write(job, {})
    # FLARE publishes the end of this one at this moment, and takes it out itself.
    engine.job_runner._finished_job_states = {"writes": object()}
    engine.get_component(SystemComponents.JOB_MANAGER).get_jobs_by_status = lambda *_: [
        SimpleNamespace(job_id="mine")
    ]
    adoption.again()
    there = {"mine", "writes", "unknown"}
    assert engine.job_runner.running_jobs.keys() == engine.run_processes.keys() == there
    assert {job for job, handle in late.items() if not handle.is_settled} == there
    assert "job failed: another parent of the server has ended it" in caplog.text


@pytest.mark.parametrize("is_done", [False, True])
def test_what_a_server_ends_itself_while_it_asks_the_store_stays_to_flare(tmp_path, is_done):
    """FLARE's thread that writes all ends would die of an entry that is gone."""
    engine = make_engine(Role.SERVER)
    tables, runner = ServerTables(engine, str(tmp_path)), engine.job_runner
    tables.enter("mine", object(), LateHandle(lambda: False), [])
    runner._finished_job_states = {}

    def get_job(job, _):
        # As FLARE's thread does: the end is written, then the entries go.
        engine.run_processes.pop(job)
        if is_done:
            del runner.running_jobs[job]
        else:
            runner._finished_job_states[job] = object()
        return SimpleNamespace(meta={"status": RunStatus.FINISHED_COMPLETED.value})

    engine.get_component(SystemComponents.JOB_MANAGER).get_job = get_job
    assert tables.ended_elsewhere(None) == []
