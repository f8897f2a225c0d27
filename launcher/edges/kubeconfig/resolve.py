"""One cluster and one user out of kubeconfig files, settings and environment, as kubectl finds them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from launcher.core.foreign import quoted
from launcher.edges.kubeconfig.checks import Fault, faults
from launcher.edges.kubeconfig.files import Kubeconfig, load, unusable
from launcher.edges.kubeconfig.login import login_of
from launcher.edges.kubeconfig.overrides import blamed, over, with_environment
from launcher.edges.kubeconfig.proxy import proxy_from_env
from launcher.errors import InvalidInput, Reason

__all__ = ["ClientConfig", "Inputs", "files_of", "resolve"]

# Name of the context (empty = none), cluster, user.
Selected = tuple[str, Mapping[str, Any], Mapping[str, Any]]

_NAME = "fljob"
_MOST_NAMES = 8  # of contexts, in a message
_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What decides the cluster and the user.

    Attributes:
        kubeconfig: path of the one file to read; empty = those of KUBECONFIG, then ``~/.kube/config``.
        context: its context; empty = HELM_KUBECONTEXT, then the current one.
        environ: the environment.
    """

    kubeconfig: str = ""
    context: str = ""
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, kw_only=True)
class ClientConfig:
    """The cluster that is asked, and the user who asks; paths are absolute, nothing is left to resolve.

    Attributes:
        source: the files and the variables over them, for error messages.
        context: name of the context; empty when there is none.
        cluster: as in a kubeconfig.
        user: as in a kubeconfig.
        proxy: URL of the proxy, of the cluster or the environment; empty = none.
        login: the credentials in words, and where they are from.
    """

    source: str
    context: str
    cluster: Mapping[str, Any]
    user: Mapping[str, Any] = field(repr=False)
    proxy: str = field(default="", repr=False)
    login: str = ""

    @property
    def server(self) -> str:
        """The URL of the API server."""
        return str(self.cluster["server"])

    @property
    def secure(self) -> bool:
        """Whether credentials are sent; kubectl sends none over plain HTTP."""
        return self.server.lower().startswith("https://")

    def secrets(self) -> tuple[str, ...]:
        """Return the credentials in it, for masking, longest first."""
        found = [self.user.get("token", ""), self.user.get("password", "")]
        found.append(self.user.get("client-key-data", ""))
        return tuple(sorted(filter(None, found), key=len, reverse=True))

    def document(self) -> dict[str, Any]:
        """Return a kubeconfig of exactly this cluster and user."""
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": _NAME,
            "contexts": [{"name": _NAME, "context": {"cluster": _NAME, "user": _NAME}}],
            "clusters": [{"name": _NAME, "cluster": dict(self.cluster)}],
            "users": [{"name": _NAME, "user": dict(self.user)}],
        }


def files_of(inputs: Inputs) -> tuple[Path, ...]:
    """Return the kubeconfig files, existing or not, first to last."""
    if inputs.kubeconfig:
        return (_expanded(inputs.kubeconfig),)
    named = inputs.environ.get("KUBECONFIG", "")
    if named:
        return tuple(dict.fromkeys(Path(name) for name in named.split(os.pathsep) if name))
    home = inputs.environ.get("HOME", "")
    return (Path(home) / ".kube" / "config",) if home else ()


def resolve(inputs: Inputs) -> ClientConfig:
    """Return the cluster and the user.

    Raises:
        InvalidInput: there is none, or helm and the client could not both use it.
    """
    paths = files_of(inputs)
    source = os.pathsep.join(map(str, paths))
    named = bool(inputs.kubeconfig or inputs.environ.get("KUBECONFIG"))
    if named and not any(map(_exists, paths)):
        raise InvalidInput(
            f"there is no kubeconfig at {source or repr(inputs.environ['KUBECONFIG'])}",
            where="kubeconfig",
            cure="set --kubeconfig, KUBECONFIG or kubeconfig in fljob.yaml",
            reason=Reason.KUBECONFIG_MISSING,
        )
    merged = load(paths)
    if merged.is_empty and not named and _is_in_cluster(inputs.environ):
        context, cluster, user = _account(inputs.environ)
        source = "the service account of this pod"
    else:
        context, cluster, user = _selected(merged, inputs, source)
    environ = inputs.environ
    found, who = over(cluster, user, environ)
    if not found:
        raise _no_cluster(source, named=named)
    for fault in faults(found, who, found.get("proxy-url", "")):
        raise _refusal(source, context, fault, variable=blamed(fault, cluster, user, environ))
    name = str(merged.contexts.get(context, {}).get("user", ""))
    login = login_of(who, name, source, variable="HELM_KUBETOKEN" if environ.get("HELM_KUBETOKEN") else "")
    whole = with_environment(source, environ, inputs.context)
    return replace(_behind_proxy(whole, context, found, who, environ), login=login)


