"""Preparing a new parent to take jobs over: FLARE is probed, and asks whom this puts into its place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nvflare.apis.fl_constant import FLContextKey
from nvflare.apis.fl_context import FLContext

from launcher.core.spec.jobspec import Role
from launcher.flare.adoption.client import ClientAdoption
from launcher.flare.adoption.heirs import Adoption, Parent
from launcher.flare.adoption.names import missing
from launcher.flare.adoption.server import ServerAdoption
from launcher.flare.adoption.transfers import Transfers
from launcher.logs import logger

__all__ = ["prepare"]

_LOG = logger(__name__)


def prepare(fl_ctx: FLContext, role: Role, make: Callable[[str, str], Parent]) -> Adoption | None:
    """Return what takes jobs over at this parent, and put it where FLARE asks; None = it cannot.

    Call it at SYSTEM_BOOTSTRAP: FLARE registers later, and its table must have each job by then. It asks
    nobody outside the machine. Never raises.

    Args:
        fl_ctx: of the event.
        role: of the parent.
        make: returns the launcher's part for a workspace and the folder of its startup kit.
    """
    engine = fl_ctx.get_engine()
    arguments = fl_ctx.get_prop(FLContextKey.ARGS)
    if getattr(engine, "cell", None) is None or arguments is None:
        return None
    try:
        names = missing(engine, role)
        if names:
            _LOG.warning("running jobs cannot be taken over: this FLARE has not %s", ", ".join(names))
            return None
        folders = fl_ctx.get_prop(FLContextKey.WORKSPACE_OBJECT)
        return _made(engine, make(arguments.workspace, folders.get_startup_kit_dir()), fl_ctx)
    except Exception as error:  # noqa: BLE001 - FLARE ends a parent whose component fails at this event
        _LOG.warning("running jobs cannot be taken over: %s: %s", type(error).__name__, error)
        return None


def _made(engine: Any, parent: Parent, fl_ctx: FLContext) -> Adoption:
    transfers = Transfers.put(engine.cell)
    try:
        if parent.role is Role.CLIENT:
            return ClientAdoption(parent, transfers, engine)
        return ServerAdoption(parent, transfers, engine, fl_ctx)
    except Exception:
        transfers.settled.set()
        raise
