"""The server's parent takes over the jobs of its predecessor."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from functools import partial
from typing import Any

from nvflare.apis.event_type import EventType
from nvflare.apis.fl_constant import FLContextKey
from nvflare.apis.fl_context import FLContext
from nvflare.apis.job_def import JobMetaKey

from launcher.core.catalogue.returncodes import ReturnCode
from launcher.core.flare.submitter import NOBODY, Submitter, submitter_of
from launcher.core.lifecycle.state import JobReport
from launcher.core.views import SecretView
from launcher.flare.adoption.heirs import Adoption, Parent
from launcher.flare.adoption.late_handle import LateHandle
from launcher.flare.adoption.notes import Notes
from launcher.flare.adoption.tables import ServerTables
from launcher.flare.adoption.transfers import Transfers
from launcher.flare.handle import FlareJobHandle
from launcher.flare.unfinished import end_unfinished
from launcher.logs import logger

__all__ = ["ServerAdoption"]

_LOG = logger(__name__)
_ENDS = (EventType.JOB_COMPLETED, EventType.JOB_ABORTED)


class ServerAdoption(Adoption):
    """Enters the jobs of the server's store at once, finds their releases later, their sites by heartbeats.

    Args:
        parent: the launcher's part.
        transfers: FLARE's workspace transfers.
        engine: of FLARE's parent.
        fl_ctx: of SYSTEM_BOOTSTRAP.
    """

    def __init__(self, parent: Parent, transfers: Transfers, engine: Any, fl_ctx: FLContext) -> None:
        super().__init__(parent, transfers)
        self._engine, self._tables = engine, ServerTables(engine, parent.workspace)
        self._notes = Notes(parent.workspace)
        self._lock = threading.Lock()
        self._late: dict[str, LateHandle] = {}
        self._submitters: dict[str, Submitter] = {}
        # What the notes say: job id -> name -> mark.
        self._noted: dict[str, dict[str, str]] = {}
        # Sites whose connections are still to be entered: job id -> name -> mark.
        self._sites: dict[str, dict[str, str]] = {}
        try:
            self._enter_all(fl_ctx)
        except BaseException:
            self._withdraw()
            raise

    def _enter_all(self, fl_ctx: FLContext) -> None:
        running, noted = self._tables.running(fl_ctx), set(self._notes.jobs())
        entered, own = {}, self._tables.jobs()
        for job_id in sorted((running.keys() & noted) - own):
            try:
                marks = self._notes.read(job_id)
            except (OSError, ValueError) as error:
                _LOG.warning("job %s not taken over: its sites cannot be read: %s", job_id, error)
                continue
            late = LateHandle(partial(self._tables.is_reported, job_id))
            self._late[job_id] = entered[job_id] = late
            self._sites[job_id] = self._noted[job_id] = marks
            self._submitters[job_id] = submitter_of(running[job_id].meta)
            self._tables.enter(job_id, running[job_id], late, marks)
        for job_id, late in entered.items():
            self._tables.watch(job_id, late)
        for job_id in noted - running.keys() - own:
            self._forget(job_id)

    def _leave(self, job_id: str) -> None:
        self._tables.leave(job_id)
        self._give_up(job_id)
        self._forget(job_id)
        _LOG.warning(
            "job %s: another parent of the server has ended it, so this one writes no end of it", job_id
        )

    def _withdraw(self) -> None:
        for job_id in self._late:
            self._tables.leave(job_id)
        self._late, self._sites, self._noted = {}, {}, {}

    def again(self) -> None:
        """Enter what another parent of the server has begun meanwhile, and end what nobody can go on with.

        First what that one has ended leaves FLARE's tables, before the handles here have seen its pods gone.
        """
        with self._engine.new_context() as fl_ctx:
            for job_id in self._tables.ended_elsewhere(fl_ctx):
                self._leave(job_id)
        super().again()
        with self._engine.new_context() as fl_ctx:
            self._enter_all(fl_ctx)
            # What is dispatched this parent may be starting at this moment. One that nobody starts any more
            # is not awaited by anybody, and can be aborted.
            end_unfinished(fl_ctx, self._tables.jobs() | self._tables.dispatched(fl_ctx))

    @property
    def jobs(self) -> Collection[str]:
        """The jobs that stand in FLARE's tables."""
        return tuple(self._late)

    def begin(self) -> None:
        """Mend what FLARE has signed too early."""
        threading.Thread(target=self._tables.mend_signature, name="fljob-signature", daemon=True).start()

    def _enter(self, job_id: str, made: Callable[[], FlareJobHandle], *, is_started: bool) -> str:
        del is_started  # the server's table does not say
        late = self._late.get(job_id)
        if late is None:
            return "the server's job store does not call it running, or nothing tells its sites"
        if late.is_settled:
            return "it was ended meanwhile"
        handle = made()
        if late.attach(handle):
            return ""
        self.transfers.remove_job(job_id)
        if handle.handle.is_refused:
            handle.terminate()  # else it goes on trying
        return "it was ended meanwhile"

    def _submitter(self, job_id: str) -> Submitter:
        return self._submitters.get(job_id, NOBODY)

    def take(self, found: JobReport, secret: Any) -> bool:
        """Take a job over; one that cannot be, ends at FLARE as soon as that is known."""
        is_taken = super().take(found, secret)
        if not is_taken:
            self._give_up(found.job.job_id)
        return is_taken

    def take_secret(self, name: str, secret: SecretView) -> bool:
        """Go on with a job whose creation was refused; one that cannot be, ends at FLARE at once, too."""
        found = self.parent.refused.of(name)
        is_taken = super().take_secret(name, secret)
        if found is not None and not is_taken:
            self._give_up(found.job_id)
        return is_taken

    def seen(self, *, all_of_them: bool) -> Collection[str]:
        """End the jobs of which the cluster has nothing, once all that it has was looked at."""
        lost = super().seen(all_of_them=all_of_them)
        if all_of_them:
            self._give_up_rest()
        return lost

    def abandon(self, why: str) -> None:
        """Learn that the cluster will not be asked; the jobs of the store end then."""
        super().abandon(why)
        self._give_up_rest()

    def _give_up_rest(self) -> None:
        for job_id in [*self._late]:
            if self._give_up(job_id):
                _LOG.warning("job %s not taken over: %s", job_id, self.reason)

    def _give_up(self, job_id: str) -> bool:
        late = self._late.get(job_id)
        return late is not None and late.give_up(ReturnCode.INFRASTRUCTURE_ERROR)

    def _follow(self, event_type: str, fl_ctx: FLContext) -> None:
        """Note the sites of a job that starts, forget those of one that ends, enter those that report."""
        if event_type == EventType.CLIENT_HEARTBEAT_PROCESSED:
            with self._lock:  # heartbeats come on many threads
                self._hear()
        elif event_type == EventType.JOB_STARTED:
            # Also while `adopt` is false: it may be true when the next parent starts.
            job_id = _job_of(fl_ctx)
            self._note(job_id, self._tables.marks(job_id))
        elif event_type in _ENDS:
            self._forget(_job_of(fl_ctx))

    def _hear(self) -> None:
        """Enter sites that are connected, and strike out those whose end has been reported.

        The next parent must not await them: a heartbeat without a job that is awaited fails the job.
        """
        self._sites = {job: marks for job, marks in self._sites.items() if self._tables.fill(job, marks)}
        for job_id, marks in [*self._noted.items()]:
            names = self._tables.awaited(job_id)
            if names is not None and not marks.keys() <= names:
                self._note(job_id, {name: mark for name, mark in marks.items() if name in names})

    def _note(self, job_id: str, marks: dict[str, str]) -> None:
        self._noted[job_id] = marks
        try:
            self._notes.write(job_id, marks)
        except OSError as error:
            _LOG.warning("job %s could not be taken over: its sites cannot be noted: %s", job_id, error)

    def _forget(self, job_id: str) -> None:
        self._late.pop(job_id, None)
        self._submitters.pop(job_id, None)
        self._noted.pop(job_id, None)
        try:
            self._notes.remove(job_id)
        except OSError as error:
            _LOG.warning("job %s has ended, its note cannot be removed: %s", job_id, error)


def _job_of(fl_ctx: FLContext) -> str:
    data = fl_ctx.get_prop(FLContextKey.EVENT_DATA)
    return str(data.get(JobMetaKey.JOB_ID.value) or "") if isinstance(data, dict) else ""
