"""``fljob list``: a table, JSON, and the same causes as ``fljob status``."""

from __future__ import annotations

import json
from dataclasses import replace

from launcher.core.views import NodeView
from tests.fakes import main, unscheduled
from tests.unit.cli.conftest import show


def test_list_prints_a_table_and_json(fake, fljob, release):
    assert release in fljob("list", "-n", "fl")[1]
    assert [row["release"] for row in json.loads(fljob("list", "-n", "fl", "-o", "json")[1])] == [release]


def test_an_empty_list_is_valid_json(fljob):
    assert json.loads(fljob("list", "-n", "fl", "-o", "json")[1]) == []


def test_list_and_status_agree_about_a_request_that_no_node_can_meet(fake, fljob, release):
    fake.pods.node_list = (NodeView("n", {"cpu": "2", "memory": "4Gi"}),)
    asks = replace(main("none"), requests={"cpu": "64"})
    show(fake, unscheduled(containers=(asks,)))
    listed = json.loads(fljob("list", "-n", "fl", "-o", "json")[1])[0]["pending"]["code"]
    status = json.loads(fljob("status", release, "-n", "fl", "-o", "json")[1])["pending"]["code"]
    assert (listed, status) == ("ImpossibleRequest", "ImpossibleRequest")
