"""FLARE's tables of running jobs: entries are made as at a launch, and taken out as at an end."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any

from nvflare.apis.event_type import EventType
from nvflare.apis.fl_constant import FLContextKey, RunProcessKey, SystemComponents
from nvflare.apis.fl_context import FLContext
from nvflare.apis.job_def import JobMetaKey, RunStatus
from nvflare.apis.job_launcher_spec import JobHandleSpec

from launcher.flare.adoption.names import ABORT_KEY, PENDING_HANDLE, REASONS, RETURN_CODE, STARTED, STARTING
from launcher.logs import logger

__all__ = ["ClientTables", "ServerTables"]

_LOG = logger(__name__)
_GENERIC_FAILURE, _EXCEPTION = 1, 101
_MARK_LENGTH = 16
_STATUS = JobMetaKey.STATUS.value
_ENDED = frozenset(one.value for one in RunStatus if one.value.startswith("FINISHED:"))
# The key comes within a second; a message that was being signed meanwhile may still write the old word.
_NOT_SIGNED, _SIGNATURE_TRIES, _SIGNATURE_PAUSE = "NA", 600, 0.1


class ClientTables:
    """The table of running jobs of a client's parent.

    Args:
        engine: of the parent; :func:`missing` has found nothing.
        workspace: root of the parent's workspace.
    """

    def __init__(self, engine: Any, workspace: str) -> None:
        self._engine = engine
        self._executor = engine.client_executor
        self._workspace = workspace

    def enter(self, job_id: str, *, is_started: bool) -> JobHandleSpec | None:
        """Enter a job and return the handle that FLARE sees; None when the table has the job already.

        FLARE calls ``terminate(heartbeat_cleanup=True)`` on the handle of an entry, which its own class alone
        understands; it passes on to ours. A job that has not started FLARE ends without asking it first.
        """
        seen: JobHandleSpec = PENDING_HANDLE.value()()
        status = (STARTED if is_started else STARTING).value()
        entry = {RunProcessKey.JOB_HANDLE: seen, RunProcessKey.STATUS: status, ABORT_KEY.value(): False}
        with self._executor.lock:
            there = self._executor.run_processes.setdefault(job_id, entry)
        return seen if there is entry else None

    def attach(self, job_id: str, seen: JobHandleSpec, handle: JobHandleSpec) -> None:
        """Let ``seen`` pass on to the handle of the job; an abort that came before is carried out."""
        cleanup = seen.attach(handle)
        if cleanup is not None:
            given = {"job_id": job_id, "heartbeat_cleanup": cleanup}
            abort = self._executor.abort_app
            threading.Thread(target=abort, kwargs=given, name=f"fljob-abort-{job_id}", daemon=True).start()

    def leave(self, job_id: str, seen: JobHandleSpec) -> None:
        """Take the entry of this handle out."""
        with self._executor.lock:
            entry = self._executor.run_processes.get(job_id) or {}
            if entry.get(RunProcessKey.JOB_HANDLE) is seen:
                del self._executor.run_processes[job_id]

    def how_it_ended(self, job_id: str, seen: JobHandleSpec) -> tuple[int, str]:
        """Return the return code of a job that has ended and what FLARE calls it, as its own parent would."""
        code = int(RETURN_CODE.value()(seen, job_id, self._workspace, _LOG))
        with self._executor.lock:
            entry = self._executor.run_processes.get(job_id) or {}
        if code == _GENERIC_FAILURE and not entry.get(ABORT_KEY.value()):
            code = _EXCEPTION
        return code, str(REASONS.value().get(code) or "")

    def tell_of_end(self, job_id: str) -> None:
        """Fire FLARE's event for a job that has left the table."""
        context = self._engine.new_context()
        context.set_prop(FLContextKey.CURRENT_JOB_ID, job_id, private=True, sticky=False)
        context.set_prop(
            FLContextKey.CLIENT_NAME, self._engine.client.client_name, private=True, sticky=False
        )
        self._engine.fire_event(EventType.JOB_COMPLETED, context)


