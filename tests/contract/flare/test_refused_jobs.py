"""A client's parent goes on with a job whose creation was refused: FLARE's own table, everything else in memory."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from types import SimpleNamespace

import pytest
from nvflare.apis.fl_constant import RunProcessKey
from nvflare.private.fed.client.client_status import ClientStatus

from launcher.core.catalogue import Code
from launcher.core.names import LABEL_FEDERATION
from launcher.core.pending.refusal import Refusal, refusal_of
from launcher.errors import Reason, Rejected, Unavailable
from launcher.flare import server_report
from launcher.flare.context import TRANSFER_TOKEN
from launcher.flare.refused import RefusedJobs
from tests.contract.flare.case import JOB
from tests.contract.flare.in_memory import CASE, CREDENTIALS, STARTUP, until
from tests.contract.flare.test_taking_over import New
from tests.fakes import FakeClock, raising
from tests.unit.core.flare.test_refused_note import NOTE

QUOTA = Rejected("exceeded quota: q for canary-signature", reason=Reason.QUOTA_EXCEEDED)


class Refused(New):
    """The parent after the one whose launch was refused."""

    def __init__(self, launch):
        super().__init__(launch)
        self.mark = launch.fake.secrets.labels[CREDENTIALS][LABEL_FEDERATION]
        self.refused = self.adoption.parent.refused
        self.refused.open(str(launch.root), "site-1")

    def look(self):
        heir = self.adoption.bound(self.service)
        lost = {}
        gone = self.service.reap(
            "fl", "site-1", self.mark, self.excluded.__contains__, lost.setdefault, heir=heir
        )
        self.lost = {job: int(code) for job, code in lost.items()}
        return list(gone)

    def accept(self):
        """Let the next try, which is due, get through."""
        self.fake.releases.install_error = None
        self.fake.clock.time += 60
        assert until(lambda: self.fake.releases.items)

    def note(self):
        return self.launch.root / "fljob/refused" / f"{JOB}.json"


@pytest.fixture
def new(launch, monkeypatch):
    """A parent died while its job was refused: here its thread tries on, but nobody lets it."""
    monkeypatch.setattr(server_report, "_PAUSE", 0.0)
    launch.fake.releases.install_error = QUOTA
    handle = launch()
    # As a process that is gone: it tries no more, and leaves what it has.
    installer = handle.handle._installer
    installer._keeper = type(installer._keeper).__new__(type(installer._keeper))
    monkeypatch.setattr(installer._keeper, "over", lambda *, is_accepted: None, raising=False)
    monkeypatch.setattr(installer._keeper, "refused", lambda refusal: None, raising=False)
    installer.stop()
    return Refused(launch)


def test_the_note_has_all_that_is_needed_and_no_credential(new, caplog):
    assert new.note().stat().st_mode & 0o777 == 0o600
    text = new.note().read_text()
    assert json.loads(text)["code"] == refusal_of(QUOTA).code.value
    secret = new.fake.secrets.items[CREDENTIALS]
    assert set(secret) == {*json.loads(text)["variables"], TRANSFER_TOKEN}
    for value in (*CASE.credentials, *(value.decode() for value in secret.values())):
        assert value not in text
        assert value not in caplog.text
    others = [path for path in new.launch.root.rglob("*") if path.is_file() and path.name != "rootCA.pem"]
    assert not any(value in path.read_bytes() for path in others for value in secret.values())


def test_the_next_parent_installs_the_same_job_with_the_old_credentials(new, caplog):
    caplog.set_level(logging.INFO)
    old = dict(new.fake.secrets.items[CREDENTIALS])
    assert new.look() == []
    assert (new.lost, CREDENTIALS in new.excluded) == ({}, True)
    assert new.transfers.jobs[JOB].transfer_token == old[TRANSFER_TOKEN].decode()
    assert new.engine.entry[RunProcessKey.STATUS] == ClientStatus.STARTING
    assert f"job {JOB} taken over: release=" in caplog.text
    assert "has no pod yet" in caplog.text
    new.fake.secrets.items.pop(STARTUP, None)
    new.accept()
    assert until(lambda: not new.note().exists())
    assert new.fake.secrets.items[CREDENTIALS] == old
    assert STARTUP in new.fake.secrets.items
    new.launch.end(0)
    new.adoption.begin()
    assert until(lambda: new.engine.fired)
    assert [told["code"] for told in new.engine.client.told] == [0]


def test_it_renders_the_values_that_the_first_launch_had(new, tmp_path):
    from tests.contract.flare.in_memory import Launch  # noqa: PLC0415 - the name is a fixture's elsewhere

    first = Launch(tmp_path / "another")
    first()
    new.look()
    new.accept()
    (again,) = new.fake.releases.values.values()
    (once,) = first.fake.releases.values.values()
    there, here = (json.dumps(one, default=str) for one in (once, again))
    assert here.replace(str(new.launch.root), "") == there.replace(str(first.root), "")


def test_an_abort_ends_the_tries_and_leaves_nothing(new):
    new.look()
    new.engine.entry[RunProcessKey.JOB_HANDLE].terminate(heartbeat_cleanup=True)
    assert until(lambda: not new.note().exists() and CREDENTIALS not in new.fake.secrets.items)
    assert new.engine.entry[RunProcessKey.JOB_HANDLE].poll() == 9
    new.fake.releases.install_error = None
    assert new.fake.releases.items == {}


@pytest.fixture
def plant(new, tmp_path):
    """Return a function that leaves the record of a try in whose midst the parent was killed."""
    from tests.contract.flare.in_memory import Launch  # noqa: PLC0415 - the name is a fixture's elsewhere

    made = Launch(tmp_path / "another")
    made()
    (view,) = made.fake.releases.items.values()

    def plant(status):
        new.fake.releases.items[view.name] = replace(view, status=status, updated=new.fake.clock.now())
        return view.name

    return plant


@pytest.mark.parametrize("status", ["pending-install", "failed", "uninstalling"])
def test_a_parent_that_was_killed_while_it_tried_leaves_a_record_and_the_next_one_tries_on(
    new, plant, status, caplog
):
    caplog.set_level(logging.INFO)
    name, old = plant(status), dict(new.fake.secrets.items[CREDENTIALS])
    assert new.look() == []
    assert (new.lost, name in new.excluded) == ({}, True)
    assert "has no pod yet" in caplog.text
    assert "not taken over" not in caplog.text
    new.fake.releases.install_error = None
    new.fake.clock.time += 60
    assert until(lambda: new.launch.pod in new.fake.pods.items)
    assert until(lambda: not new.note().exists())
    assert new.fake.releases.items[name].status == "deployed"
    assert new.fake.secrets.items[CREDENTIALS] == old


def test_what_a_killed_try_left_goes_with_the_reason_where_nobody_goes_on(new, plant):
    name = plant("pending-install")
    new.adoption.switch(on=False)
    assert new.look() == [name]
    assert CREDENTIALS not in new.fake.secrets.items
    assert new.lost == {JOB: 104}
    assert "`adopt` is false" in new.refused.reason(JOB)


def test_a_job_that_was_made_and_lost_its_pod_says_so(new, plant):
    name = plant("deployed")
    assert new.look() == [name]
    assert "its pod is gone" in new.refused.reason(JOB)


def test_a_site_that_does_not_want_it_ends_it_and_says_why(new, caplog):
    new.adoption.switch(on=False)
    assert new.look() == [CREDENTIALS]
    assert new.lost == {JOB: 104}
    assert "`adopt` is false" in new.refused.reason(JOB)
    assert "QuotaExceeded: exceeded quota: q" in new.refused.reason(JOB)
    assert f"job {JOB} not taken over: release=fj-" in caplog.text
    assert new.note().exists()  # until the server has heard
    new.refused.heard(JOB)
    assert not new.note().exists()


def test_without_its_secret_it_ends(new):
    new.fake.secrets.items.pop(CREDENTIALS)
    assert new.look() == []
    assert new.lost == {JOB: 104}
    assert "the Secret with its credentials is gone" in new.refused.reason(JOB)
    assert (new.engine.entry, new.transfers.jobs) == (None, {})


@pytest.mark.parametrize("text", ["{", "[]", "", '{"version": 1}'])
def test_a_note_that_is_broken_costs_its_own_job(new, text):
    new.note().write_text(text)
    assert new.look() == [CREDENTIALS]
    assert new.lost == {JOB: 104}
    assert "its note cannot be read" in new.refused.reason(JOB)


def test_a_note_of_another_job_is_believed_in_nothing(new):
    content = json.loads(new.note().read_text())
    new.note().write_text(json.dumps({**content, "job_id": "another"}))
    assert new.look() == [CREDENTIALS]
    assert new.lost == {JOB: 104}
    assert "that of another job" in new.refused.reason(JOB)


@pytest.mark.parametrize(
    "change", [{"role": "server"}, {"federation": "other"}, {"variables": ["LD_PRELOAD"]}]
)
def test_a_note_that_does_not_fit_the_secret_is_believed_in_nothing(new, change):
    content = json.loads(new.note().read_text())
    new.note().write_text(json.dumps({**content, **change}))
    assert new.look() == [CREDENTIALS]
    assert new.engine.entry is None
    assert new.transfers.jobs == {}


def test_a_secret_that_cannot_be_read_now_is_asked_for_again(new, monkeypatch):
    know = new.fake.secrets.credentials
    monkeypatch.setattr(new.fake.secrets, "credentials", raising(Unavailable("no answer")))
    with pytest.raises(Unavailable):
        new.look()
    assert (new.engine.entry, new.transfers.jobs, new.lost) == (None, {}, {})
    monkeypatch.setattr(new.fake.secrets, "credentials", know)
    assert new.look() == []
    assert new.engine.entry is not None


def test_a_secret_without_a_note_goes_as_before(new):
    new.note().unlink()
    assert new.look() == [CREDENTIALS]
    assert new.lost == {JOB: 104}
    assert new.refused.reason(JOB) == "the parent of the site was replaced"


def test_what_this_parent_has_noted_itself_is_not_an_earlier_ones(new):
    new.look()
    assert new.look() == []
    assert new.lost == {}


def test_without_the_names_of_flare_it_ends(new):
    lost = {}
    gone = new.service.reap("fl", "site-1", new.mark, lambda name: False, lost.setdefault, heir=new.refused)
    assert list(gone) == [CREDENTIALS]
    assert list(lost) == [JOB]
    assert "this parent takes no jobs over" in new.refused.reason(JOB)


def test_a_parent_that_acts_no_more_leaves_the_note_to_the_one_that_does(tmp_path):
    acting = SimpleNamespace(is_acting=True)
    world = SimpleNamespace(clock=FakeClock(), acting=acting)
    jobs = RefusedJobs()
    jobs.open(str(tmp_path), NOTE.site)
    journal = jobs.journal(NOTE, world, str)
    journal.refused(Refusal(Code.QUOTA_EXCEEDED, "as it was"), {})
    acting.is_acting = False
    journal.refused(Refusal(Code.API_UNAVAILABLE, "another parent of site site-1 acts"), {})
    journal.over()
    (path,) = (tmp_path / "fljob/refused").iterdir()
    assert json.loads(path.read_text())["detail"] == "as it was"
    acting.is_acting = True
    jobs.again()
    assert jobs.seen(all_of_them=True) == [NOTE.job_id]


def test_what_is_no_folder_of_notes_costs_nothing(tmp_path, caplog):
    (tmp_path / "fljob").write_text("")
    jobs = RefusedJobs()
    jobs.open(str(tmp_path), NOTE.site)
    world = SimpleNamespace(clock=FakeClock(), acting=SimpleNamespace(is_acting=True))
    jobs.journal(NOTE, world, str).refused(Refusal(Code.QUOTA_EXCEEDED, "full"), {})
    assert f"job {NOTE.job_id} cannot be taken over while it is refused" in caplog.text
    assert jobs.seen(all_of_them=True) == []