def _expanded(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError:  # ~nosuch
        return Path(text)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except PermissionError:
        return True  # reading it tells why
    except (OSError, ValueError):
        return False


def _no_cluster(source: str, *, named: bool) -> InvalidInput:
    if named:
        return unusable(source, "there is no cluster in it", reason=Reason.KUBECONFIG_MISSING)
    return InvalidInput(
        f"there is no kubeconfig at {source or '~/.kube/config'}, or no cluster in it",
        where="kubeconfig",
        cure="set --kubeconfig, KUBECONFIG or kubeconfig in fljob.yaml",
        reason=Reason.KUBECONFIG_MISSING,
    )


def _no_context(source: str, name: str, merged: Kubeconfig, *, variable: str) -> InvalidInput:
    names = sorted(merged.contexts)
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    has = ", ".join(names[:_MOST_NAMES]) + more
    if not variable:
        why = f"there is no context {name}; there is {has}"
        return unusable(source, why, reason=Reason.CONTEXT_MISSING)
    why, cure = f"there is no context {name} in {source}; there is {has}", f"correct {variable}, or unset it"
    return InvalidInput(why, where=variable, cure=cure, reason=Reason.CONTEXT_MISSING)


def _is_in_cluster(environ: Mapping[str, str]) -> bool:
    return bool(environ.get("KUBERNETES_SERVICE_HOST")) and not environ.get("HELM_KUBEAPISERVER")


def _account(environ: Mapping[str, str]) -> Selected:
    """Return the cluster and user of a pod."""
    host, port = environ["KUBERNETES_SERVICE_HOST"], environ.get("KUBERNETES_SERVICE_PORT") or "443"
    cluster = {
        "server": f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}",
        "certificate-authority": str(_ACCOUNT / "ca.crt"),
    }
    if not (_ACCOUNT / "token").is_file():
        raise InvalidInput(
            f"the in-cluster configuration is incomplete: there is no {_ACCOUNT / 'token'}",
            cure="mount a service account token",
        )
    return "", cluster, {"tokenFile": str(_ACCOUNT / "token")}


def _selected(merged: Kubeconfig, inputs: Inputs, source: str) -> Selected:
    """Return the name, the cluster and the user of the context; empty where the files have none."""
    name = inputs.context or inputs.environ.get("HELM_KUBECONTEXT", "") or merged.current_context
    if not name:
        if merged.clusters and not inputs.environ.get("HELM_KUBEAPISERVER"):
            cure = "set current-context with `kubectl config use-context NAME`, or --context"
            raise unusable(source, "no context is chosen", cure=cure, reason=Reason.CONTEXT_MISSING)
        return "", {}, {}
    if name not in merged.contexts:
        if not merged.contexts:
            return name, {}, {}
        given = inputs.context or not inputs.environ.get("HELM_KUBECONTEXT")
        raise _no_context(source, name, merged, variable="" if given else "HELM_KUBECONTEXT")
    context = merged.contexts[name]
    cluster, user = str(context.get("cluster", "")), str(context.get("user", ""))
    if cluster not in merged.clusters and not inputs.environ.get("HELM_KUBEAPISERVER"):
        raise unusable(source, f"there is no cluster {quoted(cluster)}, which context {quoted(name)} names")
    if user and user not in merged.users and not inputs.environ.get("HELM_KUBETOKEN"):
        # kubectl asks a terminal for a name and a password, helm asks the server as nobody.
        raise unusable(source, f"there is no user {quoted(user)}, which context {quoted(name)} names")
    return name, merged.clusters.get(cluster, {}), merged.users.get(user, {})


def _refusal(source: str, context: str, fault: Fault, *, variable: str) -> InvalidInput:
    why, cure = fault
    if variable:
        cure = f"correct {variable}, or unset it"
        return InvalidInput(why, where=variable, cure=cure, reason=Reason.KUBECONFIG_INVALID)
    shown = (
        f"{source} cannot be used with context {quoted(context)}" if context else f"{source} cannot be used"
    )
    return InvalidInput(f"{shown}: {why}", where="kubeconfig", cure=cure, reason=Reason.KUBECONFIG_INVALID)


def _behind_proxy(
    source: str,
    context: str,
    cluster: Mapping[str, Any],
    user: Mapping[str, Any],
    environ: Mapping[str, str],
) -> ClientConfig:
    proxy = cluster.get("proxy-url", "")
    server = str(cluster["server"])
    if not proxy:
        proxy = proxy_from_env(server, environ)
        for why, cure in faults({"server": server}, {}, proxy):
            raise InvalidInput(
                why, where="HTTPS_PROXY" if server.startswith("https") else "HTTP_PROXY", cure=cure
            )
    several = [user.get("as-groups", ()), *user.get("as-user-extra", {}).values()]
    if proxy and server.startswith("http:") and any(len(values) > 1 for values in several):
        # urllib3 joins headers of one name there, and the API server would see one group "a, b".
        why = "several groups of `as-groups`, or values of `as-user-extra`, behind a proxy over plain HTTP"
        raise unusable(source, why, cure="write `server: https://...`, or set NO_PROXY")
    return ClientConfig(source=source, context=context, cluster=cluster, user=user, proxy=proxy)
