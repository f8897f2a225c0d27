"""A diagnosis bundle on disk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from launcher.errors import InvalidInput

__all__ = ["check_folder", "write_bundle"]

# Files that not every bundle has: those of an earlier one must not stay.
_OPTIONAL = ("missing.txt", "logs/*.log")
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
        if folder.exists() and not folder.is_dir():
            raise InvalidInput(f"{folder} is not a folder", where=where, cure="name a folder")
        if folder.is_dir() and not force and any(folder.iterdir()):
            cure = "name a new folder" + (", or add --force" if where == "-o" else "")
            raise InvalidInput(f"{folder} exists and is not empty", where=where, cure=cure)
    except OSError as error:
        raise _not_writable(folder, error, where) from error


def write_bundle(folder: Path, files: Mapping[str, str], *, force: bool = False, where: str = "-o") -> None:
    """Write the files of a bundle; with ``force`` those of an earlier one go first.

    Raises:
        InvalidInput: see :func:`check_folder`, or the folder cannot be written.
    """
    check_folder(folder, force=force, where=where)
    try:
        if (folder / _REQUIRED).is_file():
            for old in (path for pattern in _OPTIONAL for path in folder.glob(pattern)):
                old.unlink()
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            # JSON may hold a lone surrogate, which UTF-8 cannot encode.
            path.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise _not_writable(folder, error, where) from error


def _not_writable(folder: Path, error: OSError, where: str) -> InvalidInput:
    reason = error.strerror or str(error)
    return InvalidInput(f"cannot write {folder}: {reason}", where=where, cure="name another folder")
