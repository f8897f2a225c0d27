"""What a parent hands to its job processes, from its files; the contract tests compare it with real parents."""

from __future__ import annotations

import pytest

from launcher.core.flare.parent import KitFiles, parent_of
from launcher.core.spec.jobspec import Role
from launcher.errors import InvalidInput

SERVICE = {"target": "nvflare-server:8002", "scheme": "grpc"}
COMM = {
    "internal": {"scheme": "tcp", "resources": {"host": "h", "port": 8102, "connection_security": "mtls"}}
}
ARGS = ["-u", "-m", "module", "-m", "/w", "-s", "f.json", "--set", "secure_train=true", "org=acme"]
VALUES = {"name": "site-1", "args": ARGS}


def files(role=Role.CLIENT, server=None, **more):
    given = {"communication": COMM, "values": VALUES, "federation": "f" * 16, **more}
    return KitFiles(role=role, start={"servers": [{"service": SERVICE, **(server or {})}]}, **given)


def flags(made, job="a-1"):
    return dict(made.process(job, "s").flags)


def communication(scheme="tcp", **resources):
    return {"internal": {"scheme": scheme, "resources": {"host": "h", "port": 8102, **resources}}}


def test_a_client():
    made = parent_of(files())
    assert (made.site, made.owner, made.options) == (
        "site-1",
        "site-1",
        ("secure_train=true", "org=acme", "uid=site-1"),
    )
    assert flags(made) == {
        "-m": "/w",
        "-w": "/w/startup",
        "-n": "a-1",
        "-c": "site-1",
        "-p": "stcp://h:8102",
        "--parent_conn_sec": "mtls",
        "-g": "nvflare-server:8002",
        "-scheme": "grpc",
        "-s": "fed_client.json",
    }
    assert made.process("a-1", "s").custom == "a-1/app_site-1/custom"


def test_the_server_is_called_server_whatever_its_participant_is_called():
    made = parent_of(files(Role.SERVER, {"admin_port": 8002}))
    assert (made.site, made.owner, made.options) == ("server", "server", ("secure_train=true", "org=acme"))
    assert flags(made) == {
        "-m": "/w",
        "-s": "fed_server.json",
        "-r": "/w/a-1/app_server",
        "-n": "a-1",
        "-p": "stcp://h:8102",
        "--parent_conn_sec": "mtls",
        "-u": "grpc://0:8002?admin_listener=true",
        "--host": "nvflare-server",
        "--port": "8002",
    }


@pytest.mark.parametrize(
    ("server", "root"),
    [
        ({}, "grpc://0:8002?admin_listener=true"),
        ({"admin_port": 8003}, "grpc://0:8002"),
        ({"admin_host": "0.0.0.0"}, "grpc://0.0.0.0:8002?admin_listener=true"),
        ({"admin_host": " localhost "}, "grpc://127.0.0.1:8002?admin_listener=true"),
        ({"service": {**SERVICE, "target": "localhost:8002"}}, "grpc://127.0.0.1:8002?admin_listener=true"),
        ({"service": {**SERVICE, "target": "127.0.0.3:1"}}, "grpc://127.0.0.3:1?admin_listener=true"),
        ({"service": {"target": "a:1", "scheme": "http"}}, "http://0:1?admin_listener=true"),
    ],
)
def test_where_the_server_listens(server, root):
    assert flags(parent_of(files(Role.SERVER, server)))["-u"] == root


def test_an_option_replaces_the_host_of_the_server():
    values = {**VALUES, "args": [*ARGS, "host=other"]}
    found = flags(parent_of(files(Role.SERVER, values=values)))
    assert (found["--host"], found["--port"]) == ("other", "8002")


@pytest.mark.parametrize(
    ("given", "url", "security"),
    [
        (communication(), "tcp://h:8102", "clear"),
        (communication(connection_security="clear"), "tcp://h:8102", "clear"),
        (communication(connection_security="tls"), "stcp://h:8102", "tls"),
        (communication("grpc", connection_security="mtls"), "grpcs://h:8102", "mtls"),
        (communication("stcp", connection_security="mtls"), "stcp://h:8102", "mtls"),
        (communication(host=""), "tcp://localhost:8102", "clear"),
    ],
)
def test_where_a_parent_listens_for_its_jobs(given, url, security):
    found = flags(parent_of(files(communication=given)))
    assert (found["-p"], found["--parent_conn_sec"]) == (url, security)


def test_a_client_behind_a_relay_has_another_cell():
    assert parent_of(files(relay={"fqcn": "relay-1"})).owner == "relay-1.site-1"


def test_a_workspace_without_the_parents_chart():
    start = {"servers": [{"service": SERVICE}], "client": {"fqsn": "relay.site-2"}}
    made = parent_of(
        KitFiles(
            role=Role.CLIENT, start=start, communication=COMM, organization=lambda: "acme", mounted="/mounted"
        )
    )
    assert made.workspace == "/mounted"
    assert made.options == ("secure_train=true", "config_folder=config", "org=acme", "uid=site-2")


def test_the_resources_add_what_the_startup_file_has_not():
    made = parent_of(
        files(Role.SERVER, resources={"servers": [{"admin_port": 8003, "service": {"target": "x:1"}}]})
    )
    assert (flags(made)["-u"], flags(made)["--host"]) == ("grpc://0:8002", "nvflare-server")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            {"communication": {}},
            r"^local/comm_config\.json: internal\.resources\.port: the parent has no fixed",
        ),
        ({"communication": {"internal": []}}, r"no fixed port"),
        ({"communication": {"internal": 1}}, r"^local/comm_config\.json: internal: must be a mapping, not 1"),
        ({"values": {"args": "x"}}, r"^helm_chart/values\.yaml: args: must be a list of texts"),
        ({"values": {"args": ["-m", "x"]}}, r"must name a module, a workspace and --set"),
        ({"values": {"args": ARGS}}, r"^helm_chart/values\.yaml: siteName: must be a non-empty string"),
        ({"server": {"service": {}}}, r"^startup/fed_client\.json: servers\[0\]\.service\.target: must be a"),
        (
            {"server": {"service": "x"}},
            r"^startup/fed_client\.json: servers\[0\]\.service: must be a mapping",
        ),
        (
            {"role": Role.SERVER, "server": {"service": {"target": "x"}}},
            r"target: must be HOST:PORT, not \"x\"",
        ),
    ],
)
def test_what_is_missing_is_named(given, words):
    with pytest.raises(InvalidInput, match=words):
        parent_of(files(**given))
