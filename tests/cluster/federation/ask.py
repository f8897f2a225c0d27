"""Ask FLARE's server about one job, in a new session: a restart of the server's parent cuts that of submit.py.

ask.py ADMIN_FOLDER JOB_ID end|abort|delete|rounds|meta|told : writes the answer, tries for half a minute to reach the server.
`end` waits for it for a minute, and answers the status that the job has then.
"""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path

from nvflare.fuel.flare_api.flare_api import new_secure_session

ADMIN = "admin@acme.com"
STUDY = "penguins"
PATIENCE, PAUSE = 30.0, 1.0
# A start of Python with FLARE takes two seconds of CPU, and a status a hundredth. But a connection may be one to a
# parent that is being replaced, and lead nowhere: so not for longer.
FOLLOWED = 60.0


def connected(folder: Path):
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return new_secure_session(ADMIN, str((folder / ADMIN).absolute()), timeout=20, study=STUDY)
        except Exception:  # FLARE has no type for a server that is starting
            if time.monotonic() > deadline:
                raise
        time.sleep(PAUSE)


def status_at_end(session, job: str) -> str:
    deadline = time.monotonic() + FOLLOWED
    while True:
        status = session.get_job_meta(job)["status"]
        if status.startswith("FINISHED") or time.monotonic() > deadline:
            return status
        time.sleep(PAUSE)


def rounds(result: str) -> int:
    """Return how many rounds the model in a result has, by the log of the server's job process beside it."""
    (log,) = (path for path in Path(result).rglob("log.txt") if "site-" not in path.as_posix())
    assert list(Path(result).rglob("*.npy")), "there is no model"
    found = re.findall(r"Round (\d+) started", log.read_text(errors="replace"))
    assert len(found) == len(set(found)), f"a round was trained twice: {found}"
    return len(found)


def told(result: str) -> str:
    """Return what the archive of the results has of the sites, as one line."""
    (found,) = Path(result).rglob("fljob/verdicts.json")
    return json.dumps(json.loads(found.read_text()))


def main(folder: str, job: str, what: str) -> None:
    session = connected(Path(folder))
    answers = {
        "end": lambda: status_at_end(session, job),
        "abort": lambda: session.abort_job(job),
        "rounds": lambda: rounds(session.download_job_result(job)),
        "delete": lambda: session.delete_job(job),
        "meta": lambda: json.dumps(session.get_job_meta(job)),
        "told": lambda: told(session.download_job_result(job)),
    }
    try:
        sys.stdout.write(f"answer: {answers[what]()}\n")
    finally:
        session.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
