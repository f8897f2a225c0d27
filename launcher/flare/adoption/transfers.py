"""FLARE's manager of workspace transfers, for a parent that finds job processes of its predecessor."""

from __future__ import annotations

import threading
from typing import Any

from nvflare.app_opt.job_launcher.workspace_cell_transfer import WorkspaceTransferManager

from launcher.logs import logger

__all__ = ["Transfers"]

_LOG = logger(__name__)
_MANAGER_KEY, _LOCK_KEY = "_workspace_transfer_manager", "_workspace_transfer_lock"
# A job process that asks gives up after 300 s (download) or 30 s (its parent is away at its end).
_SETTLES_WITHIN = 60.0


class Transfers(WorkspaceTransferManager):  # type: ignore[misc]
    """FLARE's manager of workspace transfers; a request for an unknown job waits until all are known.

    A job process that finished while its parent was away delivers its results as soon as there is a new one,
    and takes the first refusal for the last word: exit code 101, the results are lost.

    Args:
        cell: of the parent.
    """

    def __init__(self, cell: Any) -> None:
        self.settled = threading.Event()
        super().__init__(cell)

    @classmethod
    def put(cls, cell: Any) -> Transfers:
        """Put a manager of this kind into the parent's cell, before FLARE makes its own.

        Raises:
            RuntimeError: FLARE does not use it.
        """
        with cell.__dict__.setdefault(_LOCK_KEY, threading.Lock()):
            manager = cell.__dict__.get(_MANAGER_KEY) or cls(cell)
            cell.__dict__[_MANAGER_KEY] = manager
        if not isinstance(manager, cls) or WorkspaceTransferManager.get_or_create(cell) is not manager:
            raise RuntimeError("FLARE has a manager of workspace transfers of its own already")
        return manager

    def _get_record(self, job_id: str) -> Any:
        record = super()._get_record(job_id)
        if record is None and not self.settled.is_set():
            _LOG.info("job %s: its job process waits until the jobs of the earlier parent are known", job_id)
            self.settled.wait(_SETTLES_WITHIN)
            record = super()._get_record(job_id)
        return record

    def restore(self, job_id: str, workspace: str, token: str) -> None:
        """Make the record of a job whose process has had its token since its launch."""
        self.add_job(job_id, workspace)
        record = super()._get_record(job_id)
        if record is None or not record.transfer_token:
            self.remove_job(job_id)
            raise RuntimeError("FLARE has made no record of a workspace transfer")
        record.transfer_token = token
