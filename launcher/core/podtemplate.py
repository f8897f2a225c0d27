"""A job merged into a Pod manifest template, by FLARE's rule, as pieces of chart values."""

from __future__ import annotations

from typing import Any

from launcher.core.jobspec import JobSpec

__all__ = ["template_values", "template_warnings"]


def template_values(spec: JobSpec) -> dict[str, Any]:
    """Return the values that the pod template of ``spec`` contributes; empty without a template."""
    raise NotImplementedError


def template_warnings(spec: JobSpec) -> tuple[str, ...]:
    """Return a sentence for each thing in the template that is replaced or left out; for the log."""
    raise NotImplementedError
