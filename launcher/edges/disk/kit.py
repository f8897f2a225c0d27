"""The files of a prepared kit on disk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from launcher.core.flare.kit import RESOURCES, RIGHTS, ROLE, SITE
from launcher.core.releases import StorageDriver
from launcher.edges.disk.config import load_config
from launcher.edges.disk.documents import is_folder, read_text
from launcher.edges.disk.private_files import remove_file, write_file
from launcher.errors import InvalidInput

__all__ = ["read_kit", "storage_driver", "write_kit"]


def read_kit(folder: Path) -> dict[str, str]:
    """Return the files that `fljob kit adopt` reads or writes, path below the kit -> text.

    Raises:
        InvalidInput: there is no such folder.
    """
    if not is_folder(folder):
        cure = "name the output folder of `nvflare deploy prepare`"
        raise InvalidInput(f"--kit: {folder} is not a folder", cure=cure)
    return {name: read_text(folder / name) for name in (RESOURCES, ROLE, RIGHTS) if (folder / name).is_file()}


def storage_driver(folder: Path) -> StorageDriver:
    """Return Helm's storage driver for a kit whose launcher has no argument for it.

    Raises:
        InvalidInput: a mistake in the kit's ``local/fljob.yaml``.
    """
    path = folder / SITE
    return load_config(path if path.is_file() else None).storage_driver


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
