"""The notes of refused jobs: a file per job beside the site's configuration, for its owner alone."""

from __future__ import annotations

from pathlib import Path

from launcher.core.flare.refused_note import LONGEST, RefusedNote, note_from_text, note_to_text
from launcher.core.flare.site_folder import SITE_FOLDER
from launcher.core.names import label_value
from launcher.edges.disk.private_files import names_in, read_file, remove_file, write_file

__all__ = ["RefusedNotes"]

_FOLDER, _ENDING = f"{SITE_FOLDER}/refused", ".json"
# What is being written.
_PART = ".part"


class RefusedNotes:
    """The notes of one parent. A job id is any text; the name of its file is a label value.

    Args:
        workspace: root of the parent's workspace.
    """

    def __init__(self, workspace: str) -> None:
        self._root = Path(workspace)

    def write(self, note: RefusedNote) -> None:
        """Write the note of a job, in place of the one that is there; a kill leaves either.

        Raises:
            OSError: it cannot be written.
            ValueError: it cannot be expressed.
        """
        write_file(self._root, _path(label_value(note.job_id)), note_to_text(note))

    def names(self) -> list[str]:
        """Return the names of the notes, also of those that a kill has cut short: job ids as label values.

        Raises:
            OSError: the folder cannot be read.
        """
        found = (name.removesuffix(_PART) for name in names_in(self._root, _FOLDER))
        return sorted({name.removesuffix(_ENDING) for name in found if name.endswith(_ENDING)})

    def read(self, name: str) -> RefusedNote:
        """Return a note.

        Raises:
            OSError: it is not there, or cannot be read.
            InvalidInput: it is something else.
        """
        return note_from_text(read_file(self._root, _path(name), LONGEST))

    def remove(self, name: str) -> None:
        """Remove a note, if it is there.

        Raises:
            OSError: it cannot be removed.
        """
        for ending in ("", _PART):
            remove_file(self._root, f"{_path(name)}{ending}")


def _path(name: str) -> str:
    if "/" in name:
        raise OSError(f"{name!r} is no name of a file")
    return f"{_FOLDER}/{name}{_ENDING}"
