"""Answers without words that anybody knows, and what happens on the way to the API server."""

from __future__ import annotations

import json

import pytest
from kubernetes.client.exceptions import ApiException

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
    assert error.message == f"cannot {ASKED}: the API server does not know who asks"
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
        ("Read timed out.", Reason.NO_ANSWER, "check that the cluster runs"),
        ("Connection broken: IncompleteRead", Reason.CONNECTION_LOST, "try again"),
    ],
)
def test_trouble_on_the_way_is_named(text, reason, cure):
    error = translate(OSError(text), ASKED)
    assert (type(error), error.reason) == (Unavailable, reason)
    assert cure in error.cure
    assert text in error.message
