"""One launch through FLARE's entry point on fake ports, and what is left of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from nvflare.app_opt.job_launcher.workspace_cell_transfer import WorkspaceTransferManager

from launcher.core.names import credential_secret_name, pod_name, startup_secret_name
from tests.contract.flare import flare_side, our_side
from tests.contract.flare.case import JOB, Case, write_workspace
from tests.fakes import exited

__all__ = ["CASE", "CREDENTIALS", "STARTUP", "Launch", "until"]

CASE = Case(
    meta={"job_id": JOB, "launcher_spec": {"default": {"k8s": {"image": "a"}}}},
    arguments={"namespace": "fl"},
    credentials=("canary-token", "canary-signature", "canary-ssid"),
)
CREDENTIALS = credential_secret_name(pod_name(JOB, "site-1"))
STARTUP = startup_secret_name("site-1")


class Launch:
    """One launch of CASE: launcher, context and what is left."""

    def __init__(self, root: Path) -> None:
        write_workspace(root, CASE)
        self.root = root
        self.launcher = our_side.make_launcher(CASE, root)
        self.context = flare_side.context(CASE, root)
        self.fake = self.launcher.fake

    def __call__(self, meta: Mapping[str, Any] = CASE.meta) -> Any:
        """Launch and return the handle."""
        return self.launcher.launch_job(dict(meta), self.context)

    @property
    def transfer(self) -> Any:
        """The record of the job's workspace transfer, None when there is none."""
        return WorkspaceTransferManager.get_or_create(self.context.get_engine().cell)._get_record(JOB)

    @property
    def pod(self) -> str:
        """Name of the job's pod."""
        return pod_name(JOB, "site-1")

    def end(self, code: int) -> None:
        """Show the job container terminated."""
        known = self.fake.pods.items[self.pod]
        marks = {"labels": known.labels, "annotations": known.annotations}
        self.fake.pods.show(exited(code, name=self.pod, **marks), self.pod)

    def diagnosis(self) -> dict[str, str]:
        """Return the files of the bundle in the run folder, by name; empty when there is none."""
        folder = self.root / "fljob" / "diagnosis" / JOB / "site-1"
        return {path.name: path.read_text() for path in folder.rglob("*.*") if path.is_file()}


def until(condition: Callable[[], object]) -> bool:
    """Wait four seconds at most for something to be so, and return whether it is."""
    for _ in range(200):
        if condition():
            return True
        threading.Event().wait(0.02)
    return False
