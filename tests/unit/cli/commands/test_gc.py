"""``fljob gc``: what ended long ago and what nobody owns goes, and is named."""

from __future__ import annotations

import json

import pytest
import yaml

from launcher.errors import Denied, Reason
from tests.fakes import exited, raising
from tests.jobs import leave_secret
from tests.unit.cli.conftest import LAUNCH, show


@pytest.mark.parametrize(
    ("options", "left"), [((), 1), (("--older-than", "0s", "--dry-run"), 1), (("--older-than", "0s"), 0)]
)
def test_gc_removes_what_ended_long_ago(fake, fljob, options, left):
    fljob(*LAUNCH, "--", "x")
    show(fake, exited(1))
    assert fljob("gc", "-n", "fl", *options)[0] == 0
    assert len(fake.releases.items) == left


def test_gc_removes_secrets_that_nobody_owns(fake, fljob):
    name = leave_secret(fake, "gone")
    code, out, _ = fljob("gc", "-n", "fl", "--older-than", "0s")
    assert (code, out, len(fake.secrets.items)) == (0, "", 1)  # a launch may be about to use it
    fake.clock.time = 61
    code, out, _ = fljob("gc", "-n", "fl", "--older-than", "0s")
    assert (code, out, fake.secrets.items) == (0, f"removed secret {name}\n", {})


def test_gc_says_when_there_is_nothing(fljob):
    assert fljob("gc", "-n", "fl") == (0, "", "nothing to remove in namespace fl\n")


@pytest.mark.parametrize("options", [(), ("--dry-run",), ("-o", "json")])
def test_a_namespace_that_is_not_there_is_not_one_without_leftovers(fake, fljob, monkeypatch, options):
    monkeypatch.setattr(fake.pods, "has_namespace", lambda _: False)
    code, _, err = fljob("gc", "-n", "fl", *options)
    assert (code, err.splitlines()[0]) == (3, "error: there is no namespace 'fl'")


def test_gc_says_what_it_removed_before_what_it_could_not(fake, fljob):
    _, second = leave_secret(fake, "1"), leave_secret(fake, "2")
    fake.secrets.delete_errors = [Denied("no right to delete secrets")]
    fake.clock.time = 61
    code, out, err = fljob("gc", "-n", "fl", "--older-than", "0s")
    assert (code, out) == (6, f"removed secret {second}\n")
    assert err.endswith("error: no right to delete secrets\n")


def test_gc_prints_json_also_when_something_holds_out(fake, fljob):
    _, second = leave_secret(fake, "1"), leave_secret(fake, "2")
    fake.secrets.delete_errors = [Denied("no right to delete secrets")]
    fake.clock.time = 61
    code, out, _ = fljob("gc", "-n", "fl", "--older-than", "0s", "-o", "json")
    assert code == 6
    assert json.loads(out) == [{"namespace": "fl", "kind": "secret", "name": second, "removed": True}]


def test_gc_prints_an_empty_list(fljob):
    assert fljob("gc", "-n", "fl", "-o", "json") == (0, "[]\n", "")


def test_gc_of_all_namespaces_names_each(fake, fljob):
    fljob(*LAUNCH, "--", "x")
    show(fake, exited(1))
    [release] = fake.releases.items
    code, out, _ = fljob("gc", "-A", "--older-than", "0s")
    assert (code, out) == (0, f"removed release {release} in namespace fl\n")
    assert fljob("gc", "-A") == (0, "", "nothing to remove in any namespace\n")


def test_gc_of_all_namespaces_leaves_out_where_it_has_no_rights(fake, fljob, monkeypatch):
    monkeypatch.setattr(fake.secrets, "namespaces", raising(Denied("no right in all namespaces")))
    monkeypatch.setattr(fake.secrets, "list", raising(Denied("no right to list secrets")))
    code, _, err = fljob("gc", "-A")
    assert code == 6
    assert err == (
        "namespace fl is left out: no right to list secrets\nnothing to remove in any namespace but those\n"
    )
    assert json.loads(fljob("gc", "-A", "-o", "json")[1]) == []
    assert json.loads(fljob("gc", "-A", "-o", "object")[1]) == {"items": [], "leftOut": ["fl"]}


def test_without_the_names_of_namespaces_no_role_of_one_helps(fake, fljob, monkeypatch):
    cure = "`fljob rbac` prints the Role"
    for port, name in ((fake.secrets, "namespaces"), (fake.pods, "namespaces")):
        denied = Denied("no right in all namespaces", cure=cure, reason=Reason.FORBIDDEN)
        monkeypatch.setattr(port, name, raising(denied))
    code, out, err = fljob("gc", "-A")
    assert (code, out) == (6, "")
    assert cure not in err
    assert "name a namespace in which you have rights: -n NAMESPACE" in err


def test_gc_prints_a_cronjob(fljob, tmp_path):
    (tmp_path / "fljob.yaml").write_text("namespace: fl\ntimeouts: {pull: 900}\nstorage_driver: configmap\n")
    config = ("--config", str(tmp_path / "fljob.yaml"))
    code, out, err = fljob("gc", *config, "--cronjob", "--image", "r/x:1", "--older-than", "2d")
    assert (code, err) == (0, "")
    found = {one["kind"]: one for one in yaml.safe_load_all(out)}
    settings = json.loads(found["ConfigMap"]["data"]["fljob.yaml"])
    assert settings == {"timeouts": {"pull": 900}, "storage_driver": "configmap"}
    [container] = found["CronJob"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    assert container["args"][:5] == ["gc", "--namespace", "fl", "--older-than", "2d"]
    assert container["image"] == "r/x:1"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--cronjob",), '--image: must be the name of an image, not ""'),
        (("--cronjob", "--image", "a b"), '--image: must be the name of an image, not "a b"'),
        (("--cronjob", "--image", "x", "--schedule", "* *"), "--schedule: must be a schedule as cron has it"),
        (("--image", "x"), "--image needs --cronjob"),
    ],
)
def test_gc_refuses_what_makes_no_cronjob(fljob, options, said):
    code, out, err = fljob("gc", "-n", "fl", *options)
    assert (code, out) == (2, "")
    assert said in err
