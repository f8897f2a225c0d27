"""Files for their owner alone, 0600 in folders 0700, written through no symbolic link.

A job may write into the folders in which its diagnosis ends up: what it puts there must not lead the
launcher's hand to another place. So every folder below a given one is opened by its parent's descriptor, and
a file replaces what has its name instead of being written into it.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from pathlib import Path

__all__ = [
    "PLAIN",
    "append_line",
    "move_file",
    "names_in",
    "read_end",
    "read_file",
    "remove_file",
    "write_file",
]

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_APPENDED = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FILE_MODE, _FOLDER_MODE = 0o600, 0o700
# Modes of what need not be private: those that the umask leaves.
PLAIN = (0o666, 0o777)
_PART = 1 << 20


def write_file(
    root: Path, name: str, text: str, *, modes: tuple[int, int] = (_FILE_MODE, _FOLDER_MODE)
) -> None:
    """Write a file below ``root``, and make the folders that it needs; a kill leaves it old or new.

    Args:
        root: a folder that there is; links on the way to it are followed.
        name: path below it.
        text: lone surrogates, which no encoding writes, are escaped.
        modes: of the file, and of folders that are made.

    Raises:
        OSError: it cannot be written, such as for a link on the way from ``root``.
    """
    *folders, leaf = _parts(name)
    part = f"{leaf}.part"
    with _opened(root, folders, make=modes[1]) as folder:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(part, dir_fd=folder)
        file = os.open(part, _NEW_FILE, modes[0], dir_fd=folder)
        with os.fdopen(file, "w", encoding="utf-8", errors="backslashreplace", newline="") as writer:
            writer.write(text)
        os.replace(part, leaf, src_dir_fd=folder, dst_dir_fd=folder)


def append_line(root: Path, name: str, text: str, most: int) -> None:
    """Append to a file below ``root``, and make it and its folders where they are missing.

    One that would become longer than ``most`` bytes is moved to ``NAME.1`` before, in place of what is there;
    of two processes that would do so at the same moment only one does. A line that a full disk has cut ends
    before the new one.

    Raises:
        OSError: it cannot be written, such as for a link, or for what is no file.
    """
    *folders, leaf = _parts(name)
    data = text.encode("utf-8", "backslashreplace")
    with _opened(root, folders, make=_FOLDER_MODE) as folder:
        if _is_longer(leaf, folder, most - len(data)):
            with _alone(folder) as is_mine:
                if is_mine and _is_longer(leaf, folder, most - len(data)):  # nobody else has moved it
                    os.replace(leaf, f"{leaf}.1", src_dir_fd=folder, dst_dir_fd=folder)
        data = b"\n" + data if _is_cut(leaf, folder) else data
        file = os.open(leaf, _APPENDED, _FILE_MODE, dir_fd=folder)
        with os.fdopen(file, "ab", buffering=0) as writer:
            if not stat.S_ISREG(os.fstat(file).st_mode):
                raise OSError("it is no file")
            if writer.write(data) != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _is_longer(name: str, folder: int, most: int) -> bool:
    try:
        with _file(name, folder) as there:
            return os.fstat(there).st_size > most
    except FileNotFoundError:
        return False


def _is_cut(name: str, folder: int) -> bool:
    """Return whether the last line of a file has no end."""
    try:
        with _file(name, folder) as there:
            size = os.fstat(there).st_size
            return size > 0 and os.pread(there, 1, size - 1) != b"\n"
    except FileNotFoundError:
        return False


@contextlib.contextmanager
def _alone(folder: int) -> Iterator[bool]:
    """Yield whether no other process is here, too; true where a file system has no locks of folders."""
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
    except OSError:
        yield True
    else:
        try:
            yield True
        finally:
            fcntl.flock(folder, fcntl.LOCK_UN)


def read_end(root: Path, name: str, most: int) -> tuple[str, bool]:
    """Return the last ``most`` bytes of a file, from the beginning of a line on, and whether that is all.

    What is no UTF-8 is replaced.

    Raises:
        OSError: as for :func:`read_file`.
    """
    *folders, leaf = _parts(name)
    with _opened(root, folders) as folder, _file(leaf, folder) as file:
        left_out = os.fstat(file).st_size - most
        data = os.pread(file, most, max(0, left_out))
    text = (data if left_out <= 0 else data.partition(b"\n")[2]).decode("utf-8", "replace")
    return text, left_out <= 0


def read_file(root: Path, name: str, most: int) -> str:
    """Return the text of a file below ``root``: at most ``most`` bytes of it; what is no UTF-8 is replaced.

    Raises:
        OSError: it cannot be read, such as for a link on the way from ``root``, or what is no file.
    """
    *folders, leaf = _parts(name)
    with _opened(root, folders) as folder, _file(leaf, folder) as file:
        return os.read(file, most).decode("utf-8", "replace")


def remove_file(root: Path, name: str) -> None:
    """Remove a file below ``root``, if it is there.

    Raises:
        OSError: it cannot be removed, such as for a link on the way from ``root``.
    """
    *folders, leaf = _parts(name)
    with contextlib.suppress(FileNotFoundError), _opened(root, folders) as folder:
        os.unlink(leaf, dir_fd=folder)


def move_file(root: Path, name: str, to: str) -> bool:
    """Move a file below ``root`` to a place that is free, as a file for its owner alone.

    Returns:
        False, and nothing is changed, when another file is in that place; the same content there is no
        other, but what a copy of it has left.

    Raises:
        OSError: it cannot be moved, such as for a link, or for what is no file.
    """
    *folders, leaf = _parts(name)
    *new_folders, new_leaf = _parts(to)
    with _opened(root, folders) as folder, _opened(root, new_folders, make=_FOLDER_MODE) as new_folder:
        with _file(leaf, folder) as file:
            try:
                with _file(new_leaf, new_folder) as there:
                    is_same = _is_same(file, there)
            except FileNotFoundError:
                os.fchmod(file, _FILE_MODE)
                os.rename(leaf, new_leaf, src_dir_fd=folder, dst_dir_fd=new_folder)
                return True
        if is_same:
            os.unlink(leaf, dir_fd=folder)
        return is_same


@contextlib.contextmanager
def _file(name: str, folder: int) -> Iterator[int]:
    """Yield the descriptor of a file; never of a link, and never waiting for the other end of a pipe."""
    file = os.open(name, _READ, dir_fd=folder)
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise OSError("it is no file")
        yield file
    finally:
        os.close(file)


def _is_same(one: int, other: int) -> bool:
    """Return whether two files have the same content."""
    if os.fstat(one).st_size != os.fstat(other).st_size:
        return False
    while True:
        part = os.read(one, _PART)
        if part != os.pread(other, len(part) or 1, os.lseek(one, 0, os.SEEK_CUR) - len(part)):
            return False
        if not part:
            return True


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
def _opened(root: Path, folders: list[str], *, make: int = 0) -> Iterator[int]:
    """Yield the descriptor of a folder below ``root``; missing ones are made, with the mode ``make``."""
    current = os.open(root, _FOLDER)
    try:
        for name in folders:
            if make:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(name, make, dir_fd=current)
            below = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=current)
            os.close(current)
            current = below
        yield current
    finally:
        os.close(current)
