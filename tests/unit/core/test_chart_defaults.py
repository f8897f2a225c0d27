"""The defaults that null leaves out are those of values.yaml, but for what belongs to the launcher."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from launcher.core.chart_defaults import EMPTY, FIELDS, below, left_out, only_defaults
from launcher.core.values.owned import _OWNED

DEFAULTS = yaml.safe_load((Path(__file__).parents[3] / "charts" / "fljob" / "values.yaml").read_text())
CONTEXT = ("pod", "spec", "securityContext")


def leaves(values: dict[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, (*above, key))
        else:
            yield (*above, key), value


def test_the_paths_are_those_of_the_chart():
    mine = {
        path: value
        for path, value in leaves(DEFAULTS)
        if not any(below(owned, (path,)) for owned in _OWNED) and path not in _OWNED
    }
    assert {path for path, value in mine.items() if value} == set(FIELDS)
    assert {path for path, value in mine.items() if not value} == set(EMPTY)


@pytest.mark.parametrize(
    ("path", "left"),
    [
        (("podSecurity",), None),
        (("image",), {"pullPolicy": None}),
        (CONTEXT, {"seccompProfile": {"type": None}, "runAsNonRoot": None}),
        ((*CONTEXT, "seccompProfile"), {"type": None}),
        ((*CONTEXT, "runAsUser"), {}),
        (("env",), {}),
    ],
)
def test_left_out(path, left):
    assert left_out(path) == left


def test_only_defaults():
    given = {"runAsUser": None, "fsGroup": 1, "seccompProfile": None, "seLinuxOptions": {"level": None}}
    assert only_defaults(given, CONTEXT) == {"fsGroup": 1, "seccompProfile": None, "seLinuxOptions": {}}
