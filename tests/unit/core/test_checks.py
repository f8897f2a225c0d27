"""Checks of parsed YAML and JSON: what passes, and where, value, rule and cure of what does not."""

from __future__ import annotations

import datetime as dt
import enum
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launcher.core import checks
from launcher.errors import InvalidInput
from tests.unit.core.plain_values import PLAIN

SURROGATE = "\ud800"


class Color(str, enum.Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", '"a"'),
        (None, "null"),
        (True, "true"),
        ({"a": [1, 2.5]}, '{"a": [1, 2.5]}'),
        ("å", '"å"'),
        (SURROGATE, r'"\ud800"'),
        (dt.date(2026, 1, 1), '"datetime.date(2026, 1, 1)"'),
        ("x" * 78, '"' + "x" * 78 + '"'),
        ("x" * 79, '"' + "x" * 76 + "..."),
    ],
)
def test_show(value, text):
    assert checks.show(value) == text


@given(st.text() | PLAIN)
def test_show_is_short_and_printable(value):
    text = checks.show(value)
    assert len(text) <= 80
    assert text.encode("utf-8")


@pytest.mark.parametrize(
    ("where", "key", "path"),
    [
        ("", "a", "a"),
        ("meta.json", "a", "meta.json: a"),
        ("meta.json: a", "b", "meta.json: a.b"),
        ("meta.json: a[0]", "b", "meta.json: a[0].b"),
        ("meta.json", 7, "meta.json: 7"),
    ],
)
def test_key_path(where, key, path):
    assert checks.key_path(where, key) == path


def test_error_has_where_rule_value_and_cure():
    error = checks.invalid("meta.json: cpu", [1], "must be a quantity", cure='write "500m"')
    assert str(error) == 'meta.json: cpu: must be a quantity, not [1]\n  cure: write "500m"'
    assert error.where == "meta.json: cpu"


@pytest.mark.parametrize("value", [{}, {"a": 1}])
def test_mapping_passes(value):
    assert checks.require_mapping(value, "f") is value


@pytest.mark.parametrize("value", [None, [], "a", 7])
def test_other_than_mapping_is_refused(value):
    with pytest.raises(InvalidInput, match=r"f: a: must be a mapping, not .*\n.*cure: write `key: value`"):
        checks.require_mapping(value, "f: a")
    with pytest.raises(InvalidInput, match="cure: call the doctor"):
        checks.require_mapping(value, "f: a", cure="call the doctor")


def test_text_passes():
    assert checks.require_text(" a ", "f") == " a "


@pytest.mark.parametrize("value", ["", " \n\t", None, 7, ["a"]])
def test_empty_or_no_text_is_refused(value):
    with pytest.raises(InvalidInput, match="f: a: must be a non-empty string, not "):
        checks.require_text(value, "f: a")


def test_unknown_key_is_refused_with_the_known_ones():
    checks.require_known({"a": 1}, {"b", "a"}, "f")
    with pytest.raises(InvalidInput, match=r'f: x: unknown key "c"\n.*known keys: a, b$'):
        checks.require_known({"a": 1, "c": 2}, {"b", "a"}, "f: x")


@given(PLAIN)
def test_json_stays_as_it_is(tree):
    assert checks.as_json(tree, "f") == tree
    assert json.loads(json.dumps(checks.as_json(tree, "f"))) == tree


def test_result_shares_nothing_with_its_source():
    tree = {"a": [{"b": 1}]}
    copied = checks.as_json(tree, "f")
    copied["a"][0]["b"] = 2
    assert tree == {"a": [{"b": 1}]}


def test_subclasses_become_json_types():
    copied = checks.as_json({"a": (1, 2), "b": Color.RED}, "f")
    assert copied == {"a": [1, 2], "b": "red"}
    assert type(copied["b"]) is str


def test_null_is_refused_or_pruned():
    with pytest.raises(InvalidInput, match=r"f: a\.b: null is refused"):
        checks.as_json({"a": {"b": None}}, "f")
    assert checks.as_json({"a": {"b": None, "c": 1}, "d": None}, "f", prune=True) == {"a": {"c": 1}}
    with pytest.raises(InvalidInput, match=r"f: a\[1\]: null is refused"):
        checks.as_json({"a": [1, None]}, "f", prune=True)


@pytest.mark.parametrize(
    ("tree", "error"),
    [
        ({"a": {True: 1}}, "f: a: must have text as keys, not true"),
        ({"a": [{7: 1}]}, r"f: a\[0\]: must have text as keys, not 7"),
        ({"a": dt.date(2026, 1, 1)}, r"f: a: must be text, a number, .*, not .*2026"),
        ({"a": float("nan")}, "f: a: must be text, a number"),
        ({"a": float("inf")}, "f: a: must be text, a number"),
        ({"a": -float("inf")}, "f: a: must be text, a number"),
        ({"a": {1, 2}}, "f: a: must be text, a number"),
        ({"a": b"x"}, "f: a: must be text, a number"),
        ({"a": SURROGATE}, r"f: a: must be valid Unicode, not .*\n.*cure: remove the lone surrogate"),
    ],
)
def test_what_json_does_not_have_is_refused(tree, error):
    with pytest.raises(InvalidInput, match=error) as caught:
        checks.as_json(tree, "f")
    assert caught.value.cure
