"""Answers without words that anybody knows, and what happens on the way to the API server."""

from __future__ import annotations

import json
import ssl
from http.client import BadStatusLine, IncompleteRead, RemoteDisconnected

import pytest
import urllib3
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import MaxRetryError, NewConnectionError, ProtocolError, ProxyError

from launcher.edges.kube.errors import translate
from launcher.errors import Conflict, Denied, NotFound, Reason, Rejected, Unavailable

ASKED = "list pods in namespace fl"


def answer(status: int, message: str = "words that nobody knows", **headers: str) -> ApiException:
    error = ApiException(status=status, reason="whatever")
    error.body = json.dumps({"message": message})
    error.headers = headers
    return error


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (400, Rejected, Reason.INVALID_SPEC),
        (401, Denied, Reason.UNAUTHENTICATED),
        (403, Denied, Reason.ACCESS_DENIED),
        (404, NotFound, None),
        (407, Unavailable, Reason.PROXY),
        (409, Conflict, None),
        (410, Unavailable, Reason.SERVER_ERROR),
        (422, Rejected, Reason.INVALID_SPEC),
        (429, Unavailable, Reason.SERVER_BUSY),
        (500, Unavailable, Reason.SERVER_ERROR),
        (503, Unavailable, Reason.SERVER_BUSY),
    ],
)
def test_status_decides_where_the_words_do_not(status, kind, reason):
    error = translate(answer(status), ASKED)
    assert (type(error), error.reason) == (kind, reason)
    assert error.message.startswith(f"cannot {ASKED}: ")
    assert bool(error.cure) is (reason is not None)


def test_an_answer_that_is_no_json_is_read_by_its_status():
    error = answer(403)
    error.body = "<html>403 Forbidden</html>"
    assert type(translate(error, ASKED)) is Denied


def test_an_unknown_user_is_told_so():
    error = translate(answer(401, "Unauthorized"), ASKED)
    assert error.message == f"cannot {ASKED}: the API server does not accept the credentials"
    assert "kubeconfig" in error.cure


def test_a_missing_right_is_named_with_the_namespace_of_the_answer():
    said = 'pods is forbidden: User "u" cannot list resource "pods" in API group "" in the namespace "fl"'
    error = translate(answer(403, said), ASKED)
    assert type(error) is Denied
    assert error.message == f"cannot {ASKED}: {said}"
    assert error.cure.startswith("grant the right to list pods (")
    assert error.cure.endswith("check: kubectl auth can-i list pods --namespace fl --as u")


@pytest.mark.parametrize("message", ["Internal error occurred: x", "words that nobody knows"])
def test_the_time_for_which_a_server_wants_to_be_left_alone_is_kept(message):
    error = translate(answer(503, message, **{"Retry-After": "7"}), ASKED)
    assert isinstance(error, Unavailable)
    assert error.retry_after == 7


@pytest.mark.parametrize(
    ("text", "reason", "cure"),
    [
        ("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed", Reason.TLS, "certificate-authority in kubeconfig"),
        ("Failed to resolve 'x'", Reason.NO_SUCH_HOST, "correct the server in kubeconfig"),
        ("[Errno 111] Connection refused", Reason.CONNECTION_REFUSED, "names its address"),
        ("[Errno 101] Network is unreachable", Reason.CONNECTION_REFUSED, "names its address"),
        (
            "Unable to connect to proxy: Failed to establish a new connection: [Errno 111] Connection refused",
            Reason.PROXY,
            "correct proxy-url in kubeconfig",
        ),
        ("Tunnel connection failed: 407 Proxy Authentication Required", Reason.PROXY, "HTTPS_PROXY"),
        ("Read timed out.", Reason.NO_ANSWER, "check that the cluster runs"),
        ("Connection broken: IncompleteRead", Reason.CONNECTION_LOST, "try again"),
    ],
)
def test_trouble_on_the_way_is_named(text, reason, cure):
    error = translate(OSError(text), ASKED)
    assert (type(error), error.reason) == (Unavailable, reason)
    assert cure in error.cure
    assert text in error.message


