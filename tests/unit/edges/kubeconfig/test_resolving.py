"""Files are merged as kubectl merges them; settings and environment come on top."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

import pytest

from launcher.edges.kubeconfig import ClientConfigLoader, resolve
from launcher.edges.kubeconfig.child_env import child_env
from launcher.edges.kubeconfig.files import load
from launcher.edges.kubeconfig.resolve import Inputs
from launcher.errors import InvalidInput, Reason
from tests.contract.kube.recording_api import Authority
from tests.said import said_by
from tests.unit.edges.kubeconfig.files import found, kubeconfig, write


def test_the_first_file_decides_each_entry_whole(tmp_path):
    first = write(tmp_path / "1", kubeconfig("a", None, token="one"))
    second = kubeconfig("a", "a", **{"token": "two", "as": "root"}) | {
        "clusters": kubeconfig("b")["clusters"]
    }
    merged = load([first, tmp_path / "missing", write(tmp_path / "2", second)])
    assert merged.users == {"a": {"token": "one"}}
    assert sorted(merged.clusters) == ["a", "b"]
    assert merged.current_context == "a"


def test_paths_are_relative_to_their_file(tmp_path, monkeypatch):
    user = {"tokenFile": "t", "exec": {"command": "./login"}, "client-key": "/abs/key"}
    write(tmp_path / "x" / "config", kubeconfig(**user))
    monkeypatch.chdir(tmp_path)
    merged = load([Path("x/config")])
    assert merged.users["a"] == {
        "tokenFile": str(tmp_path / "x" / "t"),
        "exec": {"command": str(tmp_path / "x" / "login")},
        "client-key": "/abs/key",
    }


def test_a_program_on_path_stays_as_it_is(tmp_path):
    merged = load([write(tmp_path / "c", kubeconfig(exec={"command": "aws"}))])
    assert merged.users["a"]["exec"] == {"command": "aws"}


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ({"clusters": {}}, "clusters must be a list"),
        ({"users": ["x"]}, r"users\[0\] must have a name"),
        ({"users": [{"name": 3}]}, r"users\[0\] must have a name"),
        ({"users": [{"name": "a", "user": "x"}]}, r"users\[0\].user must be a mapping"),
        ({"users": [{"name": "a", "user": {"as-groups": "g"}}]}, "as-groups must be a list"),
        (
            {"clusters": [{"name": "a", "cluster": {"insecure-skip-tls-verify": "true"}}]},
            "insecure-skip-tls-verify must be true or false",
        ),
        ({"current-context": 3}, "current-context must be a text"),
        ("a: [", "cannot be used: "),
        ("x" * 5_000_000, "larger than"),
    ],
)
def test_what_is_no_kubeconfig(tmp_path, document, why):
    with pytest.raises(InvalidInput, match=why) as error:
        load([write(tmp_path / "config", document)])
    assert (error.value.reason, error.value.where) == (Reason.KUBECONFIG_BAD, "kubeconfig")


def test_a_folder_is_no_kubeconfig(tmp_path):
    with pytest.raises(InvalidInput, match="Is a directory"):
        found(tmp_path)


def test_a_pod_asks_its_own_cluster_when_nothing_is_configured(tmp_path, monkeypatch):
    account = tmp_path / "account"
    monkeypatch.setattr(resolve, "_ACCOUNT", account)
    environ = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443", "HOME": str(tmp_path)}
    with pytest.raises(InvalidInput, match=r"in-cluster configuration is incomplete.*\n.*mount a service"):
        resolve.resolve(Inputs(environ=environ))
    write(account / "token", "canary\n")
    Authority(account)
    config = resolve.resolve(Inputs(environ=environ))
    assert config.server == "https://[fd00::1]:443"
    assert config.user == {"tokenFile": str(account / "token")}
    assert config.cluster["certificate-authority"] == str(account / "ca.crt")


def test_a_pod_with_a_kubeconfig_asks_that_cluster(tmp_path):
    write(tmp_path / ".kube" / "config", kubeconfig())
    environ = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "HOME": str(tmp_path)}
    assert resolve.resolve(Inputs(environ=environ)).server == "https://a"


@pytest.mark.parametrize("environ", [{}, {"HOME": "/nonexistent"}, {"KUBECONFIG": os.pathsep}])
def test_nothing_to_ask(environ):
    with pytest.raises(InvalidInput, match="there is no kubeconfig at") as error:
        resolve.resolve(Inputs(environ=environ))
    assert error.value.reason is Reason.KUBECONFIG_MISSING


def test_a_server_of_the_environment_drops_the_name_of_the_other(tmp_path):
    document = kubeconfig()
    document["clusters"][0]["cluster"]["tls-server-name"] = "a.example"
    path = write(tmp_path / "c", document)
    assert found(path).cluster["tls-server-name"] == "a.example"
    assert found(path, HELM_KUBEAPISERVER="https://b").cluster == {"server": "https://b"}


def test_groups_of_the_environment(tmp_path):
    path = write(tmp_path / "c", kubeconfig(**{"as": "eve", "as-groups": ["x"]}))
    assert found(path, HELM_KUBEASGROUPS=", g1, g2,").user["as-groups"] == ["g1", "g2"]
    assert found(path, HELM_KUBEASGROUPS=", ").user["as-groups"] == ["x"]


def test_the_namespace_is_that_of_the_site(tmp_path):
    document = kubeconfig()
    document["contexts"][0]["context"]["namespace"] = "elsewhere"
    environ = {"HELM_NAMESPACE": "elsewhere"}
    config = found(write(tmp_path / "c", document), **environ)
    assert "elsewhere" not in json.dumps([config.document(), child_env(environ)])


def test_no_context_is_chosen(tmp_path):
    with pytest.raises(InvalidInput, match=r"no context is chosen.*\n.*use-context") as error:
        found(write(tmp_path / "c", kubeconfig(current=None)))
    assert error.value.reason is Reason.CONTEXT_MISSING


def test_a_proxy_of_the_environment_that_cannot_be_used_is_named(tmp_path):
    with pytest.raises(InvalidInput, match=r"HTTPS_PROXY: a proxy of scheme socks5h.*\n  cure: ") as error:
        found(write(tmp_path / "c", kubeconfig()), HTTPS_PROXY="socks5h://me:canary@proxy")
    assert "canary" not in str(error.value)


def test_several_groups_behind_a_proxy_need_https(tmp_path):
    document = kubeconfig(**{"as": "eve", "as-groups": ["x", "y"]})
    path = write(tmp_path / "c", document)
    assert found(path, HTTPS_PROXY="http://proxy").proxy == "http://proxy"
    document["clusters"][0]["cluster"]["server"] = "http://a"
    with pytest.raises(InvalidInput, match="behind a proxy over plain HTTP"):
        found(write(path, document), HTTP_PROXY="http://proxy")


def test_nothing_shows_a_credential(tmp_path):
    config = found(write(tmp_path / "c", kubeconfig()), HTTPS_PROXY="http://me:canary@proxy")
    assert "canary" not in repr(config)
    assert "canary" not in repr(Inputs(environ={"HELM_KUBETOKEN": "canary"}))
    assert "canary" not in repr(load([tmp_path / "c"]))


# ---- files that change under a parent ----


def test_a_renewed_token_is_used(tmp_path):
    path = write(tmp_path / "c", kubeconfig(token="old"))
    loader = ClientConfigLoader(str(path), environ={})
    first = loader.current()
    assert loader.current() is first
    write(path, kubeconfig(token="newer"))
    assert loader.current().user == {"token": "newer"}


def test_another_current_context_is_another_start(tmp_path):
    both = kubeconfig("a")
    for section in ("clusters", "users", "contexts"):
        both[section] += kubeconfig("b")[section]
    path = write(tmp_path / "c", both)
    loader = ClientConfigLoader(str(path), environ={})
    loader.current()
    write(path, both | {"current-context": "b", "preferences": {}})
    assert loader.current().server == "https://a"


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("{", "is not read again"),
        (kubeconfig("b", "b"), "is not read again"),
        ({**kubeconfig(), "clusters": kubeconfig("b")["clusters"]}, "is not read again"),
        (
            {**kubeconfig(), "clusters": [{"name": "a", "cluster": {"server": "https://elsewhere"}}]},
            "names another server",
        ),
    ],
)
def test_a_file_that_leads_elsewhere_is_left_alone_with_a_warning(tmp_path, caplog, document, said):
    path = write(tmp_path / "c", kubeconfig())
    loader = ClientConfigLoader(str(path), environ={})
    first = loader.current()
    write(path, document)
    with caplog.at_level(logging.WARNING):
        assert loader.current() is first
        assert loader.current() is first
    [text] = said_by(caplog, "launcher.edges.kubeconfig")
    assert said in text
    assert "canary" not in text
