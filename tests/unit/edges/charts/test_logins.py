"""Credentials and certificates for a registry are found where helm finds them."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from launcher.core.chart_reference import chart_reference
from launcher.edges.charts.logins import config_files, logins_of, trusted_in

DIGEST = f"@sha256:{'0' * 64}"
CHART = chart_reference(f"oci://r.example:5000/team/fljob{DIGEST}", "chart")


def basic(user, password):
    return base64.b64encode(f"{user}:{password}".encode()).decode()


def write(path: Path, content) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def program(folder: Path, name: str, text: str) -> None:
    made = write(folder / f"docker-credential-{name}", f"#!/bin/sh\n{text}\n")
    made.chmod(0o755)


@pytest.fixture
def env(tmp_path):
    return {"HOME": str(tmp_path), "PATH": f"{tmp_path}/bin:/usr/bin:/bin"}


@pytest.mark.parametrize(
    ("given", "helm", "docker"),
    [
        ({}, "/h/.config/helm/registry/config.json", "/h/.docker/config.json"),
        ({"XDG_CONFIG_HOME": "/x"}, "/x/helm/registry/config.json", "/h/.docker/config.json"),
        ({"HELM_CONFIG_HOME": "/y", "XDG_CONFIG_HOME": "/x"}, "/y/registry/config.json", "/h/.docker/config.json"),
        ({"HELM_REGISTRY_CONFIG": "/z", "DOCKER_CONFIG": "/d"}, "/z", "/d/config.json"),
    ],
)  # fmt: skip
def test_where_helm_looks(given, helm, docker):
    assert config_files({"HOME": "/h", **given}) == (Path(helm), Path(docker))


def test_helms_file_first_and_only_entries_for_this_registry(env, tmp_path):
    auths = {"r.example:5000": {"auth": basic("helm", "1")}, "r.example": {"auth": basic("other", "2")}}
    write(tmp_path / ".config/helm/registry/config.json", {"auths": auths})
    entry = {"username": "docker", "password": "3"}
    write(tmp_path / ".docker/config.json", {"auths": {"https://r.example:5000/v1/": entry}})
    found = logins_of(CHART, env)
    assert [one.basic for one in found] == [basic("helm", "1"), basic("docker", "3")]
    assert "Z" not in repr(found), "no credential is printed"


@pytest.mark.parametrize(
    "content", ["", "[", "[]", "7", '{"auths": 3}', '{"auths": {"r.example:5000": 3}}', "[" * 100_000]
)
def test_a_file_that_cannot_be_read_is_none(env, tmp_path, content):
    write(tmp_path / ".docker/config.json", content)
    assert logins_of(CHART, env) == ()


@pytest.mark.parametrize("known", [{"credsStore": "keeper"}, {"credHelpers": {"r.example:5000": "keeper"}}])
def test_a_program_is_asked_for_this_registry(env, tmp_path, known):
    write(tmp_path / ".docker/config.json", {**known, "auths": {"r.example:5000": {}}})
    said = json.dumps({"ServerURL": "x", "Username": "u", "Secret": "s"})
    program(tmp_path / "bin", "keeper", f'[ "$1 $(cat)" = "get r.example:5000" ] && echo \'{said}\'')
    (found,) = logins_of(CHART, env)
    assert found.basic == basic("u", "s")


def test_an_entry_may_have_tokens_beside_user_and_password(env, tmp_path):
    """The registry says which it takes: one of HTTP's Basic scheme has no use for a token."""
    entry = {"auth": basic("u", "p"), "identitytoken": "canary-identity", "registrytoken": "canary"}
    write(tmp_path / ".docker/config.json", {"auths": {"r.example:5000": entry}})
    (found,) = logins_of(CHART, env)
    assert (found.basic, found.identity, found.bearer) == (basic("u", "p"), "canary-identity", "canary")
    assert "canary" not in repr(found)


def test_a_program_may_have_an_identity_token(env, tmp_path):
    write(tmp_path / ".docker/config.json", {"credsStore": "keeper"})
    said = json.dumps({"Username": "<token>", "Secret": "s"})
    program(tmp_path / "bin", "keeper", f"echo '{said}'")
    (found,) = logins_of(CHART, env)
    assert (found.basic, found.identity) == ("", "s")


def test_docker_hub_has_a_name_of_its_own(env, tmp_path):
    write(tmp_path / ".docker/config.json", {"credHelpers": {"https://index.docker.io/v1/": "keeper"}})
    program(tmp_path / "bin", "keeper", 'printf \'{"Username": "%s", "Secret": "s"}\' "$(cat)"')
    (found,) = logins_of(chart_reference(f"oci://registry-1.docker.io/team/fljob{DIGEST}", "chart"), env)
    assert base64.b64decode(found.basic) == b"https://index.docker.io/v1/:s"


@pytest.mark.parametrize(
    "text", ["echo credentials not found in native keychain; exit 1", "echo no json", "echo []", 'echo "{}"']
)
def test_a_program_that_has_nothing(env, tmp_path, text):
    write(tmp_path / ".docker/config.json", {"credsStore": "keeper"})
    program(tmp_path / "bin", "keeper", text)
    assert logins_of(CHART, env) == ()


def test_a_program_that_is_not_there_is_told(env, tmp_path, caplog):
    write(tmp_path / ".docker/config.json", {"credsStore": "keeper"})
    assert logins_of(CHART, env) == ()
    assert "there is no program docker-credential-keeper on PATH" in caplog.text


def test_certificates_of_the_environment(env, tmp_path):
    mine = write(tmp_path / "mine.pem", "one")
    assert trusted_in({**env, "SSL_CERT_FILE": str(mine)}, tmp_path) == mine
    assert trusted_in({**env, "SSL_CERT_FILE": str(tmp_path / "none")}, tmp_path) is None
    write(tmp_path / "more/a.pem", "two")
    (tmp_path / "more/folder").mkdir()
    found = trusted_in({**env, "SSL_CERT_FILE": str(mine), "SSL_CERT_DIR": f"{tmp_path}/more:"}, tmp_path)
    assert found is not None
    assert found.read_text() == "one\ntwo"
