"""Headers and certificates of a user; credential programs that answer, fail and expire."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from launcher.edges.kube import credentials as module
from launcher.edges.kube import exec_credential
from launcher.edges.kube.credentials import Credentials, impersonation
from launcher.edges.kubeconfig import ClientConfig
from launcher.errors import Denied, Reason
from tests.said import said_by

VERSION = "client.authentication.k8s.io/v1"


def credentials(server: str = "https://h", **user: Any) -> Credentials:
    config = ClientConfig(source="/k", context="c", cluster={"server": server}, user=user)
    return Credentials(config, {"PATH": "/usr/bin:/bin"})


def answering(script: str, **fields: Any) -> Credentials:
    return credentials(exec={"apiVersion": VERSION, "command": "sh", "args": ["-c", script], **fields})


def printing(**status: Any) -> str:
    return f"echo '{json.dumps({'apiVersion': VERSION, 'kind': 'ExecCredential', 'status': status})}'"


def test_a_token_file_is_read_again_within_a_minute(tmp_path, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    path = tmp_path / "token"
    path.write_text("one\n")
    user = credentials(tokenFile=str(path))
    assert user.authorization() == "Bearer one"
    path.write_text("two\n")
    assert user.authorization() == "Bearer one"
    now[0] += 60
    assert user.authorization() == "Bearer two"
    path.unlink()
    now[0] += 60
    assert user.authorization() == "Bearer two"


@pytest.mark.parametrize("content", ["", " \n", "a\nb\n", "a\x00b"])
def test_a_file_without_a_token(tmp_path, content):
    (tmp_path / "token").write_text(content)
    with pytest.raises(Denied, match="there is no token in"):
        credentials(tokenFile=str(tmp_path / "token")).authorization()


def test_impersonation_headers_are_escaped():
    user = {"as": "zoë", "as-user-extra": {"a/b:c": ["x"]}}
    headers = impersonation(user)
    assert ("Impersonate-Extra-a%2Fb%3Ac", "x") in headers
    assert dict(headers)["Impersonate-User"].encode("latin-1").decode() == "zoë"
    assert impersonation({"as-groups": ["g"]}) == []


def test_nothing_is_sent_over_plain_http():
    user = credentials("http://h", token="t", **{"client-certificate": "/c"})
    assert (user.authorization(), user.certificate()) == ("", {})


def test_a_program_runs_once_until_its_answer_expires(tmp_path):
    count = f"echo x >> {tmp_path / 'runs'}; "
    for expires, runs in (("2999-01-01T00:00:00Z", 1), ("2001-01-01T00:00:00Z", 2)):
        user = answering(count + printing(token="t", expirationTimestamp=expires))
        assert [user.authorization(), user.authorization()] == ["Bearer t"] * 2
        assert (tmp_path / "runs").read_text().count("x") == runs
        (tmp_path / "runs").unlink()


def test_a_program_may_answer_a_certificate():
    user = answering(printing(clientCertificateData="cert", clientKeyData="key"))
    assert user.authorization() == ""
    assert user.certificate() == {"client-certificate-data": "Y2VydA==", "client-key-data": "a2V5"}


CERTIFICATE = {"client-certificate": "/c", "client-key-data": "a2V5"}


@pytest.mark.parametrize(
    ("fields", "header"),
    [
        (CERTIFICATE, ""),
        ({"token": "t"}, "Bearer t"),
        ({"username": "u", "password": "p"}, "Basic dTpw"),
        ({"username": "u", **CERTIFICATE}, "Basic dTo="),
    ],
)
def test_a_program_is_not_asked_of_a_user_with_other_credentials(fields, header):
    user = credentials(**{**answering("exit 3").config.user, **fields})
    assert user.authorization() == header
    assert user.certificate() == {name: fields[name] for name in fields if name.startswith("client-")}


def test_a_program_is_asked_of_a_user_with_half_a_certificate():
    program = answering(printing(token="t")).config.user
    assert credentials(**{**program, "client-certificate": "/c"}).authorization() == "Bearer t"


def test_a_program_is_told_about_the_cluster():
    script = printing(token="t").replace("echo", 'test "$KUBERNETES_EXEC_INFO" && echo')
    script = f"""case $KUBERNETES_EXEC_INFO in *'"server": "https://h"'*) {script} ;; esac"""
    assert answering(script, provideClusterInfo=True).authorization() == "Bearer t"
    with pytest.raises(Denied):
        answering(script).authorization()


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: answering("exit 3"), "sh ended with exit code 3 and said nothing"),
        (lambda: answering("echo '\033[31mred\u202e' >&2; exit 1"), r"exit code 1: \\x1b\[31mred\\u202e\n"),
        (lambda: answering("echo token: sEcReT-vAlUe-1234567 >&2; exit 1"), r"exit code 1: token: \*\*\*\n"),
        (
            lambda: answering("printf '%05000d' 0 >&2; exit 1"),
            r"exit code 1: 0+ \.\.\. 5000 characters in all \.\.\. 0+\n",
        ),
        (lambda: answering("echo no"), "printed no ExecCredential"),
        (lambda: answering("echo null"), "printed no ExecCredential"),
        (lambda: answering(printing()), "printed no ExecCredential"),
        (lambda: answering(printing(token="a\nb")), "printed no ExecCredential"),
        (lambda: answering(printing(token=12345)), "printed no ExecCredential"),
        (lambda: answering(printing(token=["a"])), "printed no ExecCredential"),
        (lambda: answering(printing(clientCertificateData="c")), "printed no ExecCredential"),
        (lambda: answering(printing(token="t", expirationTimestamp="soon")), "printed no ExecCredential"),
        (lambda: answering("true", command="no-such-program"), "executable no-such-program not found"),
        (lambda: answering("true", command="/"), "/ cannot be run"),
    ],
)
def test_a_program_that_fails(make: Callable[[], Credentials], why):
    with pytest.raises(Denied, match=f"the credential program of kubeconfig /k failed: .*{why}") as error:
        make().authorization()
    assert error.value.reason is Reason.CREDENTIAL_PLUGIN
    assert error.value.cure


@pytest.mark.parametrize("most", [30.0, 1.0])
def test_whoever_waits_for_a_program_learns_so_and_not_for_ever(monkeypatch, caplog, most):
    monkeypatch.setattr(exec_credential, "_NOTICE", 0.1)
    monkeypatch.setattr(exec_credential, "_SECONDS", most)
    # A child of its own holds its output open, also when it is killed.
    user = answering(f"sleep 2; {printing(token='t')}; sleep 60 >/dev/null 2>&1 &")
    if most > 2:
        assert user.authorization() == "Bearer t"
    else:
        with pytest.raises(Denied, match="sh did not end within 1 s"):
            user.authorization()
    assert said_by(caplog, "launcher.edges") == ["waiting for the credential program sh of kubeconfig /k"]


def test_a_program_may_print_yaml():
    text = f"kind: ExecCredential\\napiVersion: {VERSION}\\nstatus: {{{{token: 2026-11-29}}}}"
    assert (
        answering(f"printf '{text}'".replace("{{", "{").replace("}}", "}")).authorization()
        == "Bearer 2026-11-29"
    )
