"""The manifest of a chart is asked for with what helm asks with: its credentials, proxies and certificates."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest

from tests.contract.kube.recording_api import PROXY_USER, Authority, proxying
from tests.contract.registry.test_chart import AWAY, DENIED, HTPASSWD, refused
from tests.registries import serve

HOST = "registry.test"


@pytest.fixture
def closed(registry, digest, tmp_path):
    """A registry with the chart that wants a login."""
    registry.stop()
    with serve(tmp_path / "registry", HTPASSWD) as started:
        yield started


@pytest.fixture
def keeper(tmp_path, monkeypatch):
    """Return a function that puts a program with credentials on PATH, and in docker's or helm's file."""

    def put(known: dict[str, object], secret: str) -> None:
        program = tmp_path / "bin" / "docker-credential-keeper"
        program.parent.mkdir(exist_ok=True)
        said = json.dumps({"Username": "reader", "Secret": secret})
        program.write_text(f"#!/bin/sh\necho \"$1 $(cat)\" >> {tmp_path}/asked\necho '{said}'\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
        file = tmp_path / "home" / ".docker" / "config.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(known))

    return put


@pytest.mark.parametrize("form", ["credsStore", "credHelpers"])
def test_a_program_that_has_the_credentials(site, closed, digest, keeper, cached, tmp_path, form):
    chart = f"oci://{closed.host}/charts/fljob@{digest}"
    known = {"credsStore": "keeper"} if form == "credsStore" else {"credHelpers": {closed.host: "keeper"}}
    keeper(known, "wrong")
    refused(site(chart), DENIED, f"registry {closed.host} refuses the credentials", "helm registry login")
    assert [name for name in cached() if "charts" in name or name.startswith("sha256")] == []
    keeper(known, "secret")
    code, _, err = site(chart)
    assert code == 0, err
    assert set((tmp_path / "asked").read_text().splitlines()) == {f"get {closed.host}"}


def test_a_netrc_is_nobodys_credential(site, closed, digest, tmp_path):
    file = tmp_path / "home" / ".netrc"
    file.parent.mkdir(exist_ok=True)
    file.write_text("machine 127.0.0.1 login reader password secret\n")
    file.chmod(0o600)
    refused(site(f"oci://{closed.host}/charts/fljob@{digest}"), DENIED, "refuses the credentials")


@pytest.fixture
def secured(registry, digest, tmp_path, monkeypatch):
    """A reference to a registry of another machine, over TLS and through a proxy that wants a user."""
    registry.stop()
    authority = Authority(tmp_path)
    authority.issue("registry", HOST)
    authority.issue("another", "another.test")
    user = base64.b64decode(PROXY_USER.partition(" ")[2]).decode()
    for name in (
        "HTTP_PROXY",
        "http_proxy",
        "https_proxy",
        "NO_PROXY",
        "no_proxy",
        "SSL_CERT_DIR",
        "SSL_CERT_FILE",
    ):
        monkeypatch.delenv(name, raising=False)
    with (
        serve(tmp_path / "registry", certificate=tmp_path / "registry.crt") as started,
        proxying({HOST: started.port, "another.test": started.port}) as (port, asked),
    ):
        monkeypatch.setenv("HTTPS_PROXY", f"http://{user}@127.0.0.1:{port}")
        yield f"oci://{HOST}/charts/fljob@{digest}", asked


@pytest.mark.parametrize("how", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_the_certificates_that_helm_trusts(site, secured, tmp_path, monkeypatch, how):
    chart, asked = secured
    authority = tmp_path / "ca.crt"
    if how == "SSL_CERT_DIR":
        folder = tmp_path / "trusted"
        folder.mkdir()
        authority = authority.rename(folder / "ours.pem").parent
    monkeypatch.setenv(how, str(authority))
    code, _, err = site(chart)
    assert code == 0, err
    assert set(asked) == {f"{HOST}:443"}
    assert len(asked) > 1, "helm's connection and ours"


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_certificates_that_helm_does_not_trust(site, secured, tmp_path, monkeypatch, cached, name):
    monkeypatch.setenv(name, str(tmp_path / "ca.crt"))
    refused(site(secured[0]), AWAY, f"registry {HOST} does not answer", "certificate verify failed")
    assert cached() == []


def test_a_certificate_of_another_host(site, secured, tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.crt"))
    refused(
        site(secured[0].replace(HOST, "another.test")),
        AWAY,
        "does not answer",
        "not valid for 'another.test'",
    )


def test_a_certificate_file_that_is_none(site, secured, tmp_path, monkeypatch):
    Path("rubbish").write_text("x")
    monkeypatch.setenv("SSL_CERT_FILE", str(Path("rubbish").absolute()))
    refused(site(secured[0]), AWAY, f"registry {HOST} does not answer")
