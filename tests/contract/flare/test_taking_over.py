"""A client's parent takes over a job that another one launched: FLARE's own table and handle, everything else in memory."""

from __future__ import annotations

import threading
from dataclasses import replace
from types import SimpleNamespace

import pytest
from nvflare.apis.event_type import EventType
from nvflare.apis.fl_constant import FLContextKey, RunProcessKey
from nvflare.apis.fl_context import FLContextManager
from nvflare.private.fed.client.client_status import ClientStatus

from launcher.core.names import LABEL_FEDERATION
from launcher.core.spec.jobspec import Role
from launcher.core.spec.site import SiteConfig
from launcher.errors import Denied, Unavailable
from launcher.flare import server_report
from launcher.flare.adoption import tables
from launcher.flare.adoption.client import ClientAdoption
from launcher.flare.adoption.heirs import Parent
from launcher.flare.adoption.tables import ServerTables
from launcher.flare.adoption.transfers import Transfers
from launcher.flare.context import TRANSFER_TOKEN
from launcher.flare.kept import KeptJobs
from launcher.flare.refused import RefusedJobs
from tests.contract.flare.case import JOB
from tests.contract.flare.in_memory import CREDENTIALS, until
from tests.contract.flare.test_adoption_names import Cell
from tests.fakes import raising, running


class Client:
    """FLARE's client of the new parent; ``deaf`` reports are not acknowledged."""

    client_name = "site-1"

    def __init__(self):
        self.deaf = 0
        self.told = []

    def send_request_before_shutdown(self, *, request, **_):
        self.told.append(request.payload)
        self.deaf -= 1
        code = "error" if self.deaf >= 0 else "ok"
        return SimpleNamespace(get_header=lambda name: code)


class Engine:
    def __init__(self):
        self.cell = Cell()
        self.client = Client()
        self.client_executor = SimpleNamespace(run_processes={}, lock=threading.Lock(), abort_app=None)
        self.fired = []
        self.new_context = FLContextManager(engine=self, identity_name="site-1").new_context

    def fire_event(self, event, context):
        self.fired.append((event, context.get_prop(FLContextKey.CURRENT_JOB_ID)))

    @property
    def entry(self):
        return self.client_executor.run_processes.get(JOB)


class New:
    """The parent after the one of ``launch``."""

    def __init__(self, launch):
        self.launch, self.fake = launch, launch.fake
        self.engine = Engine()
        self.excluded = []
        self.service = launch.launcher._service(SiteConfig(namespace="fl"))
        self.kept = KeptJobs()
        parent = Parent(
            Role.CLIENT,
            str(launch.root),
            lambda *names: self.excluded.extend(names),
            self.kept.look,
            str(launch.root / "startup"),
            launch.launcher._settings,
            RefusedJobs(),
            launch.launcher._installed,
            launch.launcher._reports,
        )
        self.transfers = Transfers.put(self.engine.cell)
        self.adoption = ClientAdoption(parent, self.transfers, self.engine)
        self.adoption.is_on = True

    def look(self):
        """Look at what the cluster has, and return what was removed."""
        (pod,) = self.fake.pods.items.values()
        heir = self.adoption.bound(self.service)
        mark = pod.labels[LABEL_FEDERATION]
        return list(self.service.reap("fl", "site-1", mark, self.excluded.__contains__, heir=heir))


@pytest.fixture
def new(launch, monkeypatch):
    monkeypatch.setattr(server_report, "_PAUSE", 0.0)
    launch()
    pod = launch.fake.pods.items[launch.pod]
    kept = {key: getattr(pod, key) for key in ("name", "uid", "labels", "annotations")}
    launch.fake.pods.show(replace(running(), **kept))
    return New(launch)


def test_the_old_token_opens_the_new_parents_door(new):
    old = new.fake.secrets.items[CREDENTIALS][TRANSFER_TOKEN].decode()
    assert new.look() == []
    assert new.transfers.jobs[JOB].transfer_token == old
    assert new.engine.entry[RunProcessKey.STATUS] == ClientStatus.STARTED
    assert CREDENTIALS in new.excluded
    assert new.transfers.settled.is_set()
    assert new.look() == []


def test_its_end_is_reported_until_it_is_heard_and_then_let_go(new):
    new.engine.client.deaf = 3
    new.look()
    new.adoption.begin()
    new.launch.end(0)
    assert until(lambda: new.engine.entry is None)
    assert until(lambda: new.engine.fired)
    assert [told["code"] for told in new.engine.client.told] == [0] * 4
    assert new.engine.fired == [(EventType.JOB_COMPLETED, JOB)]
    assert JOB not in new.transfers.jobs
    assert until(
        lambda: new.fake.is_empty or set(new.fake.secrets.items) == {"nvflare-startup-site-1-f505dccd"}
    )


@pytest.fixture
def retention(launch):
    """A site that keeps failed jobs for longer than other threads move the fake clock."""
    (launch.root / "fljob").mkdir(exist_ok=True)
    (launch.root / "fljob" / "fljob.yaml").write_text("retention: {failed: 1000000}\n")


