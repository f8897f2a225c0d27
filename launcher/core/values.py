"""Templates + JobSpec -> the one values dict of the chart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from launcher.core.jobspec import JobSpec
from launcher.core.site import SiteConfig

__all__ = ["build_values", "emit", "job_labels", "merge"]


def merge(base: Mapping[str, Any], over: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return ``base`` with ``over`` on top: maps merge, scalars and lists replace, null is refused."""
    raise NotImplementedError


def emit(value: Any) -> str:
    """Return ``value`` as JSON text that YAML reads back as the same value."""
    raise NotImplementedError


def job_labels(spec: JobSpec) -> dict[str, str]:
    """Return the launcher's labels of every object of a job."""
    raise NotImplementedError


def build_values(spec: JobSpec, site: SiteConfig, templates: Mapping[str, str]) -> dict[str, Any]:
    """Return the values of one job; ``templates`` maps file names under ``values/`` to jinja2 text."""
    raise NotImplementedError
