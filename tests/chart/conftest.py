"""Rendering by the real helm, once per values."""

from __future__ import annotations

import copy
import json
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import yaml

CHART = Path(__file__).parents[2] / "charts" / "fljob"


def helm(*args: str, stdin: str = "", env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run helm; a machine without it fails, since a chart that was not rendered was not tested."""
    if shutil.which("helm") is None:
        pytest.fail(
            'helm is not on PATH: run `scripts/test chart`, or `eval "$(scripts/tools helm)"` before pytest'
        )
    return subprocess.run(["helm", *args], input=stdin, capture_output=True, text=True, env=env)


@lru_cache(maxsize=None)
def _render(values: str) -> subprocess.CompletedProcess[str]:
    return helm("template", "fj-test", str(CHART), "--namespace", "fl", "--values", "-", stdin=values)


def merged(*layers: dict[str, Any]) -> dict[str, Any]:
    """Return layers merged over the minimal values."""
    out = yaml.safe_load((CHART / "ci" / "minimal-values.yaml").read_text())

    def over(base, layer):
        for key, value in layer.items():
            base[key] = (
                over(base[key], value)
                if isinstance(value, dict) and isinstance(base.get(key), dict)
                else value
            )
        return base

    for layer in layers:
        over(out, copy.deepcopy(layer))
    return out


@pytest.fixture
def refused():
    """Return a function that renders values which must be refused, and returns what helm says."""

    def run(*layers: dict[str, Any]) -> str:
        done = _render(json.dumps(merged(*layers)))
        assert done.returncode != 0, done.stdout
        return done.stderr

    return run


@pytest.fixture
def objects():
    """Return a function that renders values to objects."""

    def run(*layers: dict[str, Any]) -> list[dict[str, Any]]:
        done = _render(json.dumps(merged(*layers)))
        assert done.returncode == 0, done.stderr
        return [item for item in yaml.safe_load_all(done.stdout) if item]

    return run


@pytest.fixture
def pod(objects):
    """Return a function that renders values to the pod."""

    def run(*layers: dict[str, Any]) -> dict[str, Any]:
        return next(item for item in objects(*layers) if item["kind"] == "Pod")

    return run


def pytest_addoption(parser):
    """Add the switch that writes the goldens anew."""
    parser.addoption("--update-goldens", action="store_true", help="write tests/chart/goldens anew")
