"""The files from which a parent of FLARE starts, and the settings of its site: in a kit or a workspace."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from launcher.core.flare import kit as kits
from launcher.core.flare.arguments import settings
from launcher.core.flare.parent import START, KitFiles, Parent, parent_of
from launcher.core.flare.site_folder import LOCAL, OURS, SITE_FOLDER, in_kit
from launcher.core.spec.jobspec import Role
from launcher.core.spec.site import SETTINGS, SiteConfig
from launcher.edges.disk.certificates import organization
from launcher.edges.disk.chart_files import named_chart
from launcher.edges.disk.config import load_config
from launcher.edges.disk.documents import is_file, parse_json, read_text, read_yaml
from launcher.edges.disk.site_folder import located, site_file
from launcher.edges.disk.startup_kit import federation
from launcher.errors import InvalidInput

__all__ = ["harmless", "kit_site", "read_parent", "site_settings"]

_RUNTIME = "local/study_runtime.yaml"
_RESOURCES = ("local/resources.json", kits.RESOURCES)  # FLARE takes the first that is there
_COMMUNICATION = ("local/comm_config.json", "local/comm_config.json.default")
_EXTRA = ("*__resources.json", "*__p_resources.json")
_RELAY, _MOUNT = "relay_config", "workspace_mount_path"
# What a parent starts, and where it asks. Of a kit under review no program runs, and no cluster is asked.
_OF_THE_MACHINE = ("helm", "cosign", "chart_cache", "kubeconfig", "context", "pass_env")
_FOLDERS = ("startup", LOCAL, SITE_FOLDER, "helm_chart")
_ROLES = (Role.SERVER, Role.CLIENT)
_NO_KIT = "name the output folder of `nvflare deploy prepare`, or a parent's workspace"


def read_parent(kit: Path) -> Parent:
    """Return the parent that starts from a kit of `nvflare deploy prepare`, or in a workspace.

    Raises:
        InvalidInput: it is neither, a file cannot be read or lacks something, or a link leads out of it.
        ToolMissing: a workspace without the parent's chart, and no `cryptography` here.
    """
    role = next((role for role in _ROLES if is_file(kit / "startup" / START[role])), None)
    if role is None:
        rule = f"has neither startup/{START[Role.CLIENT]} nor startup/{START[Role.SERVER]}"
        raise InvalidInput(f"{kit} {rule}", where="--kit", cure=_NO_KIT)
    _refuse_links(kit)
    values = kit / kits.VALUES
    return parent_of(
        KitFiles(
            role=role,
            start=_json(kit / "startup" / START[role]),
            resources=_first(kit, _RESOURCES),
            communication=_first(kit, _COMMUNICATION),
            values=_mapping(read_yaml(values), values) if is_file(values) else {},
            relay=_relay(kit),
            organization=partial(organization, kit / "startup", role.value),
            mounted=str(_launcher(kit)[1].get(_MOUNT) or kit.absolute()),
            federation=federation(kit / "startup"),
        )
    )


def _refuse_links(kit: Path) -> None:
    """Refuse links that lead out of a kit: what they name would be read here, and shown to its reviewers."""
    root = kit.resolve()
    for path in _paths_in(kit):
        if path.is_symlink() and not path.resolve().is_relative_to(root):
            cure = "put the file there itself"
            raise InvalidInput(f"{path} is a link out of the kit", where="--kit", cure=cure)


def _paths_in(kit: Path) -> Iterator[Path]:
    for folder in _FOLDERS:
        yield kit / folder
        for above, folders, files in os.walk(kit / folder):
            yield from (Path(above, name) for name in (*folders, *files))


def _relay(kit: Path) -> Mapping[str, Any]:
    """Return the first relay that a file of provisioning names; FLARE reads startup/ before local/."""
    for folder in ("startup", "local"):
        for pattern in _EXTRA:
            for path in sorted((kit / folder).glob(pattern)):
                if isinstance(found := _json(path).get(_RELAY), Mapping):
                    return found
    return {}


def _first(kit: Path, names: tuple[str, ...]) -> Mapping[str, Any]:
    path = next((kit / name for name in names if is_file(kit / name)), None)
    return {} if path is None else _json(path)


def _json(path: Path) -> Mapping[str, Any]:
    return _mapping(parse_json(read_text(path), str(path)), path)


def _mapping(parsed: Any, path: Path) -> Mapping[str, Any]:
    if not isinstance(parsed, Mapping):
        raise InvalidInput("must be a mapping", where=str(path), cure=_NO_KIT)
    return parsed


def kit_site(kit: Path, parent: Parent, *, config: Path | None = None, chart: str = "") -> SiteConfig:
    """Return the settings with which the parent of a kit would launch jobs, with its files as they lie here.

    What it says of programs and of the way to the cluster is for the parent's machine: see :func:`harmless`.
    No file outside of the kit is named.

    Args:
        kit: the kit, or the workspace.
        parent: what :func:`read_parent` has read of it.
        config: stands in for the ``fljob.yaml`` of the kit.
        chart: stands in for the chart of the site.

    Raises:
        InvalidInput: a setting is wrong, names a file outside of the kit, or there is no launcher.
    """
    name, given = _launcher(kit)
    try:
        arguments = settings(given)
    except InvalidInput as error:
        where = f"{kit / name}: components[id={kits.LAUNCHER_ID}].args"
        told = f"{where}.{error.message}" if error.where else f"{where}: {error.message}"
        raise InvalidInput(told, cure=error.cure) from error
    mounts = [str(given.get(_MOUNT) or SiteConfig.workspace_mount_path), parent.workspace]
    place = partial(_in_kit, kit, mounts)
    site = site_settings(arguments, kit, parent.site, parent.role, config=config, place=place)
    site = replace(site, chart=named_chart(chart, "--chart")) if chart else site
    _refuse_outside(site, (kit, config.parent) if config else (kit,), () if not chart else ("chart",))
    return site


def harmless(site: SiteConfig) -> SiteConfig:
    """Return the settings of a kit for this machine.

    A kit that somebody else wrote decides about no program that runs here, and about no cluster.
    """
    plain = SiteConfig()
    return replace(site, **{key: getattr(plain, key) for key in _OF_THE_MACHINE})


def _launcher(kit: Path) -> tuple[str, Mapping[str, Any]]:
    """Return the file in which the launcher of a kit stands, and its arguments."""
    name = next((one for one in _RESOURCES if is_file(kit / one)), kits.RESOURCES)
    text = read_text(kit / name)
    return name, kits.launcher_arguments({kits.RESOURCES: text})


def _in_kit(kit: Path, mounts: list[str], value: str) -> str:
    """Return where a path of the parent's pod is in the kit; what is outside stays as it is."""
    below = in_kit(os.path.normpath(value), mounts)
    return str(kit.absolute() / below) if below else value


