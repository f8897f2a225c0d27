"""Arguments, stdin and environment of every helm command."""

from __future__ import annotations

import concurrent.futures
import json
import math
import re
from pathlib import Path
from typing import Any

import pytest

from launcher.composition import helm_edge
from launcher.core.spec.site import SiteConfig
from launcher.core.views import Presence
from launcher.edges.helm import HelmReleases
from launcher.errors import InvalidInput, Rejected, ToolMissing, Unavailable
from tests.contract.helm.conftest import ENVIRON, KUBECONFIG
from tests.contract.helm.fake_helm import MISSING

LABELS = {"fljob.internal/job-id": "j1", "fljob.internal/attempt": "1"}
EVERY_STATUS = ["--deployed", "--failed", "--pending", "--superseded", "--uninstalled", "--uninstalling"]
STATUS = {
    "name": "r1",
    "namespace": "ns",
    "version": 1,
    "config": {"job": {"id": "j1"}},
    "info": {"status": "deployed", "last_deployed": "2026-11-24T11:14:08.196044437Z"},
}


def test_install(fake, releases):
    releases(timeout_seconds=30.0).install("r1", "ns", {"pod": {"name": "p é"}}, LABELS)
    [call] = fake.calls
    assert call.argv == [
        *("install", "r1", "/charts/fljob", "--namespace", "ns"),
        *("--labels", call.option("--labels"), "--disable-openapi-validation"),
        *("--timeout", "30s", "--values", "-"),
    ]
    assert json.loads(call.stdin) == {"pod": {"name": "p é"}}


def test_large_values_with_a_slow_reader(fake, releases):
    fake.answer("install", {"late": 0.2})
    releases(timeout_seconds=10.0).install("r1", "ns", {"a": "x" * 1_000_000}, LABELS)
    assert len(json.loads(fake.calls[0].stdin)["a"]) == 1_000_000


def test_install_adds_labels_and_a_unique_mark(fake, releases):
    releases().install("r1", "ns", {}, LABELS)
    releases().install("r1", "ns", {}, LABELS)
    first, second = (call.option("--labels") for call in fake.calls)
    pattern = "fljob.internal/attempt=1,fljob.internal/install=[0-9a-f]{32},fljob.internal/job-id=j1"
    assert re.fullmatch(pattern, first)
    assert first != second


def test_uninstall(fake, releases):
    assert releases(timeout_seconds=30.0).uninstall("r1", "ns") is True
    assert [call.argv for call in fake.calls] == [
        ["uninstall", "r1", "--timeout", "30s", "--namespace", "ns"],
        ["status", "r1", "--output", "json", "--namespace", "ns"],
    ]


def test_status(fake, releases):
    fake.answer("status", {"stdout": json.dumps(STATUS)})
    seen = releases().status("r1", "ns")
    assert seen.presence is Presence.FOUND
    assert (seen.value.name, seen.value.status, seen.value.revision) == ("r1", "deployed", 1)
    assert seen.value.values == {"job": {"id": "j1"}}
    assert seen.value.updated.isoformat() == "2026-11-24T11:14:08.196044+00:00"


def test_list_requests_every_status_without_limit(fake, releases):
    row = {"name": "r1", "namespace": "ns", "revision": "1", "status": "pending-install"}
    row["updated"] = "2026-11-24 11:14:08.196044437 +0000 UTC"
    fake.answer("list", {"stdout": json.dumps([row | {"name": "r2"}, row])})
    views = releases().list("ns")
    assert [(view.name, view.status, view.revision) for view in views] == [
        ("r1", "pending-install", 1),
        ("r2", "pending-install", 1),
    ]
    assert fake.calls[0].argv == [
        *("list", "--max", "0", "--output", "json", *EVERY_STATUS),
        *("--selector", "fljob.internal/job-id", "--namespace", "ns"),
    ]


@pytest.mark.parametrize("printed", ["[]", "null"])
def test_empty_list(fake, releases, printed):
    fake.answer("list", {"stdout": printed})
    assert releases().list("ns") == ()


