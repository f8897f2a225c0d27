"""A kit of `nvflare deploy prepare` and the workspace of its parent, written by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

__all__ = ["HOST", "OPTIONS", "PORT", "SERVED", "SERVER", "write_kit"]

HOST, PORT, SERVER, SERVED = "parent.fl", 8102, "nvflare-server", 8002
OPTIONS = ("secure_train=true", "config_folder=config", "org=acme")
_PATH = "launcher.flare.ClientHelmJobLauncher"


def write_kit(
    root: Path,
    *,
    site: str = "site-1",
    server: bool = False,
    workspace: str | None = None,
    arguments: Mapping[str, Any] | None = None,
    files: Mapping[str, Any] | None = None,
) -> Path:
    """Write a kit into ``root`` and return it.

    Args:
        root: the folder.
        site: name of the client.
        server: whether it is the server's.
        workspace: where its parent has it; None = in ``root`` itself.
        arguments: of the launcher.
        files: further files, path below it -> content; text is written as it is.
    """
    service = {"target": f"{SERVER}:{SERVED}", "scheme": "grpc"}
    secured = {"host": HOST, "port": PORT, "connection_security": "mtls"}
    kind = "server" if server else "client"
    launcher = {"id": "k8s_launcher", "path": _PATH, "args": dict(arguments or {"namespace": "fl"})}
    start = {
        "server": {"servers": [{"name": "e2e", "service": service, "admin_port": SERVED}]},
        "client": {"servers": [{"name": "e2e", "service": service}], "client": {"fqsn": site}},
    }
    module = f"nvflare.private.fed.app.{kind}.{kind}_train"
    words = ["-u", "-m", module, "-m", workspace or str(root), "-s", f"fed_{kind}.json", "--set", *OPTIONS]
    named = {} if server else {"siteName": site}
    written = {
        f"startup/fed_{kind}.json": start[kind],
        "startup/rootCA.pem": "a certificate",
        "local/comm_config.json": {"internal": {"scheme": "tcp", "resources": secured}},
        "local/resources.json.default": {"components": [launcher]},
        "helm_chart/values.yaml": {"name": SERVER, **named, "args": words},
        **(files or {}),
    }
    for name, content in written.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        dump = json.dumps if ".json" in name else yaml.safe_dump
        path.write_text(content if isinstance(content, str) else dump(content))
    return root
