"""kubectl, helm, the launcher's helm and its client ask the same server as the same user, or are refused."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from launcher.edges.helm import HelmReleases
from launcher.edges.kube import KubeClient
from launcher.edges.kubeconfig import ClientConfigLoader
from launcher.errors import Denied, InvalidInput, LauncherError
from tests.contract.kube.cluster_cases import (
    ME,
    ONLY_HERE,
    SAME,
    Case,
    Site,
    certificate,
    config,
    one,
    proxied,
    refusals,
    tokened,
    two,
)
from tests.contract.kube.odd_cases import ODD, ONLY_HERE_ODD, odd_refusals
from tests.contract.kube.recording_api import Api, Asked, Authority, proxying, serving

# What kubectl is told on its command line and helm in its environment.
FLAGS = {
    "HELM_KUBECONTEXT": "--context",
    "HELM_KUBEAPISERVER": "--server",
    "HELM_KUBETOKEN": "--token",
    "HELM_KUBEASUSER": "--as",
    "HELM_KUBEASGROUPS": "--as-group",
    "HELM_KUBECAFILE": "--certificate-authority",
    "HELM_KUBETLS_SERVER_NAME": "--tls-server-name",
    "HELM_KUBEINSECURE_SKIP_TLS_VERIFY": "--insecure-skip-tls-verify",
}


@pytest.fixture(scope="module")
def servers(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Path, Mapping[str, Api], int, list[str]]]:
    assert shutil.which("kubectl"), 'kubectl is needed: eval "$(scripts/tools)"'
    folder = tmp_path_factory.mktemp("pki")
    authority = Authority(folder)
    authority.issue("me")
    authority.issue("new")
    with contextlib.ExitStack() as stack:
        apis = {name: stack.enter_context(serving(name, authority)) for name in ("alpha", "beta")}
        apis["plain"] = stack.enter_context(serving("plain", None))
        ports = {f"{name}.example.test": api.port for name, api in apis.items()}
        proxy, proxied = stack.enter_context(proxying(ports))
        yield folder, apis, proxy, proxied


@pytest.fixture
def site(servers: tuple[Path, Mapping[str, Api], int, list[str]], tmp_path: Path) -> Site:
    folder, apis, proxy, proxied = servers
    shutil.copytree(folder, tmp_path / "site")
    for api in apis.values():
        api.asked.clear()
        api.refused.clear()
    return Site(tmp_path / "site", apis, proxy, proxied)


@dataclass
class Run:
    """A case that is ready to be asked."""

    site: Site
    case: Case

    def __post_init__(self) -> None:
        for name, content in self.case.files.items():
            path = self.site.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            text = (
                ""
                if content is None
                else content
                if isinstance(content, (str, bytes))
                else json.dumps(content)
            )
            path.write_bytes(text.encode() if isinstance(text, str) else text)
            path.chmod(0o600)
        self.environ = {key: value for key, value in self.site.environ(**self.case.environ).items() if value}
        self.loader = ClientConfigLoader(self.case.kubeconfig, self.case.context, environ=self.environ)

    def asked(self, ask: Callable[[], object]) -> set[Asked]:
        """Return who was asked by whom while ``ask`` ran."""
        for api in self.site.apis.values():
            api.asked.clear()
        ask()
        return {asked for api in self.site.apis.values() for asked in api.asked}

    def kubectl(self) -> None:
        given = {name: self.environ[name] for name in FLAGS if name in self.environ}
        given |= {"HELM_KUBECONTEXT": self.case.context} if self.case.context else {}
        flags = [f"{FLAGS[name]}={value}" for name, value in given.items()]
        flags += [f"--kubeconfig={self.case.kubeconfig}"] if self.case.kubeconfig else []
        self._run("kubectl", "get", "--raw", "/version", *flags)

    def helm(self) -> None:
        flags = [f"--kubeconfig={self.case.kubeconfig}"] if self.case.kubeconfig else []
        flags += [f"--kube-context={self.case.context}"] if self.case.context else []
        self._run("helm", "list", "--namespace", "fl", *flags)

    def _run(self, *command: str) -> None:
        done = subprocess.run(command, env=self.environ, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(done.stderr)

    def our_helm(self) -> None:
        HelmReleases(chart=Path("/charts"), loader=self.loader).list("fl")

    def our_client(self) -> None:
        client = KubeClient(loader=self.loader)
        client.call("list pods", client.core.list_namespaced_pod, "fl")


ALL = {**SAME, **ODD}


@pytest.mark.parametrize("name", ALL)
def test_everybody_asks_the_same_server_as_the_same_user(site, name):
    make, expected = ALL[name]
    run = Run(site, make(site))
    found = {ask.__name__: run.asked(ask) for ask in (run.kubectl, run.helm, run.our_helm, run.our_client)}
    assert found == {ask: {expected} for ask in ("kubectl", "helm", "our_helm", "our_client")}


@pytest.mark.parametrize("user", [{}, {"token": ""}, {"password": "x"}])
def test_without_credentials_nobody_is_named(site, user):
    """Nothing is asked of a terminal, as kubectl would do."""
    run = Run(site, Case({"config": config({"alpha": site.cluster("alpha")}, {"me": user})}))
    for ask in (run.helm, run.our_helm, run.our_client):
        assert run.asked(ask) == {Asked("alpha")}


REFUSED = (
    *("no such file", "no such context", "no such current-context", "no such cluster", "one name twice"),
    *("a number for a token", "a server with a blank", "another scheme", "two ways to log in"),
    *("a token in two lines", "a token with a line end", "a certificate without key"),
    *("a missing certificate", "a missing authority", "an authority and none", "groups without a user"),
    *("no interactiveMode", "nobody can answer", "an old program", "auth-provider"),
    *("a proxy of another kind", "a proxy without scheme", "a missing token file"),
    *("a number for a name", "a truth value for a token", "a number of Go for a token"),
    *("a key of another certificate", "a key that is none"),
    *("another kind", "another apiVersion", "a token of blanks"),
    *("an authority that is empty", "an authority that is a key"),
)


def refused(site: Site) -> dict[str, tuple[Case, str]]:
    return refusals(site) | odd_refusals(site)


@pytest.mark.parametrize("name", REFUSED)
def test_both_halves_refuse_the_same_with_a_cure(site, name):
    case, words = refused(site)[name]
    run = Run(site, case)
    for ask in (run.our_helm, run.our_client):
        with pytest.raises(InvalidInput, match=words) as found:
            run.asked(ask)
        assert found.value.cure
        assert "t-secret" not in str(found.value)
    assert not any(api.asked for api in site.apis.values())
    if name not in ONLY_HERE | ONLY_HERE_ODD:
        with pytest.raises(RuntimeError):
            run.kubectl()


def test_every_refusal_is_tried(site):
    assert set(REFUSED) == refused(site).keys()
    assert len(SAME) + len(REFUSED) >= 40


def test_a_proxy_that_demands_a_password_says_no(site):
    run = Run(site, proxied(site, {"HTTPS_PROXY": f"http://127.0.0.1:{site.proxy}"}))
    for ask in (run.kubectl, run.our_helm, run.our_client):
        with pytest.raises((RuntimeError, LauncherError)):
            ask()


def test_a_name_that_is_not_the_servers_is_refused_by_all(site):
    run = Run(site, one(site, **{"tls-server-name": "other.example.test"}))
    for ask in (run.kubectl, run.helm, run.our_helm, run.our_client):
        with pytest.raises((RuntimeError, LauncherError)):
            ask()
    assert not site.apis["alpha"].asked


SECRET = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl"


def test_a_credential_program_that_fails_is_told_without_its_credentials(site):
    script = f"printf 'bad\\033[31m token: {SECRET}\\n%02000d' 0 >&2; exit 3"
    run = Run(site, one(site, {"exec": site.program(script)}))
    for ask in (run.our_helm, run.our_client):
        with pytest.raises(Denied, match=r"the credential program of kubeconfig .* failed") as found:
            ask()
        assert SECRET not in str(found.value)
        assert "\x1b" not in str(found.value)
        assert len(str(found.value)) < 1200
    assert not any(api.asked for api in site.apis.values())


@pytest.mark.parametrize("what", ["token", "tokenFile", "certificate", "exec"])
def test_credentials_that_are_refused_are_loaded_again_once(site, what):
    site.write("token", "t-old\n")
    users = {
        "token": {"token": "t-old"},
        "tokenFile": {"tokenFile": "token"},
        "certificate": certificate(site),
        "exec": {"exec": site.program(tokened("t-old"))},
    }
    run = Run(site, one(site, users[what]))
    client = KubeClient(loader=run.loader)

    def ask() -> None:
        client.call("list pods", client.core.list_namespaced_pod, "fl")

    ask()
    api = site.apis["alpha"]
    api.refused |= {"Bearer t-old", "me"}
    with pytest.raises(Denied):
        ask()
    renew: Mapping[str, Callable[[], object]] = {
        "token": lambda: Run(site, one(site, {"token": "t-new"})),
        "tokenFile": lambda: site.write("token", "t-new\n"),
        "certificate": lambda: _new_certificate(site),
        "exec": lambda: site.program(tokened("t-new")),
    }
    renew[what]()
    ask()
    new = Asked("alpha", certificate="new") if what == "certificate" else Asked("alpha", "Bearer t-new")
    assert api.asked[-1] == new
    assert run.asked(run.our_helm) == {new}


def _new_certificate(site: Site) -> None:
    for ending in ("crt", "key"):
        shutil.copy(site.folder / f"new.{ending}", site.folder / f"me.{ending}")


def test_a_parent_stays_with_its_cluster(site):
    run = Run(site, two(site))
    client = KubeClient(loader=run.loader)
    file = run.case.files["config"] | {"current-context": "beta"}
    site.write("config", json.dumps(file))
    for ask in (
        run.our_helm,
        lambda: client.call("list pods", client.core.list_namespaced_pod, "fl"),
    ):
        assert run.asked(ask) == {ME}


def test_no_credential_is_on_a_disk_or_on_a_command_line(site):
    run = Run(site, two(site, {"HELM_KUBETOKEN": "t-env"}))
    before = sorted(site.folder.rglob("*"))
    run.our_helm()
    assert sorted(site.folder.rglob("*")) == before


def test_a_kubeconfig_that_can_be_read_once(site):
    """`--kubeconfig <(...)`: whoever asks gets it from the one loader of a service."""
    pipe = site.folder / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=(json.dumps(one(site).files["config"]),))
    writer.start()
    run = Run(site, Case({}, kubeconfig=str(pipe)))
    assert [run.asked(ask) for ask in (run.our_helm, run.our_client, run.our_helm)] == [{ME}] * 3
    writer.join()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda s: two(s, {"HELM_KUBETOKEN": "t-env"}), "the token of HELM_KUBETOKEN"),
        (one, "the token of user 'me' of kubeconfig .*/config"),
        (
            lambda s: one(s, {"exec": s.program(tokened("t-exec"))}),
            "the answer of the credential program .*/program of user 'me' of kubeconfig .*/config",
        ),
        (lambda s: one(s, certificate(s)), "the client certificate of user 'me' of kubeconfig"),
    ],
)
def test_a_login_that_is_refused_is_named_with_where_it_is_from(site, make, words):
    site.apis["alpha"].refused |= {"Bearer t-env", "Bearer t-me", "Bearer t-exec", "me"}
    run = Run(site, make(site))
    for ask in (run.our_helm, run.our_client):
        with pytest.raises(Denied, match=f"the API server does not accept {words}"):
            ask()
