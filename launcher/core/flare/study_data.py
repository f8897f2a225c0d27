"""The older study files: FLARE v1 ``study_data.yaml`` and study job spec files (study -> Pod manifest)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from launcher.core.checks import require_mapping, require_text
from launcher.core.foreign import quoted
from launcher.core.spec.podtemplate import check_template
from launcher.core.spec.study import Study, make_dataset, require_name

__all__ = ["from_study_data", "from_study_job_spec", "study_job_spec_path"]

# All that FLARE 2.9.0 reads of a dataset. It looks for no other: a job with `sourc: q` beside them runs.
_KEYS = ("source", "mode")


def from_study_data(parsed: Any, study: str, source: str) -> Study:
    """Return the datasets of ``study`` from a parsed ``study_data.yaml``.

    Every study of the file is checked, as FLARE does: a mistake in one study stops all jobs of the site,
    not those of that study weeks later. A key that FLARE does not read is a warning, for its study's jobs.

    Args:
        parsed: ``study: {dataset: {source: <claim>, mode: ro|rw}}``; None = an empty file.
        study: name of the study, empty for a job without one.
        source: name of the file, for errors.

    Raises:
        InvalidInput: the file breaks its format.
    """
    studies = require_mapping({} if parsed is None else parsed, source, cure="write `study: {dataset: ...}`")
    checked = {}
    for name, entries in studies.items():
        where = f"{source}: {name}"
        require_name(name, where)
        datasets = require_mapping(
            entries, where, cure="write `dataset: {source: <claim>, mode: ro}` below it"
        )
        checked[name] = tuple(
            make_dataset(name, dataset, require_mapping(entry, f"{where}.{dataset}"), f"{where}.{dataset}")
            for dataset, entry in datasets.items()
        )
    warnings = _unread(studies.get(study, {}), f"{source}: {study}")
    if study and not checked.get(study):
        warnings = (f"{source} has no datasets for study {quoted(study)}: no data will be mounted",)
    return Study(name=study, datasets=checked.get(study, ()), warnings=warnings)


def _unread(datasets: Mapping[str, Mapping[str, Any]], where: str) -> tuple[str, ...]:
    return tuple(
        f"{where}.{dataset}.{key} is read by nobody; known keys: {', '.join(_KEYS)}"
        for dataset, entry in datasets.items()
        for key in entry
        if key not in _KEYS
    )


def study_job_spec_path(parsed: Any, study: str, source: str) -> str:
    """Return the path of the Pod manifest of ``study`` as the file gives it, empty = no entry.

    A relative path is relative to the file.

    Raises:
        InvalidInput: the file is not ``study: path``.
    """
    studies = require_mapping({} if parsed is None else parsed, source, cure="write `study: pod.yaml`")
    if not study or study not in studies:
        return ""
    return require_text(studies[study], f"{source}: {study}", cure="write the path of a Pod manifest")


def from_study_job_spec(manifest: Any, study: str, source: str) -> Study:
    """Return a study that consists of a parsed Pod manifest.

    Args:
        manifest: the parsed manifest; None = the study job spec file has no entry for the study.
        study: name of the study.
        source: name of the manifest's file, for errors.

    Raises:
        InvalidInput: not a Pod manifest.
    """
    if manifest is None:
        warnings = (
            (f"{source} has no entry for study {quoted(study)}: the pod gets no template",) if study else ()
        )
        return Study(name=study, warnings=warnings)
    check_template(manifest, source)
    return Study(name=study, pod_template=manifest, template_source=source, main_by_name=False)
