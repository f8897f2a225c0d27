"""Rendering by the real helm, once per values."""

from __future__ import annotations

import functools
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from launcher.core.yaml_text import documents
from launcher.edges.helm.parsing import values_json

CHART = Path(__file__).parents[2] / "charts" / "fljob"
CASES = Path(__file__).parent / "cases"
MINIMAL = CHART / "ci" / "minimal-values.yaml"
# Rendered cases: every ci file on its own, every file of tests/chart/cases over the minimal one.
CI_CASES = tuple(sorted(path.name.removesuffix("-values.yaml") for path in (CHART / "ci").iterdir()))
ALL_CASES = (*CI_CASES, *sorted(path.stem for path in CASES.iterdir()))


def helm(
    *args: str, stdin: str = "", env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run helm; a machine without it fails, since a chart that was not rendered was not tested."""
    if shutil.which("helm") is None:
        pytest.fail(
            'helm is not on PATH: run `scripts/test chart`, or `eval "$(scripts/tools helm)"` before pytest'
        )
    return subprocess.run(
        ["helm", *args], input=stdin, capture_output=True, text=True, env=env, check=False, timeout=60
    )


def case_arguments(case: str) -> list[str]:
    """Return the --values options of a case."""
    if case in CI_CASES:
        return ["--values", str(CHART / "ci" / f"{case}-values.yaml")]
    return ["--values", str(MINIMAL), "--values", str(CASES / f"{case}.yaml")]


def render_case(case: str, env: Mapping[str, str] | None = None) -> str:
    """Return what the chart prints for a case, rendered anew."""
    done = helm("template", "fj-test", str(CHART), "--namespace", "fl", *case_arguments(case), env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout


def over(base: Mapping[str, Any], layer: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``base`` with ``layer`` merged over it, as Helm does it: maps merge, the rest replaces."""
    result = dict(base)
    for key, value in layer.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = over(result[key], value) if both else value
    return result


@functools.cache
def _render(values: str) -> subprocess.CompletedProcess[str]:
    return helm("template", "fj-test", str(CHART), "--namespace", "fl", "--values", "-", stdin=values)


def rendered(values: Mapping[str, Any]) -> subprocess.CompletedProcess[str]:
    """Run helm template with exactly these values, written as the launcher writes them."""
    return _render(values_json(values).decode())


def minimal(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Return the minimal values with ``layers`` merged over them."""
    return functools.reduce(over, layers, yaml.safe_load(MINIMAL.read_text()))


def objects(*layers: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Render ``layers`` over the minimal values and return the objects."""
    done = rendered(minimal(*layers))
    assert done.returncode == 0, done.stderr
    return [item for item in documents(done.stdout) if item]


def pod(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Render ``layers`` over the minimal values and return the pod."""
    (made,) = (item for item in objects(*layers) if item["kind"] == "Pod")
    return made


def container(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Render ``layers`` over the minimal values and return the job container."""
    made: dict[str, Any] = pod(*layers)["spec"]["containers"][0]
    return made


def refusal(*layers: Mapping[str, Any]) -> str:
    """Render ``layers`` over the minimal values, which must fail, and return what helm says."""
    done = rendered(minimal(*layers))
    assert done.returncode != 0, f"accepted:\n{done.stdout}"
    return done.stderr


def at(path: str, value: Any) -> dict[str, Any]:
    """Return values with ``value`` at a dotted path: ``at("pod.spec.x", 1)`` is ``{"pod": {"spec": {"x": 1}}}``."""
    for key in reversed(path.split(".")):
        value = {key: value}
    result: dict[str, Any] = value
    return result


def leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield the key path of every leaf of values.yaml; an empty map is one."""
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield prefix + key
