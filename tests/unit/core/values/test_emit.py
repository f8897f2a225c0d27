"""Any value as one line that JSON and YAML read back."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given

from launcher.core.values.emit import emit
from launcher.errors import InvalidInput
from tests.unit.core.plain_values import PLAIN


@given(PLAIN)
def test_yaml_and_json_read_back_what_emit_printed(value):
    text = emit(value)
    assert "\n" not in text
    for back in (yaml.safe_load(f"k: {text}")["k"], json.loads(text)):
        assert back == value
        assert repr(back) == repr(value)


@pytest.mark.parametrize(
    "value",
    [
        "a\nb: c",
        '"',
        "\\",
        "'",
        "{{ job }}",
        "{% if %}",
        "2.10",
        "on",
        "~",
        "#x",
        "\x85",
        "\u2028",
        "\ufeff",
        "\x7f",
        "😀",
        "\x00",
        1e16,
        1e-7,
        -0.0,
    ],
)
def test_hard_values_survive(value):
    assert yaml.safe_load(f"k: {emit(value)}") == {"k": value}


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), "\ud800", object(), {1: 2}, [None], {"a": [{"b": None}]}]
)
def test_what_cannot_be_printed(value):
    with pytest.raises(InvalidInput):
        emit(value)


def test_null_is_printed_since_it_leaves_a_default_out():
    assert emit(None) == "null"
    assert emit({"a": {"b": None}}) == '{"a": {"b": null}}'
