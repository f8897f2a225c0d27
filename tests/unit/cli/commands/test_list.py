"""``fljob list``: a table, JSON, and the same causes as ``fljob status``."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import yaml

from launcher.core.views import NodeView
from launcher.errors import Denied, Reason
from tests.fakes import main, raising, unscheduled
from tests.unit.cli.conftest import show


def test_list_prints_a_table_and_json(fake, fljob, release):
    assert release in fljob("list", "-n", "fl")[1]
    assert [row["release"] for row in json.loads(fljob("list", "-n", "fl", "-o", "json")[1])] == [release]


def test_list_as_yaml_is_the_json(fljob, release):
    listed = json.loads(fljob("list", "-n", "fl", "-o", "json")[1])
    assert yaml.safe_load(fljob("list", "-n", "fl", "-o", "yaml")[1]) == listed
    assert yaml.safe_load(fljob("status", release, "-n", "fl", "-o", "yaml")[1])["release"] == release


@pytest.mark.parametrize(
    ("options", "is_shown"),
    [
        ((), True),
        (("-A",), True),
        (("--site", "site-1"), True),
        (("--site", "site-2", "--site", "site-1"), True),
        (("--site", "site-2"), False),
        (("--state", "starting"), True),
        (("--state", "RUNNING"), False),
        (("--study", "penguins"), False),
        (("--site", "site-1", "--state", "FAILED"), False),
    ],
)
def test_a_list_shows_the_jobs_that_are_asked_for(fljob, release, options, is_shown):
    code, out, err = fljob("list", "-n", "fl", *options)
    assert (code, release in out) == (0, is_shown)
    assert err == ("" if is_shown else "no such jobs in namespace fl\n")


def test_all_namespaces_have_a_column(fljob, release):
    head, line = fljob("list", "-A")[1].splitlines()
    assert (head.split()[0], line.split()[:2]) == ("NAMESPACE", ["fl", release])


def test_a_namespace_that_is_not_there_is_an_error(fake, fljob, monkeypatch):
    monkeypatch.setattr(fake.pods, "list", lambda _: ())
    code, out, err = fljob("list", "-n", "typo")
    assert (code, out) == (3, "")
    assert "there is no namespace 'typo'" in err


def test_a_list_as_one_object_says_that_nothing_is_left_out(fljob, release):
    listed = json.loads(fljob("list", "-n", "fl", "-o", "json")[1])
    for where in (("-n", "fl"), ("-A",)):
        code, out, err = fljob("list", *where, "-o", "object")
        assert (code, json.loads(out), err) == (0, {"items": listed, "leftOut": []}, "")


def test_there_is_no_stream_of_one_object(fljob):
    code, out, err = fljob("list", "-n", "fl", "-w", "-o", "object")
    assert (code, out) == (2, "")
    assert "--watch writes no single object" in err


def test_an_empty_list_is_valid_json(fljob):
    assert json.loads(fljob("list", "-n", "fl", "-o", "json")[1]) == []


def test_list_and_status_agree_about_a_request_that_no_node_can_meet(fake, fljob, release):
    fake.pods.node_list = (NodeView("n", {"cpu": "2", "memory": "4Gi"}),)
    asks = replace(main("none"), requests={"cpu": "64"})
    show(fake, unscheduled(containers=(asks,)))
    listed = json.loads(fljob("list", "-n", "fl", "-o", "json")[1])[0]["pending"]["code"]
    status = json.loads(fljob("status", release, "-n", "fl", "-o", "json")[1])["pending"]["code"]
    assert (listed, status) == ("NodesTooSmall", "NodesTooSmall")


@pytest.fixture
def some_rights(fake, monkeypatch):
    """Rights in namespace `fl` alone, and what lists the names of all."""
    denied = raising(Denied("may not list at the cluster scope", cure="grant it", reason=Reason.FORBIDDEN))
    for port in (fake.pods, fake.releases):
        monkeypatch.setattr(
            port, "list", lambda space, real=port.list: real("fl") if space == "fl" else denied()
        )

    def names(*spaces):
        monkeypatch.setattr(fake.pods, "namespaces", lambda: spaces)

    monkeypatch.setattr(fake.pods, "namespaces", raising(Denied("no names")))
    return names


def test_all_namespaces_without_the_right_are_those_in_which_there_are_rights(fljob, release, some_rights):
    some_rights("other", "fl", *(f"x{number}" for number in range(12)))
    code, out, err = fljob("list", "-A", "-o", "json")
    assert code == 6  # a part of what was asked for, as with kubectl
    assert [row["release"] for row in json.loads(out)] == [release]
    named = "other, x0, x1, x10, x11, x2, x3, x4, x5, x6 and 3 more"
    assert f"left out, since there is no right to look there: {named}\n" in err
    found = json.loads(fljob("list", "-A", "-o", "object")[1])
    assert found == {"items": json.loads(out), "leftOut": ["other", *sorted(f"x{one}" for one in range(12))]}
    code, out, err = fljob("list", "-A", "--state", "FAILED")
    assert (code, out) == (6, "")
    assert "no such jobs where there is a right to look" in err


@pytest.mark.parametrize("spaces", [(), ("other",), tuple(f"n{number}" for number in range(51))], ids=len)
def test_without_any_right_to_look_the_way_out_is_named(fljob, release, some_rights, spaces):
    if spaces:
        some_rights(*spaces)
    code, out, err = fljob("list", "-A")
    assert (code, out) == (6, "")
    said, cure = err.splitlines()
    assert said == "error: may not list at the cluster scope"
    assert cure.startswith(
        "  cure: name a namespace in which you have rights: -n NAMESPACE; or have a ClusterRole"
    )


def test_credentials_that_are_refused_are_no_matter_of_a_namespace(fake, fljob, monkeypatch):
    error = Denied("cannot list pods: who are you", cure="log in", reason=Reason.UNAUTHENTICATED)
    for name in ("list", "namespaces"):
        monkeypatch.setattr(fake.pods, name, raising(error))
    code, _, err = fljob("list", "-A")
    assert (code, err) == (6, "error: cannot list pods: who are you\n  cure: log in\n")


@pytest.mark.parametrize(
    "command",
    [
        *("status", "logs", "logs -f", "events", "events -f", "wait", "terminate", "diff"),
        "diagnose -o {folder}",
    ],
)
@pytest.mark.parametrize("job", ["job-1", "fj-job-1-site-1-0123456789abcdef0123"])
def test_of_a_namespace_that_is_not_there_no_job_is_missing(fake, fljob, monkeypatch, tmp_path, command, job):
    monkeypatch.setattr(fake.pods, "list", lambda _: ())
    name, *options = command.format(folder=tmp_path / "d").split()
    code, out, err = fljob(name, job, "-n", "typo", *options)
    assert (code, out) == (3, "")
    assert err == (
        "error: there is no namespace 'typo'\n  cure: correct -n, or `namespace` in the configuration\n"
    )
