"""FLARE v2 ``study_runtime.yaml``: strict, every unknown key refused, no file reading."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from launcher.core.checks import invalid, require_known, require_mapping, require_text, show
from launcher.core.foreign import quoted
from launcher.core.names import secret_volume_name
from launcher.core.spec.jobspec import EnvVar, SecretKey, SecretMount
from launcher.core.spec.podtemplate import check_template
from launcher.core.spec.study import RESERVED_ENV, Study, make_dataset, require_name
from launcher.errors import InvalidInput

__all__ = ["from_study_runtime"]

LoadTemplate = Callable[[str], Any]

_FORMAT = 2
_KEYS = {"container", "pod_template", "datasets", "env", "secret_env", "secret_mounts"}
_OTHER_LAUNCHERS = {"docker_kwargs": "Docker", "slurm": "Slurm"}
_MOUNT = "mount"
_RESERVED_TYPES = ("databricks",)


def from_study_runtime(parsed: Any, study: str, source: str, load_template: LoadTemplate) -> Study:
    """Return ``study`` from a parsed v2 file; a study without an entry gives nothing.

    Every study of the file is checked, as FLARE does.

    Args:
        parsed: the parsed file.
        study: name of the study, empty for a job without one.
        source: name of the file, for errors.
        load_template: reads YAML at a path relative to the file (checked to stay below its folder).

    Raises:
        InvalidInput: the file breaks its format, with the key path.
    """
    root = require_mapping(parsed, source, cure="write `format_version: 2` and `studies: {}`")
    require_known(root, {"format_version", "studies"}, source)
    version = root.get("format_version")
    if version != _FORMAT:
        raise invalid(
            f"{source}: format_version",
            version,
            f"must be {_FORMAT}",
            cure=f"write `format_version: {_FORMAT}`",
        )
    entries = {} if root.get("studies") is None else require_mapping(root["studies"], f"{source}: studies")
    studies = {name: _parse_study(name, entry, source, load_template) for name, entry in entries.items()}
    if study in studies:
        return studies[study]
    warnings = (f"{source} has no entry for study {quoted(study)}",) if study and studies else ()
    return Study(name=study, warnings=warnings)


def _parse_study(name: Any, entry: Any, source: str, load_template: LoadTemplate) -> Study:
    where = f"{source}: studies.{name}"
    require_name(name, where)
    entry = require_mapping(entry, where)
    for key, launcher in _OTHER_LAUNCHERS.items():
        if key in entry:
            raise InvalidInput(
                f"{launcher}-only: has no meaning on Kubernetes", where=f"{where}.{key}", cure="remove it"
            )
    require_known(entry, _KEYS, where)
    template, template_source = _parse_template(entry, where, load_template)
    env = _parse_env(_part(entry, "env", where), f"{where}.env")
    secret_env = _parse_secret_env(_part(entry, "secret_env", where), f"{where}.secret_env")
    for name_twice in sorted({var.name for var in env} & {var.name for var in secret_env}):
        cure = "keep one of them"
        raise InvalidInput("is in env and in secret_env", where=f"{where}.env.{name_twice}", cure=cure)
    return Study(
        name=name,
        image=_parse_image(entry, where),
        pod_template=template,
        template_source=template_source,
        datasets=tuple(
            make_dataset(name, dataset, _dataset_entry(item, at), at)
            for dataset, item in _part(entry, "datasets", where).items()
            for at in [f"{where}.datasets.{dataset}"]
        ),
        env=env,
        secret_env=secret_env,
        secret_mounts=tuple(
            _parse_secret_mount(name, mount, item, f"{where}.secret_mounts.{mount}")
            for mount, item in _part(entry, "secret_mounts", where).items()
        ),
    )


def _part(entry: Mapping[str, Any], key: str, where: str) -> Mapping[str, Any]:
    return require_mapping(entry[key], f"{where}.{key}") if key in entry else {}


def _parse_image(entry: Mapping[str, Any], where: str) -> str:
    if "container" not in entry:
        return ""
    container = require_mapping(entry["container"], f"{where}.container")
    require_known(container, {"image"}, f"{where}.container")
    return require_text(container.get("image"), f"{where}.container.image")


def _parse_template(
    entry: Mapping[str, Any], where: str, load_template: LoadTemplate
) -> tuple[Mapping[str, Any] | None, str]:
    if "pod_template" not in entry:
        return None, ""
    where = f"{where}.pod_template"
    template = entry["pod_template"]
    if isinstance(template, str):
        path = posixpath.normpath(require_text(template, where))
        if path.startswith(("/", "../")) or path in {".", ".."}:
            raise invalid(
                where, template, "must be a path below the folder of this file", cure="use a relative path"
            )
        template, where = load_template(path), f"{where} ({path})"
    check_template(template, where)
    return template, where


def _dataset_entry(entry: Any, where: str) -> Mapping[str, Any]:
    checked = require_mapping(entry, where)
    kind = checked.get("type", _MOUNT)
    if kind != _MOUNT:
        rule = f"must be {_MOUNT}" + (" (others are not supported yet)" if kind in _RESERVED_TYPES else "")
        raise invalid(f"{where}.type", kind, rule, cure="remove the key or write `type: mount`")
    require_known(checked, {"type", "source", "mode"}, where)
    return checked


def _require_env_name(name: Any, where: str) -> str:
    require_text(name, where)
    if name in RESERVED_ENV:
        raise InvalidInput(
            f"{name} is launcher-owned and cannot be set by a study", where=where, cure="remove it"
        )
    return str(name)


def _env_entries(entries: Mapping[str, Any], where: str) -> Iterator[tuple[str, Any, str]]:
    """Yield name, value and key path of each variable."""
    for name, value in entries.items():
        at = f"{where}.{name}"
        yield _require_env_name(name, at), value, at


def _parse_env(entries: Mapping[str, Any], where: str) -> tuple[EnvVar, ...]:
    result = []
    for name, value, at in _env_entries(entries, where):
        if value is None or isinstance(value, (dict, list)):
            raise invalid(at, value, "must be a single value", cure="set text, a number, true or false")
        # `true` in YAML means the word, and str(True) is "True".
        text = str(value).lower() if isinstance(value, bool) else str(value)
        if not text:
            raise invalid(at, value, "must not be empty", cure="set a value or remove the key")
        result.append(EnvVar(name, value=text))
    return tuple(result)


def _parse_secret_env(entries: Mapping[str, Any], where: str) -> tuple[EnvVar, ...]:
    result = []
    for name, entry, at in _env_entries(entries, where):
        ref = require_mapping(entry, at, cure="write `{source: <Secret>, key: <key>}`")
        require_known(ref, {"source", "key"}, at)
        secret = require_text(ref.get("source"), f"{at}.source", cure="name the Secret")
        key = require_text(ref.get("key"), f"{at}.key", cure="name the key of the Secret")
        result.append(EnvVar(name, secret=SecretKey(secret, key)))
    return tuple(result)


def _parse_secret_mount(study: str, name: Any, entry: Any, where: str) -> SecretMount:
    require_name(name, where)
    mount = require_mapping(entry, where)
    require_known(mount, {"source", "mount_path", "mode", "items"}, where)
    if mount.get("mode", "ro") != "ro":
        raise invalid(
            f"{where}.mode",
            mount["mode"],
            "must be ro: Secrets are always mounted read-only",
            cure="remove it",
        )
    path = require_text(mount.get("mount_path"), f"{where}.mount_path", cure="write an absolute path")
    if not path.startswith("/"):
        raise invalid(
            f"{where}.mount_path", path, "must be an absolute path", cure=f"write {show('/' + path)}"
        )
    items: dict[str, str] = {}
    if mount.get("items") is not None:
        given = require_mapping(mount["items"], f"{where}.items")
        if not given:
            raise invalid(f"{where}.items", given, "must not be empty", cure="remove it to mount all keys")
        for key, target in given.items():
            items[require_text(key, f"{where}.items key")] = require_text(target, f"{where}.items.{key}")
    return SecretMount(
        volume=secret_volume_name(study, name),
        secret=require_text(mount.get("source"), f"{where}.source", cure="name the Secret"),
        mount_path=path,
        items=items,
    )
