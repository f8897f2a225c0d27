"""FLARE's own launcher, driven through ``launch_job``; what it sends to the API server is recorded."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kubernetes.client import V1ObjectMeta, V1Pod, V1PodStatus
from nvflare.apis.fl_constant import FLContextKey
from nvflare.apis.fl_context import FLContext, FLContextManager
from nvflare.apis.job_launcher_spec import JobProcessArgs
from nvflare.apis.workspace import Workspace
from nvflare.app_opt.job_launcher.k8s_launcher import (
    ClientK8sJobLauncher,
    K8sJobLauncher,
    ServerK8sJobLauncher,
)

from launcher.core.spec.jobspec import Role
from tests.contract.flare.case import Case

__all__ = ["FlareLaunch", "Recorder", "arguments", "context", "launch", "make_launcher"]

_NAMES = {
    Role.CLIENT: {
        "-m": JobProcessArgs.WORKSPACE,
        "-w": JobProcessArgs.STARTUP_DIR,
        "-n": JobProcessArgs.JOB_ID,
        "-c": JobProcessArgs.CLIENT_NAME,
        "-p": JobProcessArgs.PARENT_URL,
        "--parent_conn_sec": JobProcessArgs.PARENT_CONN_SEC,
        "-g": JobProcessArgs.TARGET,
        "-scheme": JobProcessArgs.SCHEME,
        "-s": JobProcessArgs.STARTUP_CONFIG_FILE,
    },
    Role.SERVER: {
        "-m": JobProcessArgs.WORKSPACE,
        "-s": JobProcessArgs.STARTUP_CONFIG_FILE,
        "-r": JobProcessArgs.APP_ROOT,
        "-n": JobProcessArgs.JOB_ID,
        "-p": JobProcessArgs.PARENT_URL,
        "--parent_conn_sec": JobProcessArgs.PARENT_CONN_SEC,
        "-u": JobProcessArgs.ROOT_URL,
        "--host": JobProcessArgs.SERVICE_HOST,
        "--port": JobProcessArgs.SERVICE_PORT,
    },
}
_MODULES = {
    Role.CLIENT: "nvflare.private.fed.app.client.worker_process",
    Role.SERVER: "nvflare.private.fed.app.server.runner_process",
}
_LAUNCHERS: dict[Role, Callable[..., K8sJobLauncher]] = {
    Role.CLIENT: ClientK8sJobLauncher,
    Role.SERVER: ServerK8sJobLauncher,
}


@dataclass
class Recorder:
    """The methods of a Kubernetes client that a launch uses: every pod runs at once, every body is recorded."""

    pods: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    secrets: dict[str, dict[str, Any]] = field(default_factory=dict)

    def create_namespaced_secret(self, namespace: str, body: dict[str, Any]) -> None:
        assert body["metadata"]["namespace"] == namespace
        self.secrets[body["metadata"]["name"]] = body

    def patch_namespaced_secret(self, name: str, namespace: str, body: dict[str, Any]) -> None:
        assert self.secrets[name]["metadata"]["namespace"] == namespace
        self.secrets[name]["metadata"] |= body["metadata"]

    def delete_namespaced_secret(self, name: str, namespace: str) -> None:
        assert self.secrets.pop(name)["metadata"]["namespace"] == namespace

    def create_namespaced_pod(self, body: dict[str, Any], namespace: str) -> V1Pod:
        self.pods.append((namespace, body))
        return V1Pod(metadata=V1ObjectMeta(uid="uid-1"))

    def read_namespaced_pod(self, name: str, namespace: str) -> V1Pod:
        return V1Pod(
            metadata=V1ObjectMeta(name=name, namespace=namespace), status=V1PodStatus(phase="Running")
        )


class _Cell:
    """A parent's cell: it has a name and takes request handlers."""

    def __init__(self, fqcn: str) -> None:
        self._fqcn = fqcn

    def get_fqcn(self) -> str:
        return self._fqcn

    def register_request_cb(self, channel: str, topic: str, cb: Callable[..., Any]) -> None:
        """Nothing is requested."""


@dataclass(frozen=True)
class _Engine:
    cell: _Cell


@dataclass(frozen=True)
class FlareLaunch:
    """What FLARE sent, and how long it would wait for resources."""

    namespace: str
    pod: dict[str, Any]
    secrets: dict[str, dict[str, Any]]
    pending_timeout: float | None


def make_launcher(case: Case, root: Path) -> K8sJobLauncher:
    """Return FLARE's launcher of the case's role with the case's arguments."""
    return _LAUNCHERS[case.role](config_file_path=None, **arguments(case, root))


def arguments(case: Case, root: Path) -> dict[str, Any]:
    """Return the constructor arguments of the case with the path of its workspace."""
    given = dict(case.arguments)
    path = given.get("study_data_pvc_file_path")
    if path and isinstance(path, str):
        given["study_data_pvc_file_path"] = str(root / path)
    return given


def launch(case: Case, root: Path) -> FlareLaunch:
    """Launch the case with FLARE; ``root`` is the workspace of the case.

    Raises whatever FLARE raises.
    """
    recorder = Recorder()
    flare = make_launcher(case, root)
    flare.core_v1 = recorder
    handle = flare.launch_job(dict(case.meta), context(case, root))
    assert len(recorder.pods) == 1, "no pod was created"
    (namespace, pod) = recorder.pods[0]
    return FlareLaunch(namespace, pod, recorder.secrets, handle.pending_timeout)


def context(case: Case, root: Path) -> FLContext:
    """Return the context in which FLARE's parent launches the case."""
    manager = FLContextManager(engine=_Engine(_Cell(case.site)), identity_name=case.site, job_id=case.job_id)
    context = manager.new_context()
    values = {
        FLContextKey.WORKSPACE_OBJECT: Workspace(str(root), case.site),
        FLContextKey.ARGS: argparse.Namespace(
            workspace=str(root), set=None if case.options is None else list(case.options)
        ),
        FLContextKey.JOB_PROCESS_ARGS: _process_arguments(case),
    }
    for key, value in values.items():
        context.set_prop(key, value, private=True, sticky=False)
    return context


def _process_arguments(case: Case) -> dict[str, tuple[str, Any]]:
    token, signature, ssid = case.credentials
    names = _NAMES[case.role]
    return {
        JobProcessArgs.EXE_MODULE: ("-m", _MODULES[case.role]),
        JobProcessArgs.AUTH_TOKEN: ("-t", token),
        JobProcessArgs.TOKEN_SIGNATURE: ("-ts", signature),
        JobProcessArgs.SSID: ("-d", ssid),
        JobProcessArgs.OPTIONS: ("--set", "never read by a pod"),
        **{names[flag]: (flag, value) for flag, value in case.flags.items() if flag in names},
    }
