"""One launch as both launchers see it: job meta, site, files on disk and arguments."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import yaml

from launcher.core.spec.jobspec import Role

__all__ = ["CLIENT_FLAGS", "SERVER_FLAGS", "V1", "V2", "Case", "write_workspace"]

V1 = "pvc/study_data.yaml"
V2 = "local/study_runtime.yaml"
JOB = "9e107d9d-372b-4c81-8c4e-0f1d2b3c4d5e"

# The flags of a job process in the order of its command line, as a prepared FLARE 2.9.0 site runs it.
CLIENT_FLAGS = ("-m", "-w", "-n", "-c", "-p", "--parent_conn_sec", "-g", "-scheme", "-s")
SERVER_FLAGS = ("-m", "-s", "-r", "-n", "-p", "--parent_conn_sec", "-u", "--host", "--port")


@dataclass(frozen=True, kw_only=True)
class Case:
    """One launch.

    Attributes:
        meta: job meta with ``job_id`` and, if any, ``study``.
        site: identity name of the site.
        role: client or server.
        files: path below the site's workspace -> YAML content (text is written as it is).
        arguments: constructor arguments of FLARE's launcher; paths of files below the workspace are relative.
        flags: flag -> value of the job process; None and missing ones are left out.
        options: ``--set`` options, None = no such flag.
        credentials: AUTH_TOKEN, TOKEN_SIGNATURE and SSID; empty ones are left out.
    """

    meta: Mapping[str, Any]
    site: str = "site-1"
    role: Role = Role.CLIENT
    files: Mapping[str, Any] = field(default_factory=dict)
    arguments: Mapping[str, Any] = field(default_factory=dict)
    flags: Mapping[str, Any] = field(default_factory=lambda: {"-c": "site-1", "--port": 8002})
    options: tuple[str, ...] | None = ("secure_train=true", "org=acme")
    credentials: tuple[str, str, str] = ("token", "signature", "ssid")

    @property
    def job_id(self) -> str:
        return str(self.meta["job_id"])

    @property
    def study(self) -> str:
        return self.meta.get("study") or ""

    def __str__(self) -> str:
        return json.dumps(asdict(self), indent=1, ensure_ascii=False, default=str)


def write_workspace(root: Path, case: Case) -> Path:
    """Make ``root`` the workspace of the case's site and return it; what was there before goes."""
    shutil.rmtree(root, ignore_errors=True)
    for folder in ("startup", "local"):
        (root / folder).mkdir(parents=True)
    (root / "startup" / "rootCA.pem").write_text("a certificate")
    for name, content in case.files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False)
        path.write_text(text, encoding="utf-8")
    return root
