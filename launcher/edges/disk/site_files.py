"""Finds and reads files of a site: the values templates, job folders and study files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from launcher.core.flare.study_data import from_study_data, from_study_job_spec, study_job_spec_path
from launcher.core.flare.study_runtime import from_study_runtime
from launcher.core.spec.site import SiteConfig
from launcher.core.spec.study import (
    Study,
    StudyFile,
    StudyFormat,
    combine,
    files_to_read,
    names_in,
    without_file,
)
from launcher.core.values.templates import replaced, studies
from launcher.edges.disk.documents import (
    exists,
    is_folder,
    parse_json,
    read_stdin,
    read_text,
    read_yaml,
    read_zipped,
)
from launcher.edges.disk.shipped import shipped
from launcher.edges.disk.site_folder import located
from launcher.errors import InvalidInput

__all__ = [
    "load_study",
    "own_templates",
    "read_meta",
    "study_names",
    "values_templates",
]

_SUFFIX = ".yaml.j2"
_STDIN = "-"
_META_NAMES = ("meta.json", "meta.yml", "meta.yaml", "meta.conf")  # FLARE reads all of them
_HOCON = ".conf"
_ZIP, _IN_ZIP = ".zip", ("meta.json",)


def values_templates(site: SiteConfig) -> dict[str, str]:
    """Return the values templates, file name -> text; a file of the site replaces a shipped one.

    Raises:
        InvalidInput: ``values_dir`` is not a folder, or replaces the launcher's own template.
    """
    return replaced(_templates_below(shipped("values")), own_templates(site), str(Path(site.values_dir)))


def own_templates(site: SiteConfig) -> dict[str, str]:
    """Return those that the site itself has, file name -> text; raises as :func:`values_templates`."""
    if not site.values_dir:
        return {}
    folder = Path(site.values_dir)
    if not is_folder(folder):
        raise InvalidInput(f"values_dir: {folder} is not a folder", cure="correct `values_dir` in fljob.yaml")
    return _templates_below(folder)


def _templates_below(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob(f"*{_SUFFIX}") if path.is_file())
    return {path.relative_to(folder).as_posix(): read_text(path) for path in files}


def read_meta(source: str) -> tuple[Mapping[str, Any], str]:
    """Return a job's meta and the name of its source, for errors.

    Args:
        source: a FLARE job folder or a zip of it, its ``meta.json`` (or ``meta.yml``), or ``-`` for stdin.

    Raises:
        InvalidInput: there is nothing at that path.
        InvalidInput: it is not job meta.
    """
    if source == _STDIN:
        return _mapping(parse_json(read_stdin(), "standard input"), "standard input")
    path = Path(source)
    if path.suffix == _ZIP and not is_folder(path):
        name, text = read_zipped(path, _IN_ZIP)
        return _mapping(parse_json(text, f"{path}: {name}"), f"{path}: {name}")
    if is_folder(path):
        path = _meta_in(path)
    if path.suffix == _HOCON:
        raise InvalidInput("HOCON is not supported", where=str(path), cure="save it as meta.json")
    if path.suffix in (".yml", ".yaml"):
        return _mapping(read_yaml(path), str(path))
    return _mapping(parse_json(read_text(path), str(path)), str(path))


def _meta_in(folder: Path) -> Path:
    found = next((folder / name for name in _META_NAMES if exists(folder / name)), None)
    if found is None:
        cure = "name a FLARE job folder, its meta.json, or - for standard input"
        raise InvalidInput(f"{folder}: there is no meta.json in this folder", cure=cure)
    return found


def _mapping(parsed: Any, source: str) -> tuple[Mapping[str, Any], str]:
    if not isinstance(parsed, Mapping):
        raise InvalidInput("job meta must be a mapping", where=source, cure='write {"name": ..., ...}')
    return parsed, source


def load_study(site: SiteConfig, study: str) -> Study:
    """Return what a study gives to its jobs, from the study files of the site.

    Raises:
        InvalidInput: a file breaks its format, or files of both formats are there.
        InvalidInput: a study file or a pod template that is named does not exist.
    """
    files = files_to_read(_study_files(site), study)
    return combine(study, {file.format: _read_study(file, study) for file in files})


def study_names(site: SiteConfig) -> tuple[str, ...]:
    """Return the studies that a file of the site has something for, in order.

    Raises:
        InvalidInput: a file cannot be read, or files of both formats are there.
    """
    found = set(studies(values_templates(site)))
    # Which files count is the same for all studies; for that of FLARE's own every file is asked.
    for file in files_to_read(_study_files(site), "default"):
        found.update(names_in(file.format, read_yaml(Path(file.path))) if file.exists else ())
    return tuple(sorted(found))


def _study_files(site: SiteConfig) -> list[StudyFile]:
    named = {form: getattr(site, form.value) for form in StudyFormat}
    files = [_study_file(form, Path(path)) for form, path in named.items() if path]
    if site.study_runtime_file:
        # FLARE reads a v1 file beside the v2 file, whatever the configuration of the site says.
        flares = Path(site.study_runtime_file).parent / "study_data.yaml"
        files.append(_study_file(StudyFormat.DATA, flares, named=False))
    return files


def _study_file(form: StudyFormat, path: Path, *, named: bool = True) -> StudyFile:
    return StudyFile(format=form, path=str(path), exists=exists(path), named=named)


def _read_study(file: StudyFile, study: str) -> Study:
    return _READERS[file.format](Path(file.path), study) if file.exists else without_file(file, study)


def _study_runtime(path: Path, study: str) -> Study:
    def template(name: str) -> Any:
        # FLARE reads it beside its own study file, so that place comes first.
        beside = path.parent / name
        return _template(beside if exists(beside) else located(beside), path)

    return from_study_runtime(read_yaml(path), study, str(path), template)


def _study_data(path: Path, study: str) -> Study:
    return from_study_data(read_yaml(path), study, str(path))


def _study_job_spec(path: Path, study: str) -> Study:
    entry = study_job_spec_path(read_yaml(path), study, str(path))
    if not entry:
        return from_study_job_spec(None, study, str(path))
    template = located(path.parent / entry)
    manifest = _template(template, path)
    if manifest is None:
        raise InvalidInput("is empty", where=str(template), cure="write a Pod manifest into it")
    return from_study_job_spec(manifest, study, str(template))


_READERS: Mapping[StudyFormat, Callable[[Path, str], Study]] = {
    StudyFormat.RUNTIME: _study_runtime,
    StudyFormat.JOB_SPEC: _study_job_spec,
    StudyFormat.DATA: _study_data,
}


def _template(path: Path, source: Path) -> Any:
    """Return a parsed pod template; ``source`` is the study file that names it."""
    if not exists(path):
        raise InvalidInput(
            f"{source}: names the pod template {path}, and there is no such file", cure="correct the path"
        )
    return read_yaml(path)
