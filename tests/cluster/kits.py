"""A kit of one site as FLARE's own tools make it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import yaml

from tests.cluster.conftest import ROOT

__all__ = ["prepared_kit"]


def prepared_kit(work: Path, parent_image: str, namespace: str) -> Path:
    """Return the kit of site-1, prepared for Kubernetes, in an empty folder."""
    nvflare = str(Path(sys.executable).with_name("nvflare"))
    project = str(ROOT / "scripts/federation.d/project.yml")
    subprocess.run(
        [nvflare, "provision", "-p", project, "-w", work / "ws", "--force"], check=True, capture_output=True
    )
    config = {
        "runtime": "k8s",
        "namespace": namespace,
        "server_service_name": "nvflare-server",
        "parent": {"docker_image": parent_image, "parent_port": 8102, "workspace_pvc": "ws-site-1"},
        "job_launcher": {"config_file_path": None, "default_python_path": "/usr/local/bin/python3"},
    }
    (work / "site-1.yaml").write_text(yaml.safe_dump(config))
    words = [
        "--kit",
        work / "ws/demo/prod_00/site-1",
        "--output",
        work / "kit",
        "--config",
        work / "site-1.yaml",
    ]
    subprocess.run([nvflare, "deploy", "prepare", *words], check=True, capture_output=True)
    return work / "kit"
