"""Reports of a new parent about the jobs of its predecessor, received by the handler of FLARE's own server."""

from __future__ import annotations

import logging
import threading
from types import SimpleNamespace

import pytest
from nvflare.apis.fl_context import FLContextManager
from nvflare.fuel.f3.cellnet.defs import MessageHeaderKey
from nvflare.private.defs import CellChannel, CellChannelTopic, CellMessageHeaderKeys
from nvflare.private.fed.client.fed_client_base import FederatedClientBase
from nvflare.private.fed.server.fed_server import FederatedServer

from launcher.core.catalogue.returncodes import ReturnCode
from launcher.errors import Unavailable
from launcher.flare import server_report as outcomes
from launcher.flare.orphans import Orphans
from launcher.flare.server_report import end_reporter, failure_reporter
from launcher.usecases.heir import NOBODY
from tests.contract.flare.in_memory import until
from tests.fakes import FakeWorld

LOST = ReturnCode.INFRASTRUCTURE_ERROR
JOB, SITE, TOKEN = "86ba3990-e798-4699-b450-00ab4cb70832", "site-1", "token"


class Runner:
    """The server's job runner, faked: answers the handler's questions and records its calls."""

    def __init__(self):
        self.failed = []
        self.resolved = []

    def is_client_outcome_pending(self, job_id, client_name):
        return (job_id, client_name) == (JOB, SITE)

    def fail_run(self, job_id, code, fl_ctx):
        self.failed.append((job_id, int(code)))

    def resolve_client_outcome(self, job_id, client_name):
        self.resolved.append((job_id, client_name))


class Line:
    """The connection from a client's parent to the handler of FLARE's server; the first tries may fail."""

    def __init__(self, *troubles):
        self.troubles = list(troubles)
        self.runner = Runner()
        clients = SimpleNamespace(
            is_from_authorized_client=lambda token: token == TOKEN,
            clients={TOKEN: SimpleNamespace(name=SITE)},
        )
        engine = SimpleNamespace(job_runner=self.runner, new_context=FLContextManager().new_context)
        self.server = SimpleNamespace(
            client_manager=clients, engine=engine, logger=logging.getLogger("server")
        )

    def send_request_before_shutdown(self, *, target, channel, topic, request, timeout, optional):
        if self.troubles:
            trouble = self.troubles.pop(0)
            if trouble is not None:
                raise trouble
            return None
        assert (target, channel, topic) == (
            "server",
            CellChannel.SERVER_MAIN,
            CellChannelTopic.REPORT_JOB_FAILURE,
        )
        request.set_header(CellMessageHeaderKeys.TOKEN, TOKEN)  # FLARE's outgoing filter does
        request.set_header(MessageHeaderKey.ORIGIN, SITE)
        return FederatedServer.process_job_failure(self.server, request)


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr(outcomes, "_PAUSE", 0.0)


def reporter(client):
    return failure_reporter(FLContextManager(engine=SimpleNamespace(client=client)).new_context())


@pytest.mark.parametrize("troubles", [(), (None,), (RuntimeError("no connection"), None)])
def test_server_fails_the_run_after_a_report(troubles):
    line = Line(*troubles)
    reporter(line)(JOB, LOST)
    assert line.runner.failed == [(JOB, 104)]


def test_success_report_does_not_fail_the_run():
    line = Line()
    reporter(line)(JOB, ReturnCode.OK)
    assert line.runner.failed == []
    assert line.runner.resolved == [(JOB, SITE)]


def test_a_server_that_does_not_answer_is_told_in_the_background(caplog):
    line, heard = Line(*[None] * 100), []
    context = FLContextManager(engine=SimpleNamespace(client=line)).new_context()
    assert not failure_reporter(context, heard=heard.append)(JOB, LOST)
    assert f"job {JOB} could not be reported" in caplog.text
    assert until(lambda: heard == [JOB])
    assert line.runner.failed == [(JOB, 104)]


