"""Who hears of a parent's jobs: FLARE's server, and the history in the workspace."""

from __future__ import annotations

from nvflare.apis.fl_constant import FLContextKey
from nvflare.apis.fl_context import FLContext

from launcher.core.spec.jobspec import Role
from launcher.core.spec.site import SiteConfig
from launcher.flare.history import HistoryWriter
from launcher.flare.verdicts.store import VerdictStore
from launcher.flare.verdicts.teller import Teller
from launcher.flare.verdicts.to_server import sender
from launcher.logs import logger

__all__ = ["Reports"]

_LOG = logger(__name__)


class Reports:
    """The reports of one parent.

    Attributes:
        teller: tells the server of jobs that live.
        history: keeps those that are gone.
    """

    def __init__(self) -> None:
        self.teller, self.history = Teller(), HistoryWriter()

    def set_by(self, site: SiteConfig) -> None:
        """Learn what the site wants told and kept."""
        self.teller.is_on = site.tell_server
        self.history.names_submitter = site.history_submitter

    def begin(self, role: Role, fl_ctx: FLContext) -> None:
        """Learn whom to tell and where to write; never raises.

        Call it at SYSTEM_BOOTSTRAP, of parents only: sites tell a server as soon as it answers.

        Args:
            role: of the parent.
            fl_ctx: of the event.
        """
        engine, arguments = fl_ctx.get_engine(), fl_ctx.get_prop(FLContextKey.ARGS)
        if getattr(engine, "cell", None) is None or arguments is None:
            return
        self.history.workspace, self.history.notes_submitters = arguments.workspace, role is Role.CLIENT
        try:
            if role is Role.SERVER:
                store = VerdictStore(engine, arguments.workspace)
                store.listen()
                self.teller.send = store.own()
            elif getattr(engine, "client", None) is not None:
                self.teller.send = sender(engine.client)
        except Exception as error:  # noqa: BLE001 - FLARE ends a parent whose component fails at this event
            _LOG.warning("nobody is told of verdicts of jobs: %s: %s", type(error).__name__, error)
