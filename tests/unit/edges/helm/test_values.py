"""Values on their way to helm: JSON that a YAML parser reads as the same values."""

from __future__ import annotations

import json

import pytest
import yaml

from launcher.edges.helm.parsing import values_json


@pytest.mark.parametrize(
    "text", ["plain", "é✓", "😀", "\U0010ffff", r"\ud83d\ude00", "\\😀", "a\nb", '"', "\u2028", "\x01"]
)
def test_any_text_arrives_as_yaml_and_as_json(text):
    sent = values_json({"site": text, text: 1}).decode()
    assert yaml.safe_load(sent) == json.loads(sent) == {"site": text, text: 1}