@pytest.mark.usefixtures("retention")
def test_it_is_kept_after_its_end_and_removed_by_the_new_parent_when_its_time_is_over(new):
    new.look()
    new.adoption.begin()
    new.launch.end(7)
    assert until(lambda: CREDENTIALS not in new.fake.secrets.items)
    assert until(lambda: new.engine.entry is None)
    assert until(lambda: new.kept._runs)
    assert new.fake.releases.items
    new.fake.clock.time += 1_000_001
    new.kept._news.set()
    assert until(lambda: not new.fake.releases.items)


def test_nothing_is_reported_before_the_parent_is_registered(new):
    new.look()
    new.launch.end(101)
    assert new.engine.client.told == []
    new.adoption.begin()
    assert until(lambda: new.engine.fired)
    assert [told["code"] for told in new.engine.client.told] == [101]


@pytest.mark.parametrize("more", [{}, {"heartbeat_cleanup": True}, {"heartbeat_cleanup": False}])
def test_flares_ways_to_end_a_job_end_it(new, more):
    new.look()
    new.engine.entry[RunProcessKey.JOB_HANDLE].terminate(**more)
    assert until(lambda: not new.fake.releases.items)
    assert new.engine.entry[RunProcessKey.JOB_HANDLE].poll() == 9


@pytest.mark.parametrize("status", ["pending-install", "failed"])
def test_one_whose_parent_was_killed_before_helm_had_noted_that_all_is_there(new, status):
    (record,) = new.fake.releases.items.values()
    new.fake.releases.items[record.name] = replace(record, status=status)
    assert new.look() == []
    assert new.engine.entry is not None


def test_one_of_which_something_is_missing_goes(new, monkeypatch, caplog):
    (record,) = new.fake.releases.items.values()
    new.fake.releases.items[record.name] = replace(record, status="pending-install")
    monkeypatch.setattr(new.fake.releases, "is_whole", lambda name, namespace: False)
    assert record.name in new.look()
    assert "its release is not deployed" in caplog.text


def test_a_secret_without_the_token_is_not_enough(new, caplog):
    new.fake.secrets.items[CREDENTIALS] = {"other": b"x"}
    assert len(new.look()) == 1
    assert (new.engine.entry, new.transfers.jobs) == (None, {})
    assert f"job {JOB} not taken over: release=" in caplog.text
    assert TRANSFER_TOKEN in caplog.text


def test_a_secret_that_may_not_be_read_is_not_enough(new, monkeypatch):
    monkeypatch.setattr(new.fake.secrets, "credentials", raising(Denied("secrets: get")))
    assert len(new.look()) == 1
    assert new.engine.entry is None


def test_a_secret_that_cannot_be_read_now_is_asked_for_again(new, monkeypatch):
    know = new.fake.secrets.credentials
    monkeypatch.setattr(new.fake.secrets, "credentials", raising(Unavailable("no answer")))
    with pytest.raises(Unavailable):
        new.look()
    assert (new.engine.entry, new.transfers.jobs, new.excluded) == (None, {}, [])
    assert not new.transfers.settled.is_set()
    monkeypatch.setattr(new.fake.secrets, "credentials", know)
    assert new.look() == []
    assert new.engine.entry is not None


def test_whatever_flare_raises_the_job_goes_as_before(new, monkeypatch):
    monkeypatch.setattr(new.transfers, "add_job", raising(KeyError("anything")))
    assert len(new.look()) == 1
    assert new.engine.entry is None
    assert new.fake.releases.items == {}


def test_a_job_that_flare_is_starting_anew_is_left_alone(new):
    there = new.engine.client_executor.run_processes[JOB] = {RunProcessKey.JOB_HANDLE: object()}
    assert new.look() == []
    assert new.engine.entry is there
    assert new.transfers.jobs == {}


def test_a_site_that_does_not_want_it(new, caplog):
    new.adoption.switch(on=False)
    assert len(new.look()) == 1
    assert "`adopt` is false" in caplog.text


def test_what_was_signed_without_a_key_is_signed_anew(monkeypatch):
    monkeypatch.setattr(tables, "_SIGNATURE_TRIES", 3)
    monkeypatch.setattr(tables, "_SIGNATURE_PAUSE", 0.0)
    server = SimpleNamespace(my_own_token_signature="NA")
    manager = FLContextManager(engine=None, identity_name="server")
    engine = SimpleNamespace(
        server=server, new_context=manager.new_context, job_runner=None, get_component=lambda name: None
    )
    ServerTables(engine, "/workspace").mend_signature()
    assert server.my_own_token_signature == "NA"  # without a key it would be the same again
    with manager.new_context() as context:
        context.set_prop(FLContextKey.SERVER_CONFIG, [{}], private=True, sticky=True)
    ServerTables(engine, "/workspace").mend_signature()
    assert server.my_own_token_signature is None
    server.my_own_token_signature = "good"
    ServerTables(engine, "/workspace").mend_signature()
    assert server.my_own_token_signature == "good"


def test_a_job_whose_end_was_seen_before_is_not_news(new, caplog):
    """What an earlier parent keeps for its retention has no credentials any more."""
    new.launch.end(0)
    new.fake.secrets.items.pop(CREDENTIALS)
    new.look()
    assert new.engine.entry is None
    assert "taken over" not in caplog.text
