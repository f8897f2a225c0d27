"""The table of helm's texts: every row is hit by its own sample, and whole outputs become whole sentences."""

from __future__ import annotations

import string

import pytest

from launcher.core.catalogue.reasons import REASONS
from launcher.edges.failure import Failure, find
from launcher.edges.helm.child import ChildFailed, Ended
from launcher.edges.helm.failures.explain import Call, changed_nothing, explain
from launcher.edges.helm.failures.table import FAILURES
from launcher.errors import (
    Cancelled,
    Conflict,
    Denied,
    InvalidInput,
    LauncherError,
    NotFound,
    Reason,
    Rejected,
    ToolMissing,
    Unavailable,
)

CALL = Call(verb="install", name="r1", namespace="ns", kubeconfig="/k", seconds=45.0)
WORDS = {"name", "namespace", "helm", "kubeconfig", "login", "text", "keys"}


def exited(text: str) -> ChildFailed:
    return ChildFailed(Ended.EXITED, 1, text)


def rows() -> list[object]:
    return [pytest.param(row, id=f"{row.reason.value}-{number}") for number, row in enumerate(FAILURES)]


@pytest.mark.parametrize("row", rows())
def test_every_row_is_the_first_to_match_its_own_sample(row: Failure):
    found = find(FAILURES, row.sample)
    assert found is not None
    assert found[0] is row


@pytest.mark.parametrize("row", rows())
def test_every_row_makes_its_error_out_of_helm_output(row: Failure):
    error = explain(exited(f"Error: INSTALLATION FAILED: {row.sample}\n"), CALL)
    assert type(error) is row.error
    assert error.reason is row.reason
    assert str(error).strip()


@pytest.mark.parametrize("row", rows())
def test_every_row_uses_known_words_only(row: Failure):
    for text in (row.message, REASONS[row.reason].cure, row.where):
        used = {name for _, name, _, _ in string.Formatter().parse(text) if name}
        assert {name.partition("!")[0] for name in used} <= WORDS | set(row.words(row.sample) or ())


@pytest.mark.parametrize("row", rows())
def test_every_row_has_a_cure(row: Failure):
    assert explain(exited(f"Error: {row.sample}\n"), CALL).cure


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        (
            (
                "Error: INSTALLATION FAILED: values don't meet the specifications of the schema(s) in the "
                "following chart(s):\nfljob:\n- at '/labels/fljob.internal~1site': got number, want string\n"
                "- at '': additional properties 'nope' not allowed\n\n"
            ),
            InvalidInput,
            (
                "values: labels.fljob.internal/site: got number, want string; "
                "top level: additional properties 'nope' not allowed\n"
                "  cure: correct these keys in the job, the study or the site's values; "
                "the chart's README lists all keys"
            ),
        ),
        (
            (
                'level=ERROR msg="cluster reachability check failed: kubernetes cluster unreachable: x"\n'
                "Error: INSTALLATION FAILED: check failed: kubernetes cluster unreachable: "
                'Get "https://127.0.0.1:1/version": dial tcp 127.0.0.1:1: connect: connection refused\n'
            ),
            Unavailable,
            (
                "release ns/r1: nothing answers at 127.0.0.1:1: connection refused\n"
                "  cure: check that the cluster runs and that kubeconfig /k names its address"
            ),
        ),
        (
            'Error: INSTALLATION FAILED: create: failed to create: namespaces "ns" not found\n',
            NotFound,
            (
                "release ns/r1: there is no namespace 'ns'\n"
                "  cure: `kubectl create namespace ns`, or correct `namespace` of the site"
            ),
        ),
        (
            (
                "Error: INSTALLATION FAILED: unable to continue with install: could not get information "
                'about the resource Pod "p1" in namespace "ns": pods "p1" is forbidden: User '
                '"system:serviceaccount:ns:lim" cannot get resource "pods" in API group "" '
                'in the namespace "ns"\n'
            ),
            Denied,
            (
                "release ns/r1: user 'system:serviceaccount:ns:lim' may not get pods in "
                "namespace 'ns'\n"
                "  cure: grant the right to get pods (`fljob rbac` prints the Role, `fljob doctor` says what "
                "is missing); check: "
                "kubectl auth can-i get pods --namespace ns --as system:serviceaccount:ns:lim"
            ),
        ),
        (
            (
                'level=ERROR msg="release name check failed" error="cannot reuse a name"\n'
                "Error: INSTALLATION FAILED: release name check failed: cannot reuse a name that is still "
                "in use\n"
            ),
            Conflict,
            (
                "release ns/r1: the name is in use: this job runs already, or an earlier run was not "
                "removed\n"
                "  cure: wait for it to end or terminate it: fljob terminate r1 -n ns"
            ),
        ),
        (
            'Error: INSTALLATION FAILED: cluster reachability check failed: context "nope" does not exist\n',
            InvalidInput,
            (
                "kubeconfig /k: there is no context nope\n"
                "  cure: kubectl config get-contexts shows what there is"
            ),
        ),
        (
            (
                "Error: execution error at (fljob/templates/pod.yaml:1:4): extra.volumes[0].name: "
                '"workspace-job" is already taken by workspace: change one of them\n\n'
                "Use --debug flag to render out invalid YAML\n"
            ),
            InvalidInput,
            (
                'chart fljob/templates/pod.yaml: extra.volumes[0].name: "workspace-job" is already taken by '
                "workspace: change one of them\n"
                "  cure: the chart checks its values: correct them in the job, the study or the site's values"
            ),
        ),
        (
            "Error: unknown flag: --labels\n",
            ToolMissing,
            (
                "release ns/r1: helm does not know --labels: its version is not supported\n"
                "  cure: install helm 4.3 (3.22 is the oldest that works)"
            ),
        ),
    ],
)
def test_whole_sentences(text: str, error: type[LauncherError], said: str):
    caught = explain(exited(text), CALL)
    assert (type(caught), str(caught)) == (error, said)