def test_the_server_hears_the_reason(caplog):
    caplog.set_level(logging.INFO)
    context = FLContextManager(engine=SimpleNamespace(client=Line())).new_context()
    assert failure_reporter(context, {JOB: "for this"}.get)(JOB, LOST)
    assert "due to reported failure from site-1: for this" in caplog.text


def test_server_parent_reports_to_nobody():
    heard = []
    context = FLContextManager(engine=SimpleNamespace()).new_context()
    assert failure_reporter(context, heard=heard.append)(JOB, LOST)
    assert heard == [JOB]


def test_flare_client_has_the_used_method():
    assert callable(FederatedClientBase.send_request_before_shutdown)


class Service:
    """Removes the jobs of a predecessor; the first try fails, and a job that was removed is not returned again."""

    world = FakeWorld().world

    def __init__(self, *tries):
        self.tries = list(tries)

    def reap(self, namespace, site, federation, is_ours, lost, *, heir):
        assert heir is NOBODY
        assert (namespace, site, federation) == ("fl", SITE, "fed")
        assert (is_ours("fj-3"), is_ours("fj-1")) == (True, False)
        found, trouble = self.tries.pop(0) if self.tries else ({}, None)
        for job, code in found.items():
            lost(job, code)
        if trouble:
            raise trouble
        return ()


FIRST = ({JOB: ReturnCode.OK, "b": ReturnCode.INFRASTRUCTURE_ERROR}, Unavailable("a finalizer"))
SECOND = ({"b": ReturnCode.ABORTED, "c": ReturnCode.ABORTED}, None)


def test_orphans_are_reported_once_with_their_first_return_code():
    found, told = Orphans(), []
    service = Service(FIRST, SECOND)
    found.report = lambda job, code: told.append((job, int(code), len(service.tries)))
    found.exclude("fj-3")
    found.begin()
    found._remove(service, "fl", SITE, "fed")
    assert told == [(JOB, 0, 1), ("b", 104, 1), ("c", 9, 0)]


def test_orphans_are_reported_before_anything_of_them_is_removed():
    """A pod with a finalizer holds up what comes after it, and each job that is not reported stays RUNNING."""
    found, done = Orphans(), []
    service = Service(({JOB: ReturnCode.OK, "b": ReturnCode.ABORTED}, None))
    reap = service.reap

    def slow(*args, heir):
        reap(*args, heir=heir)
        return (done.append(name) or name for name in ("fj-a", "fj-b") if name not in done)

    service.reap = slow
    found.report = lambda job, code: done.append(job)
    found.exclude("fj-3")
    found.begin()
    found._remove(service, "fl", SITE, "fed")
    assert done == [JOB, "b", "fj-a", "fj-b"]


def test_what_the_earlier_parent_launches_beside_the_new_one_is_found_a_minute_later():
    found, told = Orphans(), []
    service = Service(({JOB: ReturnCode.OK}, None), ({"late": ReturnCode.ABORTED}, None))
    found.report = lambda job, code: told.append(job)
    found.exclude("fj-3")
    found.begin()
    begin = service.world.clock.monotonic()
    found._remove(service, "fl", SITE, "fed")
    assert told == [JOB, "late"]
    assert service.world.clock.monotonic() - begin == 60


def test_nothing_is_reported_before_the_parent_is_registered():
    found, told = Orphans(), []
    service = Service(({JOB: ReturnCode.OK}, None))
    found.report = lambda job, code: told.append(job)
    found.exclude("fj-3")
    thread = threading.Thread(target=found._remove, args=(service, "fl", SITE, "fed"), daemon=True)
    thread.start()
    thread.join(0.2)
    assert told == []
    found.begin()
    thread.join(5)
    assert told == [JOB]


def test_the_end_of_a_job_that_was_taken_over_is_said_with_its_reason(no_pause):
    line = Line(None, None)
    assert end_reporter(line)(JOB, 101, "execution exception")
    assert line.runner.failed == [(JOB, 101)]
