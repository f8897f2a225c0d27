"""Charts in the registry of the test cluster, and their signatures."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Registry", "make_keys"]

_NO_PASSWORD = {"COSIGN_PASSWORD": ""}


def _run(*words: str) -> str:
    done = subprocess.run(words, env=os.environ | _NO_PASSWORD, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def make_keys(folder: Path) -> Path:
    """Make a pair of keys of cosign in a folder and return it."""
    assert shutil.which("cosign"), 'cosign is not on PATH: eval "$(scripts/tools cosign)"'
    _run("cosign", "generate-key-pair", f"--output-key-prefix={folder / 'cosign'}")
    return folder


@dataclass(frozen=True)
class Registry:
    """Where this machine pushes (``here``), where pods pull (``pods``), HOST:PORT each, and the folder of the keys."""

    here: str
    pods: str
    keys: Path

    def push(self, package: Path, folder: str, *, signed: bool = True) -> str:
        """Push a packed chart into a folder, sign it, and return its digest."""
        said = _run("helm", "push", str(package), f"oci://{self.here}/{folder}", "--plain-http")
        (digest,) = re.findall(r"Digest: (sha256:[0-9a-f]{64})", said)
        if signed:
            name = re.sub(r"-[0-9].*", "", package.name)
            self.sign(f"{self.here}/{folder}/{name}@{digest}", self.keys)
        return digest

    def sign(self, reference: str, keys: Path) -> None:
        """Sign what a reference names, without any service outside of this machine."""
        words = ["--key", str(keys / "cosign.key"), "--yes", "--tlog-upload=false", "--allow-http-registry"]
        _run("cosign", "sign", *words, "--use-signing-config=false", reference)
