"""What the API server says is read alike, whether helm prints it or the API client gets it."""

from __future__ import annotations

import json

import pytest
from kubernetes.client.exceptions import ApiException

from launcher.core.catalogue import Code
from launcher.core.pending.refusal import refusal_of
from launcher.edges.helm.child import ChildFailed, Ended
from launcher.edges.helm.failures.explain import Call, explain
from launcher.edges.kube.errors import translate

_INTERNAL = "Internal error occurred: "
_SCC = (
    'unable to validate against any security context constraint: [provider "anyuid": Forbidden: not usable]'
)
_POLICY = "ValidatingAdmissionPolicy 'p' with binding 'p' denied request: no"
# Status and message of the answer, the code that both must lead to.
HEALS = [
    (500, f"{_INTERNAL}resource quota evaluation timed out", Code.QUOTA_BUSY),
    (500, f"{_INTERNAL}resource quota evaluates timeout", Code.QUOTA_BUSY),
    (403, 'secrets "s" is forbidden: status unknown for quota: q, resources: secrets', Code.QUOTA_BUSY),
    (
        409,
        'Operation cannot be fulfilled on resourcequotas "q": the object has been modified',
        Code.QUOTA_BUSY,
    ),
    (403, 'secrets "s" is forbidden: exceeded quota: q, requested: secrets=1', Code.QUOTA_EXCEEDED),
    (500, f"{_INTERNAL}etcdserver: request timed out", Code.API_UNAVAILABLE),
    (500, f"{_INTERNAL}something new", Code.API_UNAVAILABLE),
    (500, f'{_INTERNAL}failed calling webhook "h": failed to call webhook: EOF', Code.WEBHOOK_FAILED),
    (403, 'secrets "s" is forbidden: not yet ready to handle request', Code.API_UNAVAILABLE),
    (
        403,
        'pods "p" is forbidden: unable to CREATE pods at this time because there was an error enforcing limit ranges',
        Code.API_UNAVAILABLE,
    ),
    (
        403,
        'secrets "s" is forbidden: unable to create new content in namespace n because it is being terminated',
        Code.NAMESPACE_TERMINATING,
    ),
    (504, "Timeout: request did not complete within requested timeout", Code.API_UNAVAILABLE),
    (429, "Too many requests, please try again later.", Code.API_UNAVAILABLE),
]
STAYS = [
    (403, f'pods "p" is forbidden: {_SCC}', Code.ADMISSION_DENIED),
    (403, f'pods "p" is forbidden: {_POLICY}', Code.ADMISSION_DENIED),
    (403, 'pods "p" is forbidden: violates PodSecurity "restricted:latest": host', Code.ADMISSION_DENIED),
    (
        403,
        'pods "p" is forbidden: image policy webhook backend denied one or more images',
        Code.ADMISSION_DENIED,
    ),
    (403, 'admission webhook "h" denied the request: no', Code.ADMISSION_DENIED),
    (400, f'admission webhook "h" denied the request: {_INTERNAL}x', Code.ADMISSION_DENIED),
    (
        403,
        'pods is forbidden: User "u" cannot create resource "pods" in API group "" in the namespace "n"',
        Code.FORBIDDEN,
    ),
    (403, 'forbidden: User "system:anonymous" cannot get path "/version"', Code.FORBIDDEN),
    (422, 'Pod "p" is invalid: spec.x: Required value', Code.INVALID_SPEC),
]


def refusals(status: int, message: str):
    helm = f"Error: INSTALLATION FAILED: create: failed to create: {message}\n"
    yield refusal_of(explain(ChildFailed(Ended.EXITED, 1, helm), Call("install", "r", "ns")))
    answer = ApiException(status=status, reason="whatever")
    answer.body = json.dumps({"kind": "Status", "message": message, "code": status})
    yield refusal_of(translate(answer, "create pods in namespace ns"))


@pytest.mark.parametrize(("status", "message", "code"), HEALS + STAYS)
def test_both_edges_read_the_same(status, message, code):
    assert [refusal.code for refusal in refusals(status, message)] == [code, code]


@pytest.mark.parametrize(("status", "message", "code"), HEALS)
def test_what_heals_by_itself_is_never_final(status, message, code):
    assert all(refusal.may_heal for refusal in refusals(status, message))


@pytest.mark.parametrize(("status", "message", "code"), STAYS)
def test_what_does_not_heal_is_final(status, message, code):
    assert not any(refusal.may_heal for refusal in refusals(status, message))


# What only helm says: client-go and Go's HTTP/2 on the way to the API server.
WAYS = [
    'an error on the server ("Internal Server Error") has prevented the request from succeeding (post pods)',
    'an error on the server ("unknown") has prevented the request from succeeding',
    'Post "https://10.0.0.1:6443/x": stream error: stream ID 7; INTERNAL_ERROR; received from peer',
    'Patch "https://10.0.0.1:6443/x": http2: server sent GOAWAY and closed the connection; LastStreamID=1',
    "The POST operation against Pod could not be completed at this time, please try again.",
    "Timeout: request did not complete within requested timeout - context deadline exceeded",
]


@pytest.mark.parametrize("text", WAYS)
def test_trouble_on_the_way_is_waited_out(text):
    for said in (
        f"create: failed to create: {text}",
        f"server-side apply failed for object ns/p /v1, Kind=Pod: {text}",
    ):
        refusal = refusal_of(
            explain(ChildFailed(Ended.EXITED, 1, f"Error: {said}\n"), Call("install", "r", "ns"))
        )
        assert (refusal.code, refusal.may_heal) == (Code.API_UNAVAILABLE, True)
