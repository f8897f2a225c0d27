"""What a study gives to its jobs at one site, whatever file format it was written in."""

from __future__ import annotations

import dataclasses
import enum
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from launcher.core.checks import invalid, require_text
from launcher.core.foreign import quoted
from launcher.core.names import dataset_volume_name
from launcher.core.spec.jobspec import Dataset, EnvVar, SecretMount
from launcher.errors import InvalidInput, StudyFormats

__all__ = [
    "RESERVED_ENV",
    "Study",
    "StudyFile",
    "StudyFormat",
    "combine",
    "files_to_read",
    "make_dataset",
    "names_in",
    "require_name",
    "without_file",
]

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
    pod_template: Mapping[str, Any] | None = field(default=None, repr=False)
    template_source: str = ""
    main_by_name: bool = True
    datasets: tuple[Dataset, ...] = ()
    env: tuple[EnvVar, ...] = ()
    secret_env: tuple[EnvVar, ...] = ()
    secret_mounts: tuple[SecretMount, ...] = ()
    warnings: tuple[str, ...] = ()


class StudyFormat(str, enum.Enum):
    """A format of study files; its text is the setting of the site that names the file."""

    RUNTIME = "study_runtime_file"  # FLARE's v2, study_runtime.yaml
    DATA = "study_data_file"  # FLARE's v1, study_data.yaml
    JOB_SPEC = "study_job_spec_file"  # v1, too: study -> Pod manifest


@dataclass(frozen=True, kw_only=True)
class StudyFile:
    """A place for a study file.

    Attributes:
        format: what is written there.
        path: the file.
        exists: whether it is there.
        named: whether a setting names it; False for a place where FLARE looks all the same.
    """

    format: StudyFormat
    path: str
    exists: bool
    named: bool = True


@dataclass(frozen=True, kw_only=True)
class _Rule:
    """How the files of one format stand to those of the others.

    Attributes:
        gives: the fields of a :class:`Study` that come from it.
        beside: formats whose files are read along with it.
        refuses: formats whose files must not exist.
        optional: a file that is named and does not exist is a warning, no error.
        every_job: it is read for a job without a study, too.
    """

    gives: tuple[str, ...]
    beside: tuple[StudyFormat, ...] = ()
    refuses: tuple[StudyFormat, ...] = ()
    optional: bool = False
    every_job: bool = False


# Which study formats combine, as in FLARE 2.9.0. Of those whose files are named the first one here decides.
# FLARE 2.9.0 (`nvflare.apis.job_def.DEFAULT_STUDY`) puts each job that names no study into this one.
_EVERY_JOBS = "default"
_NO_FILE = "study {!r}: the site has no study file, so the study gives its jobs nothing"

_RULES: Mapping[StudyFormat, _Rule] = {
    # Nobody could say whether this file or a v1 file holds for a study.
    StudyFormat.RUNTIME: _Rule(
        gives=tuple(field.name for field in dataclasses.fields(Study)),
        refuses=(StudyFormat.DATA, StudyFormat.JOB_SPEC),
        every_job=True,
    ),
    StudyFormat.JOB_SPEC: _Rule(
        gives=("pod_template", "template_source", "main_by_name"), beside=(StudyFormat.DATA,)
    ),
    # The file may be rolled out after the site, so FLARE mounts nothing and warns.
    StudyFormat.DATA: _Rule(gives=("datasets",), optional=True),
}


def files_to_read(files: Sequence[StudyFile], study: str) -> tuple[StudyFile, ...]:
    """Return those of ``files`` that hold for a job of ``study``, in the order of ``files``.

    Args:
        files: every place that a study file of the site may have.
        study: name of the study, empty for a job without one.

    Raises:
        StudyFormats: files exist that must not stand beside each other.
    """
    named = [file for file in files if file.named]
    first = next((file for form in _RULES for file in named if file.format is form), None)
    if first is None or not (study or _RULES[first.format].every_job):
        return ()
    rule = _RULES[first.format]
    refused = {file.path for file in files if file.exists and file.format in rule.refuses}
    if first.exists and refused:
        names = ", ".join(sorted(refused))
        cure = f"move all studies to {first.path} and delete {names}"
        raise StudyFormats(f"cannot be combined with {names}", where=first.path, cure=cure)
    return tuple(file for file in named if file.format in (first.format, *rule.beside))


def without_file(file: StudyFile, study: str) -> Study:
    """Return what a file that is named and does not exist gives to ``study``: nothing, and a warning.

    Raises:
        InvalidInput: the file is not optional.
    """
    if not _RULES[file.format].optional:
        cure = "create it, or take it out of fljob.yaml"
        raise InvalidInput(f"{file.path}: there is no such study file", cure=cure)
    warning = f"{file.path}: there is no such study file, so no dataset is mounted"
    return Study(name=study, warnings=(warning,))


def names_in(form: StudyFormat, parsed: Any) -> tuple[str, ...]:
    """Return the studies that a parsed study file names; none of a file that breaks its format.

    Args:
        form: what is written there.
        parsed: its content.
    """
    entries = parsed.get("studies") if form is StudyFormat.RUNTIME and isinstance(parsed, Mapping) else parsed
    return tuple(name for name in entries if isinstance(name, str)) if isinstance(entries, Mapping) else ()


def combine(study: str, parts: Mapping[StudyFormat, Study]) -> Study:
    """Return what the files of a site give to ``study`` together.

    Args:
        study: name of the study, empty for a job without one.
        parts: what each file gives to it; none = the study gives nothing.
    """
    result = Study(
        name=study, warnings=() if parts or study in ("", _EVERY_JOBS) else (_NO_FILE.format(study),)
    )
    for form in (form for form in _RULES if form in parts):
        given = {name: getattr(parts[form], name) for name in _RULES[form].gives}
        given["warnings"] = result.warnings + parts[form].warnings
        result = dataclasses.replace(result, **given)
    if len(parts) > 1 and result.pod_template is not None and result.datasets:
        added = f"study {quoted(study)}: its datasets are added to its Pod template {result.template_source}"
        result = dataclasses.replace(result, warnings=(*result.warnings, added))
    return result


def require_name(value: Any, where: str) -> str:
    """Return a study, dataset or mount name: it becomes part of a path and of a volume name.

    Raises:
        InvalidInput: not of FLARE's form.
    """
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        cure = 'use a-z, 0-9, "-" and "_", at most 63, with a letter or digit at both ends'
        raise invalid(where, value, "must be a name", cure=cure)
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
        raise invalid(f"{where}.mode", mode, "must be ro or rw", cure="write `mode: ro` or `mode: rw`")
    return Dataset(
        volume=dataset_volume_name(study, name),
        claim=claim,
        mount_path=f"/data/{study}/{name}",
        read_only=_MODES[mode],
    )
