"""What helm does without a cluster: it renders the chart, and tells its version."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from launcher.edges.helm import parsing
from launcher.edges.helm.child import ChildFailed
from launcher.edges.helm.failures.explain import Call, explain
from launcher.edges.helm.program import HelmProgram
from launcher.errors import ToolMissing

__all__ = ["HelmOffline"]

# The chart reads no version. Given so that every helm renders alike: a helm 3 that was built without version
# stamps claims Kubernetes 1.20, and the chart's kubeVersion would refuse that.
_RENDER_AS_KUBERNETES = "1.36.0"


class HelmOffline:
    """One chart, and the program that renders it.

    Args:
        chart: its folder or archive, or what returns that when it is needed.
        program: runs helm.
    """

    def __init__(self, chart: Path | Callable[[], Path], program: HelmProgram) -> None:
        self._chart = chart
        self._program = program

    def template(self, name: str, namespace: str, values: Mapping[str, Any]) -> str:
        """Return the manifests as YAML text; the same for the same arguments, chart and helm.

        Raises:
            InvalidInput: the values or the chart are wrong, with the key path or the file.
            ToolMissing: there is no helm.
            LauncherError: the chart cannot be had.
        """
        parsing.check_names(name, namespace)
        args = ["template", name, self._chart_at(), "--namespace", namespace]
        # What `helm test` would make is no part of an install.
        args += ["--skip-tests", "--kube-version", _RENDER_AS_KUBERNETES, "--values", "-"]
        # Not through pyhelm3: importing it takes longer than helm takes to render.
        stdin = parsing.values_json(values)
        try:
            return self._program.run_offline(args, stdin)
        except ChildFailed as failed:
            raise explain(failed, self._call("template", name, namespace)) from failed

    def version(self) -> str:
        """Return what ``helm version`` says, such as ``v4.3.0``.

        Raises:
            ToolMissing: there is no helm.
        """
        try:
            return self._program.run_offline(["version", "--template", "{{ .Version }}"]).strip()
        except ChildFailed as failed:
            raise ToolMissing(
                f"{self._program.helm} does not tell its version: {failed.text.strip()}",
                cure="install helm 4.3",
            ) from failed

    def _chart_at(self) -> str:
        """Return the chart as helm reads it; raises a LauncherError where it cannot be had."""
        return str(self._chart() if callable(self._chart) else self._chart)

    def _call(self, verb: str, name: str, namespace: str) -> Call:
        return Call(
            verb=verb,
            name=name,
            namespace=namespace,
            helm=self._program.helm,
            kubeconfig=self._program.kubeconfig_text,
            login=lambda: self._program.loader.login,
            seconds=self._program.timeout_seconds,
        )
