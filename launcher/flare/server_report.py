"""Reports the failed job of a site to FLARE's server, as a client's parent does when a job process ends.

FLARE 2.9.0's server never finds that out by itself when the parent was replaced meanwhile. It knows the
clients of a job by their tokens (``RunProcessKey.PARTICIPANTS``), and a new parent gets another one ("already
registered. Re-login the client with a new token"): neither "missing job on client" nor "client dead" is ever
said, and the job stays RUNNING at the server and at all other sites until somebody aborts it. But a client's
report of a failure is taken by the client's name (``FedServer.process_job_failure``).
"""

from __future__ import annotations

import logging
import time
from functools import partial
from typing import Any

from nvflare.apis.fl_context import FLContext
from nvflare.fuel.f3.cellnet.defs import MessageHeaderKey
from nvflare.fuel.f3.cellnet.defs import ReturnCode as CellReturnCode
from nvflare.fuel.f3.cellnet.fqcn import FQCN
from nvflare.private.defs import CellChannel, CellChannelTopic, JobFailureMsgKey, new_cell_message

from launcher.core.catalogue.returncodes import ReturnCode
from launcher.usecases.sweep import ReportLost, ignore_report

__all__ = ["failure_reporter"]

_LOG = logging.getLogger(__name__)
# A parent that is deleted ignores SIGTERM: for half a minute it and its successor push each other away
# ("Connection CN00067 is evicted for CN00076 from endpoint site-1 for exceeding limit 1").
_TRIES, _SECONDS, _PAUSE = 12, 10.0, 5.0


def failure_reporter(fl_ctx: FLContext) -> ReportLost:
    """Return what reports to a client's server how a job ended, 0 included: it waits for each site.

    :func:`ignore_report` elsewhere: a server's parent that is new has forgotten its jobs.
    """
    client = getattr(fl_ctx.get_engine(), "client", None)
    return partial(_report, client) if hasattr(client, "send_request_before_shutdown") else ignore_report


def _report(client: Any, job_id: str, return_code: ReturnCode) -> None:
    """Say it until the server has heard it; blocks for three minutes at most, and never raises."""
    for _ in range(_TRIES):
        try:
            if _is_heard(client, job_id, return_code):
                _LOG.info("job %s: the server was told return code %d", job_id, return_code)
                return
        except Exception as error:  # noqa: BLE001 - FLARE's code; whatever it dies of, the next try may work
            _LOG.warning("job %s cannot be reported to the server, trying again: %s", job_id, error)
        time.sleep(_PAUSE)
    _LOG.error("job %s could not be reported to the server; abort it there if it is still RUNNING", job_id)


def _is_heard(client: Any, job_id: str, return_code: ReturnCode) -> bool:
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
