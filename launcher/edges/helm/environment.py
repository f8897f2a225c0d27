"""The environment of helm: what it needs to find a cluster, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from launcher.edges.kubeconfig.child_env import BASIC, child_env

__all__ = ["cluster_env", "offline_env"]


def cluster_env(environ: Mapping[str, str], *, driver: str, also: Iterable[str] = ()) -> dict[str, str]:
    """Return the environment of a helm that talks to a cluster; it gets its KUBECONFIG when it is started.

    Args:
        environ: the launcher's environment.
        driver: where helm stores releases: ``secret`` or ``configmap``.
        also: further names to pass on, for credential plugins (``AWS_PROFILE``).
    """
    return {**child_env(environ, also), "HELM_DRIVER": driver}


def offline_env(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of ``helm template``: without a cluster, so that none can change the result."""
    env = {name: value for name, value in environ.items() if name in BASIC}
    env["KUBECONFIG"] = "/dev/null"  # a broken ~/.kube/config is not worth an error here
    return env
