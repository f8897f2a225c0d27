"""Reports of a new parent about the jobs of its predecessor, received by the handler of FLARE's own server."""

from __future__ import annotations

import logging
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
from launcher.flare.server_report import failure_reporter
from launcher.usecases.sweep import ignore_report
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


def test_unacknowledged_report_is_logged(caplog):
    line = Line(*[None] * 100)
    reporter(line)(JOB, LOST)
    assert line.runner.failed == []
    assert f"job {JOB} could not be reported" in caplog.text


def test_server_parent_reports_to_nobody():
    assert failure_reporter(FLContextManager(engine=SimpleNamespace()).new_context()) is ignore_report


def test_flare_client_has_the_used_method():
    assert callable(FederatedClientBase.send_request_before_shutdown)


class Service:
    """Removes the jobs of a predecessor; the first try fails, and a job that was removed is not returned again."""

    world = FakeWorld().world

    def __init__(self, *tries):
        self.tries = list(tries)

    def reap(self, namespace, site, federation, is_ours, lost):
        assert (namespace, site, federation) == ("fl", SITE, "fed")
        assert (is_ours("fj-3"), is_ours("fj-1")) == (True, False)
        found, trouble = self.tries.pop(0)
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
    found._remove(service, "fl", SITE, "fed")
    assert told == [(JOB, 0, 1), ("b", 104, 1), ("c", 9, 0)]
