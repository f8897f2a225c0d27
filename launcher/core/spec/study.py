"""What a study gives to its jobs at one site, whatever file format it was written in."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from launcher.core.checks import bad, require_text
from launcher.core.names import dataset_volume_name
from launcher.core.spec.jobspec import Dataset, EnvVar, SecretMount
from launcher.errors import StudyFormats

__all__ = ["RESERVED_ENV", "Study", "combine", "make_dataset", "refuse_both_formats", "require_name"]

# FLARE sets these in every job process; a study that set them would break the job or be ignored.
RESERVED_ENV = frozenset(
    {
        "PYTHONPATH",
        "NVFL_WORKSPACE_OWNER_FQCN",
        "NVFL_WORKSPACE_TRANSFER_TOKEN",
        "NVFLARE_JOB_AUTH_TOKEN",
        "NVFLARE_JOB_TOKEN_SIGNATURE",
        "NVFLARE_JOB_SSID",
    }
)

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?")
_MODES = {"ro": True, "rw": False}


@dataclass(frozen=True, kw_only=True)
class Study:
    """What a study gives to its jobs; the default is a study that gives nothing.

    Attributes:
        name: the study's name, empty for a job without a study.
        image: image of jobs that name none, empty = none.
        pod_template: Pod manifest that jobs are merged into, or None.
        template_source: file and key path of ``pod_template``, for errors.
        main_by_name: True when a template of several containers must name the job container (FLARE 2.9.0);
            False when the first one stands in (study job spec files).
        datasets: PVC mounts.
        env: literal environment, in file order.
        secret_env: environment by reference to Secret keys, in file order.
        secret_mounts: Secret mounts.
        warnings: sentences for the log.
    """

    name: str = ""
    image: str = ""
    pod_template: Mapping[str, Any] | None = None
    template_source: str = ""
    main_by_name: bool = True
    datasets: tuple[Dataset, ...] = ()
    env: tuple[EnvVar, ...] = ()
    secret_env: tuple[EnvVar, ...] = ()
    secret_mounts: tuple[SecretMount, ...] = ()
    warnings: tuple[str, ...] = ()


def combine(template: Study, data: Study) -> Study:
    """Return the Pod template of a study job spec file with the datasets of a ``study_data.yaml``.

    Both may be configured for one site; a study that is in both gets both, and a warning.
    """
    warnings = template.warnings + data.warnings
    if template.pod_template is not None and data.datasets:
        added = (
            f"study {template.name!r}: its datasets are added to its Pod template {template.template_source}"
        )
        warnings = (*warnings, added)
    return dataclasses.replace(template, datasets=data.datasets, warnings=warnings)


def refuse_both_formats(runtime: str, legacy: Sequence[str]) -> None:
    """Refuse a v2 file beside v1 files: nobody could say which of them holds for a study.

    Args:
        runtime: path of the existing ``study_runtime.yaml``, empty = there is none.
        legacy: paths of the v1 files that exist.

    Raises:
        StudyFormats: both are there.
    """
    if runtime and legacy:
        names = ", ".join(sorted(legacy))
        cure = f"move all studies to {runtime} and delete {names}"
        raise StudyFormats(f"cannot be combined with {names}", where=runtime, cure=cure)


def require_name(value: Any, where: str) -> str:
    """Return a study, dataset or mount name: it becomes part of a path and of a volume name.

    Raises:
        InvalidInput: not of FLARE's form.
    """
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        cure = 'use a-z, 0-9, "-" and "_", at most 63, with a letter or digit at both ends'
        raise bad(where, value, "must be a name", cure=cure)
    return value


def make_dataset(study: str, name: Any, entry: Mapping[str, Any], where: str) -> Dataset:
    """Return a checked dataset with FLARE's volume name and mount path ``/data/<study>/<dataset>``.

    Raises:
        InvalidInput: bad name, source or mode.
    """
    require_name(name, where)
    claim = require_text(entry.get("source"), f"{where}.source", cure="name the PersistentVolumeClaim")
    mode = entry.get("mode")
    if not isinstance(mode, str) or mode not in _MODES:
        raise bad(f"{where}.mode", mode, "must be ro or rw", cure="write `mode: ro` or `mode: rw`")
    return Dataset(
        volume=dataset_volume_name(study, name),
        claim=claim,
        mount_path=f"/data/{study}/{name}",
        read_only=_MODES[mode],
    )
