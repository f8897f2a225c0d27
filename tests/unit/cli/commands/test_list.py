"""``fljob list``: a table, JSON, and the same causes as ``fljob status``."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import yaml

from launcher.core.views import NodeView
from tests.fakes import main, unscheduled
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


def test_an_empty_list_is_valid_json(fljob):
    assert json.loads(fljob("list", "-n", "fl", "-o", "json")[1]) == []


def test_list_and_status_agree_about_a_request_that_no_node_can_meet(fake, fljob, release):
    fake.pods.node_list = (NodeView("n", {"cpu": "2", "memory": "4Gi"}),)
    asks = replace(main("none"), requests={"cpu": "64"})
    show(fake, unscheduled(containers=(asks,)))
    listed = json.loads(fljob("list", "-n", "fl", "-o", "json")[1])[0]["pending"]["code"]
    status = json.loads(fljob("status", release, "-n", "fl", "-o", "json")[1])["pending"]["code"]
    assert (listed, status) == ("NodesTooSmall", "NodesTooSmall")
