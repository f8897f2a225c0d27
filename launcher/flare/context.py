"""Reads what a launch needs from FLARE's context: once, in FLARE's order, with FLARE's error type."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from nvflare.apis.fl_constant import FLContextKey, JobConstants
from nvflare.apis.fl_context import FLContext
from nvflare.apis.job_def import JobMetaKey
from nvflare.apis.job_launcher_spec import JobProcessArgs
from nvflare.utils.job_launcher_utils import get_client_job_args, get_credential_env, get_server_job_args

from launcher.core.flare.process import TRANSFER_TOKEN, JobProcess
from launcher.core.flare.refused_note import RefusedNote
from launcher.core.flare.site_folder import LOCAL, SITE_FOLDER
from launcher.core.flare.submitter import NOBODY, Submitter, anonymous, submitter_of
from launcher.core.foreign import quoted
from launcher.core.spec.jobspec import Role
from launcher.edges.disk import startup_kit as startup_kits
from launcher.edges.disk.startup_kit import startup_kit
from launcher.errors import InvalidInput

__all__ = ["TRANSFER_TOKEN", "FlareJob", "federation", "noted", "read_job", "startup_kit", "to_note"]

_NOT_A_JOB = frozenset({"startup", LOCAL, SITE_FOLDER, os.curdir, os.pardir})
# What a launch and its note have in common.
_NOTED = ("job_id", "site", "study", "custom", "module", "flags", "options", "federation")
_ARGUMENT_NAMES = {Role.CLIENT: get_client_job_args, Role.SERVER: get_server_job_args}


@dataclass(frozen=True, kw_only=True)
class FlareJob(JobProcess):
    """One launch as the context of FLARE's parent describes it.

    Attributes:
        workspace: root of the parent's workspace.
        startup_dir: folder of the startup kit.
        cell: the parent's CellNet cell.
        credentials: environment name -> value; stored in the per-job Secret only.
        submitter: who submitted the job, as its meta names them.
    """

    workspace: str
    startup_dir: str
    cell: Any
    credentials: Mapping[str, str] = field(repr=False)
    submitter: Submitter = NOBODY


def read_job(job_meta: Mapping[str, Any], fl_ctx: FLContext, role: Role) -> FlareJob:
    """Return the launch that the context of FLARE's parent describes.

    Raises:
        RuntimeError: a part is missing or cannot be read, or the custom folder is not below the workspace.
    """
    job_id = job_meta.get(JobConstants.JOB_ID)
    if not job_id:
        raise RuntimeError(f"missing {JobConstants.JOB_ID} in job_meta")
    if os.path.normpath(str(job_id)).partition("/")[0] in _NOT_A_JOB:
        # FLARE sends the folder of this name to the job pod.
        raise RuntimeError(f"{JobConstants.JOB_ID} {quoted(job_id)} is the name of a folder of the workspace")
    workspace = _property(fl_ctx, FLContextKey.WORKSPACE_OBJECT)
    arguments = _property(fl_ctx, FLContextKey.ARGS)
    process = fl_ctx.get_prop(FLContextKey.JOB_PROCESS_ARGS)
    if not process:
        raise RuntimeError(f"missing {FLContextKey.JOB_PROCESS_ARGS} in FLContext")
    entry = process.get(JobProcessArgs.EXE_MODULE)
    if not entry:
        raise RuntimeError(f"missing {JobProcessArgs.EXE_MODULE} in {FLContextKey.JOB_PROCESS_ARGS}")
    _, module = entry
    cell, credentials = _cell(fl_ctx), get_credential_env(process)
    named = (process.get(name) for name in _ARGUMENT_NAMES[role](False, False))  # noqa: FBT003 - FLARE's signature
    return FlareJob(
        job_id=str(job_id),
        site=fl_ctx.get_identity_name(),
        study=job_meta.get(JobMetaKey.STUDY.value) or "",
        workspace=arguments.workspace,
        startup_dir=workspace.get_startup_kit_dir(),
        cell=cell,
        owner=cell.get_fqcn(),
        custom=_relative_to_workspace(workspace.get_app_custom_dir(job_id), arguments.workspace),
        module=module,
        flags=tuple((flag, str(value)) for flag, value in filter(None, named) if value is not None),
        options=_words(getattr(arguments, "set", None)),
        credentials=credentials,
        secrets=(*credentials, TRANSFER_TOKEN),
        federation=federation(workspace.get_startup_kit_dir()),
        submitter=submitter_of(job_meta),
    )


def to_note(job: FlareJob, meta: Mapping[str, Any], role: Role, launched: datetime) -> RefusedNote:
    """Return what the next parent needs of a launch; of the credentials the names alone."""
    given = {name: getattr(job, name) for name in _NOTED}
    names, kept = tuple(job.credentials), anonymous(meta) if job.submitter == NOBODY else meta
    return RefusedNote(**given, role=role.value, variables=names, meta=kept, launched=launched, spent={})


def noted(note: RefusedNote, workspace: str, startup_dir: str, cell: Any) -> FlareJob:
    """Return the launch that an earlier parent has noted, with credentials without values.

    Args:
        note: of the job.
        workspace: root of the parent's workspace.
        startup_dir: folder of the startup kit.
        cell: the parent's CellNet cell.
    """
    given = {name: getattr(note, name) for name in _NOTED}
    return FlareJob(
        **given,
        workspace=workspace,
        startup_dir=startup_dir,
        cell=cell,
        owner=cell.get_fqcn(),
        credentials=dict.fromkeys(note.variables, ""),
        secrets=(*note.variables, TRANSFER_TOKEN),
        submitter=submitter_of(note.meta),
    )


def _property(fl_ctx: FLContext, key: str) -> Any:
    value = fl_ctx.get_prop(key)
    if value is None:
        raise RuntimeError(f"missing {key} in FLContext")
    return value


def _words(options: Any) -> tuple[str, ...] | None:
    return None if options is None else tuple(str(word) for word in options)


def _cell(fl_ctx: FLContext) -> Any:
    cell = getattr(fl_ctx.get_engine(), "cell", None)
    if cell is None:
        raise RuntimeError("missing parent CellNet cell for workspace transfer")
    return cell


def _relative_to_workspace(folder: str, workspace: str) -> str:
    """Return ``folder`` relative to ``workspace``; the pod mounts it at the same relative path."""
    if not folder:
        return ""
    root, path = Path(workspace).absolute(), Path(os.path.abspath(folder))  # noqa: PTH100 - '..' counts
    if not path.is_relative_to(os.path.abspath(root)):  # noqa: PTH100
        raise RuntimeError(f"custom folder {folder} is not under workspace {workspace}")
    return path.relative_to(os.path.abspath(root)).as_posix()  # noqa: PTH100


def federation(startup: str) -> str:
    """Return the federation mark of a startup kit; raises RuntimeError where nothing tells it."""
    try:
        return startup_kits.federation(Path(startup))
    except InvalidInput as error:
        raise RuntimeError(str(error)) from error
