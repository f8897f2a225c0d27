"""What is said of a kubeconfig that cannot be used: the place of the fault, and no credential."""

from __future__ import annotations

import base64
import traceback

import pytest

from launcher.edges.kubeconfig import ClientConfigLoader, resolve
from launcher.edges.kubeconfig.files import load
from launcher.edges.kubeconfig.resolve import Inputs
from launcher.errors import InvalidInput, Reason
from tests.unit.edges.kubeconfig.files import found, kubeconfig, write


@pytest.mark.parametrize(
    ("value", "where", "why"),
    [
        ("!CANARY", ":4:15", "a value that begins with `!` must be quoted"),
        ("!x!CANARY", ":4:15", "a value that begins with `!` must be quoted"),
        ("!<CANARY", ":4:23", "a value there must be quoted"),
        ("*CANARY", ":4:15", "a value that begins with `*` must be quoted"),
        ("*", ":4:16", "a value there must be quoted"),
        ("&CANARY x\n    token: &CANARY y", ":5:12", "a value that begins with `&` must be quoted"),
        ("%CANARY", ":4:15", "a value that begins with `%` must be quoted"),
        ("@CANARY", ":4:15", "a value that begins with `@` must be quoted"),
        ("`CANARY", ":4:15", "a value that begins with ``` must be quoted"),
        ('"\\CANARY"', ":4:17", "a value there must be quoted"),
        ("x\n    CANARY: 1\n    CANARY: 2", ":6:5", "a key occurs twice"),
        ("CANARY: x", ":4:21", "mapping values are not allowed here"),
        ("{a: CANARY", ":5:1", "expected ',' or '}', but got '<stream end>'"),
        ("!!int CANARY", "", "is not YAML"),
        ("CANARY\x07", ":4:21", "has the character #x0007, which YAML does not allow"),
    ],
)
def test_a_fault_of_yaml_has_its_place_and_no_password(tmp_path, value, where, why):
    path = write(tmp_path / "config", f"users:\n- name: a\n  user:\n    password: {value}\n")
    with pytest.raises(InvalidInput) as error:
        load([path])
    assert error.value.message == f"kubeconfig: {path}{where} cannot be used: {why}"
    cure = "correct the YAML there" if where else "correct the file"
    if "\x07" in value:
        cure = "take it out, or write it as an escape in double quotes"
    assert error.value.cure == cure
    assert "CANARY" not in "".join(traceback.format_exception(error.value))


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"HELM_KUBETOKEN": "CANARY\nx"}, "token has a line end"),
        ({"HELM_KUBEAPISERVER": "https://b c"}, "server 'https://b c' is no address"),
        ({"HELM_KUBEAPISERVER": "https://u:CANARY@b c"}, "server "),
        ({"HELM_KUBECAFILE": "/nonesuch/ca.crt"}, "certificate-authority /nonesuch/ca.crt cannot be read"),
        ({"HELM_KUBECONTEXT": "zz"}, "there is no context zz in "),
        ({"HELM_KUBEASGROUPS": "g"}, "as-groups is set without a user"),
        ({"HELM_KUBEASUSER": "a\nb"}, "as has a line end"),
    ],
)
def test_a_fault_of_a_variable_is_not_one_of_the_kubeconfig(tmp_path, environ, said):
    path = write(tmp_path / "c", kubeconfig())
    ((name, _),) = environ.items()
    others = {"HELM_KUBETLS_SERVER_NAME": "n", "HELM_KUBEINSECURE_SKIP_TLS_VERIFY": "0"}
    with pytest.raises(InvalidInput) as error:
        found(path, **environ, **others)
    assert error.value.message.startswith(f"{name}: {said}")
    assert error.value.cure == f"correct {name}, or unset it"
    assert "CANARY" not in str(error.value)


def test_a_fault_of_the_kubeconfig_is_not_one_of_a_variable(tmp_path):
    path = write(tmp_path / "c", kubeconfig(token="a\nb"))
    with pytest.raises(InvalidInput, match=r"^kubeconfig: .* token has a line end"):
        found(path, HELM_KUBEAPISERVER="https://b", HELM_KUBEASUSER="eve")


