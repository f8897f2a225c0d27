"""Which helm is run, in which environment, with which command."""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from launcher.core.catalogue.reasons import cure_of
from launcher.edges.disk.documents import is_file, is_folder
from launcher.edges.helm.child import HelmProcess
from launcher.edges.helm.environment import cluster_env, offline_env
from launcher.edges.kubeconfig import ClientConfig, ClientConfigLoader
from launcher.errors import Reason, ToolMissing

if TYPE_CHECKING:
    from launcher.edges.helm.command import HelmCommand

__all__ = ["HelmProgram"]

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class HelmProgram:
    """The helm program and its cluster; the fields are those of ``HelmReleases``."""

    helm: str
    loader: ClientConfigLoader
    driver: str
    timeout_seconds: float

    @property
    def kubeconfig_text(self) -> str:
        """The kubeconfig for an error message; empty = the default one."""
        return self.loader.source

    def run(
        self,
        command: Callable[[HelmCommand], Coroutine[Any, Any, T]],
        *,
        cancel: threading.Event | None = None,
        die_with_parent: bool = True,
    ) -> T:
        """Run a command of :class:`HelmCommand` against the cluster and return its result.

        Raises:
            ChildFailed: helm failed or was stopped.
            InvalidInput: there is no usable kubeconfig.
            ToolMissing: there is no helm, or it cannot be run.
        """
        # Importing pyhelm3 costs a third of a second, which rendering must not pay.
        from launcher.edges.helm.command import HelmCommand, drive  # noqa: PLC0415

        env = cluster_env(self._parent(), driver=self.driver, also=self.loader.pass_env)
        config = self.loader.current()
        process = self._process(env, config, cancel=cancel, die_with_parent=die_with_parent)
        try:
            return drive(command(HelmCommand(process)))
        except OSError as error:
            raise _not_runnable(process.executable, error) from error

    def run_offline(self, args: Sequence[str], stdin: bytes | None = None) -> str:
        """Run helm without a cluster and return its stdout; raises as :meth:`run`."""
        process = self._process(offline_env(self._parent()))
        try:
            return process.run(args, stdin).decode()
        except OSError as error:
            raise _not_runnable(process.executable, error) from error

    def _process(
        self,
        env: Mapping[str, str],
        config: ClientConfig | None = None,
        *,
        cancel: threading.Event | None = None,
        die_with_parent: bool = True,
    ) -> HelmProcess:
        executable = shutil.which(self.helm, path=env.get("PATH"))
        if executable is None:
            raise _no_program(self.helm)
        return HelmProcess(
            executable=executable,
            env=env,
            kubeconfig=b"" if config is None else json.dumps(config.document()).encode(),
            secrets=() if config is None else config.secrets(),
            deadline_seconds=self.timeout_seconds,
            cancel=cancel,
            die_with_parent=die_with_parent,
        )

    def _parent(self) -> Mapping[str, str]:
        return self.loader.environ


def _no_program(helm: str) -> ToolMissing:
    """Return the error for a name that is not on PATH, or a path that is no executable file."""
    path = Path(helm)
    if os.sep not in helm:
        return ToolMissing(
            f"there is no program {helm!r} on PATH", cure="install helm 4.3, or set `helm` to its path"
        )
    why = "is a folder" if is_folder(path) else "is not executable" if is_file(path) else "is not there"
    return ToolMissing(f"the helm of the site, {helm}, {why}", cure="set `helm` to the path of helm 4.3")


def _not_runnable(executable: str, error: OSError) -> ToolMissing:
    reason = Reason.HELM_NOT_RUNNABLE
    return ToolMissing(f"{executable} cannot be run: {error.strerror}", cure=cure_of(reason), reason=reason)
