"""What the API server says is read alike, whether helm prints it or the API client gets it, and means one thing."""

from __future__ import annotations

import json

import pytest
from kubernetes.client.exceptions import ApiException

from launcher.core.catalogue import CATALOGUE, CREATION, Code
from launcher.core.catalogue.reasons import REASONS, cure_of
from launcher.core.pending.refusal import refusal_of
from launcher.edges.api_words import API_WORDS
from launcher.edges.charts.failures import COSIGN, PULL
from launcher.edges.failure import Failure, find
from launcher.edges.helm.child import ChildFailed, Ended
from launcher.edges.helm.failures.explain import Call, explain
from launcher.edges.helm.failures.table import FAILURES
from launcher.edges.kube.errors import translate
from launcher.errors import Denied, LauncherError, Reason

_INTERNAL = "Internal error occurred: "
_SCC = (
    'unable to validate against any security context constraint: [provider "anyuid": Forbidden: not usable]'
)
_HEAD = "ValidatingAdmissionPolicy 'p' with binding 'p' denied request:"
_POLICY = f"{_HEAD} no"
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
    (
        403,
        (
            'pods "p" is forbidden: exceeded quota: q, requested: limits.cpu=500m,requests.memory=1Gi, used: '
            "limits.cpu=2,requests.memory=2Gi, limited: limits.cpu=2,requests.memory=2Gi"
        ),
        Code.QUOTA_EXCEEDED,
    ),
    (
        403,
        'pods "p" is forbidden: exceeded quota: q, requested: count/pods=1, used: count/pods=0, limited: count/pods=0',
        Code.QUOTA_EXCEEDED,
    ),
    (500, "error resolving quota: etcd is away", Code.QUOTA_BUSY),
    (
        403,
        (
            f'pods "p" is forbidden: {_HEAD} failed to configure binding: paramKind kind `v1, Kind=Rule` not yet synced '
            "to use for admission"
        ),
        Code.API_UNAVAILABLE,
    ),
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
    (
        403,
        (
            'pods "p" is forbidden: exceeded quota: q, requested: limits.cpu=8,pods=1, used: limits.cpu=0,pods=1, limited: '
            "limits.cpu=4,pods=1"
        ),
        Code.QUOTA_TOO_SMALL,
    ),
    (
        403,
        'pods "p" is forbidden: insufficient quota to consume: requests.nvidia.com/gpu',
        Code.ADMISSION_DENIED,
    ),
    (500, "insufficient quota to match these scopes: [{PriorityClass In [high]}]", Code.ADMISSION_DENIED),
    (
        422,
        (
            'Pod "p" is invalid: spec.initContainers[1].resources.requests[hugepages-2Mi]: Invalid value: "2Mi": must be '
            "equal to hugepages-2Mi limit of 4Mi"
        ),
        Code.LIMIT_RANGE,
    ),
    (
        403,
        'pods "p" is forbidden: minimum cpu usage per Pod is 200m.  No request is specified',
        Code.LIMIT_RANGE,
    ),
    (
        403,
        (
            'pods "p" is forbidden: [maximum cpu usage per Container is 2, but limit is 4, maximum memory usage per '
            "Container is 1Gi, but limit is 2Gi]"
        ),
        Code.LIMIT_RANGE,
    ),
    (
        403,
        'pods "p" is forbidden: cpu max limit to request ratio per Container is 2, but provided ratio is 4.000000',
        Code.LIMIT_RANGE,
    ),
    (400, 'admission webhook "h" denied the request without explanation', Code.ADMISSION_DENIED),
    (
        422,
        "policy 'm' with binding 'm' denied request: JSON Patch: replace operation does not apply",
        Code.ADMISSION_DENIED,
    ),
    (422, 'policy "m" denied request: no such key: cost-center', Code.ADMISSION_DENIED),
    (
        403,
        f"pods \"p\" is forbidden: {_HEAD} expression '1/0' resulted in error: division by zero",
        Code.ADMISSION_DENIED,
    ),
    (
        403,
        (
            f'pods "p" is forbidden: {_HEAD} failed to configure binding: no params found for policy binding with `Deny` '
            "parameterNotFoundAction"
        ),
        Code.ADMISSION_DENIED,
    ),
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


@pytest.mark.parametrize(
    "text",
    [
        'forbidden: User "system:anonymous" cannot get path "/version"',
        'pods is forbidden: User "system:anonymous" cannot get resource "pods" in API group "" in the namespace "ns"',
    ],
)
def test_nobody_gets_no_rights(text):
    unreachable = f"cluster reachability check failed: kubernetes cluster unreachable: {text}"
    for error in (from_helm(text), from_helm(unreachable), from_client(403, text)):
        assert (type(error), error.reason) == (Denied, Reason.NOT_LOGGED_IN)
        assert "nobody is logged in, the context has no credentials: " in error.message
        assert "Role" not in error.cure
        assert "grant" not in error.cure


