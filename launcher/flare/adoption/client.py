"""A client's parent takes over the jobs of its predecessor."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from nvflare.apis.job_launcher_spec import JobHandleSpec

from launcher.flare.adoption.heirs import Adoption, Parent
from launcher.flare.adoption.tables import ClientTables
from launcher.flare.adoption.transfers import Transfers
from launcher.flare.handle import FlareJobHandle
from launcher.flare.server_report import end_reporter
from launcher.flare.until_heard import report_until_heard
from launcher.logs import logger

__all__ = ["ClientAdoption"]

_LOG = logger(__name__)


class ClientAdoption(Adoption):
    """Takes jobs over at a site; their ends are reported as soon as the parent is registered.

    Args:
        parent: the launcher's part.
        transfers: FLARE's workspace transfers.
        engine: of FLARE's parent.
    """

    def __init__(self, parent: Parent, transfers: Transfers, engine: Any) -> None:
        super().__init__(parent, transfers)
        self._tables = ClientTables(engine, parent.workspace)
        self._report = end_reporter(engine.client)
        report_until_heard(engine.client)
        self._lock = threading.Lock()
        self._has_begun = False
        self._waiting: list[Callable[[], None]] = []

    def begin(self) -> None:
        """Wait for the jobs from now on: before this the server would drop a report of a new parent."""
        with self._lock:
            self._has_begun = True
            waiting, self._waiting = self._waiting, []
        for start in waiting:
            start()

    def _enter(self, job_id: str, made: Callable[[], FlareJobHandle], *, is_started: bool) -> str:
        seen = self._tables.enter(job_id, is_started=is_started)
        if seen is None:
            return ""  # FLARE starts it anew at this moment: neither ours to take nor to remove
        try:
            handle = made()
        except BaseException:
            self._tables.leave(job_id, seen)
            raise
        self._tables.attach(job_id, seen, handle)
        thread = threading.Thread(
            target=self._wait, args=(job_id, seen), name=f"fljob-wait-{job_id}", daemon=True
        )
        with self._lock:
            if not self._has_begun:
                self._waiting.append(thread.start)
                return ""
        thread.start()
        return ""

    def _wait(self, job_id: str, seen: JobHandleSpec) -> None:
        """Wait for the end of a job, report it until the server has heard, and let it go.

        FLARE reports once and forgets the job; a lost answer is then taken for a lost job, 104.
        """
        try:
            seen.wait()
            code, reason = self._tables.how_it_ended(job_id, seen)
            self._report(job_id, code, reason)
        except Exception:  # noqa: BLE001 - FLARE's code: the entry must go, or the server waits for ever
            _LOG.exception("job %s: its end cannot be reported", job_id)
        self._tables.leave(job_id, seen)
        try:
            self._tables.tell_of_end(job_id)
        except Exception:  # noqa: BLE001 - handlers of others
            _LOG.exception("job %s: its end cannot be told to the components of FLARE", job_id)
