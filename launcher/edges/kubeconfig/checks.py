"""What is refused before anything is made: what kubectl refuses, and what one of both halves cannot do."""

from __future__ import annotations

import base64
import contextlib
import os
import re
import ssl
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from launcher.core.foreign import quoted

__all__ = ["Fault", "faults"]

Entry = Mapping[str, Any]
# Why an entry cannot be used, and the cure; a cure that is empty = correct the file.
Fault = tuple[str, str]

_API_VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")
_PROXIES = ("http", "https")
_BEGINS_PEM = b"-----BEGIN "
# Where Go finds no URL: `%zz`, and user information with characters that must be escaped.
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_USER_INFO = re.compile(r"[\w.~!$&'()*+,;=:%@-]{0,4096}", re.ASCII)
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
        good = good and not _BAD_ESCAPE.search(server)
    except ValueError:
        good = False
    if not good or any(char.isspace() or not char.isprintable() for char in server):
        # It may have a password or a token after these.
        shown = "server" if any(mark in server for mark in "@?#") else f"server {quoted(server)}"
        yield f"{shown} is no address", "write `server: https://HOST:PORT`, without white space"
    elif url.username is not None or url.query or url.fragment:
        yield "server has more than an address and a path", "write `server: https://HOST:PORT/PATH`"


def _authority(cluster: Entry) -> Iterator[Fault]:
    names = {"certificate-authority", "certificate-authority-data"} & cluster.keys()
    if len(names) > 1:
        yield "certificate-authority and certificate-authority-data are both set", "keep one of them"
    if names and cluster.get("insecure-skip-tls-verify"):
        yield f"{min(names)} and insecure-skip-tls-verify are both set", "keep one of them"
    yield from _unreadable(cluster, "certificate-authority")
    yield from _undecodable(cluster, "certificate-authority-data")
    yield from _no_authority(cluster)


def _no_authority(cluster: Entry) -> Iterator[Fault]:
    """Refuse what has no certificate: OpenSSL tells when it connects, which looks like a passing trouble."""
    data, file = cluster.get("certificate-authority-data", ""), cluster.get("certificate-authority")
    if not data and file is None:
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        if file is None:
            context.load_verify_locations(cadata=base64.b64decode(data).decode("ascii", "replace"))
        else:
            context.load_verify_locations(cafile=file)
    except ssl.SSLError:
        name = "certificate-authority-data" if file is None else f"certificate-authority {file}"
        yield (
            f"{name} has no certificate that can be read",
            "name a file with the authority's certificate in PEM",
        )
    except (OSError, ValueError):
        return  # told of above


def _proxy(proxy: str) -> Iterator[Fault]:
    if not proxy:
        return
    try:
        url = urlsplit(proxy)
        scheme, good = url.scheme, bool(url.hostname) and (url.port or 1) > 0
        user_info = url.netloc.rpartition("@")[0]
        good = good and not _BAD_ESCAPE.search(proxy) and bool(_USER_INFO.fullmatch(user_info))
    except ValueError:
        scheme, good = "", False
    if any(char.isspace() or not char.isprintable() for char in proxy):
        good = False
    if scheme.startswith("socks"):
        yield f"a proxy of scheme {scheme} serves helm, not the watch", "use a proxy of scheme http or https"
    elif not good or scheme not in _PROXIES:
        cure = (
            "write `proxy-url: http://HOST:PORT`, or HTTPS_PROXY like that; escape a password (`%25` for `%`)"
        )
        yield "the proxy is no address", cure


def _provider(user: Entry) -> Iterator[Fault]:
    if "auth-provider" in user:
        name = user["auth-provider"].get("name")
        yield f"auth-provider {quoted(name)} serves helm, not the watch", "use a credential program (`exec`)"


def _methods(user: Entry) -> Iterator[Fault]:
    if "token" in user and ("username" in user or "password" in user):
        yield "token and username are both set", "keep one way to log in"


def _certificate(user: Entry) -> Iterator[Fault]:
    certificates = {"client-certificate", "client-certificate-data"} & user.keys()
    keys = {"client-key", "client-key-data"} & user.keys()
    yield from _undecodable(user, "client-certificate-data")
    yield from _undecodable(user, "client-key-data")
    if not certificates:
        return
    if len(certificates) > 1:
        yield "client-certificate and client-certificate-data are both set", "keep one of them"
    if len(keys) > 1:
        yield "client-key and client-key-data are both set", "keep one of them"
    if not keys:
        yield "a client-certificate has no key", "set client-key or client-key-data"
    unreadable = [*_unreadable(user, "client-certificate"), *_unreadable(user, "client-key")]
    yield from unreadable
    if len(certificates) == len(keys) == 1 and not unreadable:
        yield from _mismatch(user)


def _mismatch(user: Entry) -> Iterator[Fault]:
    """Refuse what OpenSSL cannot use: else it tells when it connects, and the API server is blamed."""
    with contextlib.ExitStack() as stack:
        try:
            certificate, key = (_path(user, name, stack) for name in ("client-certificate", "client-key"))
            # Without a password OpenSSL would ask the terminal for one.
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(certificate, key, lambda: b"")
        except ssl.SSLError as error:
            # '[X509: KEY_VALUES_MISMATCH] key values mismatch (_ssl.c:3921)', '[SSL] PEM lib (_ssl.c:3921)'
            is_other = error.reason == "KEY_VALUES_MISMATCH"
            why = "is not that of client-certificate" if is_other else "or client-certificate cannot be read"
            yield f"client-key {why}", "name a certificate and its own key, without a password"
        except (OSError, ValueError):
            return  # told of elsewhere, or gone since it was looked at


def _path(user: Entry, name: str, stack: contextlib.ExitStack) -> str:
    if name in user:
        return str(user[name])
    file = stack.enter_context(os.fdopen(os.memfd_create(name), "wb"))
    file.write(base64.b64decode(user[f"{name}-data"]))
    file.flush()
    return f"/proc/self/fd/{file.fileno()}"


def _texts(user: Entry) -> Iterator[Fault]:
    """HTTP headers hold one line."""
    if user.get("token") == "":  # a token of blanks, which were taken away
        yield "token is blank", "write the token, or remove the key"
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
            f"exec has apiVersion {quoted(program.get('apiVersion'))}",
            f"write `apiVersion: {_API_VERSIONS[0]}`, and update the program",
        ),
        (
            lambda: program.get("apiVersion") == _API_VERSIONS[0] and not program.get("interactiveMode"),
            "exec has no interactiveMode",
            "write `interactiveMode: Never`",
        ),
        (
            lambda: program.get("interactiveMode") not in (None, "", "Never", "IfAvailable"),
            f"exec has interactiveMode {quoted(program.get('interactiveMode'))}, and nobody can answer here",
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


def _undecodable(entry: Entry, name: str) -> Iterator[Fault]:
    """Refuse data that are no base64, of which helm says the place in a file of its own, or no PEM."""
    text = entry.get(name)
    if text is None:
        return
    cure = f"write the output of `base64 -w0 FILE`, or name the file in {name.removesuffix('-data')}"
    try:
        content = base64.b64decode(text.replace("\r", "").replace("\n", ""), validate=True)
    except ValueError:
        yield f"{name} is no base64", cure
        return
    if _BEGINS_PEM not in content:
        yield f"{name} is base64 of something else than PEM (`-----BEGIN ...`)", cure


def _is_header(value: str) -> bool:
    return all(char == "\t" or (ord(char) >= ord(" ") and char != "\x7f") for char in value)
