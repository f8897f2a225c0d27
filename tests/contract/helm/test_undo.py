"""A failed install leaves nothing, touches nobody else's release, and says so when it cannot clean up."""

from __future__ import annotations

import threading

import pytest

from launcher.errors import (
    Cancelled,
    Conflict,
    Denied,
    InvalidInput,
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


def failure(text: str) -> dict[str, object]:
    return {"exit": 1, "stderr": f"Error: INSTALLATION FAILED: {text}\n"}


def test_a_failed_install_is_taken_back_and_verified(fake, releases):
    fake.answer("install", INVALID)
    fake.answer("list", OURS)
    with pytest.raises(Rejected, match=r"Pod 'p1' is invalid: spec\.dnsPolicy") as caught:
        releases().install("r1", "ns", {}, LABELS)
    assert caught.value.reason == "InvalidSpec"
    assert fake.verbs == ["install", "list", "uninstall", "status"]


def test_only_the_release_of_this_very_install_is_taken_back(fake, releases):
    """A live release of the same name is somebody else's: the list by our mark does not show it."""
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
def test_nothing_is_uninstalled_where_nothing_was_changed(fake, releases, text, error):
    fake.answer("install", failure(text))
    with pytest.raises(error):
        releases().install("r1", "ns", {}, LABELS)
    assert fake.verbs == ["install"]


def test_a_cancelled_install_is_taken_back_after_the_server_had_time_to_finish(fake, releases):
    fake.answer("install", {"sleep": 30})
    fake.answer("list", OURS)
    pauses: list[float] = []
    cancel = threading.Event()
    threading.Thread(target=lambda: fake.wait_for("install") and cancel.set()).start()
    with pytest.raises(Cancelled):
        releases(sleep=pauses.append).install("r1", "ns", {}, LABELS, cancel)
    assert fake.verbs == ["install", "list", "uninstall", "status"]
    assert pauses == [0.2]


def test_an_install_past_its_deadline_is_taken_back(fake, releases):
    fake.answer("install", {"sleep": 30})
    fake.answer("list", OURS)
    with pytest.raises(Unavailable, match="did not end within 3 s"):
        releases(timeout_seconds=3.0).install("r1", "ns", {}, LABELS)
    assert fake.verbs == ["install", "list", "uninstall", "status"]


def test_the_clean_up_is_tried_again_while_the_cluster_is_away(fake, releases):
    fake.answer("install", failure("unexpected EOF"))
    fake.answer("list", REFUSED, REFUSED, OURS)
    pauses: list[float] = []
    with pytest.raises(Unavailable) as caught:
        releases(sleep=pauses.append).install("r1", "ns", {}, LABELS)
    assert "may be left" not in str(caught.value)
    assert pauses == [0.5, 2.0]
    assert fake.verbs == ["install", "list", "list", "list", "uninstall", "status"]


@pytest.mark.parametrize(("answer", "listed"), [(REFUSED, 3), (FORBIDDEN, 1)])
def test_a_failed_clean_up_is_said_and_names_the_release(fake, releases, answer, listed):
    fake.answer("install", INVALID)
    fake.answer("list", answer)
    with pytest.raises(LeftBehind, match="and the clean-up failed, so release ns/r1 may be left") as caught:
        releases().install("r1", "ns", {}, LABELS)
    assert "fljob terminate r1 -n ns" in caught.value.cure
    assert isinstance(caught.value.because, Rejected)
    assert caught.value.reason == "InvalidSpec"
    assert fake.verbs == ["install", *["list"] * listed]


def test_cancelled_is_not_said_when_something_may_be_left(fake, releases):
    """Cancelled promises that nothing is left."""
    fake.answer("list", FORBIDDEN)
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(LeftBehind, match="was cancelled; and the clean-up failed") as caught:
        releases().install("r1", "ns", {}, LABELS, cancel)
    assert isinstance(caught.value.because, Unavailable)


def test_uninstall_of_nothing_is_success(fake, releases):
    fake.answer(
        "uninstall", {"exit": 1, "stderr": "Error: uninstall: Release not loaded: r1: release: not found\n"}
    )
    assert releases().uninstall("r1", "ns") is False
    assert fake.verbs == ["uninstall"]


def test_uninstall_beside_another_process_that_was_quicker(fake, releases):
    """Helm loads the release, deletes its objects and finds the record gone."""
    text = "Error: uninstallation completed with 1 error(s): uninstall: Failed to purge: release: not found\n"
    fake.answer("uninstall", {"exit": 1, "stderr": text})
    assert releases().uninstall("r1", "ns") is True
    assert fake.verbs == ["uninstall", "status"]


def test_uninstall_asks_again_for_the_cause_that_helm_keeps_to_itself(fake, releases):
    refused = {"exit": 1, "stderr": "Error: failed to delete release: r1\n"}
    line = (
        'level=DEBUG msg="uninstall: Failed to delete release" error="[pods \\"p1\\" is forbidden: User '
        '\\"u\\" cannot delete resource \\"pods\\" in API group \\"\\" in the namespace \\"ns\\"]"\n'
    )
    fake.answer("uninstall", refused, refused | {"stderr": line + str(refused["stderr"])})
    with pytest.raises(Denied, match="user 'u' may not delete pods in namespace 'ns'"):
        releases().uninstall("r1", "ns")
    assert [call.argv[-3:] for call in fake.calls] == [
        ["45s", "--namespace", "ns"],
        ["--debug", "--namespace", "ns"],
    ]


def test_uninstall_that_succeeds_the_second_time(fake, releases):
    fake.answer("uninstall", {"exit": 1, "stderr": "Error: failed to delete release: r1\n"}, {})
    assert releases().uninstall("r1", "ns") is True


def test_uninstall_believes_nobody(fake, releases):
    fake.answer("status", {"stdout": '{"name": "r1", "info": {"status": "uninstalling"}}'})
    with pytest.raises(Rejected, match="release ns/r1: still there after helm uninstall"):
        releases().uninstall("r1", "ns")


@pytest.mark.parametrize(("answer", "error"), [(REFUSED, Unavailable), (FORBIDDEN, Denied)])
def test_uninstall_that_cannot_be_verified_is_no_success(fake, releases, answer, error):
    fake.answer("status", answer)
    with pytest.raises(error):
        releases().uninstall("r1", "ns")


def test_an_unreachable_cluster_is_not_an_absent_release(fake, releases):
    fake.answer("uninstall", REFUSED)
    fake.answer("status", MISSING)
    with pytest.raises(Unavailable, match=r"nothing answers at 10\.0\.0\.1:6443"):
        releases().uninstall("r1", "ns")
