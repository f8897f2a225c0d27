"""FLARE's own report of a job's end, until a server has heard it.

FLARE 2.9.0 reports the end of a job process once, for five seconds, and takes the job out of its table
whatever the answer is (``client_executor._wait_child_process_finish``). A server whose parent was restarted
has not heard: a site that does not reach it yet gets TARGET_UNREACHABLE ("could not report terminal outcome
of job ..."), one of which it has had no heartbeat UNAUTHENTICATED. The next heartbeat without the job fails
the whole job ("terminal outcome unavailable from site-1: missing job on client"), although all results are
there.
"""

from __future__ import annotations

import time
from typing import Any

from nvflare.fuel.f3.cellnet.defs import MessageHeaderKey, ReturnCode
from nvflare.private.defs import CellChannelTopic, JobFailureMsgKey, new_cell_message

from launcher.logs import logger

__all__ = ["report_until_heard", "sender_of"]

_LOG = logger(__name__)
_ONCE = "fljob_once"
# For a day: as long as a job that was taken over is reported.
_TRIES, _PAUSE = 17_280, 5.0
# What another try would not change.
_FINAL = frozenset({ReturnCode.OK, ReturnCode.INVALID_REQUEST})


def report_until_heard(client: Any) -> None:
    """Let a client of FLARE repeat its report of the end of a job; the job stays in its table meanwhile.

    Args:
        client: of the engine; what it has to report is sent by ``send_request_before_shutdown`` alone.
    """
    send = sender_of(client)

    def until_heard(**given: Any) -> Any:
        if given.get("topic") != CellChannelTopic.REPORT_JOB_FAILURE:
            return send(**given)
        request = given["request"]
        headers, payload = dict(request.headers or {}), request.payload
        for number in range(_TRIES):
            # Anew each time: sending encodes a message in its place.
            reply = send(**{**given, "request": new_cell_message(dict(headers), payload)})
            if reply is None or reply.get_header(MessageHeaderKey.RETURN_CODE) in _FINAL:
                return reply
            if number == 0:
                job = payload.get(JobFailureMsgKey.JOB_ID) if isinstance(payload, dict) else "?"
                _LOG.warning("job %s: the server has not heard of its end, reporting it again", job)
            time.sleep(_PAUSE)
        return reply

    setattr(until_heard, _ONCE, send)
    client.send_request_before_shutdown = until_heard


def sender_of(client: Any) -> Any:
    """Return what sends a request of a client once."""
    send = client.send_request_before_shutdown
    return getattr(send, _ONCE, send)
