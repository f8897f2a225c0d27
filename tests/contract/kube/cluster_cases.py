"""Configurations of clusters and users: what everybody asks, and what the launcher refuses."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.contract.kube.recording_api import Api, Asked

EXEC_VERSION = "client.authentication.k8s.io/v1"


@dataclass
class Site:
    """The servers, and a folder with kubeconfigs and credentials."""

    folder: Path
    apis: Mapping[str, Api]
    proxy: int
    proxied: list[str]

    def url(self, name: str) -> str:
        return f"{'http' if name == 'plain' else 'https'}://127.0.0.1:{self.apis[name].port}"

    def cluster(self, name: str, **fields: Any) -> dict[str, Any]:
        return {"server": self.url(name), "certificate-authority": "ca.crt"} | fields

    def write(self, name: str, text: str) -> str:
        (self.folder / name).write_text(text)
        return str(self.folder / name)

    def environ(self, **more: str) -> dict[str, str]:
        home = {"PATH": os.environ["PATH"], "HOME": str(self.folder / "home")}
        return home | {"KUBECONFIG": str(self.folder / "config")} | more

    def program(self, script: str, **fields: Any) -> dict[str, Any]:
        path = Path(self.write("program", f"#!/bin/sh\n{script}\n"))
        path.chmod(0o700)
        return {"apiVersion": EXEC_VERSION, "interactiveMode": "Never", "command": "./program"} | fields


def config(
    clusters: Mapping[str, Any], users: Mapping[str, Any], current: str | None = "alpha", **contexts: str
) -> dict[str, Any]:
    """Return a kubeconfig; a context NAME="CLUSTER USER", without any one per cluster for the first user."""
    pairs = contexts or {name: f"{name} {next(iter(users), 'me')}" for name in clusters}
    found: dict[str, Any] = {"apiVersion": "v1", "kind": "Config"}
    found["clusters"] = [{"name": name, "cluster": value} for name, value in clusters.items()]
    found["users"] = [{"name": name, "user": value} for name, value in users.items()]
    found["contexts"] = [
        {"name": name, "context": dict(zip(("cluster", "user"), pair.split(" "), strict=False))}
        for name, pair in pairs.items()
    ]
    return found if current is None else found | {"current-context": current}


@dataclass
class Case:
    """A configuration: files, environment and settings of the launcher."""

    files: Mapping[str, Any]
    environ: Mapping[str, str] = field(default_factory=dict)
    kubeconfig: str = ""
    context: str = ""


def one(site: Site, user: Mapping[str, Any] | None = None, **fields: Any) -> Case:
    """Return the case of one cluster and one user."""
    return Case(
        {"config": config({"alpha": site.cluster("alpha", **fields)}, {"me": user or {"token": "t-me"}})}
    )


def two(site: Site, environ: Mapping[str, str] | None = None, **options: Any) -> Case:
    """Return the case of two clusters in one file."""
    clusters = {"alpha": site.cluster("alpha"), "beta": site.cluster("beta")}
    users = {"me": {"token": "t-me"}, "you": {"token": "t-you"}}
    file = config(clusters, users, alpha="alpha me", beta="beta you")
    return Case({"config": file}, environ or {}, **options)


def listed(site: Site, *names: str, **files: Any) -> Case:
    paths = os.pathsep.join(str(site.folder / name) for name in names)
    return Case(files, {"KUBECONFIG": paths})


def single(site: Site, name: str, current: str | None, authority: str | Path = "ca.crt") -> dict[str, Any]:
    cluster = site.cluster(name, **{"certificate-authority": str(authority)})
    return config({name: cluster}, {name: {"token": f"t-{name}"}}, current)


def certificate(site: Site) -> dict[str, str]:
    return {"client-certificate": "me.crt", "client-key": "me.key"}


def inline(site: Site, name: str) -> str:
    return base64.b64encode((site.folder / name).read_bytes()).decode()


def tokened(token: str) -> str:
    answer = {"apiVersion": EXEC_VERSION, "kind": "ExecCredential", "status": {"token": token}}
    return f"echo '{json.dumps(answer)}'"


def proxied(site: Site, environ: Mapping[str, str], **fields: Any) -> Case:
    case = one(site, server=f"https://alpha.example.test:{site.apis['alpha'].port}", **fields)
    return Case(case.files, environ)


def written(site: Site, token: str = "t-me", name: str = "me") -> str:
    """Return a kubeconfig as YAML, in which a token and the name of everything stand as they are given."""
    return f"""
