"""Every private name of FLARE that taking over a running job needs, and a probe for all of them.

FLARE (2.9.0, 2.9.1) keeps three things of a running job in the memory of its parent only: the record by which
the job process may fetch its workspace and deliver its results, the entry in the table of running jobs, and,
at the server, which sites are awaited. Nothing public writes them. So nothing outside this package touches
what FLARE calls private, and nothing in it is used before :func:`missing` has seen all of it.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from launcher.core.spec.jobspec import Role

__all__ = [
    "ABORT_KEY",
    "NAMES",
    "PARTS",
    "PENDING_HANDLE",
    "REASONS",
    "RETURN_CODE",
    "STARTED",
    "STARTING",
    "Name",
    "missing",
]

_EXECUTOR = "nvflare.private.fed.client.client_executor"
_STATUS = "nvflare.private.fed.client.client_status"
_TRANSFER = "nvflare.app_opt.job_launcher.workspace_cell_transfer"
_UTILS = "nvflare.private.fed.utils.fed_utils"
_RUNNER = "nvflare.private.fed.server.job_runner"
_ENGINE = "nvflare.private.fed.server.server_engine"
_CLIENT = "nvflare.private.fed.client.fed_client_base"
_KEYS = "nvflare.apis.fl_constant"


@dataclass(frozen=True)
class Name:
    """A name in FLARE's code: ``path`` below ``module``, and the parameters of what is called."""

    module: str
    path: str
    takes: tuple[str, ...] | None = None

    def value(self) -> Any:
        """Return what has the name.

        Raises:
            ImportError, AttributeError: there is none.
        """
        return attrgetter(self.path)(importlib.import_module(self.module))

    @property
    def trouble(self) -> str:
        """What is wrong with it, empty for nothing."""
        try:
            takes = None if self.takes is None else tuple(inspect.signature(self.value()).parameters)
            self.value()
        except (ImportError, AttributeError, TypeError, ValueError) as error:
            return f"{self.path} ({type(error).__name__})"
        return "" if takes == self.takes else f"{self.path} (takes {', '.join(takes or ())})"


PENDING_HANDLE = Name(_EXECUTOR, "_PendingJobHandle", ())
ABORT_KEY = Name(_EXECUTOR, "_ABORT_REQUESTED_KEY")
STARTED = Name(_STATUS, "ClientStatus.STARTED")
STARTING = Name(_STATUS, "ClientStatus.STARTING")
REASONS = Name(_EXECUTOR, "REPORTABLE_JOB_FAILURES")
RETURN_CODE = Name(_UTILS, "get_return_code", ("job_handle", "job_id", "workspace", "logger"))
_SHARED = (
    Name(_TRANSFER, "WorkspaceTransferManager._get_record", ("self", "job_id")),
    Name(_TRANSFER, "WorkspaceTransferManager.get_or_create", ("cell",)),
    Name(_TRANSFER, "WorkspaceTransferManager.add_job", ("self", "job_id", "workspace_root")),
    Name(_TRANSFER, "WorkspaceTransferManager.remove_job", ("self", "job_id")),
    Name(_TRANSFER, "_JobTransferRecord.__dataclass_fields__"),
    Name(_KEYS, "RunProcessKey.JOB_HANDLE"),
)
NAMES: Mapping[Role, tuple[Name, ...]] = {
    Role.CLIENT: (
        *_SHARED,
        PENDING_HANDLE,
        Name(_EXECUTOR, "_PendingJobHandle.attach", ("self", "job_handle")),
        Name(_EXECUTOR, "_PendingJobHandle.terminate", ("self", "heartbeat_cleanup")),
        Name(_EXECUTOR, "JobExecutor.abort_app", ("self", "job_id", "heartbeat_cleanup")),
        Name(_EXECUTOR, "JobExecutor.get_run_processes_keys", ("self",)),
        ABORT_KEY,
        STARTED,
        STARTING,
        REASONS,
        RETURN_CODE,
        Name(_KEYS, "RunProcessKey.STATUS"),
        Name(
            _CLIENT,
            "FederatedClientBase.send_request_before_shutdown",
            ("self", "kwargs"),
        ),
    ),
    Role.SERVER: (
        *_SHARED,
        Name(_ENGINE, "ServerEngine.wait_for_complete", ("self", "workspace", "job_id", "process")),
        Name(_RUNNER, "JobRunner.update_abnormal_finished_jobs", ("self", "running_job_ids", "fl_ctx")),
        Name(_RUNNER, "JobRunner.resolve_client_outcome", ("self", "job_id", "client_name")),
        *(Name(_KEYS, f"RunProcessKey.{key}") for key in ("JOB_ID", "PARTICIPANTS", "PROCESS_FINISHED")),
    ),
}


def _is_table(value: Any) -> bool:
    return isinstance(value, dict)


def _is_lock(value: Any) -> bool:
    return callable(getattr(value, "acquire", None)) and hasattr(value, "__exit__")


def _is_there(value: Any) -> bool:
    return value is not None


# What an engine must have, and what it must be; a dot leads to an attribute of an attribute.
PARTS: Mapping[Role, tuple[tuple[str, Callable[[Any], bool]], ...]] = {
    Role.CLIENT: (
        ("cell.__dict__", _is_table),
        ("client.client_name", _is_there),
        ("client.send_request_before_shutdown", callable),
        ("client_executor.run_processes", _is_table),
        ("client_executor.lock", _is_lock),
        ("new_context", callable),
        ("fire_event", callable),
    ),
    Role.SERVER: (
        ("cell.__dict__", _is_table),
        ("run_processes", _is_table),
        ("exception_run_processes", _is_table),
        ("lock", _is_lock),
        ("wait_for_complete", callable),
        ("client_manager.name_to_clients", _is_table),
        ("job_runner.running_jobs", _is_table),
        ("job_runner._pending_client_outcomes", _is_table),
        ("job_runner.lock", _is_lock),
        ("job_runner.update_abnormal_finished_jobs", callable),
        ("server.my_own_token_signature", lambda _: True),
    ),
}


def missing(engine: Any, role: Role) -> list[str]:
    """Return which names of FLARE are not what they were, empty when all are.

    Args:
        engine: of the parent.
        role: of the parent.
    """
    found = [name.trouble for name in NAMES[role] if name.trouble]
    for path, is_fine in PARTS[role]:
        try:
            fine = is_fine(attrgetter(path)(engine))
        except AttributeError:
            fine = False
        if not fine:
            found.append(f"engine.{path}")
    return found
