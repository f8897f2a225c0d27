"""Which helm is run, in which environment, with which command."""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from launcher.core.catalogue.reasons import cure_of
from launcher.core.foreign import quoted
from launcher.core.measured import Instruments, NoInstruments
from launcher.edges.disk.documents import is_file, is_folder
from launcher.edges.helm.child import ChildFailed, Ended, HelmProcess
from launcher.edges.helm.counting import counted
from launcher.edges.helm.environment import cluster_env, offline_env
from launcher.edges.helm.slots import Slots
from launcher.edges.kubeconfig import ClientConfig, ClientConfigLoader
from launcher.errors import Reason, ToolMissing

if TYPE_CHECKING:
    from launcher.edges.helm.command import HelmCommand

__all__ = ["HelmProgram", "helm_executable"]

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class HelmProgram:
    """The helm program and its cluster; the fields are those of ``HelmReleases``.

    Attributes:
        installs: the slots for what installs a release.
        removals: the slots for everything else, so that an abort never waits behind installs.
        instruments: count the runs.
    """

    helm: str
    loader: ClientConfigLoader
    driver: str
    timeout_seconds: float
    installs: Slots
    removals: Slots
    instruments: Instruments = field(default_factory=NoInstruments)

    @property
    def kubeconfig_text(self) -> str:
        """The kubeconfig for an error message; empty = the default one."""
        return self.loader.source

    def run(
        self,
        command: Callable[[HelmCommand], Coroutine[Any, Any, T]],
        *,
        slots: Slots | None = None,
        before: Callable[[], object] = lambda: None,
        cancel: threading.Event | None = None,
        die_with_parent: bool = True,
    ) -> T:
        """Run a command of :class:`HelmCommand` against the cluster when a slot is free; return its result.

        Args:
            command: the command.
            slots: where it waits for its turn; None = among the removals.
            before: called when its turn has come; what it raises is raised, and helm does not run.
            cancel: set by another thread to stop it, or to give its turn up.
            die_with_parent: send helm SIGTERM when the thread that started it dies.

        Raises:
            ChildFailed: helm failed or was stopped.
            InvalidInput: there is no usable kubeconfig.
            ToolMissing: there is no helm, or it cannot be run.
        """
        # Importing pyhelm3 costs a third of a second, which rendering must not pay.
        from launcher.edges.helm.command import HelmCommand, drive  # noqa: PLC0415

        asked = time.monotonic()
        with (slots or self.removals).one(cancel) as held:
            if not held:
                raise ChildFailed(Ended.NOT_STARTED, 0, "")
            before()
            process = self._process_for_cluster(cancel=cancel, die_with_parent=die_with_parent)
            helm = HelmCommand(process)
            try:
                with counted(self.instruments, helm, asked):
                    return drive(command(helm))
            except OSError as error:
                raise _not_runnable(process.executable, error) from error

    def _process_for_cluster(self, *, cancel: threading.Event | None, die_with_parent: bool) -> HelmProcess:
        env = cluster_env(self._parent(), driver=self.driver, also=self.loader.pass_env)
        config = self.loader.current()
        return self._process(env, config, cancel=cancel, die_with_parent=die_with_parent)

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
        return HelmProcess(
            executable=helm_executable(self.helm, env),
            env=env,
            kubeconfig=b"" if config is None else json.dumps(config.document()).encode(),
            secrets=() if config is None else config.secrets(),
            program="" if config is None else config.user.get("exec", {}).get("command", ""),
            deadline_seconds=self.timeout_seconds,
            cancel=cancel,
            die_with_parent=die_with_parent,
        )

    def _parent(self) -> Mapping[str, str]:
        return self.loader.environ


def helm_executable(helm: str, env: Mapping[str, str]) -> str:
    """Return the path of a helm that is named or is on the PATH of ``env``.

    Raises:
        ToolMissing: there is none.
    """
    executable = shutil.which(helm, path=env.get("PATH"))
    if executable is None:
        raise _no_program(helm)
    return executable


def _no_program(helm: str) -> ToolMissing:
    """Return the error for a name that is not on PATH, or a path that is no executable file."""
    path = Path(helm)
    if os.sep not in helm:
        return ToolMissing(
            f"there is no program {quoted(helm)} on PATH", cure="install helm 4.3, or set `helm` to its path"
        )
    why = "is a folder" if is_folder(path) else "is not executable" if is_file(path) else "is not there"
    return ToolMissing(f"the helm of the site, {helm}, {why}", cure="set `helm` to the path of helm 4.3")


def _not_runnable(executable: str, error: OSError) -> ToolMissing:
    reason = Reason.HELM_NOT_RUNNABLE
    return ToolMissing(f"{executable} cannot be run: {error.strerror}", cure=cure_of(reason), reason=reason)
