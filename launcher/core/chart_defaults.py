"""The defaults of the chart that null leaves out, for whoever merges what stands above them.

Helm takes a default out of ``values.yaml`` where the values that it gets have null. The launcher stacks
layers before that, so a null has to last until it reaches Helm, whatever a stronger layer puts beside it.
``tests/unit/core/test_chart_defaults.py`` compares the paths with ``values.yaml``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["EMPTY", "FIELDS", "Path", "below", "left_out", "only_defaults"]

Path = tuple[str, ...]

# What the chart gives to a pod whose values say nothing.
FIELDS: tuple[Path, ...] = (
    ("image", "pullPolicy"),
    ("podSecurity",),
    ("pod", "spec", "terminationGracePeriodSeconds"),
    ("pod", "spec", "automountServiceAccountToken"),
    ("pod", "spec", "securityContext", "seccompProfile", "type"),
    ("pod", "spec", "securityContext", "runAsNonRoot"),
    ("container", "spec", "workingDir"),
    ("container", "spec", "securityContext", "allowPrivilegeEscalation"),
    ("container", "spec", "securityContext", "capabilities", "drop"),
)
# Where its default is nothing: null leaves out what a weaker layer said, and Helm need not know.
EMPTY: tuple[Path, ...] = (
    ("imagePullSecrets",),
    ("env",),
    ("datasets",),
    ("secretMounts",),
    ("resources", "requests"),
    ("resources", "limits"),
    ("resources", "claims"),
    ("pod", "labels"),
    ("pod", "annotations"),
    ("extra", "volumes"),
    ("extra", "volumeMounts"),
    ("extra", "initContainers"),
    ("extra", "containers"),
    ("disruption", "marks"),
    ("disruption", "budget"),
    ("networkPolicy", "enabled"),
    ("test", "image"),
    ("test", "serviceAccountName"),
)


def below(path: Path, paths: tuple[Path, ...]) -> list[Path]:
    """Return those of ``paths`` that are ``path`` or below it, from there on: ``()`` is ``path`` itself."""
    return [one[len(path) :] for one in paths if one[: len(path)] == path]


def left_out(path: Path) -> Any:
    """Return what Helm must be given at ``path`` so that each default there is left out; {} for none."""
    rests = below(path, FIELDS)
    if () in rests:
        return None
    result: dict[str, Any] = {}
    for rest in rests:
        part = result
        for key in rest[:-1]:
            part = part.setdefault(key, {})
        part[rest[-1]] = None
    return result


def only_defaults(part: Mapping[str, Any], at: Path) -> dict[str, Any]:
    """Return a copy of a map of chart values at ``at`` whose nulls are those that leave a default out."""
    return dict(_only_defaults(part, at))


def _only_defaults(part: Mapping[str, Any], at: Path) -> Iterator[tuple[str, Any]]:
    for key, value in part.items():
        path = (*at, key)
        if isinstance(value, Mapping):
            yield key, only_defaults(value, path)
        elif value is not None or below(path, FIELDS):
            yield key, value
