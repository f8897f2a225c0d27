"""The files of a prepared kit on disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from launcher.core.flare.kit import RESOURCES, RIGHTS, ROLE, VALUES, arguments, mounts
from launcher.core.flare.kit_protection import BUDGET
from launcher.core.flare.roll_out import CONNECTIONS, ParentKit
from launcher.core.spec.site import SETTINGS, SiteConfig
from launcher.edges.disk.config import load_config
from launcher.edges.disk.documents import is_file, is_folder, parse_json, read_text, read_yaml
from launcher.edges.disk.private_files import remove_file, write_file
from launcher.edges.disk.site_folder import exposed, site_file
from launcher.errors import InvalidInput

__all__ = ["chart_values", "configured", "exposed_files", "parent_kit", "read_kit", "write_kit"]


def read_kit(folder: Path) -> dict[str, str]:
    """Return the files that `fljob kit adopt` reads or writes, path below the kit -> text.

    Raises:
        InvalidInput: there is no such folder.
    """
    if not is_folder(folder):
        cure = "name the output folder of `nvflare deploy prepare`"
        raise InvalidInput(f"--kit: {folder} is not a folder", cure=cure)
    return {
        name: read_text(folder / name)
        for name in (RESOURCES, ROLE, RIGHTS, VALUES, BUDGET)
        if is_file(folder / name)
    }


def configured(folder: Path) -> SiteConfig:
    """Return the configuration of a kit, without the arguments of its launcher.

    Raises:
        InvalidInput: a mistake in the kit's ``fljob.yaml``.
    """
    return load_config(site_file(folder))


def chart_values(folder: Path) -> Mapping[str, Any]:
    """Return the values of the parent's chart; empty when there are none.

    Raises:
        InvalidInput: the file is no YAML.
    """
    found = read_yaml(folder / VALUES) if is_file(folder / VALUES) else None
    return found if isinstance(found, Mapping) else {}


def parent_kit(folder: Path, files: Mapping[str, str], site: SiteConfig) -> ParentKit:
    """Return what of a kit decides how its parent comes back.

    Args:
        folder: the kit, or the workspace of a parent.
        files: its text, as :func:`read_kit` returns it.
        site: its configuration, as :func:`configured` returns it.

    Raises:
        InvalidInput: one of its files cannot be read.
    """
    places = (folder / CONNECTIONS, folder / f"{CONNECTIONS}.default")
    path = next(filter(is_file, places), None)
    found = parse_json(read_text(path), str(path)) if path else {}
    templates = folder / "helm_chart/templates"
    texts = (read_text(one) for one in sorted(templates.glob("*.yaml")) if is_file(one))
    return ParentKit(
        connections=found if isinstance(found, Mapping) else {},
        values=chart_values(folder),
        deployment=next((text for text in texts if "kind: Deployment" in text), ""),
        adopts=arguments(files).get("adopt", site.adopt) is not False,
    )


def exposed_files(folder: Path, files: Mapping[str, str], site: SiteConfig) -> list[str]:
    """Return the files of the site in ``local/``, which FLARE sends to every job pod, as paths below the kit.

    Args:
        folder: the kit.
        files: its text, as :func:`read_kit` returns it.
        site: its configuration, as :func:`configured` returns it.

    Raises:
        InvalidInput: the kit's launcher or chart values cannot be read.
    """
    given = arguments(files)
    named = {row.name: given.get(row.argument) for row in SETTINGS.values() if row.argument}
    paths = {
        name: value
        for name, value in named.items()
        if isinstance(value, str) and SETTINGS[name].kind.is_path(value)
    }
    # What FLARE's own argument names is left out of the bundle, and FLARE finds it where it is.
    study_data = paths.pop("study_data_file", "")
    places = mounts(files, chart_values(folder))
    return exposed(folder, replace(site, **paths), mounts=places, study_data=study_data)  # type: ignore[arg-type]


def write_kit(folder: Path, before: Mapping[str, str], after: Mapping[str, str]) -> None:
    """Write what changed; a kill in between leaves each file old or new, and running it again finishes.

    Raises:
        InvalidInput: a file cannot be written, such as for a symbolic link inside the kit.
    """
    try:
        for name in before.keys() - after.keys():
            remove_file(folder, name)
        for name, text in after.items():
            if before.get(name) != text:
                write_file(folder, name, text)
    except OSError as error:
        reason = error.strerror or str(error)
        cure = "make it writable for this user, with no symbolic link inside"
        raise InvalidInput(f"cannot be written: {reason}", where=str(folder), cure=cure) from error