def test_variables_in_force_are_named_with_the_kubeconfig(tmp_path):
    path = write(tmp_path / "c", kubeconfig())
    environ = {"HELM_KUBETOKEN": "t", "HELM_KUBECONTEXT": "a", "HELM_KUBEASGROUPS": ", "}
    source = f"{path} with HELM_KUBECONTEXT and HELM_KUBETOKEN of the environment"
    assert found(path, **environ).source == source
    assert ClientConfigLoader(str(path), environ=environ).source == source
    assert ClientConfigLoader(str(path), "a", environ={"HELM_KUBECONTEXT": "x"}).source == str(path)
    assert ClientConfigLoader(environ={"HELM_KUBETOKEN": "t"}).source.startswith("~/.kube/config with ")
    assert ClientConfigLoader(environ={}).source == ""


def test_the_contexts_that_exist_are_named(tmp_path):
    context = kubeconfig()["contexts"][0]["context"]
    names = [{"name": f"c{number}", "context": context} for number in range(10)]
    path = write(tmp_path / "c", kubeconfig() | {"contexts": names})
    with pytest.raises(InvalidInput, match=r"no context zz; there is c0, .*c7 and 2 more\n") as error:
        resolve.resolve(Inputs(kubeconfig=str(path), context="zz", environ={"HELM_KUBECONTEXT": "c0"}))
    assert (error.value.where, error.value.reason) == ("kubeconfig", Reason.CONTEXT_MISSING)


def test_a_list_without_files_is_shown():
    with pytest.raises(InvalidInput, match="there is no kubeconfig at ':'"):
        resolve.resolve(Inputs(environ={"KUBECONFIG": ":"}))


def test_a_user_that_is_not_there_is_not_nobody(tmp_path):
    path = write(tmp_path / "c", kubeconfig() | {"users": []})
    with pytest.raises(
        InvalidInput, match=r"there is no user 'a', which context 'a' names\n  cure: "
    ) as error:
        found(path)
    assert error.value.reason is Reason.KUBECONFIG_INVALID
    assert found(path, HELM_KUBETOKEN="t").user == {"token": "t"}


def test_a_context_without_a_user_asks_as_nobody(tmp_path):
    document = kubeconfig()
    del document["contexts"][0]["context"]["user"]
    assert found(write(tmp_path / "c", document)).user == {}
    assert found(write(tmp_path / "d", kubeconfig() | {"users": [{"name": "a"}]})).user == {}


@pytest.mark.parametrize("content", ["CANARY!!", "CANAR", "CANARYé", base64.b64encode(b"CANARY").decode()])
@pytest.mark.parametrize("name", ["certificate-authority-data", "client-certificate-data", "client-key-data"])
def test_data_that_are_no_certificate(tmp_path, name, content):
    document = kubeconfig(**{} if name.startswith("certificate") else {name: content})
    if name.startswith("certificate"):
        document["clusters"][0]["cluster"][name] = content
    path = write(tmp_path / "c", document)
    with pytest.raises(InvalidInput, match=f"{path} cannot be used with context 'a': {name} is ") as error:
        found(path)
    assert (error.value.where, error.value.reason) == ("kubeconfig", Reason.KUBECONFIG_INVALID)
    assert "CANARY" not in str(error.value)


@pytest.mark.parametrize(
    "server", ["https://u:CANARY@h:1 x", "https://h?token=CANARY x", "https://[u:CANARY@h"]
)
def test_no_password_of_a_server_is_shown(tmp_path, server):
    document = kubeconfig()
    document["clusters"][0]["cluster"]["server"] = server
    with pytest.raises(InvalidInput, match="server is no address") as error:
        found(write(tmp_path / "c", document))
    assert "CANARY" not in str(error.value)


@pytest.mark.parametrize(
    "proxy", ["http://h/%zz", "http://u:CANARY%zz@h:1", "http://u:CANARY^@h", "http://%zz"]
)
def test_a_proxy_that_go_cannot_read_is_the_kubeconfig_s(tmp_path, proxy):
    document = kubeconfig()
    document["clusters"][0]["cluster"]["proxy-url"] = proxy
    with pytest.raises(InvalidInput, match="with context 'a': the proxy is no address") as error:
        found(write(tmp_path / "c", document))
    assert "CANARY" not in str(error.value)
    with pytest.raises(InvalidInput, match="HTTPS_PROXY: the proxy is no address"):
        found(write(tmp_path / "c", kubeconfig()), HTTPS_PROXY=proxy)


def test_a_server_that_go_cannot_read(tmp_path):
    document = kubeconfig()
    document["clusters"][0]["cluster"]["server"] = "https://h/%zz"
    with pytest.raises(InvalidInput, match="server 'https://h/%zz' is no address"):
        found(write(tmp_path / "c", document))
