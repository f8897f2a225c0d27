"""Writes the history of a parent: a record for each of its jobs when it has ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from launcher.core.flare.submitter import NOBODY, Submitter
from launcher.core.report.history import record_of
from launcher.edges.disk import history, submitters
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
        notes_submitters: whether the next parent has to be told: a server's finds it in its job store.
    """

    def __init__(self) -> None:
        self.workspace: str | None = None
        self.names_submitter, self.notes_submitters = True, False
        self._is_failing = False

    def launched(self, job_id: str, submitter: Submitter) -> Callable[[JobHandle], None]:
        """Note who submitted a job that is about to be launched; return what writes its record at its end.

        Never raises: without the note a next parent's record has no submitter.
        """
        if self.workspace is not None and self.notes_submitters and submitter != NOBODY:
            try:
                submitters.add(Path(self.workspace), job_id, submitter)
            except OSError as error:
                _LOG.info("job %s: who submitted it is not noted for a next parent: %s", job_id, error)
        return partial(self.ended, submitter=submitter)

    def submitter(self, job_id: str) -> Submitter:
        """Return who submitted a job that an earlier parent has launched; never raises."""
        try:
            return NOBODY if self.workspace is None else submitters.find(Path(self.workspace), job_id)
        except OSError as error:
            _LOG.info("job %s: who submitted it cannot be read: %s", job_id, error)
            return NOBODY

    def named(self, submitter: Submitter) -> Submitter:
        """Return who submitted a job, if the site wants that to be said."""
        return submitter if self.names_submitter else NOBODY

    def ended(self, handle: JobHandle, submitter: Submitter = NOBODY) -> None:
        """Write the record of a job that has ended; never raises. A disk that is full is said once.

        Args:
            handle: the job.
            submitter: who submitted it.
        """
        track = handle.track
        if self.workspace is None or track.outcome is None:
            return
        note, who = handle.measuring.note(handle.job, track), astuple(self.named(submitter))
        record = record_of(handle.job, track, track.outcome, note, submitter=who)
        try:
            history.add(Path(self.workspace), record)
        except OSError as error:
            if not self._is_failing:
                _LOG.warning("the history of jobs is not complete, they run all the same: %s", error)
            self._is_failing = True
        else:
            self._is_failing = False
