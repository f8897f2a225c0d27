"""Only what a manifest sets is compared, and the same thing in other words is the same."""

from __future__ import annotations

import pytest

from launcher.core.structural import MISSING, added, at, differences

GROWN = [{"key": "b"}, {"key": "a", "effect": "NoSchedule"}]
SAME = {
    "defaults": ({"a": 1}, {"a": 1, "b": 2}),
    "nothing": ({"a": None, "b": "", "c": {}, "d": []}, {}),
    "number or text": ({"port": "80"}, {"port": 80}),
    "amounts": ({"limits": {"cpu": "1000m", "memory": "0.5Gi"}}, {"limits": {"cpu": "1", "memory": "512Mi"}}),
    "order": ({"env": [{"name": "a"}, {"name": "b"}]}, {"env": [{"name": "b"}, {"name": "a", "value": "x"}]}),
    "tolerations": ({"tolerations": [{"key": "a"}]}, {"tolerations": GROWN}),
}
OTHER = {
    "value": ({"a": 1}, {"a": 2}, ("a",)),
    "missing": ({"a": {"b": 1}}, {}, ("a",)),
    "truth": ({"a": True}, {"a": 1}, ("a",)),
    "words": ({"args": ["a", "b"]}, {"args": ["b", "a"]}, ("args",)),
    "text that is no amount": ({"a": "1000m"}, {"a": "1"}, ("a",)),
    "no quantity": ({"limits": {"cpu": "x"}}, {"limits": {"cpu": "y"}}, ("limits", "cpu")),
    "an item": (
        {"env": [{"name": "a", "value": "1"}]},
        {"env": [{"name": "a"}]},
        ("env", ("name", "a"), "value"),
    ),
    "an item that is gone": ({"volumes": [{"name": "a"}]}, {"volumes": []}, ("volumes", ("name", "a"))),
    "toleration": ({"tolerations": [{"key": "c"}]}, {"tolerations": GROWN}, ("tolerations",)),
    "another form": ({"a": {"b": 1}}, {"a": [1]}, ("a",)),
}


def under(spec):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}


@pytest.mark.parametrize("name", SAME)
def test_the_same(name):
    wanted, found = SAME[name]
    assert list(differences(under(wanted), under(found))) == []


@pytest.mark.parametrize("name", OTHER)
def test_not_the_same(name):
    wanted, found, path = OTHER[name]
    (spot,) = differences(under(wanted), under(found))
    assert spot.path == ("spec", *path)
    assert at(under(found), spot.path) == spot.found


def test_of_metadata_only_labels_and_annotations_count():
    wanted = {"metadata": {"name": "a", "namespace": "x", "labels": {"l": "1"}}}
    found = {"metadata": {"name": "a", "uid": "u", "labels": {"l": "1", "m": "2"}}, "status": {"phase": "x"}}
    assert list(differences(wanted, found)) == []
    assert [spot.path for spot in added(wanted, found)] == [("metadata", "labels", "m")]


def test_what_is_added_stands_at_the_highest_place_that_is_new():
    wanted = under({"containers": [{"name": "a"}]})
    found = under({"containers": [{"name": "p", "image": "i"}, {"name": "a", "tty": True}], "nodeName": "n"})
    spots = {spot.path: spot.wanted for spot in added(wanted, found)}
    assert spots == {
        ("spec", "containers", ("name", "p")): MISSING,
        ("spec", "containers", ("name", "a"), "tty"): MISSING,
        ("spec", "nodeName"): MISSING,
    }


@pytest.mark.parametrize("live", [{}, {"metadata": 1, "spec": 2}, {"metadata": {"labels": []}, "spec": [1]}])
def test_an_object_may_be_anything(live):
    manifest = under({"containers": [{"name": "a"}], "env": [1, {"name": []}]})
    assert list(differences(manifest, live))
    list(added(manifest, live))
