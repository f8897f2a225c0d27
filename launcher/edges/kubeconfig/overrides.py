"""What helm's variables (``HELM_KUBE*``) change of a cluster and a user, and which of them has a fault."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from launcher.edges.kubeconfig.checks import Fault, faults

__all__ = ["blamed", "in_force", "over", "with_environment"]

Entry = Mapping[str, Any]

_CONTEXT = "HELM_KUBECONTEXT"
_INSECURE = "HELM_KUBEINSECURE_SKIP_TLS_VERIFY"
_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
# The server is last: without it a cluster may be none, which has no fault either.
_CHANGING = (
    *("HELM_KUBECAFILE", "HELM_KUBETLS_SERVER_NAME", _INSECURE),
    *("HELM_KUBETOKEN", "HELM_KUBEASUSER", "HELM_KUBEASGROUPS"),
    "HELM_KUBEAPISERVER",
)


def over(cluster: Entry, user: Entry, environ: Mapping[str, str]) -> tuple[Entry, Entry]:
    """Return cluster and user with the environment over them; a cluster without a server is empty."""
    return _cluster(cluster, environ), _user(user, environ)


def in_force(environ: Mapping[str, str], context: str = "") -> tuple[str, ...]:
    """Return the names of the variables that change something; ``context``: that of the settings."""
    names = tuple(name for name in _CHANGING if _changes(name, environ.get(name, "")))
    return names if context or not environ.get(_CONTEXT) else (_CONTEXT, *names)


def with_environment(source: str, environ: Mapping[str, str], context: str = "") -> str:
    """Return ``/k with HELM_KUBETOKEN of the environment`` for the kubeconfig ``/k`` in an error message."""
    names = in_force(environ, context)
    return f"{source} with {' and '.join(names)} of the environment" if names else source


def blamed(fault: Fault, cluster: Entry, user: Entry, environ: Mapping[str, str]) -> str:
    """Return the variable without which there is no such fault; empty = it is in the kubeconfig."""
    for name in in_force(environ, context="any"):
        others = {key: value for key, value in environ.items() if key != name}
        found, who = over(cluster, user, others)
        if fault not in faults(found, who, found.get("proxy-url", "")):
            return name
    return ""


def _changes(name: str, value: str) -> bool:
    if name == "HELM_KUBEASGROUPS":
        return bool(_groups(value))
    return value in _TRUE if name == _INSECURE else bool(value)


def _groups(value: str) -> list[str]:
    parts = (part.strip() for part in value.strip(", ").split(","))
    return [part for part in parts if part]


def _cluster(cluster: Entry, environ: Mapping[str, str]) -> Entry:
    """Return the cluster with what helm's environment changes of it."""
    found = dict(cluster)
    server, name = environ.get("HELM_KUBEAPISERVER", ""), environ.get("HELM_KUBETLS_SERVER_NAME", "")
    authority = environ.get("HELM_KUBECAFILE", "")
    insecure = environ.get(_INSECURE, "") in _TRUE
    if server:
        found["server"] = server
    if server or name:
        found.pop("tls-server-name", None)
    if name:
        found["tls-server-name"] = name
    if authority or insecure:
        for key in ("certificate-authority", "certificate-authority-data", "insecure-skip-tls-verify"):
            found.pop(key, None)
    if authority:
        found["certificate-authority"] = os.path.abspath(authority)  # noqa: PTH100 - a link may be renewed
    if insecure:
        found["insecure-skip-tls-verify"] = True
    server = found.get("server", "")
    if server and "://" not in server:
        found["server"] = f"http://{server}"
    return found if server else {}


def _user(user: Entry, environ: Mapping[str, str]) -> Entry:
    """Return the user with what helm's environment changes of it, and tokens without white space."""
    found = dict(user)
    over = {
        "token": environ.get("HELM_KUBETOKEN", ""),
        "as": environ.get("HELM_KUBEASUSER", ""),
        "as-groups": _groups(environ.get("HELM_KUBEASGROUPS", "")),
    }
    found.update({key: value for key, value in over.items() if value})
    if "token" in found:
        found["token"] = found["token"].strip(" \t")
    return found