# How helm prints a sentence of the API server: for its release record, and for an object of the chart.
AROUND = ["create: failed to create: {}", "server-side apply failed for object ns/p /v1, Kind=Pod: {}"]


def from_helm(text: str) -> LauncherError:
    said = f"Error: INSTALLATION FAILED: {text}\n"
    return explain(ChildFailed(Ended.EXITED, 1, said), Call("install", "r", "ns"))


def from_client(status: int, message: str) -> LauncherError:
    answer = ApiException(status=status, reason="whatever")
    answer.body = json.dumps({"kind": "Status", "message": message, "code": status})
    return translate(answer, "create pods in namespace ns")


def refusals(status: int, message: str):
    yield refusal_of(from_helm(f"create: failed to create: {message}"))
    yield refusal_of(from_client(status, message))


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
    for around in AROUND:
        refusal = refusal_of(from_helm(around.format(text)))
        assert (refusal.code, refusal.may_heal) == (Code.API_UNAVAILABLE, True)


ROWS = [pytest.param(row, id=f"{row.reason.value}-{number}") for number, row in enumerate(API_WORDS)]


@pytest.mark.parametrize("row", ROWS)
def test_first_row_that_matches_a_sample_is_its_own(row: Failure):
    found = find(API_WORDS, row.sample)
    assert found is not None
    assert found[0] is row
    for around in AROUND:
        found = find(FAILURES, around.format(row.sample))
        assert found is not None
        assert found[0] is row


@pytest.mark.parametrize("status", [400, 403, 404, 409, 422, 500])
@pytest.mark.parametrize("row", ROWS)
def test_both_edges_make_the_same_error_whatever_the_status(row: Failure, status: int):
    for error in (
        from_client(status, row.sample),
        *(from_helm(around.format(row.sample)) for around in AROUND),
    ):
        assert (type(error), error.reason) == (row.error, row.reason)
        assert row.sample in error.message or error.message.startswith("release ns/r: ")


# No sentence leads to these.
WITHOUT_ROW = {
    Reason.HELM_FAILED: "helm said what no row knows, or nothing",
    Reason.CHART_NOT_FETCHED: "the same of a chart in a registry",
    Reason.CHART_TAG_MOVED: "two digests are compared",
}


def test_every_reason_has_a_row_or_a_reason_why_not():
    rows = {row.reason for row in (*FAILURES, *PULL, *COSIGN)}
    assert rows.isdisjoint(WITHOUT_ROW)
    assert rows | set(WITHOUT_ROW) == set(Reason)


def test_a_reason_is_raised_as_one_class():
    classes = {(row.reason, row.error) for row in FAILURES}
    assert len(classes) == len({reason for reason, _ in classes})


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_leads_to_a_code_of_a_refused_launch_and_has_a_cure(reason: Reason):
    assert REASONS[reason].code in CREATION
    assert cure_of(reason)
    assert "{" not in cure_of(reason)


def test_a_cure_stands_in_one_place():
    """What a code says to do is what the sentences say that lead to it, unless each of them has its own."""
    own = {code for code, entry in CREATION.items() if entry.cure not in map(cure_of, Reason)}
    assert own == {Code.API_UNAVAILABLE, Code.NAME_CONFLICT, Code.SITE_INVALID}


@pytest.mark.parametrize(
    ("said", "names"),
    [
        (
            f'pods "p" is forbidden: {_HEAD} failed to configure binding: x',
            "'p' of the cluster does not work",
        ),
        ("policy 'm' with binding 'b' denied request: no such key: y", "'m' of the cluster does not work"),
        ('policy "m" denied request: no such key: y', "'m' of the cluster does not work"),
        (
            'pods "p" is forbidden: exceeded quota: q, requested: cpu=8, used: cpu=0, limited: cpu=4',
            "cpu: 8 asked, 4 is the most",
        ),
        (
            (
                'Pod "p" is invalid: spec.containers[0].resources.requests: Invalid value: "1Gi": must be less than or equal '
                "to memory limit of 512Mi"
            ),
            "memory: 1Gi asked, and the limit of the container is 512Mi",
        ),
    ],
)
def test_refusals_name_the_rule_and_the_numbers_with_a_cure(said, names):
    for around in AROUND:
        error = from_helm(around.format(said))
        assert names in error.message
        assert error.cure


def test_a_cure_has_the_words_of_the_case_where_they_are_known():
    said = 'pods "p" is forbidden: exceeded quota: gold, requested: pods=1, used: pods=3, limited: pods=3'
    for error in (from_helm(said), from_client(403, said)):
        assert error.cure.endswith("kubectl --namespace ns describe quota gold")
    cure = CATALOGUE[Code.QUOTA_EXCEEDED].cure
    assert cure.endswith("kubectl --namespace NAMESPACE describe quota QUOTA")
