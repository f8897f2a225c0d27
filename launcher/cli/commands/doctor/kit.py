"""Checks of a kit that `nvflare deploy prepare` made; its images and its namespace."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, get_args

from launcher.cli.commands.doctor.check import Check
from launcher.cli.commands.doctor.roll_out import roll_out_checks
from launcher.cli.commands.doctor.site import access, secret
from launcher.cli.site_rights import chart_rights, switched_on
from launcher.core.flare import kit as kits
from launcher.core.flare.certificates import faults
from launcher.core.flare.site_folder import SITE_FOLDER
from launcher.core.releases import StorageDriver
from launcher.core.spec.site import SiteConfig
from launcher.edges.clock import SystemClock
from launcher.edges.disk.certificates import kit_certificates, read_certificate
from launcher.edges.disk.documents import is_file, is_folder, parse_json, read_text, read_yaml
from launcher.edges.disk.kit import configured, exposed_files, read_kit
from launcher.edges.disk.site_folder import site_file
from launcher.errors import InvalidInput, LauncherError, NotFound, ToolMissing

__all__ = ["Kit", "kit_checks", "read"]

_RUNTIME = "local/study_runtime.yaml"
_CHART = "helm_chart"
_VALUES = f"{_CHART}/values.yaml"
_SHOWN = 5


@dataclass(frozen=True)
class Kit:
    """A prepared kit, from its files.

    Attributes:
        folder: where it is.
        arguments: of its launcher component.
        values: of the parent's chart.
        studies: study -> its settings.
        configured: its ``fljob.yaml``.
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
        if isinstance(values := self.configured.get("values"), Mapping):
            site = replace(site, values=values)
        if isinstance(protect := self.configured.get("protect"), str):
            site = replace(site, protect=protect)
        site = kits.with_arguments(site, self.arguments)
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
    return Kit(folder, _mapping(arguments), values, found_studies, _parsed(site_file(folder)))


def kit_checks(site: SiteConfig, kit: Kit) -> Iterator[Check]:
    """Yield the checks of a kit and of every object that it names."""
    yield Check(f"kit {kit.folder}", partial(_adopted, kit.folder))
    yield Check("files of the site", partial(_hidden, kit.folder), only_warns=True)
    yield from roll_out_checks(site, kit.folder, kit.parent_image, kit.values)
    yield from _certificates(kit.folder / "startup")
    for name in kit.claims:
        yield Check(f"claim {name}", partial(_claim, site, name), may_be_denied=True)
    for name in kit.secrets:
        yield Check(f"Secret {name}", partial(secret, site, name))


def _adopted(folder: Path) -> str:
    files = read_kit(folder)
    if not is_folder(folder / _CHART):
        return _mounted(files)
    site = configured(folder)
    of_kit = kits.with_arguments(site, kits.arguments(files))
    more = chart_rights(of_kit)
    adopted = kits.adopt(files, default=site.storage_driver, more=more | switched_on(of_kit))
    # Jobs run without what is switched on, and `events:` above says whether the right is there.
    if files in (adopted, kits.adopt(files, default=site.storage_driver, more=more)):
        return "adopted"
    is_ours = adopted[kits.RESOURCES] == files[kits.RESOURCES]
    lacks = (
        "has not the rights that its storage driver and its values need"
        if is_ours
        else "still has FLARE's own launcher"
    )
    raise InvalidInput(lacks, cure=f"`fljob kit adopt --kit {shlex.quote(str(folder))}`")


def _mounted(files: Mapping[str, str]) -> str:
    """Check the workspace of a parent: its chart stayed where the kit is."""
    if kits.is_adopted(files):
        return "adopted: the workspace of a parent; its rights are those above"
    raise InvalidInput(
        "still has FLARE's own launcher",
        cure="`fljob kit adopt` with the prepared kit, then copy its local/ here and restart the parent",
    )


def _hidden(folder: Path) -> str:
    found = exposed_files(folder, read_kit(folder), configured(folder))
    if not found:
        return "none is in local/, which FLARE sends to every job pod"
    many = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    raise InvalidInput(
        f"every job pod gets {', '.join(found[:_SHOWN])}{many}",
        cure=f"`fljob kit adopt --kit {shlex.quote(str(folder))}` moves them to {SITE_FOLDER}/",
    )


def _certificates(startup: Path) -> Iterator[Check]:
    """Yield a check of each certificate, and one for each fault but the first."""
    for name in kit_certificates(startup):
        what, now = f"certificate startup/{name}.crt", SystemClock().now()
        try:
            one = read_certificate(startup, name)
        except LauncherError as error:
            # Without the package nothing is known of the kit.
            yield Check(what, partial(_fail, error), only_warns=isinstance(error, ToolMissing))
            continue
        found = list(faults(one, now))
        for fault in found:
            wrong = InvalidInput(fault.sentence, cure=fault.cure)
            yield Check(what, partial(_fail, wrong), only_warns=fault.is_warning)
        if not found:
            yield Check(what, partial("for client and server until {:%Y-%m-%d}".format, one.ends))


def _fail(error: LauncherError) -> str:
    raise error


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


def _parsed(path: Path | None) -> Mapping[str, Any]:
    if path is None or not is_file(path):
        return {}
    try:
        is_json = ".json" in path.name
        return _mapping(parse_json(read_text(path), str(path)) if is_json else read_yaml(path))
    except InvalidInput:
        return {}