class ServerTables:
    """The tables of running jobs of the server's parent.

    Args:
        engine: of the parent; :func:`missing` has found nothing.
        workspace: root of the parent's workspace.
    """

    def __init__(self, engine: Any, workspace: str) -> None:
        self._engine = engine
        self._runner = engine.job_runner
        self._workspace = workspace
        self._scheduler = engine.get_component(SystemComponents.JOB_SCHEDULER)

    def running(self, fl_ctx: FLContext) -> dict[str, Any]:
        """Return the jobs that the job store calls running: id -> FLARE's job."""
        return self._stored(RunStatus.RUNNING, fl_ctx)

    def dispatched(self, fl_ctx: FLContext) -> set[str]:
        """Return the jobs of the store that are about to start: FLARE enters one when it is launched."""
        return {*self._stored(RunStatus.DISPATCHED, fl_ctx)}

    def _stored(self, status: RunStatus, fl_ctx: FLContext) -> dict[str, Any]:
        store = self._engine.get_component(SystemComponents.JOB_MANAGER)
        return {str(job.job_id): job for job in store.get_jobs_by_status([status], fl_ctx)}

    def jobs(self) -> set[str]:
        """Return the jobs that this parent runs, and those that have ended here but not at their sites."""
        with self._engine.lock:
            found = {str(job_id) for job_id in self._engine.run_processes}
        with self._runner.lock:
            return found | {str(job_id) for job_id in self._runner.running_jobs}

    def ended_elsewhere(self, fl_ctx: FLContext) -> list[str]:
        """Return the jobs of these tables that the job store calls finished: another parent has ended them.

        FLARE calls a job COMPLETED of which it has heard nothing bad, whatever the store says by then. Not
        those whose end it writes itself, or has just written, while the store is asked: the thread that does
        so would die of an entry that is gone.
        """
        store = self._engine.get_component(SystemComponents.JOB_MANAGER)
        stored = {job_id: store.get_job(job_id, fl_ctx) for job_id in sorted(self._not_ending())}
        left = self._not_ending()
        ended = {job_id for job_id, job in stored.items() if job and job.meta.get(_STATUS) in _ENDED}
        return sorted(ended & left)

    def _not_ending(self) -> set[str]:
        """Return the jobs of these tables but those whose end FLARE is writing.

        Looked at in this order: what it has written it takes out of both at once.
        """
        writing = {*getattr(self._runner, "_finished_job_states", {})}
        return self.jobs() - writing

    def enter(self, job_id: str, job: Any, handle: JobHandleSpec, names: Iterable[str]) -> None:
        """Enter a job: a server process of it may report from now on, and these sites are awaited."""
        entry = {
            RunProcessKey.JOB_HANDLE: handle,
            RunProcessKey.JOB_ID: job_id,
            RunProcessKey.PARTICIPANTS: {},
        }
        with self._engine.lock:
            self._engine.run_processes[job_id] = entry
        with self._runner.lock:  # second: what runs here and has no entry there has ended
            self._runner._pending_client_outcomes[job_id] = set(names)  # noqa: SLF001 - what this package is for
            self._runner.running_jobs[job_id] = job
        restore = getattr(self._scheduler, "restore_scheduled_job", None)
        if restore is not None:  # else it counts too few: more jobs at once than the scheduler allows
            restore(job_id)

    def leave(self, job_id: str) -> None:
        """Undo :meth:`enter`."""
        with self._runner.lock:
            self._runner.running_jobs.pop(job_id, None)
            self._runner._pending_client_outcomes.pop(job_id, None)  # noqa: SLF001
        with self._engine.lock:
            self._engine.run_processes.pop(job_id, None)
        forget = getattr(self._scheduler, "remove_scheduled_job", None)
        if forget is not None:
            forget(job_id)

    def watch(self, job_id: str, handle: JobHandleSpec) -> None:
        """Let FLARE wait for the job as for one that it has started, on a thread of its own."""
        given = (self._workspace, job_id, handle)
        threading.Thread(
            target=self._engine.wait_for_complete, args=given, name=f"fljob-wait-{job_id}", daemon=True
        ).start()

    def is_reported(self, job_id: str) -> bool:
        """Tell whether the server process of a job has said how it ended.

        Without the table's lock: FLARE asks a handle for its code while it holds that.
        """
        entry = self._engine.run_processes.get(job_id) or {}
        return bool(entry.get(RunProcessKey.PROCESS_FINISHED))

    def awaited(self, job_id: str) -> set[str] | None:
        """Return the sites whose end of a job the server awaits; None when it awaits the job no more."""
        with self._runner.lock:
            names = self._runner._pending_client_outcomes.get(job_id)  # noqa: SLF001
            return None if names is None else set(names)

    def marks(self, job_id: str) -> dict[str, str]:
        """Return the sites whose end of a job the server awaits, each with the mark of its connection."""
        names = self.awaited(job_id) or ()
        clients = (self._engine.run_processes.get(job_id) or {}).get(RunProcessKey.PARTICIPANTS) or {}
        return {client.name: _mark(token) for token, client in clients.items() if client.name in names}

    def fill(self, job_id: str, marks: Mapping[str, str]) -> bool:
        """Enter the sites of a job, once all are connected; return whether this is to be tried again.

        All or none: a server process that starts takes what it gets for the whole. And none when the parent
        of a site was restarted as well: the server process would learn the new token of that site, and refuse
        its job process, which has the old one, for ever ("get_task request authentication failed"). Without
        any it ends after half a minute; one that runs has learnt the old ones long ago.
        """
        known = dict(self._engine.client_manager.name_to_clients)
        entry = self._engine.run_processes.get(job_id)
        if entry is None or not all(name in known for name in marks):
            return entry is not None
        changed = [name for name, mark in marks.items() if _mark(known[name].token) != mark]
        if changed:
            _LOG.info("job %s: the parents of %s were restarted, too", job_id, ", ".join(sorted(changed)))
            return False
        with self._engine.lock:
            entry[RunProcessKey.PARTICIPANTS] = {known[name].token: known[name] for name in marks}
        return False

    def mend_signature(self) -> None:
        """Let FLARE sign its messages anew, if it has done so before it had its key.

        FLARE 2.9.0's server takes messages before ``server_train`` gives it the key, and remembers what it
        signs first: "NA". Whoever was connected before the restart and asks in these moments makes all others
        refuse the server for ever ("invalid auth token signature"; admins: "Communication Error").
        """
        server = self._engine.server
        for _ in range(_SIGNATURE_TRIES):
            with self._engine.new_context() as context:
                has_key = bool(context.get_prop(FLContextKey.SERVER_CONFIG))
            if has_key and server.my_own_token_signature == _NOT_SIGNED:
                server.my_own_token_signature = None
                _LOG.warning("the server had signed messages before it had its key: it signs anew")
            time.sleep(_SIGNATURE_PAUSE)


def _mark(token: str) -> str:
    """Return what tells whether a site still has a token, and does not tell the token."""
    return hashlib.sha256(str(token).encode()).hexdigest()[:_MARK_LENGTH]
