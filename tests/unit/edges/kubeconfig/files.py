"""Kubeconfig files of tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from launcher.edges.kubeconfig import resolve
from launcher.edges.kubeconfig.resolve import Inputs


def kubeconfig(name: str = "a", current: str | None = "a", **user: Any) -> dict[str, Any]:
    document: dict[str, Any] = {
        "clusters": [{"name": name, "cluster": {"server": f"https://{name}"}}],
        "users": [{"name": name, "user": user or {"token": f"canary-{name}"}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
    }
    return document if current is None else document | {"current-context": current}


def write(path: Path, document: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def found(path: Path, **environ: str) -> Any:
    return resolve.resolve(Inputs(kubeconfig=str(path), environ=environ))
