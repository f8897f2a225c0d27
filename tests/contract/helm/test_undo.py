"""A failed install is undone, touches no other release, and reports what it could not undo."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from functools import partial

import pytest

from launcher.core.views import ObjectRef
from launcher.edges.helm import Records
from launcher.errors import (
    Cancelled,
    Conflict,
    Denied,
    InvalidInput,
    LauncherError,
    LeftBehind,
    NotFound,
    Rejected,
    Unavailable,
)
from tests.contract.helm.fake_helm import MISSING

LABELS = {"fljob.internal/job-id": "j1"}
OURS = {"stdout": '[{"name": "r1", "namespace": "ns", "revision": "1", "status": "failed"}]'}
INVALID = {
    "exit": 1,
    "stderr": "Error: INSTALLATION FAILED: server-side apply failed for object ns/p1 /v1, Kind=Pod: "
    'Pod "p1" is invalid: spec.dnsPolicy: Unsupported value: "bogus"\n',
}
REFUSED = {
    "exit": 1,
    "stderr": 'Error: kubernetes cluster unreachable: Get "https://10.0.0.1:6443/version": '
    "dial tcp 10.0.0.1:6443: connect: connection refused\n",
}
FORBIDDEN = {
    "exit": 1,
    "stderr": 'Error: list: failed to list: secrets is forbidden: User "u" cannot list resource "secrets" '
    'in API group "" in the namespace "ns"\n',
}


MANIFEST = """---
# Source: fljob/templates/networkpolicy.yaml
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: r1}
---
apiVersion: v1
kind: Pod
metadata: {name: p1, namespace: other}
---
just: text
---
kind: 3
"""


class Known(Records):
    """What a request tells of a release."""

    def __init__(self, manifest, *, are_there=False):
        self.text, self.whole = manifest, are_there

    def manifest(self, release, namespace):
        return self.text

    def are_there(self, refs, release, namespace):
        assert [one.name for one in refs] == ["r1", "p1"]
        return self.whole


def failure(text: str) -> dict[str, object]:
    return {"exit": 1, "stderr": f"Error: INSTALLATION FAILED: {text}\n"}


def test_failed_install_is_undone_and_verified(fake, releases):
    fake.answer("install", INVALID)
    fake.answer("list", OURS)
    with pytest.raises(Rejected, match=r"Pod 'p1' is invalid: spec\.dnsPolicy") as caught:
        releases().install("r1", "ns", {}, LABELS)
    assert caught.value.reason == "InvalidSpec"
    assert fake.verbs == ["install", "list", "uninstall", "status"]


def test_only_the_release_of_this_install_is_undone(fake, releases):
    """A live release of the same name belongs to another process: the list by our label does not show it."""
    fake.answer("install", INVALID)
    with pytest.raises(Rejected):
        releases().install("r1", "ns", {}, LABELS)
    install, found = fake.calls
    mark = next(label for label in install.option("--labels").split(",") if "/install=" in label)
    assert found.option("--selector") == mark


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("release name check failed: cannot reuse a name that is still in use", Conflict),
        ("cannot re-use a name that is still in use", Conflict),
        ('create: failed to create: namespaces "ns" not found', NotFound),
        (
            "values don't meet the specifications of the schema(s) in the following chart(s):\nfljob:\n",
            InvalidInput,
        ),
        ("cluster reachability check failed: kubernetes cluster unreachable: EOF", Unavailable),
    ],
)
def test_nothing_is_undone_when_nothing_was_changed(fake, releases, text, error):
    fake.answer("install", failure(text))
    with pytest.raises(error):
        releases().install("r1", "ns", {}, LABELS)
    assert fake.verbs == ["install"]


def test_cancelled_install_is_undone_after_a_pause(fake, releases):
    fake.answer("install", {"sleep": 30})
    fake.answer("list", OURS)
    pauses: list[float] = []
    cancel = threading.Event()
    threading.Thread(target=lambda: fake.wait_for("install") and cancel.set()).start()
    with pytest.raises(Cancelled):
        releases(sleep=pauses.append).install("r1", "ns", {}, LABELS, cancel)
    assert fake.verbs == ["install", "list", "uninstall", "status"]
    assert pauses == [0.2]


def test_install_past_its_deadline_is_undone(fake, releases):
    fake.answer("install", {"sleep": 30})
    fake.answer("list", OURS)
    with pytest.raises(Unavailable, match="did not end within 3 s"):
        releases(timeout_seconds=3.0).install("r1", "ns", {}, LABELS)
    assert fake.verbs == ["install", "list", "get", "uninstall", "status"]


def test_undo_is_retried_while_the_cluster_is_unavailable(fake, releases):
    fake.answer("install", failure("unexpected EOF"))
    fake.answer("list", REFUSED, REFUSED, OURS)
    pauses: list[float] = []
    with pytest.raises(Unavailable) as caught:
        releases(sleep=pauses.append).install("r1", "ns", {}, LABELS)
    assert "may be left" not in str(caught.value)
    assert pauses == [0.5, 2.0]
    assert fake.verbs == ["install", "list", "list", "list", "get", "uninstall", "status"]


@pytest.mark.parametrize(
    ("answer", "is_whole", "verbs"),
    [
        (failure("server-side apply failed for object ns/p1 /v1, Kind=Pod: unexpected EOF"), True, []),
        ({"sleep": 30}, True, []),
        ({"sleep": 30}, False, ["uninstall", "status"]),
        (INVALID, True, ["uninstall", "status"]),
    ],
)
def test_an_install_is_not_undone_when_only_its_answer_was_lost(fake, releases, answer, is_whole, verbs):
    """The pod that was made may run already: who removed it and tried again would run the job twice."""
    fake.answer("install", answer)
    fake.answer("list", OURS)
    install = partial(
        releases(timeout_seconds=3.0, records=Known(MANIFEST, are_there=is_whole)).install, "r1", "ns"
    )
    with nullcontext() if not verbs else pytest.raises(LauncherError):
        install({}, LABELS)
    assert fake.verbs == ["install", "list", *verbs]


def test_a_cancelled_install_is_undone_however_whole_it_is(fake, releases):
    fake.answer("install", {"sleep": 30})
    fake.answer("list", OURS)
    cancel = threading.Event()
    threading.Thread(target=lambda: fake.wait_for("install") and cancel.set()).start()
    with pytest.raises(Cancelled):
        releases(records=Known(MANIFEST, are_there=True)).install("r1", "ns", {}, LABELS, cancel)
    assert fake.verbs == ["install", "list", "uninstall", "status"]


@pytest.mark.parametrize(("answer", "listed"), [(REFUSED, 3), (FORBIDDEN, 1)])
def test_failed_undo_is_reported_with_the_release(fake, releases, answer, listed):
    fake.answer("install", INVALID)
    fake.answer("list", answer)
    with pytest.raises(LeftBehind, match="and the clean-up failed, so release ns/r1 may be left") as caught:
        releases().install("r1", "ns", {}, LABELS)
    assert "fljob terminate r1 -n ns" in caught.value.cure
    assert isinstance(caught.value.because, Rejected)
    assert caught.value.reason == "InvalidSpec"
    assert fake.verbs == ["install", *["list"] * listed]


def test_cancelled_is_not_raised_when_something_may_be_left(fake, releases):
    """Cancelled promises that nothing is left."""
    fake.answer("install", {"sleep": 30})
    fake.answer("list", FORBIDDEN)
    cancel = threading.Event()
    threading.Thread(target=lambda: fake.wait_for("install") and cancel.set()).start()
    with pytest.raises(LeftBehind, match="was cancelled; and the clean-up failed") as caught:
        releases().install("r1", "ns", {}, LABELS, cancel)
    assert isinstance(caught.value.because, Unavailable)


def test_uninstall_of_nothing_is_success(fake, releases):
    fake.answer(
        "uninstall", {"exit": 1, "stderr": "Error: uninstall: Release not loaded: r1: release: not found\n"}
    )
    assert releases().uninstall("r1", "ns") is False
    assert fake.verbs == ["uninstall"]


def test_uninstall_races_with_another_process(fake, releases):
    """Helm loads the release, deletes its objects and finds the record gone."""
    text = "Error: uninstallation completed with 1 error(s): uninstall: Failed to purge: release: not found\n"
    fake.answer("uninstall", {"exit": 1, "stderr": text})
    assert releases().uninstall("r1", "ns") is True
    assert fake.verbs == ["uninstall", "status"]


CAUSE = (
    '[pods "p1" is forbidden: User "u" cannot delete resource "pods" in API group "" in the namespace "ns"]'
)


@pytest.mark.parametrize(
    "line",
    [
        'level=DEBUG msg="uninstall: Failed to delete release" error="{}"\n'.format(
            CAUSE.replace('"', '\\"')
        ),
        f"uninstall.go:151: [debug] uninstall: Failed to delete release: {CAUSE}\n",  # Helm 3
    ],
)
def test_uninstall_is_repeated_with_debug_for_the_cause(fake, releases, line):
    refused = {"exit": 1, "stderr": "Error: failed to delete release: r1\n"}
    fake.answer("uninstall", refused, refused | {"stderr": line + str(refused["stderr"])})
    with pytest.raises(Denied, match="user 'u' may not delete pods in namespace 'ns'"):
        releases().uninstall("r1", "ns")
    assert [call.argv[-3:] for call in fake.calls] == [
        ["45s", "--namespace", "ns"],
        ["--debug", "--namespace", "ns"],
    ]


def test_the_objects_of_a_release_come_from_helms_record(fake, releases):
    fake.answer("get", {"stdout": MANIFEST})
    assert releases().objects("r1", "ns") == (
        ObjectRef("networking.k8s.io/v1", "NetworkPolicy", "r1", "ns"),
        ObjectRef("v1", "Pod", "p1", "other"),
    )
    assert fake.calls[0].argv == ["get", "manifest", "r1", "--namespace", "ns"]


@pytest.mark.parametrize(
    ("answer", "error"),
    [(REFUSED, Unavailable), (FORBIDDEN, Denied), ({"stdout": "a: [\n---\n"}, Unavailable)],
)
def test_a_record_that_cannot_be_read_is_not_empty(fake, releases, answer, error):
    fake.answer("get", answer)
    with pytest.raises(error):
        releases().objects("r1", "ns")


@pytest.mark.parametrize(("text", "names"), [(MANIFEST, ["r1", "p1"]), ("", [])])
def test_objects_that_a_request_has_told_need_no_helm(fake, releases, text, names):
    assert [one.name for one in releases(records=Known(text)).objects("r1", "ns")] == names
    assert fake.verbs == []


def test_helm_is_asked_for_a_record_that_nobody_else_can_read(fake, releases):
    fake.answer("get", {"stdout": MANIFEST})
    assert len(releases(records=Known(None)).objects("r1", "ns")) == 2
    assert fake.verbs == ["get"]


def test_no_record_names_no_objects(fake, releases):
    fake.answer("get", {"exit": 1, "stderr": "Error: release: not found\n"})
    assert releases().objects("r1", "ns") == ()


def test_uninstall_succeeds_at_second_try(fake, releases):
    fake.answer("uninstall", {"exit": 1, "stderr": "Error: failed to delete release: r1\n"}, {})
    assert releases().uninstall("r1", "ns") is True


def test_uninstall_verifies_the_removal(fake, releases):
    fake.answer("status", {"stdout": '{"name": "r1", "info": {"status": "uninstalling"}}'})
    with pytest.raises(Rejected, match="release ns/r1: still there after helm uninstall"):
        releases().uninstall("r1", "ns")


@pytest.mark.parametrize(("answer", "error"), [(REFUSED, Unavailable), (FORBIDDEN, Denied)])
def test_unverified_uninstall_is_no_success(fake, releases, answer, error):
    fake.answer("status", answer)
    with pytest.raises(error):
        releases().uninstall("r1", "ns")


def test_unreachable_cluster_is_not_an_absent_release(fake, releases):
    fake.answer("uninstall", REFUSED)
    fake.answer("status", MISSING)
    with pytest.raises(Unavailable, match=r"nothing answers at 10\.0\.0\.1:6443"):
        releases().uninstall("r1", "ns")
