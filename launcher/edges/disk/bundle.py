"""A diagnosis bundle on disk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from launcher.edges.disk.private_files import names_in, remove_file, write_file
from launcher.errors import InvalidInput

__all__ = ["check_folder", "write_bundle"]

# What a bundle may lack, and an earlier one may have left.
_MISSING, _LOGS, _LOG = "missing.txt", "logs", ".log"
_REQUIRED = "cause.txt"


def check_folder(folder: Path, *, force: bool = False, where: str = "-o") -> None:
    """Refuse a folder that is not empty.

    Args:
        folder: where a bundle is to be written; it need not exist.
        force: files of an earlier bundle may be replaced.
        where: the option that named the folder.

    Raises:
        InvalidInput: it is no folder, or it is not empty.
    """
    try:
        if folder.is_symlink():
            raise InvalidInput(f"{folder} is a symbolic link", where=where, cure="name a folder")
        if folder.exists() and not folder.is_dir():
            raise InvalidInput(f"{folder} is not a folder", where=where, cure="name a folder")
        if folder.is_dir() and not force and any(folder.iterdir()):
            cure = "name a new folder" + (", or add --force" if where == "-o" else "")
            raise InvalidInput(f"{folder} exists and is not empty", where=where, cure=cure)
    except OSError as error:
        raise _not_writable(folder, error, where) from error


def write_bundle(
    folder: Path,
    files: Mapping[str, str],
    *,
    force: bool = False,
    where: str = "-o",
    root: Path | None = None,
) -> None:
    """Write the files of a bundle; with ``force`` those of an earlier one go first.

    Args:
        folder: where they go; it and its folders are for their owner alone.
        files: texts by file name.
        force: files of an earlier bundle may be replaced.
        where: the option that named the folder.
        root: no folder below it may be a symbolic link; None = the parent of ``folder``.

    Raises:
        InvalidInput: see :func:`check_folder`, or the folder cannot be written.
    """
    check_folder(folder, force=force, where=where)
    folder, root = folder.absolute(), (root or folder.parent).absolute()
    below = folder.relative_to(root).as_posix()
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        if _REQUIRED in names_in(root, below):
            remove_file(root, f"{below}/{_MISSING}")
            for name in names_in(root, f"{below}/{_LOGS}"):
                if name.endswith(_LOG):
                    remove_file(root, f"{below}/{_LOGS}/{name}")
        for name, text in files.items():
            write_file(root, f"{below}/{name}", text)
    except OSError as error:
        raise _not_writable(folder, error, where) from error


def _not_writable(folder: Path, error: OSError, where: str) -> InvalidInput:
    reason = error.strerror or str(error)
    return InvalidInput(f"cannot write {folder}: {reason}", where=where, cure="name another folder")