@pytest.mark.parametrize(("ended", "error"), [(Ended.CANCELLED, Cancelled), (Ended.TIMED_OUT, Unavailable)])
def test_what_we_stopped_is_not_judged_by_what_helm_said_last(ended: Ended, error: type[LauncherError]):
    assert type(explain(ChildFailed(ended, -15, "Error: release: not found\n"), CALL)) is error


def test_a_text_nobody_knows_is_kept_and_cut():
    error = explain(exited("Error: " + "new " * 500), CALL)
    assert isinstance(error, Rejected)
    assert error.reason is Reason.HELM_FAILED
    assert len(str(error)) < 800


def test_a_helm_that_was_killed_is_no_other_program():
    error = explain(ChildFailed(Ended.EXITED, -9, ""), CALL)
    assert error.message == "release ns/r1: helm install was killed by signal 9"
    assert "memory" in error.cure


def test_a_program_that_says_nothing_may_be_no_helm():
    error = explain(exited("\n"), CALL)
    assert isinstance(error, Rejected)
    assert error.message == "release ns/r1: helm install failed (exit code 1) and said nothing"
    assert error.cure.startswith("`helm version` must print v4.3")


@pytest.mark.parametrize(
    ("text", "nothing"),
    [
        (
            "Error: INSTALLATION FAILED: check failed: kubernetes cluster unreachable: x",
            True,
        ),
        (
            "Error: INSTALLATION FAILED: release name check failed: cannot reuse a name that is still in use",
            True,
        ),
        (
            'Error: INSTALLATION FAILED: create: failed to create: secrets "s" is forbidden: exceeded quota',
            True,
        ),
        ("Error: INSTALLATION FAILED: create: failed to create: Post: unexpected EOF", False),
        ("Error: INSTALLATION FAILED: server-side apply failed for object ns/p1 /v1, Kind=Pod: x", False),
        ("", False),
    ],
)
def test_changed_nothing(text: str, nothing: object):
    assert changed_nothing(exited(text)) is nothing
    assert changed_nothing(ChildFailed(Ended.CANCELLED, -15, text)) is False


RECORD = "the values are too big: Helm keeps a release in one object of at most 1 MiB"
OBJECT = "an object of the job is too big for the API server"
CREATE = "create: failed to create: "
APPLY = "server-side apply failed for object ns/p1 /v1, Kind=Pod: "
TOO_BIG = (
    "etcdserver: request is too large",
    "Request entity too large: limit is 3145728",
    "rpc error: code = ResourceExhausted desc = trying to send message larger than max (2097194 vs. 2097152)",
)


