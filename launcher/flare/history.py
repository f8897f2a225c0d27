"""Writes the history of a parent: a record for each of its jobs when it has ended."""

from __future__ import annotations

from dataclasses import astuple, replace
from pathlib import Path
from typing import TYPE_CHECKING

from launcher.core.flare.submitter import NOBODY, Submitter
from launcher.core.report.history import record_of
from launcher.edges.disk import history
from launcher.logs import logger

if TYPE_CHECKING:
    from launcher.usecases.handle import JobHandle

__all__ = ["HistoryWriter"]

_LOG = logger(__name__)


class HistoryWriter:
    """The history of one parent; nothing is written before its workspace is known.

    Attributes:
        workspace: root of the parent's workspace.
        names_submitter: whether the site wants it to say who submitted a job.
    """

    def __init__(self) -> None:
        self.workspace: str | None = None
        self.names_submitter = True
        self._is_failing = False

    def ended(self, handle: JobHandle, submitter: Submitter = NOBODY) -> None:
        """Write the record of a job that has ended; never raises. A disk that is full is said once.

        Args:
            handle: the job.
            submitter: who submitted it.
        """
        track = handle.track
        if self.workspace is None or track.outcome is None:
            return
        record = record_of(handle.job, track, track.outcome, handle.measuring.note(handle.job, track))
        if self.names_submitter:
            name, org, role = astuple(submitter)
            record = replace(record, submitter=name, submitter_org=org, submitter_role=role)
        try:
            history.add(Path(self.workspace), record)
        except OSError as error:
            if not self._is_failing:
                _LOG.warning("the history of jobs is not complete, they run all the same: %s", error)
            self._is_failing = True
        else:
            self._is_failing = False
