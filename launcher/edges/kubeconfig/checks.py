"""What is refused before anything is made: what kubectl refuses, and what one of both halves cannot do."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

__all__ = ["faults"]

Entry = Mapping[str, Any]
# Why an entry cannot be used, and the cure; a cure that is empty = correct the file.
Fault = tuple[str, str]

_API_VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")
_PROXIES = ("http", "https")
_HEADERS = ("token", "username", "password", "as", "as-uid")


def faults(cluster: Entry, user: Entry, proxy: str) -> Iterator[Fault]:
    """Yield what is wrong with a cluster, its user and the proxy between them; no credential is quoted."""
    yield from _server(cluster)
    yield from _authority(cluster)
    yield from _proxy(proxy)
    yield from _provider(user)
    yield from _methods(user)
    yield from _certificate(user)
    yield from _texts(user)
    yield from _impersonation(user)
    if "exec" in user:
        yield from _program(user["exec"])


def _server(cluster: Entry) -> Iterator[Fault]:
    server = cluster.get("server", "")
    if not server:
        yield "there is no server in the cluster", "set `server` of the cluster"
        return
    try:
        url = urlsplit(server)
        good = url.scheme in ("http", "https") and bool(url.hostname) and (url.port or 1) > 0
    except ValueError:
        good = False
    if not good or any(char.isspace() or not char.isprintable() for char in server):
        yield f"server {server!r} is no address", "write `server: https://HOST:PORT`, without white space"
    elif url.username is not None or url.query or url.fragment:
        yield "server has more than an address and a path", "write `server: https://HOST:PORT/PATH`"


def _authority(cluster: Entry) -> Iterator[Fault]:
    names = {"certificate-authority", "certificate-authority-data"} & cluster.keys()
    if len(names) > 1:
        yield "certificate-authority and certificate-authority-data are both set", "keep one of them"
    if names and cluster.get("insecure-skip-tls-verify"):
        yield f"{min(names)} and insecure-skip-tls-verify are both set", "keep one of them"
    yield from _unreadable(cluster, "certificate-authority")


def _proxy(proxy: str) -> Iterator[Fault]:
    if not proxy:
        return
    try:
        url = urlsplit(proxy)
        scheme, good = url.scheme, bool(url.hostname) and (url.port or 1) > 0
    except ValueError:
        scheme, good = "", False
    if any(char.isspace() or not char.isprintable() for char in proxy):
        good = False
    if scheme.startswith("socks"):
        yield f"a proxy of scheme {scheme} serves helm, not the watch", "use a proxy of scheme http or https"
    elif not good or scheme not in _PROXIES:
        yield "the proxy is no address", "write `proxy-url: http://HOST:PORT`, or HTTPS_PROXY like that"


def _provider(user: Entry) -> Iterator[Fault]:
    if "auth-provider" in user:
        name = user["auth-provider"].get("name")
        yield f"auth-provider {name!r} serves helm, not the watch", "use a credential program (`exec`)"


def _methods(user: Entry) -> Iterator[Fault]:
    if "token" in user and ("username" in user or "password" in user):
        yield "token and username are both set", "keep one way to log in"


def _certificate(user: Entry) -> Iterator[Fault]:
    certificates = {"client-certificate", "client-certificate-data"} & user.keys()
    keys = {"client-key", "client-key-data"} & user.keys()
    if not certificates:
        return
    if len(certificates) > 1:
        yield "client-certificate and client-certificate-data are both set", "keep one of them"
    if len(keys) > 1:
        yield "client-key and client-key-data are both set", "keep one of them"
    if not keys:
        yield "a client-certificate has no key", "set client-key or client-key-data"
    yield from _unreadable(user, "client-certificate")
    yield from _unreadable(user, "client-key")


def _texts(user: Entry) -> Iterator[Fault]:
    """HTTP headers hold one line."""
    for name in _HEADERS:
        if not _is_header(user.get(name, "")):
            yield f"{name} has a line end or control character", f"write {name} in one line, without `|`"
    yield from _unreadable(user, "tokenFile")


def _impersonation(user: Entry) -> Iterator[Fault]:
    more = [name for name in ("as-uid", "as-groups", "as-user-extra") if name in user]
    if more and "as" not in user:
        yield f"{more[0]} is set without a user", "set `as`, or HELM_KUBEASUSER"
    groups, extra = user.get("as-groups", []), user.get("as-user-extra", {})
    lists = [("as-groups", groups), *(("as-user-extra", values) for values in extra.values())]
    for name, values in lists:
        texts = isinstance(values, list) and all(isinstance(value, str) for value in values)
        if not texts or not all(map(_is_header, values)):
            yield f"{name} must hold lists of texts in one line", f"correct {name} of the user"


def _program(program: Entry) -> Iterator[Fault]:
    rows: tuple[tuple[Callable[[], bool], str, str], ...] = (
        (
            lambda: not isinstance(program.get("command"), str) or not program["command"],
            "exec has no command",
            "set `command` of the credential program",
        ),
        (
            lambda: program.get("apiVersion") not in _API_VERSIONS,
            f"exec has apiVersion {program.get('apiVersion')!r}",
            f"write `apiVersion: {_API_VERSIONS[0]}`, and update the program",
        ),
        (
            lambda: program.get("apiVersion") == _API_VERSIONS[0] and not program.get("interactiveMode"),
            "exec has no interactiveMode",
            "write `interactiveMode: Never`",
        ),
        (
            lambda: program.get("interactiveMode") not in (None, "", "Never", "IfAvailable"),
            f"exec has interactiveMode {program.get('interactiveMode')!r}, and nobody can answer here",
            "write `interactiveMode: IfAvailable`",
        ),
        (lambda: not _are_arguments(program), "args or env of exec are no texts", "quote them"),
    )
    for is_wrong, why, cure in rows:
        if is_wrong():
            yield why, cure


def _are_arguments(program: Entry) -> bool:
    args, env = program.get("args") or [], program.get("env") or []
    return (
        isinstance(args, list)
        and all(isinstance(arg, str) for arg in args)
        and isinstance(env, list)
        and all(isinstance(item, Mapping) for item in env)
        and all(isinstance(item.get(key), str) for item in env for key in ("name", "value"))
    )


def _unreadable(entry: Entry, name: str) -> Iterator[Fault]:
    path = entry.get(name)
    if path is None:
        return
    try:
        Path(path).open("rb").close()
    except (OSError, ValueError) as error:
        why = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "no such path"
        yield f"{name} {path} cannot be read: {why}", f"correct {name}, or the rights of the file"


def _is_header(value: str) -> bool:
    return all(char == "\t" or (ord(char) >= ord(" ") and char != "\x7f") for char in value)
