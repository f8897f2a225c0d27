"""Reports the failed job of a site to FLARE's server, as a client's parent does when a job process ends.

FLARE 2.9.0's server does not detect the failure itself when the parent was replaced. It knows the clients of
a job by their tokens (``RunProcessKey.PARTICIPANTS``), and a new parent gets another one ("already
registered. Re-login the client with a new token"). So it reports neither "missing job on client" nor "client
dead", and the job stays RUNNING at the server and all other sites until it is aborted. But a report of a
failure is accepted by the client's name (``FedServer.process_job_failure``).
"""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from nvflare.apis.fl_context import FLContext
from nvflare.fuel.f3.cellnet.defs import MessageHeaderKey
from nvflare.fuel.f3.cellnet.defs import ReturnCode as CellReturnCode
from nvflare.fuel.f3.cellnet.fqcn import FQCN
from nvflare.private.defs import CellChannel, CellChannelTopic, JobFailureMsgKey, new_cell_message

from launcher.core.catalogue.returncodes import ReturnCode
from launcher.logs import logger
from launcher.usecases.sweep import ReportLost, ignore_report

__all__ = ["failure_reporter"]

_LOG = logger(__name__)
# A parent that is deleted ignores SIGTERM: for half a minute it and its successor evict each other
# ("Connection CN00067 is evicted for CN00076 from endpoint site-1 for exceeding limit 1").
_TRIES, _SECONDS, _PAUSE = 12, 10.0, 5.0


def failure_reporter(fl_ctx: FLContext) -> ReportLost:
    """Return a function that reports the return code of a job (also 0) from a client to the server.

    It is :func:`ignore_report` in a server's parent, which reports to nobody.
    """
    client = getattr(fl_ctx.get_engine(), "client", None)
    return partial(_report, client) if hasattr(client, "send_request_before_shutdown") else ignore_report


def _report(client: Any, job_id: str, return_code: ReturnCode) -> None:
    """Report until the server has acknowledged; blocks for three minutes at most, and never raises."""
    for _ in range(_TRIES):
        try:
            if _is_acknowledged(client, job_id, return_code):
                _LOG.info("job %s: the server was told return code %d", job_id, return_code)
                return
        except Exception as error:  # noqa: BLE001 - FLARE's code may raise anything; the next try may work
            _LOG.warning("job %s cannot be reported to the server, trying again: %s", job_id, error)
        time.sleep(_PAUSE)
    _LOG.error("job %s could not be reported to the server; abort it there if it is still RUNNING", job_id)


def _is_acknowledged(client: Any, job_id: str, return_code: ReturnCode) -> bool:
    failure = {
        JobFailureMsgKey.JOB_ID: job_id,
        JobFailureMsgKey.CODE: int(return_code),
        JobFailureMsgKey.REASON: "the parent of the site was replaced",
    }
    reply = client.send_request_before_shutdown(
        target=FQCN.ROOT_SERVER,
        channel=CellChannel.SERVER_MAIN,
        topic=CellChannelTopic.REPORT_JOB_FAILURE,
        request=new_cell_message({}, failure),
        timeout=_SECONDS,
        optional=True,
    )
    return reply is not None and reply.get_header(MessageHeaderKey.RETURN_CODE) == CellReturnCode.OK
