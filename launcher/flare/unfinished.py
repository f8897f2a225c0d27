"""Ends the jobs that FLARE's job store of the server still calls running when its parent starts.

FLARE 2.9.0 restores nothing: nobody calls ``JobRunner.restore_running_job`` or
``update_abnormal_finished_jobs``, so a job of the parent before this one stays RUNNING in the store for ever.
The new parent tells its processes to stop ("no current job for ..."), but ``abort_job`` answers an internal
error ("Job ... is not running"), and ``delete_job`` is refused ("could not be deleted at this time").
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from nvflare.apis.fl_constant import SystemComponents
from nvflare.apis.fl_context import FLContext
from nvflare.apis.job_def import RunStatus

from launcher.logs import logger

__all__ = ["end_unfinished"]

_LOG = logger(__name__)
_UNFINISHED = [RunStatus.RUNNING, RunStatus.DISPATCHED]
_HOW_TO_MEND = "a job that is still RUNNING there can only be ended in the server's job store"


def end_unfinished(fl_ctx: FLContext, kept: Collection[str] = ()) -> None:
    """Write FINISHED:ABNORMAL for each job of the store that is RUNNING or DISPATCHED; a client has no store.

    Call it at SYSTEM_BOOTSTRAP: the job runner starts jobs only after that event, so every such job is of an
    earlier parent. Never raises: FLARE ends a parent whose component fails there.

    Args:
        fl_ctx: of the event.
        kept: ids of jobs that this parent goes on with.
    """
    engine = fl_ctx.get_engine()
    runner = getattr(engine, "job_runner", None)
    if runner is None:
        return
    try:
        left = [job for job in _unfinished(engine, fl_ctx) if job not in kept]
        if left:
            runner.update_abnormal_finished_jobs([*kept], fl_ctx)
    except Exception as error:  # noqa: BLE001 - FLARE's code, and a job store of any make, may raise anything
        _LOG.error("cannot end the jobs of an earlier parent of the server: %s; %s", error, _HOW_TO_MEND)
        return
    for job in left:
        _LOG.warning("job %s was left running by an earlier parent of the server: ended", job)


def _unfinished(engine: Any, fl_ctx: FLContext) -> list[str]:
    store = engine.get_component(SystemComponents.JOB_MANAGER)
    return [str(job.job_id) for job in store.get_jobs_by_status(_UNFINISHED, fl_ctx)]
