"""Reports the failed job of a site to FLARE's server, as a client's parent does when a job process ends.

FLARE 2.9.0's server does not detect the failure itself when the parent was replaced. It knows the clients of
a job by their tokens (``RunProcessKey.PARTICIPANTS``), and a new parent gets another one ("already
registered. Re-login the client with a new token"). So it reports neither "missing job on client" nor "client
dead", and the job stays RUNNING at the server and all other sites until it is aborted. But a report of a
failure is accepted by the client's name (``FedServer.process_job_failure``).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from nvflare.apis.fl_context import FLContext
from nvflare.fuel.f3.cellnet.defs import MessageHeaderKey
from nvflare.fuel.f3.cellnet.defs import ReturnCode as CellReturnCode
from nvflare.fuel.f3.cellnet.fqcn import FQCN
from nvflare.private.defs import CellChannel, CellChannelTopic, JobFailureMsgKey, new_cell_message

from launcher.flare.until_heard import sender_of
from launcher.logs import logger
from launcher.usecases.sweep import ReportLost

__all__ = ["end_reporter", "failure_reporter"]

_LOG = logger(__name__)
# A parent that is deleted ignores SIGTERM: for half a minute it and its successor evict each other
# ("Connection CN00067 is evicted for CN00076 from endpoint site-1 for exceeding limit 1").
_TRIES, _SECONDS, _PAUSE = 12, 10.0, 5.0
# A job that was taken over has kept its place at the server: its end is worth a day of trying.
_TRIES_OF_END = 5760
_REPLACED = "the parent of the site was replaced"


def failure_reporter(
    fl_ctx: FLContext,
    reason: Callable[[str], str] = lambda _: _REPLACED,
    heard: Callable[[str], None] = lambda _: None,
) -> ReportLost:
    """Return a function that reports the return code of a job (also 0) from a client to the server.

    A server that does not answer for minutes is told in the background: a job whose end it never hears
    stays RUNNING. In a server's parent, which reports to nobody, all counts as heard.

    Args:
        fl_ctx: of the parent.
        reason: returns why a job was lost.
        heard: called with the job's id once the server has acknowledged.
    """
    client = getattr(fl_ctx.get_engine(), "client", None)

    def report(job_id: str, return_code: int) -> bool:
        is_known = not hasattr(client, "send_request_before_shutdown")
        tell = partial(_report, client, job_id, return_code, reason(job_id))

        def go_on() -> None:
            if tell(_TRIES_OF_END):
                heard(job_id)

        if is_known or tell(_TRIES):
            heard(job_id)
            return True
        threading.Thread(target=go_on, name=f"fljob-report-{job_id}", daemon=True).start()
        return False

    return report


def end_reporter(client: Any) -> Callable[[str, int, str], bool]:
    """Return a function that reports the end of a job that was taken over: its id, return code and reason."""

    def report(job_id: str, code: int, reason: str) -> bool:
        return _report(client, job_id, code, reason, _TRIES_OF_END)

    return report


def _report(client: Any, job_id: str, return_code: int, reason: str, tries: int) -> bool:
    """Report until the server has acknowledged, ``tries`` times at most, and return whether it has."""
    for _ in range(tries):
        try:
            if _is_acknowledged(client, job_id, return_code, reason):
                _LOG.info("job %s: the server was told return code %d", job_id, return_code)
                return True
        except Exception as error:  # noqa: BLE001 - FLARE's code may raise anything; the next try may work
            _LOG.warning("job %s cannot be reported to the server, trying again: %s", job_id, error)
        time.sleep(_PAUSE)
    _LOG.error("job %s could not be reported to the server; abort it there if it is still RUNNING", job_id)
    return False


def _is_acknowledged(client: Any, job_id: str, return_code: int, reason: str) -> bool:
    failure = {
        JobFailureMsgKey.JOB_ID: job_id,
        JobFailureMsgKey.CODE: int(return_code),
        JobFailureMsgKey.REASON: reason,
    }
    reply = sender_of(client)(
        target=FQCN.ROOT_SERVER,
        channel=CellChannel.SERVER_MAIN,
        topic=CellChannelTopic.REPORT_JOB_FAILURE,
        request=new_cell_message({}, failure),
        timeout=_SECONDS,
        optional=True,
    )
    return reply is not None and reply.get_header(MessageHeaderKey.RETURN_CODE) == CellReturnCode.OK
