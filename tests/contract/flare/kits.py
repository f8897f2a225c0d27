"""The context in which the real parent of a kit launches a job, and the kit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from launcher.core.spec.jobspec import Role
from tests import kits
from tests.contract.flare.case import Case, write_workspace

__all__ = ["as_prepared", "write_kit"]


def as_prepared(case: Case, root: Path) -> Case:
    """Return the case with the flags and options that a prepared parent of FLARE 2.9.0 gives to its processes."""
    job, workspace = case.job_id, str(root)
    both = {"-n": job, "-p": f"stcp://{kits.HOST}:{kits.PORT}", "--parent_conn_sec": "mtls", "-m": workspace}
    credentials = ("t", "s", "i")
    if case.role is Role.SERVER:
        more = {"-s": "fed_server.json", "-r": f"{workspace}/{job}/app_server", "--host": kits.SERVER}
        more |= {"-u": f"grpc://0:{kits.SERVED}?admin_listener=true", "--port": str(kits.SERVED)}
        return replace(case, site="server", flags=both | more, options=kits.OPTIONS, credentials=credentials)
    target = f"{kits.SERVER}:{kits.SERVED}"
    more = {"-w": f"{workspace}/startup", "-c": case.site, "-g": target, "-scheme": "grpc"}
    more |= {"-s": "fed_client.json"}
    options = (*kits.OPTIONS, f"uid={case.site}")
    return replace(case, flags=both | more, options=options, credentials=credentials)


def write_kit(root: Path, case: Case, **arguments: Any) -> Path:
    """Make ``root`` the workspace of the case's site with all that its kit has, and return it."""
    write_workspace(root, case)
    return kits.write_kit(root, site=case.site, server=case.role is Role.SERVER, arguments=arguments)
