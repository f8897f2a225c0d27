"""Asks the server of a loopback for one thing, in a process of its own: FLARE's client keeps what it met before.

admin.py KIT submit FOLDER | abort JOB : writes the answer.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from nvflare.fuel.flare_api.flare_api import Session, new_secure_session

SITES, PATIENCE = 2, 60.0


def submit(session: Session, folder: str) -> str:
    deadline = time.monotonic() + PATIENCE
    while len(session.get_system_info().client_info) < SITES and time.monotonic() < deadline:
        time.sleep(0.3)
    return str(session.submit_job(folder))


def main(kit: str, what: str, word: str) -> None:
    session = new_secure_session(Path(kit).name, kit, timeout=PATIENCE)
    try:
        answer = submit(session, word) if what == "submit" else session.abort_job(word)
        sys.stdout.write(f"answer: {answer}\n")
    finally:
        session.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
