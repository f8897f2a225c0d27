"""Keeps the resolved cluster for as long as a parent lives, and its credentials fresh."""

from __future__ import annotations

import dataclasses
import logging
import os
import stat
import threading
from collections.abc import Mapping
from pathlib import Path

from launcher.edges.kubeconfig.overrides import in_force, with_environment
from launcher.edges.kubeconfig.resolve import ClientConfig, Inputs, files_of, resolve
from launcher.errors import LauncherError

__all__ = ["ClientConfigLoader"]

_LOG = logging.getLogger(__name__)


class ClientConfigLoader:
    """Resolves cluster and user once; helm and the client of one service share it, from any thread.

    Files that change are read again, so that a renewed token is used by both. The context and the server stay
    those of the start: a parent never looks for its jobs in another cluster.

    Args:
        kubeconfig: path of the one file; empty = KUBECONFIG, then ``~/.kube/config``, then in-cluster.
        context: context of the kubeconfig; empty = HELM_KUBECONTEXT, then the current one.
        environ: the environment; None = ``os.environ`` at the first use.
        pass_env: names of further variables that credential programs get (``AWS_PROFILE``).
    """

    def __init__(
        self,
        kubeconfig: str = "",
        context: str = "",
        *,
        environ: Mapping[str, str] | None = None,
        pass_env: tuple[str, ...] = (),
    ) -> None:
        self._kubeconfig, self._context, self._environ = kubeconfig, context, environ
        self.pass_env = pass_env
        self._lock = threading.Lock()
        self._inputs: Inputs | None = None
        self._config: ClientConfig | None = None
        self._seen: tuple[object, ...] = ()

    @property
    def environ(self) -> Mapping[str, str]:
        """The environment that helm and credential programs get a part of."""
        return os.environ if self._environ is None else self._environ

    @property
    def source(self) -> str:
        """The kubeconfig, and the variables over it, for an error message; empty = the default one."""
        environ = self.environ
        named = self._kubeconfig or environ.get("KUBECONFIG", "")
        if not named and in_force(environ, self._context):
            named = "~/.kube/config"
        return with_environment(named, environ, self._context)

    @property
    def login(self) -> str:
        """Where the credentials in use come from, for an error message."""
        config = self._config
        return config.login if config is not None else f"the credentials of kubeconfig {self.source}"

    def current(self) -> ClientConfig:
        """Return cluster and user.

        Raises:
            InvalidInput: there is none, or helm and the client could not both use it.
        """
        with self._lock:
            if self._config is None or self._inputs is None:
                inputs = Inputs(
                    kubeconfig=self._kubeconfig, context=self._context, environ=dict(self.environ)
                )
                seen = _signature(files_of(inputs))
                self._config = resolve(inputs)
                self._inputs = dataclasses.replace(inputs, context=self._config.context)
                self._seen = seen
            elif (seen := _signature(files_of(self._inputs))) != self._seen:
                self._seen = seen
                self._config = _renewed(self._config, self._inputs)
            return self._config


def _renewed(config: ClientConfig, inputs: Inputs) -> ClientConfig:
    """Return the configuration of files that have changed, or the earlier one where that cannot be."""
    try:
        new = resolve(inputs)
    except LauncherError as error:  # such as a file that is being written
        _LOG.warning("the kubeconfig has changed and is not read again: %s", error.message)
        return config
    if (new.server, new.proxy) != (config.server, config.proxy):
        _LOG.warning("kubeconfig %s now names another server, which is used after a restart", config.source)
        return config
    return new


def _signature(paths: tuple[Path, ...]) -> tuple[object, ...]:
    found: list[object] = []
    for path in paths:
        try:
            state = os.stat(path)  # noqa: PTH116 - a null byte in the path is a ValueError
        except (OSError, ValueError):
            found.append(None)
        else:
            # What is no file (`--kubeconfig <(...)`) can be read once, and a pipe's times change with that.
            is_file = stat.S_ISREG(state.st_mode)
            found.append((state.st_ino, state.st_mtime_ns, state.st_size) if is_file else "")
    return tuple(found)