@pytest.mark.parametrize(
    ("said", "action", "check"),
    [
        (
            'pods is forbidden: User "u" cannot list resource "pods" in API group "" at the cluster scope',
            "list pods in all namespaces",
            "list pods --as u",
        ),
        (
            'pods is forbidden: User "u" cannot list resource "pods" in API group "" at the cluster scope',
            ASKED,
            "list pods --namespace fl --as u",
        ),
        (
            'pods "p" is forbidden: User "u" cannot get resource "pods" in API group "" at the cluster scope',
            "get pod ns-1/p",
            "get pods --namespace ns-1 --as u",
        ),
    ],
)
def test_a_cure_names_the_namespace_of_the_request_or_none(said, action, check):
    assert translate(answer(403, said), action).cure.endswith(f"kubectl auth can-i {check}")


def test_a_cure_names_the_kubeconfig():
    refused = OSError("[Errno 111] Connection refused")
    assert "kubeconfig /etc/k " in translate(refused, ASKED, "/etc/k").cure
    assert "kubeconfig KUBECONFIG or ~/.kube/config " in translate(refused, ASKED).cure


POOL = urllib3.HTTPSConnectionPool("10.0.0.1", 6443)
REFUSED = NewConnectionError(POOL, "Failed to establish a new connection: [Errno 111] Connection refused")


@pytest.mark.parametrize(
    ("error", "said", "reason"),
    [
        (
            ProtocolError("Connection aborted.", BadStatusLine("CANARY timed out")),
            "Connection aborted: the answer is no HTTP",
            Reason.CONNECTION_LOST,
        ),
        (
            ProtocolError("Connection aborted.", RemoteDisconnected("Remote end closed connection")),
            "Connection aborted: Remote end closed connection",
            Reason.CONNECTION_LOST,
        ),
        (
            ProtocolError("Connection broken: IncompleteRead(3 bytes read)", IncompleteRead(b"CAN", 97)),
            "Connection broken: the answer broke off",
            Reason.CONNECTION_LOST,
        ),
        (
            REFUSED,
            "nothing answers at 10.0.0.1:6443: connection refused",
            Reason.CONNECTION_REFUSED,
        ),
        (
            MaxRetryError(POOL, "/api", ProxyError("Unable to connect to proxy", REFUSED)),
            "Unable to connect to proxy: nothing answers at 10.0.0.1:6443: connection refused",
            Reason.PROXY,
        ),
        (
            ProxyError("Unable to connect to proxy", OSError("Tunnel connection failed: 502 Bad Gateway")),
            "Unable to connect to proxy: Tunnel connection failed: 502 Bad Gateway",
            Reason.PROXY,
        ),
        (
            ApiException(status=0, reason="SSLError\n[SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred"),
            "[SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred",
            Reason.CONNECTION_LOST,
        ),
        (
            ApiException(
                status=0, reason="SSLError\n[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed"
            ),
            "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed",
            Reason.TLS,
        ),
    ],
)
def test_what_the_library_says_becomes_a_sentence(error, said, reason):
    found = translate(error, ASKED)
    assert (found.message, found.reason) == (f"cannot {ASKED}: {said}", reason)


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] tlsv13 alert certificate required (_ssl.c:2580)", Denied),
        ("[SSL: SSLV3_ALERT_CERTIFICATE_EXPIRED] sslv3 alert certificate expired (_ssl.c:2580)", Denied),
        ("[SSL: TLSV1_ALERT_UNKNOWN_CA] tlsv1 alert unknown ca (_ssl.c:2580)", Denied),
        ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired", Unavailable),
        ("[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)", Unavailable),
    ],
)
def test_a_certificate_of_ours_that_the_server_refuses_is_a_login(words, kind):
    error = translate(ssl.SSLError(1, words), ASKED, login="the client certificate of user 'me'")
    assert type(error) is kind
    assert ("does not accept the client certificate of user 'me'" in error.message) is (kind is Denied)