def test_a_record_is_a_status_with_what_only_the_list_by_label_tells(fake, releases):
    fake.answer("status", {"stdout": json.dumps(STATUS)})
    fake.answer("list", {"stdout": json.dumps([{"name": "r1", "chart": "fljob-0.1.0"}])}, {"stdout": "[]"})
    ours, foreign = (releases().record("r1", "ns").value for _ in range(2))
    assert (ours.labelled, ours.chart, ours.values) == (True, "fljob", {"job": {"id": "j1"}})
    assert (foreign.labelled, foreign.chart, foreign.values) == (False, "", {"job": {"id": "j1"}})
    call = next(call for call in fake.calls if call.argv[0] == "list")
    assert (call.option("--filter"), call.option("--selector")) == ("^r1$", "fljob.internal/job-id")


LATER = {**STATUS, "info": {**STATUS["info"], "last_deployed": "2026-01-02T03:04:05Z"}}
ROW, MISSING_ROW = {"stdout": json.dumps([{"name": "r1", "chart": "fljob-0.1.0"}])}, {"stdout": "[]"}
THERE, AGAIN = ({"stdout": json.dumps(status)} for status in (STATUS, LATER))


@pytest.mark.parametrize(
    ("lists", "statuses", "presence", "labelled"),
    [
        ([MISSING_ROW, ROW], [THERE, THERE], Presence.FOUND, True),
        ([ROW, MISSING_ROW], [MISSING, MISSING], Presence.ABSENT, None),
        ([ROW, ROW], [MISSING, THERE], Presence.FOUND, True),
        # installed behind the list, and gone: it was "not this launcher's job"
        ([MISSING_ROW, MISSING_ROW], [THERE, MISSING], Presence.ABSENT, None),
        ([MISSING_ROW, MISSING_ROW, ROW], [THERE, AGAIN, AGAIN], Presence.FOUND, True),
        # there all the time
        ([MISSING_ROW, MISSING_ROW], [THERE, THERE], Presence.FOUND, False),
        ([MISSING_ROW], [THERE, AGAIN, THERE, AGAIN], Presence.UNAVAILABLE, None),
    ],
)
def test_both_answers_of_a_record_are_about_the_same_release(
    fake, releases, lists, statuses, presence, labelled
):
    fake.answer("status", *statuses)
    fake.answer("list", *lists)
    seen = releases().record("r1", "ns")
    assert (seen.presence, seen.value.labelled if seen.value else None) == (presence, labelled)
    assert sorted(fake.verbs) == ["list"] * len(statuses) + ["status"] * len(statuses)


def test_a_record_that_cannot_be_asked_for_is_unavailable(fake, releases):
    fake.answer("status", {"stdout": json.dumps(STATUS)})
    fake.answer("list", {"exit": 1, "stderr": "Error: the moon is full\n"})
    assert releases().record("r1", "ns").presence is Presence.UNAVAILABLE


def test_template_uses_fixed_version_and_no_cluster(fake, releases):
    fake.answer("template", {"stdout": "kind: Pod\n"})
    text = releases(context="prod").template("r1", "ns", {"a": 1})
    assert text == "kind: Pod\n"
    [call] = fake.calls
    assert call.argv == [
        *("template", "r1", "/charts/fljob", "--namespace", "ns"),
        *("--skip-tests", "--kube-version", "1.36.0", "--values", "-"),
    ]
    assert json.loads(call.stdin) == {"a": 1}
    assert call.env["KUBECONFIG"] == "/dev/null"
    assert "HELM_KUBECONTEXT" not in call.env


def test_version(fake, releases):
    fake.answer("version", {"stdout": "v4.3"})
    assert releases().version() == "v4.3"


