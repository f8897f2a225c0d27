"""FLARE v2 ``study_runtime.yaml``: strict, one parser, no file reading."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from launcher.core.study.model import Study

__all__ = ["from_study_runtime"]


def from_study_runtime(parsed: Any, study: str, source: str, load_template: Callable[[str], Any]) -> Study:
    """Return ``study`` from a parsed v2 file; ``load_template`` reads YAML at a path relative to that file."""
    raise NotImplementedError
