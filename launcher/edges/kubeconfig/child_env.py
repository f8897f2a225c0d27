"""The part of the environment that finds a cluster: what helm and credential programs get.

The launcher's own environment may hold credentials of the site, which helm, its plugins and such programs
must not get. A credential program gets the same whoever starts it, so that it answers the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

__all__ = ["BASIC", "child_env"]

# What every program needs.
BASIC = frozenset(
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
# The cluster and the user: they are in the kubeconfig that helm gets, as the client resolved them.
_RESOLVED = "HELM_KUBE"


def child_env(environ: Mapping[str, str], also: Iterable[str] = ()) -> dict[str, str]:
    """Return the part of ``environ`` that a child gets; ``also``: further names (``AWS_PROFILE``)."""
    names = BASIC | _FOR_CLUSTER | frozenset(also)
    return {
        name: value
        for name, value in environ.items()
        if name in names
        or (name.startswith("HELM_") and name not in _UNWANTED and not name.startswith(_RESOLVED))
    }
