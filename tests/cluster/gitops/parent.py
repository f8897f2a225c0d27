"""The parent of a site as its repository has it: a kit of FLARE's tools, packed with the files of the example."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.conftest import ROOT, kubectl
from tests.cluster.gitops.examples import GITOPS, Names
from tests.cluster.kits import prepared_kit

__all__ = ["SMALL", "WORKSPACE", "make_kit", "pack", "prepare", "settings_of", "settle"]

WORKSPACE = "/var/tmp/nvflare/workspace"
# FLARE's own default is 2 CPUs and 8 GiB, which no node of the test cluster has.
SMALL = {
    "resources": {"requests": {"cpu": "20m", "memory": "128Mi"}},
    "image": {"pullPolicy": "IfNotPresent"},
}
# Until somebody pushes the chart, the parent takes the one of its image.
_SETTINGS = {"pod_security": "restricted", "pending_timeout": 600}


def make_kit(work: Path, image: str, namespace: str) -> Path:
    """Return an adopted kit of site-1 with its keys, in an empty folder."""
    kit = prepared_kit(work, image, namespace)
    shutil.copytree(GITOPS / "site/kit", kit, dirs_exist_ok=True)
    settle(kit)
    adopt = [sys.executable, "-m", "launcher", "kit", "adopt", "--kit", str(kit)]
    subprocess.run(adopt, cwd=ROOT, check=True, capture_output=True)
    return kit


def settle(kit: Path, **settings: Any) -> str:
    """Write the settings of the site, with these over them, and return the text."""
    text = yaml.safe_dump(_SETTINGS | settings)
    (kit / "fljob/fljob.yaml").write_text(text)
    return text


def pack(kit: Path, output: Path) -> Path:
    """Pack the kit with the script of the example and return the package."""
    words = [sys.executable, str(GITOPS / "pack-site"), str(kit), "--output", str(output)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


def prepare(names: Names, kit: Path) -> None:
    """Make what is no engine's: the namespace of the example, the claim and the Secret of the kit."""
    names.apply("site/namespace.yaml")
    names.keys()
    volume = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": names.namespace},
        "spec": {
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "",
            "claimRef": {"namespace": names.namespace, "name": "ws-site-1"},
            "hostPath": {"path": f"/share/{names.namespace}", "type": "DirectoryOrCreate"},
        },
    }
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "ws-site-1", "namespace": names.namespace},
        "spec": {
            "storageClassName": "",
            "volumeName": names.namespace,
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }
    names.put(volume, claim)
    startup = f"--from-file={kit / 'startup'}"
    kubectl("create", "secret", "generic", "site-1-startup-kit", "-n", names.namespace, startup)


def settings_of(names: Names) -> str:
    """Return the settings that the running parent has."""
    path = f"{WORKSPACE}/fljob/fljob.yaml"
    return kubectl("exec", "-n", names.namespace, "deployment/site-1", "--", "cat", path)
