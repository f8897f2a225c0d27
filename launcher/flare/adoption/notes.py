"""Which sites take part in each running job of the server: a file per job, beside the site's configuration.

A name and a hash of the token by which the server knew the site then. The token itself comes from the site's
heartbeat; the hash tells whether it is still the same.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from launcher.core.flare.site_folder import SITE_FOLDER
from launcher.edges.disk.private_files import names_in, read_file, remove_file, write_file

__all__ = ["Notes"]

_FOLDER = f"{SITE_FOLDER}/running"
_ENDING = ".json"
# A thousand sites with names of a thousand characters.
_LONGEST = 1 << 20


class Notes:
    """The notes of one parent.

    Args:
        workspace: root of the parent's workspace.
    """

    def __init__(self, workspace: str) -> None:
        self._root = Path(workspace)

    def write(self, job_id: str, marks: Mapping[str, str]) -> None:
        """Write which sites take part in a job.

        Raises:
            OSError: it cannot be written.
        """
        if "/" in job_id or not job_id.strip("."):
            raise OSError(f"{job_id!r} is no name of a file")
        write_file(self._root, f"{_FOLDER}/{job_id}{_ENDING}", json.dumps(marks))

    def remove(self, job_id: str) -> None:
        """Remove the note of a job, if there is one.

        Raises:
            OSError: it cannot be removed.
        """
        if "/" not in job_id:
            remove_file(self._root, f"{_FOLDER}/{job_id}{_ENDING}")

    def jobs(self) -> list[str]:
        """Return the ids of the jobs that have a note.

        Raises:
            OSError: the folder cannot be read.
        """
        names = names_in(self._root, _FOLDER)
        return [name.removesuffix(_ENDING) for name in names if name.endswith(_ENDING)]

    def read(self, job_id: str) -> dict[str, str]:
        """Return which sites take part in a job: name -> mark of its connection.

        Raises:
            OSError: there is no such note, or it cannot be read.
            ValueError: it is something else.
        """
        try:
            found = json.loads(read_file(self._root, f"{_FOLDER}/{job_id}{_ENDING}", _LONGEST))
        except RecursionError as error:
            raise ValueError("it is nested too deep") from error
        if not isinstance(found, dict) or not all(isinstance(mark, str) for mark in found.values()):
            raise ValueError("it does not say which sites take part")
        return found
