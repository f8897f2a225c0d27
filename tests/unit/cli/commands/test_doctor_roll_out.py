"""The doctor on what becomes of running jobs when a parent is rolled out: lines, and how many of them count."""

from __future__ import annotations

import json

import pytest

from launcher.cli.commands.doctor import roll_out
from launcher.cli.commands.doctor.check import run_checks
from launcher.core.flare.roll_out import NodeImages
from launcher.core.spec.site import SiteConfig
from launcher.errors import Denied

SITE = SiteConfig(namespace="fl")
IMAGE = "reg.example/p:1"
FINE = "ok    roll-out of the parent: running jobs find the new one, which takes them over"


class Nodes:
    """What the API server says of nodes."""

    def __init__(self, *found):
        self.found = found

    def node_images(self):
        if isinstance(self.found[0], Exception):
            raise self.found[0]
        return list(self.found)


@pytest.fixture
def kit(tmp_path):
    """A kit as FLARE prepares it, as far as it is looked at."""
    for name in ("local", "fljob", "helm_chart/templates"):
        (tmp_path / name).mkdir(parents=True)
    resources = {"host": "site-1", "port": 8102}
    (tmp_path / "local/comm_config.json").write_text(json.dumps({"internal": {"resources": resources}}))
    (tmp_path / "helm_chart/values.yaml").write_text("name: site-1\nport: 8102\n")
    deployment = "kind: Deployment\nspec:\n  replicas: 1\n  strategy:\n    type: Recreate\n"
    (tmp_path / "helm_chart/templates/client-deployment.yaml").write_text(deployment)
    return tmp_path


@pytest.fixture
def lines(kit, monkeypatch, capsys):
    """Return a function that returns the lines of the doctor; none of them counts as a failure."""

    def run(*nodes, image=IMAGE, of_chart=None):
        monkeypatch.setattr(roll_out, "access", lambda _: Nodes(*nodes))
        assert run_checks(roll_out.roll_out_checks(SITE, kit, image, of_chart or {})) == 0
        return capsys.readouterr().out.splitlines()

    return run


def test_a_good_kit_is_two_lines(lines):
    found = lines(NodeImages("a", {IMAGE: 1}, 1))
    assert found == [FINE, f"ok    next start of {IMAGE}: on 1 of 1 nodes that take it"]


def test_what_cannot_be_asked_is_not_what_is_not_there(lines):
    assert lines(Denied("no"))[1:] == [
        f"skip  next start of {IMAGE}: no right to look, which jobs do not need"
    ]


def test_an_image_that_is_not_there_is_a_warning_with_a_cure(lines):
    _, said, cure = lines(NodeImages("a", {}, 0))
    assert said.startswith(f"warn  next start of {IMAGE}: it is on 0 of 1 nodes that take it: elsewhere")
    assert cure.startswith("  cure: pull it on a before a roll-out")


def test_a_policy_that_always_pulls_is_a_warning_of_its_own(lines):
    _, said, cure, there = lines(NodeImages("a", {IMAGE: 1}, 1), of_chart={"image": {"pullPolicy": "Always"}})
    assert said.startswith(f"warn  next start of {IMAGE}: its pullPolicy is Always")
    assert "`image.pullPolicy: IfNotPresent`" in cure
    assert there.startswith("ok    next start")


def test_a_parents_workspace_names_no_image(lines):
    assert lines(image="") == [FINE]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("fljob/fljob.yaml", "adopt: false\n", "`adopt` is false"),
        ("local/comm_config.json", "{}", "takes a random port"),
        ("local/comm_config.json", "{", "local/comm_config.json"),
        ("helm_chart/templates/client-deployment.yaml", "kind: Deployment\n", "two parents"),
        ("helm_chart/values.yaml", "name: site-2\n", "the Service is site-2"),
    ],
)
def test_each_risk_warns_and_has_its_cure(lines, kit, name, text, said):
    (kit / name).write_text(text)
    first, cure, *_ = lines(image="")
    assert first.startswith("warn  roll-out of the parent: ")
    assert said in first
    assert cure.startswith("  cure: ")


def test_an_argument_of_the_launcher_wins_over_the_file(lines, kit):
    (kit / "fljob/fljob.yaml").write_text("adopt: false\n")
    component = {"id": "k8s_launcher", "path": "x", "args": {"adopt": True}}
    (kit / "local/resources.json.default").write_text(json.dumps({"components": [component]}))
    assert lines(image="") == [FINE]
