"""A FLARE parent, as much of it as a launch needs: ``launch_job`` against the real cluster.

As a program it launches one job and then waits for ever: somebody kills it.
"""

from __future__ import annotations

import os
import sys
import threading
import uuid
from pathlib import Path

from nvflare.apis.event_type import EventType
from nvflare.apis.fl_constant import FLContextKey
from nvflare.apis.fl_context import FLContext
from nvflare.apis.job_launcher_spec import JobHandleSpec, JobProcessArgs
from nvflare.app_opt.job_launcher.workspace_cell_transfer import WorkspaceTransferManager

from launcher.flare import ClientHelmJobLauncher
from tests.cluster.conftest import meta
from tests.contract.flare import flare_side
from tests.contract.flare.case import Case, write_workspace

__all__ = ["SITE", "Parent"]

SITE = "site-1"


class Parent:
    """The parent of one site, with its launcher; ``arguments`` are further ones of the launcher."""

    def __init__(self, root: Path, namespace: str, image: str, **arguments: object) -> None:
        self.root, self.image = root, image
        self.job = str(uuid.uuid4())
        write_workspace(root, self._case({}))
        self.launcher = ClientHelmJobLauncher(
            config_file_path=os.environ["KUBECONFIG"],
            namespace=namespace,
            ephemeral_storage="32Mi",
            **arguments,
        )

    def launch(self, script: str = "true", **k8s: object) -> JobHandleSpec:
        """Launch a job whose process is a shell script."""
        job_meta = {"job_id": self.job, **meta(self.image, python_path="sh", **k8s)}
        return self.launcher.launch_job(job_meta, self.context(script))

    def start(self) -> None:
        """Fire what FLARE fires when a parent starts."""
        self.launcher.handle_event(EventType.SYSTEM_START, self.context(""))

    def context(self, script: str) -> FLContext:
        """Return FLARE's context, in which `sh -u -m -c SCRIPT` is the job process."""
        made = flare_side.context(self._case({"job_id": self.job}), self.root)
        process = {
            JobProcessArgs.EXE_MODULE: ("-m", "-c"),
            JobProcessArgs.WORKSPACE: (script, "sh"),
            JobProcessArgs.AUTH_TOKEN: ("-t", "canary-token"),
        }
        made.set_prop(FLContextKey.JOB_PROCESS_ARGS, process, private=True, sticky=False)
        self.cell = made.get_engine().cell
        return made

    @property
    def transfer(self) -> object:
        """The record of the job's workspace transfer, None when there is none."""
        return WorkspaceTransferManager.get_or_create(self.cell)._get_record(self.job)

    def close(self) -> None:
        """Stop the watches of the launcher."""
        for service in self.launcher._services.made:
            service.world.pods.stop()

    @staticmethod
    def _case(job_meta: dict) -> Case:
        return Case(meta={"job_id": "none", **job_meta}, site=SITE, options=None)


if __name__ == "__main__":
    Parent(Path(sys.argv[1]), *sys.argv[2:4]).launch("sleep 300")
    threading.Event().wait()
