"""What FLARE's server hears of jobs goes where an admin finds it without our tools.

That is the job's meta (``get_job_meta``, ``list_jobs -d``), while it waits and after its end, and a file in
the job's folder at the server, which FLARE puts into the archive of its results.

FLARE 2.9.0's store changes a job's meta by reading, merging and writing it without a lock
(``filesystem_storage.update_meta``): of two changes at the same time one is lost, and it may be the one to
FINISHED. So all changes go one after the other here, FLARE's own as well.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from nvflare.apis.fl_constant import SystemComponents
from nvflare.apis.job_def import JobMetaKey
from nvflare.apis.workspace import Workspace
from nvflare.fuel.f3.cellnet.defs import MessageHeaderKey, ReturnCode
from nvflare.fuel.f3.cellnet.utils import make_reply
from nvflare.private.defs import CellMessageHeaderKeys

from launcher.core import foreign
from launcher.core.report.site_verdict import SiteVerdict, from_message, to_meta, told_of, with_told
from launcher.edges.disk.private_files import write_file
from launcher.errors import InvalidInput
from launcher.flare.verdicts.teller import Answer, Send
from launcher.flare.verdicts.to_server import CHANNEL, TOPIC
from launcher.logs import logger

__all__ = ["VerdictStore"]

_LOG = logger(__name__)
_LOCKED = "fljob_locked"
_FILE = "fljob/verdicts.json"
_MOST_SITES = 1000
_SERVER = "server"


class VerdictStore:
    """The verdicts of all sites, at the server's parent.

    Args:
        engine: FLARE's, of a server.
        workspace: root of the parent's workspace.
    """

    def __init__(self, engine: Any, workspace: str) -> None:
        self._engine, self._folders = engine, Workspace(workspace)
        self._lock = threading.Lock()

    def listen(self) -> None:
        """Take what sites send from now on."""
        self._engine.cell.register_request_cb(channel=CHANNEL, topic=TOPIC, cb=self.receive)

    def receive(self, request: Any) -> Any:
        """Answer a message of a site; never raises.

        Its sender is whom FLARE's server has authenticated. A job process of the site has the same token, and
        another cell: what it sends is not believed.
        """
        site = request.get_header(CellMessageHeaderKeys.CLIENT_NAME)
        origin = request.get_header(MessageHeaderKey.ORIGIN) or ""
        if not isinstance(site, str) or site in ("", _SERVER) or origin.rpartition(".")[2] != site:
            return make_reply(ReturnCode.UNAUTHENTICATED, error="not the parent of a site")
        try:
            found = from_message(request.payload)
        except InvalidInput as error:
            _LOG.warning("site %s sends no verdicts: %s", foreign.name(site), error.message)
            return make_reply(ReturnCode.INVALID_REQUEST, error="no verdicts")
        return make_reply(ReturnCode.OK if self.put(site, found) else ReturnCode.SERVICE_UNAVAILABLE)

    def own(self) -> Send:
        """Return what takes the verdicts of the server's own job processes."""
        return lambda found: Answer(is_heard=self.put(_SERVER, found))

    def put(self, site: str, verdicts: Mapping[str, SiteVerdict]) -> bool:
        """Put what a site says of jobs into their meta; return whether it is worth saying again.

        A job that there is not, or that the site has no part in, is passed over.
        """
        is_well = True
        with self._lock:
            for job_id, verdict in verdicts.items():
                try:
                    self._put(site, job_id, verdict)
                except Exception as error:  # noqa: BLE001 - a job store of any make may raise anything
                    words = "the verdict of site %s on job %s cannot be kept: %s"
                    _LOG.warning(words, foreign.name(site), foreign.name(job_id), foreign.said(str(error)))
                    is_well = False
        return is_well

    def _put(self, site: str, job_id: str, verdict: SiteVerdict) -> None:
        with self._engine.new_context() as fl_ctx:
            manager = self._engine.get_component(SystemComponents.JOB_MANAGER)
            job = manager.get_job(job_id, fl_ctx)
            if job is None or not _takes_part(site, job.meta):
                return
            known = told_of(job.meta)
            if len(known) >= _MOST_SITES and site not in known:
                return
            known[site] = to_meta(verdict, datetime.now(timezone.utc))
            if hasattr(manager, "_get_job_store"):  # FLARE's own manager, and what has no lock is in there
                one_after_the_other(manager._get_job_store(fl_ctx))  # noqa: SLF001
            manager.update_meta(job_id, with_told(job_id, known), fl_ctx)
        self._file(job_id, known)

    def _file(self, job_id: str, known: Mapping[str, Any]) -> None:
        """Write the file that goes into the archive; a folder that FLARE has removed is not made anew."""
        folder = Path(self._folders.get_run_dir(job_id))
        if not folder.is_dir():
            return
        try:
            write_file(folder, _FILE, json.dumps(known, indent=1, sort_keys=True) + "\n")
        except OSError as error:
            _LOG.debug("job %s: its verdicts are not in its results: %s", foreign.name(job_id), error)


def one_after_the_other(store: Any) -> None:
    """Let a job store of FLARE change one meta at a time."""
    update: Callable[..., Any] = store.update_meta
    if hasattr(update, _LOCKED):
        return
    lock = threading.RLock()

    def update_meta(*args: Any, **named: Any) -> Any:
        with lock:
            return update(*args, **named)

    setattr(update_meta, _LOCKED, True)
    store.update_meta = update_meta


def _takes_part(site: str, meta: Mapping[str, Any]) -> bool:
    """Tell whether a job was sent to a site: the server notes "site-1: OK" when it has deployed it."""
    noted = meta.get(JobMetaKey.JOB_DEPLOY_DETAIL.value)
    if site == _SERVER or not isinstance(noted, list):
        return True
    return any(isinstance(one, str) and one.startswith(f"{site}:") for one in noted)