apiVersion: v1
kind: Config
current-context: {name}
clusters: [{{name: {name}, cluster: {{server: "{site.url("alpha")}", certificate-authority: ca.crt}}}}]
users: [{{name: {name}, user: {{token: {token}}}}}]
contexts: [{{name: {name}, context: {{cluster: {name}, user: {name}}}}}]
"""


def yaml_of(token: str) -> str:
    return (
        f"printf 'apiVersion: {EXEC_VERSION}\\nkind: ExecCredential\\nstatus:\\n  token: {token}\\n"
        "  expirationTimestamp: 2099-01-01T00:00:00Z\\n'"
    )


# Texts for kubectl, which PyYAML takes for something else.
TEXTS = ("2026-11-29", "12:34", "12:34:56", "=", "1_000_x")
Make = Callable[[Site], Case]
PROXY = "http://user:pa55word@127.0.0.1:{}"
ME = Asked("alpha", "Bearer t-me")

SAME: dict[str, tuple[Make, Asked]] = {
    "one file": (one, ME),
    "first current-context wins": (
        lambda s: listed(s, "a", "b", a=single(s, "alpha", "alpha"), b=single(s, "beta", "beta")),
        Asked("alpha", "Bearer t-alpha"),
    ),
    "the other order": (
        lambda s: listed(s, "b", "a", a=single(s, "alpha", "alpha"), b=single(s, "beta", "beta")),
        Asked("beta", "Bearer t-beta"),
    ),
    "current-context of the second file": (
        lambda s: listed(s, "a", "b", a=single(s, "alpha", None), b=single(s, "beta", "beta")),
        Asked("beta", "Bearer t-beta"),
    ),
    "current-context names another file's": (
        lambda s: listed(s, "a", "b", a=single(s, "alpha", "beta"), b=single(s, "beta", "alpha")),
        Asked("beta", "Bearer t-beta"),
    ),
    "a missing file is skipped": (
        lambda s: listed(s, "none", "b", b=single(s, "beta", "beta")),
        Asked("beta", "Bearer t-beta"),
    ),
    "an empty name is skipped": (
        lambda s: Case(
            {"b": single(s, "beta", "beta")}, {"KUBECONFIG": f"{os.pathsep}{s.folder / 'b'}{os.pathsep}"}
        ),
        Asked("beta", "Bearer t-beta"),
    ),
    "an empty file": (
        lambda s: listed(s, "none", "b", none=None, b=single(s, "beta", "beta")),
        Asked("beta", "Bearer t-beta"),
    ),
    "one name in two files, whole from the first": (
        lambda s: listed(
            s,
            "a",
            "b",
            a=config({"x": s.cluster("alpha")}, {"me": {"token": "t-1"}}, "x"),
            b=config({"x": s.cluster("beta")}, {"me": {"as": "root"}}, "x"),
        ),
        Asked("alpha", "Bearer t-1"),
    ),
    "cluster in one file, user in another": (
        lambda s: listed(
            s,
            "a",
            "b",
            a=config({}, {"me": {"token": "t-split"}}, None),
            b=config({"alpha": s.cluster("alpha")}, {}),
        ),
        Asked("alpha", "Bearer t-split"),
    ),
    "the default file": (
        lambda s: Case(
            {"home/.kube/config": single(s, "beta", "beta", s.folder / "ca.crt")}, {"KUBECONFIG": ""}
        ),
        Asked("beta", "Bearer t-beta"),
    ),
    "a file of the settings": (
        lambda s: Case(
            {"config": single(s, "alpha", "alpha"), "mine": single(s, "beta", "beta")},
            kubeconfig=str(s.folder / "mine"),
        ),
        Asked("beta", "Bearer t-beta"),
    ),
    "a context of the settings": (lambda s: two(s, context="beta"), Asked("beta", "Bearer t-you")),
    "settings before HELM_KUBECONTEXT": (
        lambda s: two(s, {"HELM_KUBECONTEXT": "beta"}, context="alpha"),
        ME,
    ),
    "HELM_KUBECONTEXT": (lambda s: two(s, {"HELM_KUBECONTEXT": "beta"}), Asked("beta", "Bearer t-you")),
    "HELM_KUBEAPISERVER": (
        lambda s: two(s, {"HELM_KUBEAPISERVER": s.url("beta")}),
        Asked("beta", "Bearer t-me"),
    ),
    "HELM_KUBEAPISERVER without a kubeconfig": (
        lambda s: Case({}, {"KUBECONFIG": "", "HELM_KUBEAPISERVER": s.url("plain")}),
        Asked("plain"),
    ),
    "HELM_KUBETOKEN": (lambda s: two(s, {"HELM_KUBETOKEN": "t-env"}), Asked("alpha", "Bearer t-env")),
    "HELM_KUBEASUSER": (
        lambda s: two(s, {"HELM_KUBEASUSER": "eve"}),
        Asked("alpha", "Bearer t-me", (("Impersonate-User", "eve"),)),
    ),
    "HELM_KUBECAFILE": (
        lambda s: Case(
            one(s, **{"certificate-authority": "alpha.crt"}).files,
            {"HELM_KUBECAFILE": str(s.folder / "ca.crt")},
        ),
        ME,
    ),
    "HELM_KUBEINSECURE_SKIP_TLS_VERIFY": (
        lambda s: two(s, {"HELM_KUBEINSECURE_SKIP_TLS_VERIFY": "true"}),
        ME,
    ),
    "HELM_KUBETLS_SERVER_NAME": (
        lambda s: two(s, {"HELM_KUBETLS_SERVER_NAME": "alpha.example.test"}),
        ME,
    ),
    "tls-server-name": (lambda s: one(s, **{"tls-server-name": "alpha.example.test"}), ME),
    "insecure-skip-tls-verify": (
        lambda s: one(s, **{"certificate-authority": None, "insecure-skip-tls-verify": True}),
        ME,
    ),
    "certificate-authority-data": (
        lambda s: one(
            s, **{"certificate-authority": None, "certificate-authority-data": inline(s, "ca.crt")}
        ),
        ME,
    ),
    "a server with a path": (lambda s: one(s, server=s.url("alpha") + "/k8s/clusters/c1"), ME),
    "a server with a slash": (lambda s: one(s, server=s.url("alpha") + "/"), ME),
    "plain HTTP gets no credentials": (
        lambda s: Case({"config": config({"alpha": {"server": s.url("plain")}}, {"me": {"token": "t"}})}),
        Asked("plain"),
    ),
    "plain HTTP gets impersonation": (
        lambda s: Case({"config": config({"alpha": {"server": s.url("plain")}}, {"me": {"as": "eve"}})}),
        Asked("plain", "", (("Impersonate-User", "eve"),)),
    ),
    "no scheme is plain HTTP": (
        lambda s: Case(
            {"config": config({"alpha": {"server": s.url("plain")[len("http://") :]}}, {"me": {}})}
        ),
        Asked("plain"),
    ),
    "a token with a blank": (lambda s: one(s, {"token": "t-me "}), ME),
    "a token file with a line end": (
        lambda s: s.write("token", "t-file\n") and one(s, {"tokenFile": "token"}),
        Asked("alpha", "Bearer t-file"),
    ),
    "a token file before a token": (
        lambda s: s.write("token", "t-file\r\n") and one(s, {"tokenFile": "token", "token": "t-me"}),
        Asked("alpha", "Bearer t-file"),
    ),
    "a password": (
        lambda s: one(s, {"username": "me", "password": "ünsafe:1"}),
        Asked("alpha", "Basic " + base64.b64encode("me:ünsafe:1".encode()).decode()),
    ),
    "a client certificate": (lambda s: one(s, certificate(s)), Asked("alpha", certificate="me")),
    "a client certificate inline": (
        lambda s: one(
            s, {"client-certificate-data": inline(s, "me.crt"), "client-key-data": inline(s, "me.key")}
        ),
        Asked("alpha", certificate="me"),
    ),
    "a certificate and a token": (
        lambda s: one(s, certificate(s) | {"token": "t-me"}),
        Asked("alpha", "Bearer t-me", certificate="me"),
    ),
    "impersonation": (
        lambda s: one(
            s,
            {
                "token": "t-me",
                "as": "eve",
                "as-uid": "42",
                "as-groups": ["g1", "g2"],
                "as-user-extra": {"reason": ["a", "b"], "Scope/X": ["c"]},
            },
        ),
        Asked(
            "alpha",
            "Bearer t-me",
            (
                ("Impersonate-Extra-Reason", "a"),
                ("Impersonate-Extra-Reason", "b"),
                ("Impersonate-Extra-Scope%2Fx", "c"),
                ("Impersonate-Group", "g1"),
                ("Impersonate-Group", "g2"),
                ("Impersonate-Uid", "42"),
                ("Impersonate-User", "eve"),
            ),
        ),
    ),
    "HELM_KUBEASUSER over the user's own": (
        lambda s: Case(
            one(s, {"token": "t-me", "as": "eve", "as-groups": ["g"]}).files, {"HELM_KUBEASUSER": "zoe"}
        ),
        Asked("alpha", "Bearer t-me", (("Impersonate-Group", "g"), ("Impersonate-User", "zoe"))),
    ),
    "a credential program": (
        lambda s: one(s, {"exec": s.program(tokened("t-exec"))}),
        Asked("alpha", "Bearer t-exec"),
    ),
    "a credential program on PATH, with arguments and env": (
        lambda s: one(
            s,
            {
                "exec": {
                    "apiVersion": EXEC_VERSION,
                    "interactiveMode": "IfAvailable",
                    "command": "sh",
                    "args": ["-c", tokened("t-'$WHO'")],
                    "env": [{"name": "WHO", "value": "env"}],
                }
            },
        ),
        Asked("alpha", "Bearer t-env"),
    ),
    "a credential program of v1beta1": (
        lambda s: one(
            s,
            {
                "exec": {
                    "apiVersion": f"{EXEC_VERSION}beta1",
                    "command": "sh",
                    "args": ["-c", tokened("t-beta1").replace(EXEC_VERSION, f"{EXEC_VERSION}beta1")],
                }
            },
        ),
        Asked("alpha", "Bearer t-beta1"),
    ),
    "a token before a credential program": (
        lambda s: one(s, {"token": "t-me", "exec": s.program(tokened("t-exec"))}),
        ME,
    ),
    "a certificate before a credential program": (
        lambda s: one(s, {**certificate(s), "exec": s.program("exit 3")}),
        Asked("alpha", certificate="me"),
    ),
    "a password before a credential program": (
        lambda s: one(s, {"username": "u", "password": "p", "exec": s.program("exit 3")}),
        Asked("alpha", "Basic dTpw"),
    ),
    "a proxy with a password": (
        lambda s: proxied(s, {}, **{"proxy-url": PROXY.format(s.proxy)}),
        ME,
    ),
    "HTTPS_PROXY with a password": (lambda s: proxied(s, {"HTTPS_PROXY": PROXY.format(s.proxy)}), ME),
    "HTTPS_PROXY without a scheme": (
        lambda s: proxied(s, {"HTTPS_PROXY": PROXY.format(s.proxy).removeprefix("http://")}),
        ME,
    ),
    "upper case names of proxies win": (
        lambda s: proxied(s, {"HTTPS_PROXY": PROXY.format(s.proxy), "https_proxy": "http://127.0.0.1:1"}),
        ME,
    ),
    "proxy-url before NO_PROXY": (
        lambda s: proxied(s, {"NO_PROXY": "*"}, **{"proxy-url": PROXY.format(s.proxy)}),
        ME,
    ),
    "this machine is behind no proxy": (
        lambda s: Case(one(s).files, {"HTTPS_PROXY": "http://127.0.0.1:1"}),
        ME,
    ),
    **{
        f"a token {text}": (
            lambda s, text=text: Case({"config": written(s, text)}),
            Asked("alpha", f"Bearer {text}"),
        )
        for text in TEXTS
    },
    "names that look like dates": (lambda s: Case({"config": written(s, name="2026-11-29")}), ME),
    "the name =": (lambda s: Case({"config": written(s, name="=")}), ME),
    "UTF-8 with its mark": (lambda s: Case({"config": written(s).encode("utf-8-sig")}), ME),
    "UTF-16": (lambda s: Case({"config": written(s).encode("utf-16")}), ME),
    "several documents": (
        lambda s: Case({"config": f"{written(s)}---\ncurrent-context: none\n"}),
        ME,
    ),
    "a credential program that prints YAML": (
        lambda s: one(s, {"exec": s.program(yaml_of("t-exec"))}),
        Asked("alpha", "Bearer t-exec"),
    ),
    "ALL_PROXY is not known": (lambda s: Case(one(s).files, {"ALL_PROXY": "http://127.0.0.1:1"}), ME),
}


def refusals(site: Site) -> dict[str, tuple[Case, str]]:
    """Return what is refused, and the words that name it."""
    program = site.program(tokened("t"))
    cluster, me = site.cluster("alpha"), {"token": "t-me"}
    return {
        "no such file": (listed(site, "none"), "there is no kubeconfig at .*none"),
        "no such context": (two(site, context="none"), "there is no context none"),
        "no such current-context": (
            Case({"config": config({"alpha": cluster}, {"me": me}, "none")}),
            "there is no context none",
        ),
        "no such cluster": (
            Case({"config": config({}, {"me": me}, alpha="gone me")}),
            "there is no cluster 'gone'",
        ),
        "one name twice": (
            Case({"config": single(site, "alpha", "alpha") | {"users": [{"name": "a"}, {"name": "a"}]}}),
            "users has 'a' twice",
        ),
        "a number for a token": (one(site, {"token": 12345678}), r"users\[0\].user.token must be a text"),
        "a server with a blank": (one(site, server=site.url("alpha") + " "), "server .* is no address"),
        "another scheme": (one(site, server="ftp://127.0.0.1"), "server .* is no address"),
        "two ways to log in": (
            one(site, {"token": "t-me", "username": "me", "password": "x"}),
            "token and username",
        ),
        "a token in two lines": (one(site, {"token": "t-secret\nt-more"}), "token has a line end"),
        "a token with a line end": (one(site, {"token": "t-secret\n"}), "token has a line end"),
        "a certificate without key": (one(site, {"client-certificate": "me.crt"}), "has no key"),
        "a missing certificate": (
            one(site, {"client-certificate": "no.crt", "client-key": "me.key"}),
            "client-certificate .*no.crt cannot be read",
        ),
        "a missing authority": (
            one(site, **{"certificate-authority": "no.crt"}),
            "certificate-authority .* cannot be read",
        ),
        "an authority and none": (
            one(site, **{"insecure-skip-tls-verify": True}),
            "insecure-skip-tls-verify are both set",
        ),
        "groups without a user": (
            one(site, {"token": "t", "as-groups": ["g"]}),
            "as-groups .* without a user",
        ),
        "no interactiveMode": (one(site, {"exec": program | {"interactiveMode": ""}}), "no interactiveMode"),
        "nobody can answer": (
            one(site, {"exec": program | {"interactiveMode": "Always"}}),
            "nobody can answer",
        ),
        "an old program": (
            one(site, {"exec": program | {"apiVersion": f"{EXEC_VERSION}alpha1"}}),
            "exec has apiVersion",
        ),
        "auth-provider": (
            one(site, {"auth-provider": {"name": "oidc", "config": {"id-token": "t"}}}),
            "auth-provider 'oidc' serves helm",
        ),
        "a proxy of another kind": (one(site, **{"proxy-url": "socks5://127.0.0.1:1"}), "scheme socks5"),
        "a proxy without scheme": (one(site, **{"proxy-url": "127.0.0.1:1"}), "the proxy is no address"),
        "a number for a name": (
            Case({"config": written(site, name="1e3")}),
            "current-context must be a text",
        ),
        "a truth value for a token": (
            Case({"config": written(site, "y")}),
            r"users\[0\].user.token must be a text",
        ),
        "a number of Go for a token": (
            Case({"config": written(site, "1e3")}),
            r"users\[0\].user.token must be a text",
        ),
        "a key of another certificate": (
            one(site, {"client-certificate": "me.crt", "client-key": "new.key"}),
            "client-key is not that of client-certificate",
        ),
        "a key that is none": (
            one(site, {"client-certificate": "me.crt", "client-key-data": inline(site, "me.crt")}),
            "client-key or client-certificate cannot be read",
        ),
        "a missing token file": (one(site, {"tokenFile": "no"}), "tokenFile .* cannot be read"),
    }


# What kubectl and helm can do, and the client of the launcher cannot.
ONLY_HERE = {"auth-provider", "a proxy of another kind"}