def test_environment_of_the_parent_is_filtered(fake, releases):
    environ = ENVIRON | {
        "SITE_TOKEN": "canary",
        "AWS_SECRET_ACCESS_KEY": "canary",
        "HELM_DEBUG": "true",
        "HELM_BURST_LIMIT": "50",
        "KUBERNETES_SERVICE_HOST": "10.0.0.1",
        "https_proxy": "http://proxy:3128",
        "AWS_PROFILE": "p",
    }
    releases(environ=environ, context="c", pass_env=("AWS_PROFILE",)).list("ns")
    env = dict(fake.calls[0].env)
    env.pop("LC_CTYPE", None)  # Python's own, in the fake
    assert env == {
        "PATH": ENVIRON["PATH"],
        "HOME": ENVIRON["HOME"],
        "KUBECONFIG": env["KUBECONFIG"],
        "HELM_DRIVER": "secret",
        "HELM_BURST_LIMIT": "50",
        "KUBERNETES_SERVICE_HOST": "10.0.0.1",
        "https_proxy": "http://proxy:3128",
        "AWS_PROFILE": "p",
    }


def test_the_cluster_and_its_user_reach_helm_in_memory(fake, releases):
    environ = ENVIRON | {"HELM_KUBEASUSER": "eve", "HELM_KUBECONTEXT": "docs"}
    releases(environ=environ, context="c").list("ns")
    [call] = fake.calls
    assert call.env["KUBECONFIG"].startswith("/proc/self/fd/")
    assert not [name for name in call.env if name.startswith("HELM_KUBE")]
    found = json.loads(call.kubeconfig)
    assert [item["cluster"] for item in found["clusters"]] == [{"server": "https://192.0.2.1:6443"}]
    assert [item["user"] for item in found["users"]] == [{"token": "canary-of-you", "as": "eve"}]


def test_what_helm_says_of_its_kubeconfig_is_masked(fake, releases):
    fake.answer("list", {"exit": 1, "stderr": "Error: bad token canary-of-me\n"})
    with pytest.raises(Rejected) as caught:
        releases().list("ns")
    assert "canary" not in str(caught.value)


def test_storage_driver_and_own_environment(fake, releases, monkeypatch):
    monkeypatch.setenv("SITE_TOKEN", "canary")
    monkeypatch.setenv("KUBECONFIG", KUBECONFIG)
    releases(environ=None, storage_driver="configmap").list("ns")
    env = fake.calls[0].env
    assert env["HELM_DRIVER"] == "configmap"
    assert "https://192.0.2.1:6443" in fake.calls[0].kubeconfig
    assert "SITE_TOKEN" not in env


@pytest.mark.parametrize(
    ("name", "why"), [("text", "is not executable"), ("folder", "is a folder"), ("none", "is not there")]
)
def test_bad_helm_path_names_what_is_there(tmp_path, name, why):
    (tmp_path / "text").write_text("x")
    (tmp_path / "folder").mkdir()
    with pytest.raises(ToolMissing, match=f"{name}, {why}\n  cure: set `helm` to the path"):
        helm_edge(SiteConfig(helm=str(tmp_path / name))).version()


