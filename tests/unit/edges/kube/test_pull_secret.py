"""The logins of registry Secrets, whatever somebody has put there."""

from __future__ import annotations

import base64
import json

import pytest

from launcher.edges.kube.pull_secret import logins_of


def secret(key, content):
    return {"data": {key: base64.b64encode(json.dumps(content).encode()).decode()}}


def test_both_kinds_and_both_ways_to_write_a_login():
    entry = {"auth": "dTpw"}
    assert [(one.where, one.basic) for one in logins_of(secret(".dockercfg", {"r": entry}))] == [
        ("r", "dTpw")
    ]
    entries = {"auths": {"a": entry, "b": {"username": "u", "password": "p"}, "c": {"username": "u"}}}
    found = logins_of(secret(".dockerconfigjson", entries))
    assert [(one.where, one.basic) for one in found] == [("a", "dTpw"), ("b", "dTpw")]


def test_tokens_are_left_out_as_the_kubelet_does():
    """With one of them alone a pull is nobody's, although Docker and helm get in."""
    entries = {
        "a": {"identitytoken": "t"},
        "b": {"registrytoken": "t"},
        "c": {"auth": "dTpw", "identitytoken": "t"},
    }
    found = logins_of(secret(".dockerconfigjson", {"auths": entries}))
    assert [(one.where, one.basic, one.identity, one.bearer) for one in found] == [("c", "dTpw", "", "")]


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"data": None},
        {"data": {".dockerconfigjson": 3}},
        {"data": {".dockerconfigjson": "%%%"}},
        {"data": {".dockerconfigjson": base64.b64encode(b"[" * 100_000).decode()}},
        secret(".dockerconfigjson", []),
        secret(".dockerconfigjson", {"auths": {"a": None, "b": {"auth": "x\ny"}, "c": {"auth": "\u00e9"}}}),
    ],
)
def test_what_is_no_login(raw):
    assert logins_of(raw) == ()


def test_a_half_of_a_character_in_a_password():
    entries = {"auths": {"a": {"username": "u", "password": "\ud800"}}}
    assert len(logins_of(secret(".dockerconfigjson", entries))) == 1
