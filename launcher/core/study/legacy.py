"""The older study files: FLARE v1 ``study_data.yaml`` and study job spec files."""

from __future__ import annotations

from typing import Any

from launcher.core.study.model import Study

__all__ = ["from_study_data", "from_study_job_spec", "study_job_spec_path"]


def from_study_data(parsed: Any, study: str, source: str) -> Study:
    """Return the datasets of ``study`` from a parsed ``study_data.yaml`` (None = an empty file)."""
    raise NotImplementedError


def study_job_spec_path(parsed: Any, study: str, source: str) -> str:
    """Return the Pod manifest path of ``study`` as written in the file (relative to it), empty = no entry."""
    raise NotImplementedError


def from_study_job_spec(manifest: Any, study: str, source: str) -> Study:
    """Return a study that consists of a parsed Pod manifest; ``source`` is the manifest's file."""
    raise NotImplementedError
