"""The job process that a parent of FLARE starts: what it runs, and which credentials it is handed."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass

from launcher.core.names import credential_secret_name, pod_name, startup_secret_name
from launcher.core.spec.assemble import Request
from launcher.core.spec.jobspec import EnvVar, Role, SecretKey

__all__ = ["CREDENTIALS", "OWNER", "PROCESS", "TRANSFER_TOKEN", "JobProcess"]

# The names of FLARE 2.9 (`JobProcessEnv`, `workspace_cell_transfer`): `fljob` reads kits where no FLARE is.
OWNER, TRANSFER_TOKEN = "NVFL_WORKSPACE_OWNER_FQCN", "NVFL_WORKSPACE_TRANSFER_TOKEN"
CREDENTIALS = ("NVFLARE_JOB_AUTH_TOKEN", "NVFLARE_JOB_TOKEN_SIGNATURE", "NVFLARE_JOB_SSID")

# The module that a parent has a job process run.
PROCESS = {
    Role.CLIENT: "nvflare.private.fed.app.client.worker_process",
    Role.SERVER: "nvflare.private.fed.app.server.runner_process",
}


@dataclass(frozen=True, kw_only=True)
class JobProcess:
    """One launch as FLARE's parent describes it, without the values of credentials.

    Attributes:
        job_id: FLARE's job id, verbatim.
        site: identity name of this site.
        study: name of the study, empty for none.
        custom: custom folder of the app, relative to the workspace; empty = none.
        owner: name of the parent's CellNet cell.
        module: Python module of the job process.
        flags: (flag, value) of each argument, in order.
        options: values of ``--set``; None = no such flag.
        secrets: names of the environment variables that come from the per-job Secret.
        federation: federation mark of the parent.
    """

    job_id: str
    site: str
    study: str
    custom: str
    owner: str
    module: str
    flags: tuple[tuple[str, str], ...]
    options: tuple[str, ...] | None
    secrets: tuple[str, ...]
    federation: str

    def request(self, role: Role, mount_path: str) -> Request:
        """Return the launch request; it refers to the credentials by Secret key only.

        Args:
            role: of the job process.
            mount_path: where the workspace is mounted in the job's pod.
        """
        secret = credential_secret_name(pod_name(self.job_id, self.site))
        words = [word for flag in self.flags for word in flag]
        options = ("--set", *self.options) if self.options else ()
        custom = [EnvVar("PYTHONPATH", posixpath.join(mount_path, self.custom))] if self.custom else []
        return Request(
            job_id=self.job_id,
            site=self.site,
            role=role,
            study=self.study,
            args=("-u", "-m", self.module, *words, *options),
            env=(*custom, EnvVar(OWNER, self.owner)),
            secret_env=tuple(EnvVar(name, secret=SecretKey(secret, name)) for name in self.secrets),
            startup_secret=startup_secret_name(self.site),
            federation=self.federation,
        )
