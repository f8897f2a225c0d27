"""FLARE's own code reports the end of a job, and a server that has just been restarted does not hear it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from nvflare.apis.fl_constant import RunProcessKey
from nvflare.apis.fl_context import FLContextManager
from nvflare.fuel.f3.cellnet.defs import MessageHeaderKey, ReturnCode
from nvflare.fuel.f3.cellnet.utils import make_reply
from nvflare.private.defs import CellChannelTopic, JobFailureMsgKey, new_cell_message
from nvflare.private.fed.client.client_executor import JobExecutor

from launcher.flare import until_heard
from launcher.flare.server_report import end_reporter
from launcher.flare.until_heard import report_until_heard

JOB = "86ba3990-e798-4699-b450-00ab4cb70832"
REPORT = CellChannelTopic.REPORT_JOB_FAILURE


class Client:
    """A client's parent whose server answers with these codes, one after the other; None = it is shutting down."""

    client_name = "site-1"

    def __init__(self, *answers):
        self.answers = list(answers)
        self.reported = []
        self.listed = []

    def send_request_before_shutdown(self, *, request, topic, **_):
        self.reported.append((topic, request.payload, dict(request.headers)))
        request.payload = b"encoded"  # as FLARE does while it sends
        request.set_header("sent", "yes")
        self.listed.append(list(self.executor.run_processes))
        code = self.answers.pop(0)
        return None if code is None else make_reply(code)


def ended(client):
    """Let FLARE's own code see the end of a job of this client."""
    client.executor = executor = JobExecutor(client, "startup")
    executor.run_processes[JOB] = {}
    engine = SimpleNamespace(fire_event=lambda *_: None, get_all_components=dict)
    context = FLContextManager(engine=engine).new_context()
    handle = SimpleNamespace(wait=lambda: None, poll=lambda: 0)
    executor.run_processes[JOB][RunProcessKey.JOB_HANDLE] = handle
    executor._wait_child_process_finish(client, JOB, None, "", None, "workspace", context)
    return executor


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr(until_heard, "_PAUSE", 0.0)


LOST = [ReturnCode.TARGET_UNREACHABLE, ReturnCode.UNAUTHENTICATED, ReturnCode.TIMEOUT, ReturnCode.COMM_ERROR]


def test_flare_alone_reports_once_and_forgets_the_job():
    """The reason for all of this: with a FLARE that has learnt it this fails, and the wrapper can go."""
    client = Client(*LOST)
    assert ended(client).run_processes == {}
    assert len(client.reported) == 1


def test_it_is_reported_until_the_server_has_heard_and_the_job_stays_so_long(caplog):
    client = Client(*LOST, ReturnCode.OK)
    report_until_heard(client)
    assert ended(client).run_processes == {}
    assert client.listed == [[JOB]] * 5
    first = client.reported[0]
    assert client.reported == [first] * 5
    assert first[1][JobFailureMsgKey.JOB_ID] == JOB
    assert caplog.text.count("the server has not heard of its end") == 1


@pytest.mark.parametrize("answer", [ReturnCode.OK, ReturnCode.INVALID_REQUEST, None])
def test_an_answer_is_an_answer(answer):
    client = Client(answer)
    report_until_heard(client)
    ended(client)
    assert client.answers == []


def test_other_requests_are_sent_once():
    client = Client(ReturnCode.TIMEOUT)
    client.executor = SimpleNamespace(run_processes={})
    report_until_heard(client)
    client.send_request_before_shutdown(request=new_cell_message({}, {}), topic="other")
    assert client.answers == []


def test_our_own_reports_count_their_tries_themselves(monkeypatch):
    monkeypatch.setattr("launcher.flare.server_report._TRIES_OF_END", 3)
    monkeypatch.setattr("launcher.flare.server_report._PAUSE", 0.0)
    client = Client(*LOST)
    client.executor = SimpleNamespace(run_processes={})
    report_until_heard(client)
    report_until_heard(client)  # a second launcher of the same parent
    assert not end_reporter(client)(JOB, 0, "")
    assert [topic for topic, *_ in client.reported] == [REPORT] * 3
    assert client.reported[0][2].get(MessageHeaderKey.TOPIC) is None