def _refuse_outside(site: SiteConfig, folders: tuple[Path, ...], known: tuple[str, ...]) -> None:
    """Refuse a file outside of the kit: the parent has another one there, and a kit may name any of ours."""
    allowed = [folder.resolve() for folder in folders]
    for name, value in _paths(site).items():
        if name not in known and not any(Path(value).resolve().is_relative_to(one) for one in allowed):
            cure = "put it into the kit" + (", or name one with --chart" if name == "chart" else "")
            raise InvalidInput(f"{value} is not in {folders[0]}", where=f"--kit: {name}", cure=cure)


def _paths(site: SiteConfig) -> dict[str, str]:
    """Return the settings of a site that name a file or folder which printing a job reads."""
    named = {name: getattr(site, name) for name in SETTINGS if "." not in name}
    return {
        name: value for name, value in named.items() if name not in _OF_THE_MACHINE and _is_path(name, value)
    }


def _is_path(name: str, value: Any) -> bool:
    return isinstance(value, str) and bool(value) and SETTINGS[name].kind.is_path(value)


def site_settings(
    given: Mapping[str, Any],
    root: Path,
    site: str,
    role: Role,
    *,
    config: Path | None = None,
    place: Callable[[str], str] = str,
) -> SiteConfig:
    """Return a site's settings: arguments of its launcher over ``fljob.yaml`` over FLARE's defaults.

    Args:
        given: settings by name, as the launcher's arguments give them.
        root: the parent's workspace, or the kit of which it is made.
        site: name of the site.
        role: client or server.
        config: stands in for the ``fljob.yaml`` below ``root``.
        place: returns where a path of the parent's machine is on this one.

    Raises:
        InvalidInput: a mistake in ``fljob.yaml``.
    """
    path = config or site_file(root)
    found = load_config(path) if path else SiteConfig()
    found = replace(found, **{name: place(value) for name, value in _paths(found).items()})  # type: ignore[arg-type]
    runtime = root / _RUNTIME
    if runtime.exists():
        found = replace(found, study_runtime_file=str(runtime))
    paths = {name: place(value) for name, value in given.items() if _is_path(name, value)}
    # FLARE reads its own study file from where its argument names it.
    ours = {name: str(located(Path(value).absolute())) for name, value in paths.items() if name in OURS}
    return replace(found, **{**given, **paths, **ours, "site": site, "role": role})
