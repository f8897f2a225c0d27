"""The site's own files in a kit or workspace: found beside ``local/``, else in it as before, and moved."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from launcher.core.flare.site_folder import (
    LOCAL,
    OLD_SITE,
    SITE,
    SITE_FOLDER,
    flares_own,
    in_kit,
    manifests,
    new_place,
    sides,
)
from launcher.core.spec.site import SETTINGS, SiteConfig
from launcher.edges.disk.documents import exists, is_file, is_folder, read_yaml
from launcher.edges.disk.private_files import move_file
from launcher.errors import InvalidInput

__all__ = ["exposed", "located", "move", "site_file"]

_STARTUP = "startup"
_STUDY_RUNTIME = f"{LOCAL}/study_runtime.yaml"
_TEMPLATE = ".yaml.j2"
_LISTS = ("study_job_spec_file", "study_runtime_file")
# More files than a site has; whoever plants more has made a mess that nobody wants moved.
_MOST_FILES = 2000


def located(path: Path) -> Path:
    """Return where a file of a workspace is, whichever of both folders ``path`` names; else ``path``."""
    for folder in (path, *path.parents):
        if folder.name in (LOCAL, SITE_FOLDER) and _is_kit(folder.parent):
            if folder == path:  # `values_dir: .`
                return next((one for one in (folder.parent / SITE_FOLDER, path) if is_folder(one)), path)
            names = sides(f"{folder.name}/{path.relative_to(folder)}") or ()
            return next((folder.parent / one for one in names if exists(folder.parent / one)), path)
    return path


def _is_kit(folder: Path) -> bool:
    return is_folder(folder / _STARTUP) and is_folder(folder / LOCAL)


def site_file(kit: Path) -> Path | None:
    """Return the configuration of a kit or workspace; where there are two, that beside ``local/`` counts."""
    return next((kit / name for name in (SITE, OLD_SITE) if is_file(kit / name)), None)


def exposed(kit: Path, site: SiteConfig, *, mounts: Iterable[str] = (), study_data: str = "") -> list[str]:
    """Return the files of the site that FLARE sends to every job pod, as paths below the kit.

    Args:
        kit: the kit, or the workspace.
        site: its configuration, with the arguments of its launcher.
        mounts: where the workspace may be mounted, for paths of arguments.
        study_data: what FLARE's own argument for its study data names.
    """
    places = (str(kit.absolute()), *mounts)
    found = {OLD_SITE} if os.path.lexists(kit / OLD_SITE) else set()
    for row in SETTINGS.values():
        value = getattr(site, row.name, None)
        if not isinstance(value, str) or not value or not row.kind.is_path(value):
            continue
        below = in_kit(os.path.normpath(value), places)
        if below in (LOCAL, SITE_FOLDER) and row.name == "values_dir":
            found.update(name for name in _files(kit, LOCAL) if name.endswith(_TEMPLATE))
        for name in _named(kit, row.name, below):
            found.update(_files(kit, name))
    runtime, data = _parsed(kit / _STUDY_RUNTIME), in_kit(study_data, places) if study_data else ""
    return sorted(name for name in found if not flares_own(name, runtime, data))


def _named(kit: Path, setting: str, name: str) -> Iterator[str]:
    """Yield the path in ``local/`` of what a setting names, and of what is named in that."""
    both = sides(name)
    if both is None:
        return
    yield both[1]
    if setting not in _LISTS:
        return
    for one in both:
        for manifest in manifests(_parsed(kit / one)):
            below = None if os.path.isabs(manifest) else sides(os.path.join(os.path.dirname(one), manifest))  # noqa: PTH117, PTH118, PTH120
            if below is not None:
                yield below[1]


def _files(kit: Path, name: str) -> Iterator[str]:
    """Yield the files below a path in ``local/``, or the path itself; a link counts as a file."""
    path = kit / name
    if os.path.islink(path) or not is_folder(path):  # noqa: PTH114 - a name of 300 letters is none
        if os.path.lexists(path):
            yield name
        return
    number = 0
    for above, _, names in os.walk(path):
        for one in names:
            number += 1
            if number > _MOST_FILES:
                return
            yield (Path(above) / one).relative_to(kit).as_posix()


def _parsed(path: Path) -> Any:
    """Return a parsed file; None when it cannot be read: whoever needs it says so."""
    try:
        return read_yaml(path) if is_file(path) else None
    except InvalidInput:
        return None


def move(kit: Path, names: Iterable[str]) -> Iterator[tuple[str, bool]]:
    """Move files from ``local/`` into the folder beside it, lazily; a file that is there is not replaced.

    A kill in between leaves each file in one of both places, where :func:`located` finds it.

    Yields:
        The name, and whether it is gone from ``local/``.

    Raises:
        InvalidInput: a file cannot be moved, such as for a symbolic link.
    """
    for name in names:
        to = new_place(name)
        try:
            is_moved = move_file(kit, name, to)
        except OSError as error:
            reason = error.strerror or str(error)
            cure = f"move it to {to} by hand; links, and what is no file, are left alone"
            raise InvalidInput(f"cannot be moved: {reason}", where=str(kit / name), cure=cure) from error
        with suppress(OSError):
            _remove_empty(kit, name)
        yield name, is_moved


def _remove_empty(kit: Path, name: str) -> None:
    """Remove the folders above a file below ``local/`` that have nothing left."""
    for folder in (kit / name).parents:
        if folder == kit / LOCAL:
            return
        folder.rmdir()
