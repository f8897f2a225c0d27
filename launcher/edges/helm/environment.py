"""The environment of helm: what it needs to find a cluster, and nothing else.

The launcher's own environment may hold credentials of the site, which helm, its plugins and its credential
helpers must not get.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

__all__ = ["cluster_env", "offline_env"]

_NEEDED = frozenset(
    {
        "PATH",
        "HOME",
        "TMPDIR",
        "XDG_CACHE_HOME",
        "XDG_CONFIG_HOME",
        "XDG_DATA_HOME",
        "SSL_CERT_DIR",
        "SSL_CERT_FILE",
    }
)
_FOR_CLUSTER = frozenset(
    {
        "KUBECONFIG",
        "KUBECACHEDIR",
        # A pod finds its API server by these two.
        "KUBERNETES_SERVICE_HOST",
        "KUBERNETES_SERVICE_PORT",
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
        *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    }
)
# HELM_DEBUG adds lines to stderr, which is classified; the namespace is always an option.
_UNWANTED = frozenset({"HELM_DEBUG", "HELM_NAMESPACE"})


def cluster_env(
    environ: Mapping[str, str],
    *,
    driver: str,
    kubeconfig: str = "",
    context: str = "",
    also: Iterable[str] = (),
) -> dict[str, str]:
    """Return the environment of a helm that talks to a cluster.

    Args:
        environ: the launcher's environment.
        driver: where helm stores releases: ``secret`` or ``configmap``.
        kubeconfig: path; empty = what ``environ`` says.
        context: kubeconfig context; empty = the current one.
        also: further names to pass on, for credential plugins (``AWS_PROFILE``).
    """
    names = _NEEDED | _FOR_CLUSTER | frozenset(also)
    env = {
        name: value
        for name, value in environ.items()
        if name in names or (name.startswith("HELM_") and name not in _UNWANTED)
    }
    env["HELM_DRIVER"] = driver
    if kubeconfig:
        env["KUBECONFIG"] = kubeconfig
    if context:
        env["HELM_KUBECONTEXT"] = context
    return env


def offline_env(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of ``helm template``: without a cluster, so that none can change the result."""
    env = {name: value for name, value in environ.items() if name in _NEEDED}
    env["KUBECONFIG"] = "/dev/null"  # a broken ~/.kube/config is not worth an error here
    return env
