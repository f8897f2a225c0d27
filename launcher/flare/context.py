"""Reads what a launch needs from FLARE's context: once, in FLARE's order, with FLARE's error type."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nvflare.apis.fl_constant import FLContextKey, JobConstants
from nvflare.apis.fl_context import FLContext
from nvflare.apis.job_def import JobMetaKey
from nvflare.apis.job_launcher_spec import JobProcessArgs
from nvflare.app_opt.job_launcher.workspace_cell_transfer import (
    ENV_WORKSPACE_OWNER_FQCN,
    ENV_WORKSPACE_TRANSFER_TOKEN,
)
from nvflare.utils.job_launcher_utils import get_client_job_args, get_credential_env, get_server_job_args

from launcher.core.names import credential_secret_name, pod_name, startup_secret_name
from launcher.core.spec.assemble import Request
from launcher.core.spec.jobspec import EnvVar, Role, SecretKey

__all__ = ["TRANSFER_TOKEN", "FlareJob", "federation", "read_job", "startup_kit"]

TRANSFER_TOKEN = ENV_WORKSPACE_TRANSFER_TOKEN
# The files of startup/ that a job process reads; others would only make the Secret bigger.
_KIT_SUFFIXES = (".crt", ".key", ".pem", ".json")
# Signs the certificate of any job (per-job certificates, FLARE after 2.9.1): no job process may have it.
_JOB_AUTHORITY = "job_ca.key"
# The certificate of a federation's own authority, which `nvflare provision` puts into every kit of a project.
_ROOT_CERTIFICATE = "rootCA.pem"
_NO_AUTHORITY = "unsigned"
_MARK_LENGTH = 16
_ARGUMENT_NAMES = {Role.CLIENT: get_client_job_args, Role.SERVER: get_server_job_args}


@dataclass(frozen=True)
class FlareJob:
    """One launch as FLARE's parent describes it.

    Attributes:
        job_id: FLARE's job id, verbatim.
        site: identity name of this site.
        study: name of the study, empty for none.
        workspace: root of the parent's workspace.
        startup_dir: folder of the startup kit.
        cell: the parent's CellNet cell.
        custom: custom folder of the app, relative to the workspace; empty = none.
        module: Python module of the job process.
        flags: (flag, value) of each argument, in order.
        options: values of ``--set``; None = no such flag.
        credentials: environment name -> value; stored in the per-job Secret only.
        federation: federation mark of the parent.
    """

    job_id: str
    site: str
    study: str
    workspace: str
    startup_dir: str
    cell: Any
    custom: str
    module: str
    flags: tuple[tuple[str, str], ...]
    options: tuple[str, ...] | None
    credentials: Mapping[str, str] = field(repr=False)
    federation: str

    def request(self, role: Role, mount_path: str) -> Request:
        """Return the launch request; it refers to the credentials by Secret key only."""
        secret = credential_secret_name(pod_name(self.job_id, self.site))
        words = [word for flag in self.flags for word in flag]
        options = ("--set", *self.options) if self.options else ()
        custom = [EnvVar("PYTHONPATH", os.path.join(mount_path, self.custom))] if self.custom else []  # noqa: PTH118
        return Request(
            job_id=self.job_id,
            site=self.site,
            role=role,
            study=self.study,
            args=("-u", "-m", self.module, *words, *options),
            env=(*custom, EnvVar(ENV_WORKSPACE_OWNER_FQCN, self.cell.get_fqcn())),
            secret_env=tuple(
                EnvVar(name, secret=SecretKey(secret, name)) for name in (*self.credentials, TRANSFER_TOKEN)
            ),
            startup_secret=startup_secret_name(self.site),
            federation=self.federation,
        )


def read_job(job_meta: Mapping[str, Any], fl_ctx: FLContext, role: Role) -> FlareJob:
    """Return the launch that the context of FLARE's parent describes.

    Raises:
        RuntimeError: a part is missing or cannot be read, or the custom folder is not below the workspace.
    """
    job_id = job_meta.get(JobConstants.JOB_ID)
    if not job_id:
        raise RuntimeError(f"missing {JobConstants.JOB_ID} in job_meta")
    workspace = _property(fl_ctx, FLContextKey.WORKSPACE_OBJECT)
    arguments = _property(fl_ctx, FLContextKey.ARGS)
    process = fl_ctx.get_prop(FLContextKey.JOB_PROCESS_ARGS)
    if not process:
        raise RuntimeError(f"missing {FLContextKey.JOB_PROCESS_ARGS} in FLContext")
    entry = process.get(JobProcessArgs.EXE_MODULE)
    if not entry:
        raise RuntimeError(f"missing {JobProcessArgs.EXE_MODULE} in {FLContextKey.JOB_PROCESS_ARGS}")
    _, module = entry
    options = getattr(arguments, "set", None)
    named = (process.get(name) for name in _ARGUMENT_NAMES[role](False, False))  # noqa: FBT003 - FLARE's signature
    return FlareJob(
        job_id=str(job_id),
        site=fl_ctx.get_identity_name(),
        study=job_meta.get(JobMetaKey.STUDY.value) or "",
        workspace=arguments.workspace,
        startup_dir=workspace.get_startup_kit_dir(),
        cell=_cell(fl_ctx),
        custom=_relative_to_workspace(workspace.get_app_custom_dir(job_id), arguments.workspace),
        module=module,
        flags=tuple((flag, str(value)) for flag, value in filter(None, named) if value is not None),
        options=None if options is None else tuple(str(word) for word in options),
        credentials=get_credential_env(process),
        federation=federation(workspace.get_startup_kit_dir()),
    )


def _property(fl_ctx: FLContext, key: str) -> Any:
    value = fl_ctx.get_prop(key)
    if value is None:
        raise RuntimeError(f"missing {key} in FLContext")
    return value


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
    """Return the federation mark of a startup kit: a label value, the same in all kits of a federation.

    Kits without a certificate authority, which FLARE allows for unencrypted connections, share one mark.

    Args:
        startup: folder of the startup kit.

    Raises:
        RuntimeError: the certificate exists and cannot be read.
    """
    try:
        root = Path(startup, _ROOT_CERTIFICATE).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return _NO_AUTHORITY
    except OSError as error:
        raise RuntimeError(f"cannot read {error.filename}: {error.strerror}") from error
    return hashlib.sha256(root).hexdigest()[:_MARK_LENGTH]


def startup_kit(folder: str) -> dict[str, bytes]:
    """Return the files of a startup kit that a job process reads, name -> content.

    Raises:
        OSError: a file cannot be read.
    """
    kit = Path(folder)
    if not kit.is_dir():
        return {}
    return {
        path.name: path.read_bytes()
        for path in sorted(kit.iterdir())
        if path.suffix in _KIT_SUFFIXES and path.name != _JOB_AUTHORITY and path.is_file()
    }
