"""Runs the programs that ask a registry, helm and cosign, with the same credentials."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from launcher.core.chart_reference import ChartReference
from launcher.core.foreign import quoted
from launcher.edges.charts.failures import COSIGN, PULL, explain
from launcher.edges.charts.logins import config_files, known_of
from launcher.edges.helm.child import ChildFailed, HelmProcess
from launcher.edges.helm.program import helm_executable
from launcher.edges.kubeconfig.child_env import child_env
from launcher.errors import Reason, Rejected, ToolMissing

__all__ = ["RegistryPrograms", "env_of_helm"]

# As long as any other run of helm.
_SECONDS = 45.0
_DIGEST_LINE = "Digest: "


@dataclass(frozen=True, kw_only=True)
class RegistryPrograms:
    """How helm and cosign are run.

    Attributes:
        helm: name or path of helm.
        cosign: name or path of cosign.
        environ: the launcher's environment; the programs get a part of it.
        pass_env: names of further variables, for programs that hold credentials.
    """

    helm: str
    cosign: str
    environ: Mapping[str, str] = field(repr=False)
    pass_env: Iterable[str] = ()

    def pull(self, chart: ChartReference, folder: Path) -> tuple[Path, str]:
        """Fetch a chart into an empty folder: by its tag where it has one, else by its digest.

        Returns:
            The archive, and the digest of the manifest that the registry has given. What helm has written
            has the bytes that the manifest names, and the manifest those of its digest.

        Raises:
            Denied, NotFound, InvalidInput, Rejected, Unavailable, ToolMissing: there is nothing in it.
        """
        env = self._env(folder)
        named = chart.by_tag if chart.tag else chart.by_digest
        to = folder / "pulled"
        args = ["pull", named, "--destination", str(to), *(("--plain-http",) if chart.is_loopback else ())]
        to.mkdir()
        try:
            said = _run(helm_executable(self.helm, env), args, env)
        except ChildFailed as failed:
            raise explain(failed, PULL, chart, "helm") from failed
        digest = next(
            (line.removeprefix(_DIGEST_LINE) for line in said.splitlines() if _DIGEST_LINE in line), ""
        )
        archives = sorted(to.iterdir())
        if not digest or len(archives) != 1:
            why = f"chart {chart}: helm pull printed no digest, or wrote {len(archives)} files"
            raise Rejected(why, reason=Reason.CHART_NOT_FETCHED, cure="install helm 4.3 (3.22 works)")
        return archives[0], digest.strip()

    def verify(self, chart: ChartReference, key: bytes, folder: Path) -> None:
        """Check that the digest of a chart is signed with a key; nothing but the registry is asked.

        Args:
            chart: the chart.
            key: cosign's public key, PEM.
            folder: for what the program needs meanwhile.

        Raises:
            InvalidInput, Rejected, Unavailable, Denied, ToolMissing: it is not, or nobody can tell.
        """
        env = self._env(folder)
        executable = shutil.which(self.cosign, path=env.get("PATH"))
        if executable is None:
            raise ToolMissing(
                f"chart {chart}: `chart_key` is set, and there is no program {quoted(self.cosign)}",
                cure="install cosign 3.1, or set `cosign` to its path",
            )
        (folder / "key.pub").write_bytes(key)
        args = ["verify", "--key", str(folder / "key.pub"), "--insecure-ignore-tlog=true", "--output", "json"]
        args += ["--allow-http-registry=true"] if chart.is_loopback else []
        try:
            _run(executable, [*args, f"{chart.image}@{chart.digest}"], _with_login(env, chart, folder))
        except ChildFailed as failed:
            raise explain(failed, COSIGN, chart, "cosign") from failed

    def _env(self, folder: Path) -> dict[str, str]:
        return env_of_helm(self.environ, self.pass_env, folder)


def env_of_helm(environ: Mapping[str, str], pass_env: Iterable[str], folder: Path) -> dict[str, str]:
    """Return the environment of both programs: no cluster, and no cache of helm, which keeps what is refused.

    Args:
        environ: the launcher's environment.
        pass_env: names of further variables of it.
        folder: for a cache that goes with it.
    """
    env = child_env(environ, (*pass_env, "DOCKER_CONFIG"))
    env = {name: value for name, value in env.items() if not name.startswith("HELM_CONTENT_CACHE")}
    return {**env, "KUBECONFIG": "/dev/null", "HELM_CACHE_HOME": str(folder / "helm")}


def _with_login(env: Mapping[str, str], chart: ChartReference, folder: Path) -> dict[str, str]:
    """Return the environment of cosign, which finds helm's credentials where it looks for docker's.

    Helm asks its own file first and docker's then; the form of both is the same.
    """
    file, _ = config_files(env)
    known = known_of(file)
    entries = (known.get(key) for key in ("auths", "credHelpers"))
    if "credsStore" not in known and not any(
        isinstance(one, Mapping) and chart.host in one for one in entries
    ):
        return dict(env)
    (folder / "docker").mkdir()
    (folder / "docker" / "config.json").symlink_to(file.absolute())
    return {**env, "DOCKER_CONFIG": str(folder / "docker")}


def _run(executable: str, args: Sequence[str], env: Mapping[str, str]) -> str:
    process = HelmProcess(executable=executable, env=env, deadline_seconds=_SECONDS)
    try:
        # Helm 4 prints the digest on stdout, Helm 3 on stderr.
        return b"\n".join(process.both(args)).decode(errors="replace")
    except OSError as error:
        cure = "install the one for this machine"
        raise ToolMissing(f"{executable} cannot be run: {error.strerror}", cure=cure) from error
