"""Who submitted the jobs that a site's parent has launched, for the parent that comes after it.

A line for each launch, beside the history and for its owner alone; bounded: a file of a megabyte, some seven
thousand jobs, and the one before it.
"""

from __future__ import annotations

from pathlib import Path

from launcher.core.flare.site_folder import SITE_FOLDER
from launcher.core.flare.submitter import NOBODY, Submitter, submitter_in, submitter_line
from launcher.edges.disk.private_files import append_line, read_end

__all__ = ["FILE", "add", "find"]

FILE = f"{SITE_FOLDER}/submitters.jsonl"
_MOST = 1_000_000


def add(workspace: Path, job_id: str, submitter: Submitter) -> None:
    """Note who submitted a job.

    Raises:
        OSError: it cannot be written.
    """
    append_line(workspace, FILE, submitter_line(job_id, submitter), _MOST)


def find(workspace: Path, job_id: str) -> Submitter:
    """Return who submitted a job, as it was noted last.

    Raises:
        OSError: it cannot be read.
    """
    for name in (FILE, f"{FILE}.1"):
        try:
            text, _ = read_end(workspace, name, 2 * _MOST)
        except FileNotFoundError:
            continue
        found = submitter_in(text, job_id)
        if found is not None:
            return found
    return NOBODY
