"""What the doctor reads of nodes."""

from __future__ import annotations

import pytest

from launcher.core.flare.roll_out import NodeImages
from launcher.edges.kube.access import KubeAccess
from launcher.errors import Unavailable
from tests.unit.edges.kube.test_answers import client


def nodes(*items, more=""):
    return {"items": list(items), "metadata": {"resourceVersion": "1", "continue": more}}


IMAGES = [
    {"names": ["r/p@sha256:0a", "r/p:1"], "sizeBytes": 580},
    {"names": None},
    "x",
    {"sizeBytes": True, "names": ["q"]},
]
NODE = {"metadata": {"name": "a", "labels": {"disk": "ssd"}}, "status": {"images": IMAGES}}


def test_a_node_says_which_images_it_has_on_every_page():
    other = {"metadata": {"name": "b"}, "spec": {"unschedulable": True}}
    assert KubeAccess(client(nodes(NODE, more="2"), nodes(other))).node_images() == [
        NodeImages("a", {"r/p@sha256:0a": 580, "r/p:1": 580, "q": 0}, 3, {"disk": "ssd"}),
        NodeImages("b", {}, 0, is_open=False),
    ]


@pytest.mark.parametrize(
    ("taints", "is_open"),
    [
        (None, True),
        ([{"key": "a", "effect": "PreferNoSchedule"}], True),
        ([{"key": "a", "effect": "NoSchedule"}], False),
        ([{"key": "a", "effect": "NoExecute"}], False),
    ],
)
def test_a_taint_closes_a_node(taints, is_open):
    (found,) = KubeAccess(
        client(nodes({"metadata": {"name": "a"}, "spec": {"taints": taints}}))
    ).node_images()
    assert found.is_open is is_open


@pytest.mark.parametrize("answer", [{}, [], None, "x"])
def test_what_is_no_list_does_not_say_that_there_are_no_nodes(answer):
    with pytest.raises(Unavailable):
        KubeAccess(client(answer)).node_images()
