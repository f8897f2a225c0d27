"""Manifests as files in a folder that Git keeps: the same bytes each time, and no file of others touched."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from launcher.core.manifest_files import INDEX, files_of, index_text, names_of, outdated, without_secrets
from launcher.core.yaml_text import readable
from launcher.edges.disk.documents import parse_manifests
from launcher.edges.disk.private_files import PLAIN, names_in, read_file, remove_file, write_file
from launcher.errors import InvalidInput

__all__ = ["Rendered", "write_rendered"]

_LARGEST_INDEX = 1 << 22
_SHOWN = 5
_CURE = "name a folder that this user can write, with no symbolic link inside"


@dataclass(frozen=True)
class Rendered:
    """The files that were written, and those of an earlier run that were removed."""

    written: tuple[str, ...]
    removed: tuple[str, ...]


def write_rendered(folder: Path, texts: Mapping[str, str], *, is_whole: bool) -> Rendered:
    """Write the manifests of studies, one file for each object, and remove those of an earlier run.

    The index is written first with old and new files, and last with the new ones alone: a kill in between
    leaves no file of ours that it does not list.

    Args:
        folder: where they go; made if it is not there.
        texts: study -> its manifests, as helm prints them.
        is_whole: these are all studies, so that files of others are out of date.

    Raises:
        InvalidInput: a file of somebody else has the name of one of these, or a file cannot be written.
    """
    files = {
        path: readable(without_secrets(one))
        for study, text in texts.items()
        for path, one in files_of(study, parse_manifests(text)).items()
    }
    with _told(folder):
        folder.mkdir(parents=True, exist_ok=True)
    before = _index(folder)
    _refuse_foreign(folder, sorted(files.keys() - before), {path.partition("/")[0] for path in files})
    gone = outdated(before, files, None if is_whole else tuple(texts))
    _write(folder, INDEX, index_text({*before, *files}))
    for path, text in files.items():
        _write(folder, path, text)
    for path in gone:
        with _told(folder / path):
            _remove(folder, path)
    _write(folder, INDEX, index_text((before - set(gone)) | files.keys()))
    return Rendered(tuple(files), tuple(gone))


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Say of which file it is that something cannot be done."""
    try:
        yield
    except (OSError, ValueError) as error:  # ValueError: a null byte
        reason = getattr(error, "strerror", None) or str(error)
        raise InvalidInput(f"cannot write {path}: {reason}", where="--split", cure=_CURE) from error


def _write(folder: Path, path: str, text: str) -> None:
    with _told(folder / path):
        write_file(folder, path, text, modes=PLAIN)


def _index(folder: Path) -> frozenset[str]:
    with _told(folder / INDEX):
        if INDEX not in names_in(folder):
            return frozenset()
        text = read_file(folder, INDEX, _LARGEST_INDEX)
    return names_of(text, f"--split: {folder / INDEX}")


def _refuse_foreign(folder: Path, paths: list[str], studies: Collection[str]) -> None:
    """Refuse to replace files that no earlier run has written, before anything is written."""
    for study in sorted(studies):
        if os.path.lexists(folder / study) and not _is_folder(folder / study):
            raise InvalidInput(f"cannot write {folder / study}: it is no folder", where="--split", cure=_CURE)
    foreign = [path for path in paths if os.path.lexists(folder / path)]
    if foreign:
        more = f" and {len(foreign) - _SHOWN} more" if len(foreign) > _SHOWN else ""
        raise InvalidInput(
            f"{folder} has files of somebody else: {', '.join(foreign[:_SHOWN])}{more}",
            where="--split",
            cure="name another folder, or remove them",
        )


def _remove(folder: Path, path: str) -> None:
    """Remove a file of an earlier run, and its folder with the last one.

    Whoever has removed it already (Git keeps no empty folder, a run before was ended there), or has put a
    folder or a link in its place, has done so: what is there now is not ours.
    """
    study = path.partition("/")[0]
    if not _is_folder(folder / study):
        return
    with suppress(IsADirectoryError):
        remove_file(folder, path)
    if not names_in(folder, study):
        (folder / study).rmdir()


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()
