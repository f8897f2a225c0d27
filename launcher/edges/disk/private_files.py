"""Files for their owner alone, 0600 in folders 0700, written through no symbolic link.

A job may write into the folders in which its diagnosis ends up: what it puts there must not lead the
launcher's hand to another place. So every folder below a given one is opened by its parent's descriptor, and
a file replaces what has its name instead of being written into it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

__all__ = ["names_in", "remove_file", "write_file"]

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE_MODE, _FOLDER_MODE = 0o600, 0o700


def write_file(root: Path, name: str, text: str) -> None:
    """Write a file below ``root``, and make the folders that it needs; a kill leaves it old or new.

    Args:
        root: a folder that there is; links on the way to it are followed.
        name: path below it.
        text: lone surrogates, which no encoding writes, are escaped.

    Raises:
        OSError: it cannot be written, such as for a link on the way from ``root``.
    """
    *folders, leaf = _parts(name)
    part = f"{leaf}.part"
    with _opened(root, folders, make=True) as folder:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(part, dir_fd=folder)
        file = os.open(part, _NEW_FILE, _FILE_MODE, dir_fd=folder)
        with os.fdopen(file, "w", encoding="utf-8", errors="backslashreplace", newline="") as writer:
            writer.write(text)
        os.replace(part, leaf, src_dir_fd=folder, dst_dir_fd=folder)


def remove_file(root: Path, name: str) -> None:
    """Remove a file below ``root``, if it is there.

    Raises:
        OSError: it cannot be removed, such as for a link on the way from ``root``.
    """
    *folders, leaf = _parts(name)
    with contextlib.suppress(FileNotFoundError), _opened(root, folders) as folder:
        os.unlink(leaf, dir_fd=folder)


def names_in(root: Path, name: str = "") -> list[str]:
    """Return the names in a folder below ``root``; none when there is no such folder, or a link.

    Raises:
        OSError: it cannot be read.
    """
    try:
        with _opened(root, _parts(name)) as folder:
            return sorted(os.listdir(folder))  # noqa: PTH208 - of a descriptor
    except (FileNotFoundError, NotADirectoryError):
        return []


def _parts(name: str) -> list[str]:
    parts = [part for part in name.split("/") if part]
    if ".." in parts:
        raise OSError(f"{name!r} leads out of its folder")
    return parts


@contextlib.contextmanager
def _opened(root: Path, folders: list[str], *, make: bool = False) -> Iterator[int]:
    """Yield the descriptor of a folder below ``root``."""
    current = os.open(root, _FOLDER)
    try:
        for name in folders:
            if make:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(name, _FOLDER_MODE, dir_fd=current)
            below = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=current)
            os.close(current)
            current = below
        yield current
    finally:
        os.close(current)
