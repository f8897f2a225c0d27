"""An object as lines: each says where it stands, none is cut, and no credential is shown."""

from __future__ import annotations

import pytest

from launcher.core.manifest_lines import lines_of


def shown(one):
    return [line.shown for line in lines_of(one)]


@pytest.mark.parametrize(
    ("one", "lines"),
    [
        ({"b": 1, "a": True, "c": None}, ["a: true", "b: 1", "c: null"]),
        ({"a": {}, "b": []}, ["a: {}", "b: []"]),
        ({"a": {"nvidia.com/gpu": "2"}}, ['a["nvidia.com/gpu"]: "2"']),
        ({"args": ["-u", "x"]}, ['args[]: "-u"', 'args[]: "x"']),
        ({"a": [{"name": "x", "b": 1}]}, ["a[x].b: 1", 'a[x].name: "x"']),
        ({"a": [{"name": "x", "mountPath": "/1"}, {"name": "x", "mountPath": "/2"}]},
         ['a[/1].mountPath: "/1"', 'a[/1].name: "x"', 'a[/2].mountPath: "/2"', 'a[/2].name: "x"']),
        ({"a": [{"b": 1}, {"b": 1}]}, ["a[0].b: 1", "a[1].b: 1"]),
        ({"a": [{"name": ["x"]}]}, ['a[0].name[]: "x"']),
        ({"a": [1, {"b": 2}]}, ["a[0]: 1", "a[1].b: 2"]),
        ({}, [".: {}"]),
    ],
)  # fmt: skip
def test_the_lines_of_an_object(one, lines):
    assert shown(one) == lines


def test_the_job_container_is_called_so():
    metadata = {"annotations": {"kubectl.kubernetes.io/default-container": "container-j1"}}
    containers = [{"name": "container-j1", "image": "a"}, {"name": "side"}]
    found = shown({"metadata": metadata, "spec": {"containers": containers}})
    assert 'spec.containers[<job>].image: "a"' in found
    assert 'spec.containers[side].name: "side"' in found


def test_a_long_value_is_several_lines_and_none_is_cut():
    text = "a" * 450 + "\nb\n"
    found = lines_of({"command": {"script": text}})
    assert {line.path for line in found} == {"command.script ..."}
    assert "".join(line.behind for line in found) == text
    assert max(len(line.shown) for line in found) < 300


PRIVATE_KEY = "-----BEGIN PRIVATE KEY-----\ncanary1\n-----END PRIVATE KEY-----"


@pytest.mark.parametrize("credential", ["token: canary1", PRIVATE_KEY])
def test_what_stands_around_a_credential_is_not_cut(credential):
    """One `token: x` would hide what is slipped into a values template a thousand characters below it."""
    text = "\n".join([credential, *("a" * 80 for _ in range(20)), "hostNetwork: true", ""])
    found = lines_of({"template": text})
    assert found[-1].shown == 'template ...: "hostNetwork: true\\n"'
    assert len(found) == 22
    assert "canary1" not in "".join(line.shown for line in found)
    assert any("canary1" in line.behind for line in found)


def test_another_credential_in_a_long_text_is_its_line():
    one, two = (lines_of({"a": f"b\ntoken: canary-{number}\nc\n"}) for number in (1, 2))
    assert [line.shown for line in one] == [line.shown for line in two]
    assert [number for number, pair in enumerate(zip(one, two, strict=True)) if pair[0] != pair[1]] == [1]


def test_what_a_terminal_would_obey_is_escaped():
    (one,) = shown({"a\x1b[2J": "\u202eb\x1b"})
    assert one.isprintable()
    assert "\\u202e" in one


@pytest.mark.parametrize(
    "one",
    [
        {"env": [{"name": "API_TOKEN", "value": "canary-1"}]},
        {"args": ["--password", "canary-1"]},
        {"args": ["--proxy", "http://user:canary-1@proxy:3128"]},
        {"kind": "Secret", "data": {"a": "canary-1"}},
        {"kind": "Secret", "stringData": {"a": "canary-1"}},
    ],
)
def test_no_credential_is_shown_and_another_one_is_another_line(one):
    found = lines_of(one)
    assert "canary-1" not in "".join(line.shown for line in found)
    assert "canary-1" not in repr(found)
    assert any("canary-1" in line.behind for line in found)