@pytest.mark.parametrize("driver", ["Secret", "ConfigMap"])
@pytest.mark.parametrize("field", ["data", "[]", '""', "<nil>"])
@pytest.mark.parametrize("rule", ["may not be more than 1048576 bytes", "must have at most 1048576 bytes"])
def test_a_record_that_is_too_big_for_either_driver(driver, field, rule):
    failed = exited(
        f'Error: {CREATE}{driver} "sh.helm.release.v1.r1.v1" is invalid: {field}: Too long: {rule}'
    )
    assert RECORD in str(explain(failed, CALL))
    assert changed_nothing(failed)


@pytest.mark.parametrize("said", TOO_BIG)
def test_a_record_that_is_too_big_for_the_server_and_a_pod_that_is(said):
    record, pod = exited(f"Error: {CREATE}{said}"), exited(f"Error: {APPLY}{said}")
    assert RECORD in str(explain(record, CALL))
    assert changed_nothing(record)
    assert OBJECT in str(explain(pod, CALL))
    assert not changed_nothing(pod)


def test_a_long_field_of_the_pod_is_no_big_release():
    text = 'Pod "p1" is invalid: metadata.annotations: Too long: may not be more than 262144 bytes'
    assert explain(exited(f"Error: {APPLY}{text}"), CALL).reason is Reason.INVALID_SPEC


def test_the_file_that_helm_reads_has_the_name_of_the_kubeconfig():
    text = (
        'kubernetes cluster unreachable: error loading config file "/proc/self/fd/4": illegal base64 data at '
        "input byte 6"
    )
    error = explain(exited(f"Error: {text}\n"), CALL)
    assert str(error).startswith("kubeconfig /k: illegal base64 data")
    assert "/proc/" not in str(explain(exited("Error: /proc/self/fd/4 is odd"), Call("list", "", "ns")))


def test_another_name_in_a_certificate_leads_to_the_name_that_is_asked_for():
    text = "tls: failed to verify certificate: x509: certificate is valid for kubernetes, not nosuch"
    assert (
        "tls-server-name or certificate-authority in kubeconfig /k"
        in explain(exited(f"Error: {text}\n"), CALL).cure
    )


@pytest.mark.parametrize(
    "said",
    [
        "proxyconnect tcp: dial tcp 10.0.0.9:3128: connect: connection refused",
        "proxyconnect tcp: dial tcp: lookup proxy.example.com on 10.0.0.53:53: no such host",
        "proxyconnect tcp: tls: failed to verify certificate: x509: certificate signed by unknown authority",
        "Proxy Authentication Required",
        "Forbidden",
        "Bad Gateway",
    ],
)
def test_a_proxy_that_fails_is_not_taken_for_the_cluster(said):
    unreachable = "cluster reachability check failed: kubernetes cluster unreachable: "
    error = explain(exited(f'Error: {unreachable}Get "https://10.0.0.1:6443/version": {said}\n'), CALL)
    assert (type(error), error.reason) == (Unavailable, Reason.PROXY)
    assert error.message.startswith("release ns/r1: the proxy in front of the API server ")
    assert error.cure.startswith("correct proxy-url in kubeconfig /k, or HTTPS_PROXY")


def test_a_credential_program_that_fails_is_heard():
    said = "Error loading SSO: token: sEcReT-vAlUe-1234567\nrun aws sso login\n"
    helm = "Error: kubernetes cluster unreachable: getting credentials: exec: executable aws failed with exit code 3"
    error = explain(exited(said + said + helm), CALL)
    assert error.message == (
        "release ns/r1: the credential program of kubeconfig /k failed: exec: executable aws failed with exit "
        "code 3: Error loading SSO: token: *** run aws sso login"
    )
    assert len(explain(exited("word " * 10_000 + helm), CALL).message) < 1000


def test_a_helm_that_does_not_end_may_wait_for_the_credential_program():
    waited = ChildFailed(Ended.TIMED_OUT, -15, "", "/opt/my tools/aws")
    assert explain(waited, CALL).cure == (
        "check that the API server answers and that the credential program '/opt/my tools/aws' ends: "
        "kubectl get --raw /readyz"
    )
    assert "program" not in explain(ChildFailed(Ended.TIMED_OUT, -15, ""), CALL).cure
