"""Connecting a parent of FLARE with those who hear of its jobs."""

from __future__ import annotations

from nvflare.apis.fl_constant import FLContextKey
from nvflare.apis.fl_context import FLContext

from launcher.core.spec.jobspec import Role
from launcher.flare.verdicts.store import VerdictStore
from launcher.flare.verdicts.teller import Teller
from launcher.flare.verdicts.to_server import sender
from launcher.logs import logger

__all__ = ["begin"]

_LOG = logger(__name__)


def begin(teller: Teller, role: Role, fl_ctx: FLContext) -> None:
    """Give a parent whom to tell; never raises.

    Call it at SYSTEM_BOOTSTRAP: sites tell a server as soon as it answers.

    Args:
        teller: of the parent.
        role: of it.
        fl_ctx: of the event.
    """
    engine, arguments = fl_ctx.get_engine(), fl_ctx.get_prop(FLContextKey.ARGS)
    if getattr(engine, "cell", None) is None or arguments is None:
        return
    try:
        if role is Role.SERVER:
            store = VerdictStore(engine, arguments.workspace)
            store.listen()
            teller.send = store.own()
        elif getattr(engine, "client", None) is not None:
            teller.send = sender(engine.client)
    except Exception as error:  # noqa: BLE001 - FLARE ends a parent whose component fails at this event
        _LOG.warning("nobody is told of verdicts of jobs: %s: %s", type(error).__name__, error)
