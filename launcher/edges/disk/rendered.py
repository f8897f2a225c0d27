"""Manifests as files in a folder that Git keeps: the same bytes each time, and no file of others touched."""

from __future__ import annotations

import os
from collections.abc import Mapping
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
    try:
        folder.mkdir(parents=True, exist_ok=True)
        before = _index(folder)
        _refuse_foreign(folder, sorted(files.keys() - before))
        gone = outdated(before, files, None if is_whole else tuple(texts))
        write_file(folder, INDEX, index_text({*before, *files}), modes=PLAIN)
        for path, text in files.items():
            write_file(folder, path, text, modes=PLAIN)
        for path in gone:
            remove_file(folder, path)
            _remove_if_empty(folder, path.partition("/")[0])
        write_file(folder, INDEX, index_text((before - set(gone)) | files.keys()), modes=PLAIN)
    except OSError as error:
        reason = error.strerror or str(error)
        cure = "name a folder that this user can write, with no symbolic link inside"
        raise InvalidInput(f"cannot write {folder}: {reason}", where="--split", cure=cure) from error
    return Rendered(tuple(files), tuple(gone))


def _index(folder: Path) -> frozenset[str]:
    if INDEX not in names_in(folder):
        return frozenset()
    return names_of(read_file(folder, INDEX, _LARGEST_INDEX), f"--split: {folder / INDEX}")


def _refuse_foreign(folder: Path, paths: list[str]) -> None:
    """Refuse to replace files that no earlier run has written."""
    foreign = [path for path in paths if os.path.lexists(folder / path)]
    if foreign:
        more = f" and {len(foreign) - _SHOWN} more" if len(foreign) > _SHOWN else ""
        raise InvalidInput(
            f"{folder} has files of somebody else: {', '.join(foreign[:_SHOWN])}{more}",
            where="--split",
            cure="name another folder, or remove them",
        )


def _remove_if_empty(folder: Path, name: str) -> None:
    if not names_in(folder, name) and not (folder / name).is_symlink():
        (folder / name).rmdir()
