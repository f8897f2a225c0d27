"""Checks of a kit that `nvflare deploy prepare` made; its images and its namespace."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, get_args

import yaml

from launcher.cli.commands.doctor.check import Check
from launcher.cli.commands.doctor.site import access, secret
from launcher.core.checks import refuse_endless
from launcher.core.flare import kit as kits
from launcher.core.releases import StorageDriver
from launcher.core.spec.site import SiteConfig
from launcher.edges.disk.kit import read_kit, storage_driver
from launcher.errors import InvalidInput, NotFound

__all__ = ["Kit", "kit_checks", "read"]

# What json and PyYAML raise on a file that is neither.
_NOT_PARSED = (yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError, RecursionError)
_RUNTIME = "local/study_runtime.yaml"
_VALUES = "helm_chart/values.yaml"


@dataclass(frozen=True)
class Kit:
    """A prepared kit, from its files.

    Attributes:
        folder: where it is.
        arguments: of its launcher component.
        values: of the parent's chart.
        studies: study -> its settings.
        configured: its ``local/fljob.yaml``.
    """

    folder: Path
    arguments: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    studies: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    configured: Mapping[str, Any] = field(default_factory=dict)

    @property
    def parent_image(self) -> str:
        """Image of the parent's pod; empty when the chart names none."""
        image = _mapping(self.values.get("image"))
        name, tag = (_text(image.get(key)) for key in ("repository", "tag"))
        return f"{name}:{tag}" if name and tag else name

    @property
    def parent_python(self) -> str:
        """Interpreter with which the parent's pod starts; empty when the chart names none."""
        command = self.values.get("command")
        return _text(command[0]) if isinstance(command, list) and command else ""

    @property
    def job_images(self) -> list[str]:
        """Images that the kit gives to jobs: those of its studies, and the site's default image."""
        found = [_mapping(study.get("container")).get("image") for study in self.studies.values()]
        found.append(self.arguments.get("image") or self.configured.get("image"))
        return _names(found)

    def site(self, site: SiteConfig, *, namespace: bool) -> SiteConfig:
        """Return the site's configuration, overridden by the arguments of the kit's launcher.

        Args:
            site: the configuration.
            namespace: whether to take the kit's namespace, too.
        """
        given = {"default_python_path": self.arguments.get("default_python_path")}
        given["namespace"] = self.arguments.get("namespace") if namespace else None
        texts = {key: value for key, value in given.items() if isinstance(value, str) and value}
        given_drivers = (self.arguments.get("storage_driver"), self.configured.get("storage_driver"))
        if drivers := [one for one in given_drivers if one in get_args(StorageDriver)]:
            texts["storage_driver"] = str(drivers[0])
        pull = self.arguments.get("image_pull_secrets")
        names = (*site.image_pull_secrets, *(map(_text, pull) if isinstance(pull, list) else ()))
        return replace(site, image_pull_secrets=tuple(dict.fromkeys(names)), **texts)  # type: ignore[arg-type]

    @property
    def claims(self) -> list[str]:
        """PersistentVolumeClaims of the parent and of all studies."""
        workspace = _mapping(_mapping(self.values.get("persistence")).get("workspace")).get("claimName")
        return _names([workspace, *(_mapping(one).get("source") for one in self._parts("datasets"))])

    @property
    def secrets(self) -> list[str]:
        """Secrets of all studies."""
        parts = (*self._parts("secret_env"), *self._parts("secret_mounts"))
        return _names(_mapping(one).get("source") for one in parts)

    def _parts(self, key: str) -> Iterator[Any]:
        for study in self.studies.values():
            yield from _mapping(study.get(key)).values()


def read(folder: Path) -> Kit:
    """Return the kit in a folder; a file that cannot be read counts as empty, and a check reports it."""
    resources, values = _parsed(folder / kits.RESOURCES), _parsed(folder / _VALUES)
    components = resources.get("components")
    found = [_mapping(one) for one in components] if isinstance(components, list) else []
    arguments = next((one.get("args") for one in found if one.get("id") == kits.LAUNCHER_ID), None)
    studies = _mapping(_parsed(folder / _RUNTIME).get("studies"))
    found_studies = {name: _mapping(one) for name, one in studies.items()}
    return Kit(folder, _mapping(arguments), values, found_studies, _parsed(folder / kits.SITE))


def kit_checks(site: SiteConfig, kit: Kit) -> Iterator[Check]:
    """Yield the checks of a kit and of every object that it names."""
    yield Check(f"kit {kit.folder}", partial(_adopted, kit.folder))
    for name in kit.claims:
        yield Check(f"claim {name}", partial(_claim, site, name), may_be_denied=True)
    for name in kit.secrets:
        yield Check(f"Secret {name}", partial(secret, site, name))


def _adopted(folder: Path) -> str:
    files = read_kit(folder)
    adopted = kits.adopt(files, default=storage_driver(folder))
    if adopted == files:
        return "adopted"
    is_ours = adopted[kits.RESOURCES] == files[kits.RESOURCES]
    lacks = "has not the rights of its storage driver" if is_ours else "still has FLARE's own launcher"
    raise InvalidInput(lacks, cure=f"`fljob kit adopt --kit {shlex.quote(str(folder))}`")


def _claim(site: SiteConfig, name: str) -> str:
    phase = access(site).claim_phase(name, site.namespace)
    if phase is None:
        raise NotFound(f"not in namespace {site.namespace}", cure="create it before the job is submitted")
    return phase


def _text(value: Any) -> str:
    # YAML reads a tag such as 2.9 as a number.
    return str(value) if value and isinstance(value, (str, int, float)) else ""


def _names(values: Iterable[Any]) -> list[str]:
    return sorted({value for value in values if isinstance(value, str) and value})


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _parsed(path: Path) -> Mapping[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        parsed = json.loads(text) if ".json" in path.name else yaml.safe_load(text)
        refuse_endless(parsed, str(path))
        return _mapping(parsed)
    except (InvalidInput, OSError, *_NOT_PARSED):
        return {}
