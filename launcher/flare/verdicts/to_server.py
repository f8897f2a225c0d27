"""How verdicts get to FLARE's server: over the cell of a site's parent, which signs what it sends.

FLARE 2.9's server checks the signature of every message, and that a client's token comes from the cell that
registered it (``authenticator.validate_auth_headers``), before a callback sees it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nvflare.fuel.f3.cellnet.defs import MessageHeaderKey, ReturnCode
from nvflare.fuel.f3.cellnet.fqcn import FQCN
from nvflare.private.defs import new_cell_message

from launcher.core.report.site_verdict import SiteVerdict, to_message
from launcher.flare.until_heard import sender_of
from launcher.flare.verdicts.teller import Answer, Send

__all__ = ["CHANNEL", "TOPIC", "sender"]

CHANNEL, TOPIC = "fljob", "verdicts"
_SECONDS = 5.0
# A server without our launcher has "no callback for request (verdicts@fljob)", answers with the first; the
# second says that this message will not be taken, however often it comes.
_REFUSALS = frozenset({ReturnCode.PROCESS_EXCEPTION, ReturnCode.INVALID_REQUEST})


def sender(client: Any) -> Send:
    """Return what sends verdicts from a client of FLARE's engine to its server."""

    def send(verdicts: Mapping[str, SiteVerdict]) -> Answer:
        reply = sender_of(client)(
            target=FQCN.ROOT_SERVER,
            channel=CHANNEL,
            topic=TOPIC,
            request=new_cell_message({}, to_message(verdicts)),
            timeout=_SECONDS,
            optional=True,
        )
        code = None if reply is None else reply.get_header(MessageHeaderKey.RETURN_CODE)
        return Answer(is_heard=code == ReturnCode.OK, is_refused=code in _REFUSALS)

    return send