def test_pass_env_variables_reach_helm(fake, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", KUBECONFIG)
    monkeypatch.setenv("AWS_PROFILE", "p")
    monkeypatch.setenv("AWS_REGION", "r")
    helm_edge(SiteConfig(helm=str(fake.path), pass_env=("AWS_PROFILE", "NOT_SET"))).list("ns")
    assert fake.calls[0].env["AWS_PROFILE"] == "p"
    assert not {"AWS_REGION", "NOT_SET"} & fake.calls[0].env.keys()


@pytest.mark.parametrize("driver", ["secret", "configmap"])
def test_storage_driver_of_the_site_reaches_helm(fake, driver, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", KUBECONFIG)
    helm_edge(SiteConfig(helm=str(fake.path), storage_driver=driver)).list("ns")
    assert fake.calls[0].env["HELM_DRIVER"] == driver


@pytest.mark.parametrize(
    ("name", "namespace"),
    [
        ("--debug", "ns"),
        ("r1", "--debug"),
        ("r1", ""),
        ("", "ns"),
        ("a.b", "ns"),
        ("a" * 54, "ns"),
        ("R", "ns"),
    ],
)
def test_invalid_names_are_refused_before_helm(fake, releases, name, namespace):
    gateway = releases()
    calls: tuple[tuple[Any, ...], ...] = (
        (gateway.install, {}, LABELS),
        (gateway.uninstall,),
        (gateway.status,),
        (gateway.template, {}),
    )
    for ask, *rest in calls:
        with pytest.raises(InvalidInput, match=r"is not a (release|namespace) name"):
            ask(name, namespace, *rest)
    assert fake.calls == []


@pytest.mark.parametrize("values", [{"a": math.nan}, {"a": Path("/x")}, {"a": {1, 2}}])
def test_values_without_json_form_are_refused_before_helm(fake, releases, values):
    with pytest.raises(InvalidInput, match="values: "):
        releases().install("r1", "ns", values, LABELS)
    assert fake.calls == []


@pytest.mark.parametrize("labels", [{"a": "b,c=d"}, {"a=b": "c"}, {"a": "b" * 64}])
def test_ambiguous_labels_are_refused_before_helm(fake, releases, labels):
    with pytest.raises(InvalidInput, match="labels: "):
        releases().install("r1", "ns", {}, labels)
    assert fake.calls == []


def test_status_is_absent_only_on_release_not_found(fake, releases):
    fake.answer("status", MISSING, {"exit": 1, "stderr": "Error: something new\n"}, {"stdout": "no json"})
    gateway = releases()
    assert gateway.status("r1", "ns").presence is Presence.ABSENT
    odd = gateway.status("r1", "ns")
    assert (odd.presence, "something new" in odd.why) == (Presence.UNAVAILABLE, True)
    assert gateway.status("r1", "ns").presence is Presence.UNAVAILABLE


def test_unreadable_list(fake, releases):
    fake.answer("list", {"stdout": "{oops"})
    with pytest.raises(Unavailable, match="unreadable"):
        releases().list("ns")


def test_missing_helm():
    gateway = HelmReleases(chart=Path("/c"), helm="no-such-helm", environ=ENVIRON)
    with pytest.raises(ToolMissing, match="no program 'no-such-helm' on PATH"):
        gateway.list("ns")
    with pytest.raises(ToolMissing, match="no program 'no-such-helm' on PATH"):
        gateway.template("r1", "ns", {})


def test_helm_for_another_architecture(fake, releases):
    fake.path.write_bytes(b"\x7fELF nonsense")
    gateway = releases()
    with pytest.raises(ToolMissing, match="helm cannot be run: "):
        gateway.list("ns")
    with pytest.raises(ToolMissing, match="helm cannot be run: "):
        gateway.template("r1", "ns", {})


def test_helm_too_old(fake, releases):
    fake.answer("install", {"exit": 1, "stderr": "Error: unknown flag: --labels\n"})
    with pytest.raises(ToolMissing, match=r"does not know --labels.*\n  cure: install helm"):
        releases().install("r1", "ns", {}, LABELS)


def test_unknown_failure_keeps_helms_message(fake, releases):
    fake.answer("list", {"exit": 3, "stderr": "Error: the moon is full\n"})
    with pytest.raises(Rejected, match=r"helm list failed \(exit code 3\): the moon is full") as caught:
        releases().list("ns")
    assert caught.value.reason == "HelmFailed"
    assert caught.value.__cause__ is not None


def test_no_credential_in_errors(fake, releases):
    fake.answer("list", {"exit": 1, "stderr": "Error: Authorization: Bearer canary-1, canary-2 refused\n"})
    environ = ENVIRON | {"HTTPS_PROXY": "http://me:canary-2@proxy:3128"}
    with pytest.raises(Rejected) as caught:
        releases(environ=environ).list("ns")
    assert "canary" not in f"{caught.value!s} {caught.value!r} {caught.value.__cause__!r}"
    assert "refused" in str(caught.value)


def test_many_threads_at_once(fake, releases):
    fake.answer("status", {"stdout": json.dumps(STATUS)})
    gateway = releases()
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        seen = list(pool.map(lambda _: gateway.status("r1", "ns").presence, range(24)))
    assert seen == [Presence.FOUND] * 24
