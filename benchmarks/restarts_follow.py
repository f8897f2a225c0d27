"""The admin of benchmarks/restarts.py: run by `scripts/federation admin`, writes one JSON object per line.

restarts_follow.py ADMIN_FOLDER submit IMAGE ROUNDS SECONDS LIMIT    submit a job and follow it: "job", then each "status"
restarts_follow.py ADMIN_FOLDER ask JOB saved|abort|delete...        ask about it in a session of its own

Unlike scripts/federation.d/submit.py it outlives a restart of the server's parent, which cuts its session.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import sys
import time
from pathlib import Path

from nvflare.fuel.flare_api.flare_api import Session, new_secure_session

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts/federation.d")]

from submit import ADMIN, prepared, register  # noqa: E402 - neither folder is a package

from tests.cluster.federation.ask import STUDY, connected  # noqa: E402

PAUSE, BLINK = 0.5, 2.0


def say(**facts: object) -> None:
    sys.stdout.write(json.dumps({"at": time.time(), **facts}) + "\n")
    sys.stdout.flush()


def submit(admin: Path, image: str, rounds: int, seconds: float) -> str:
    """Submit the example job; retried, since sites may still be registering."""
    session = new_secure_session(ADMIN, str((admin / ADMIN).absolute()), timeout=60)
    try:
        register(session, STUDY)
    finally:
        session.close()
    given = argparse.Namespace(image=image, block={}, action=f"slow={seconds}", rounds=rounds)
    session = connected(admin)
    try:
        return str(session.submit_job(str(prepared(ROOT / "examples/federation", given))))
    finally:
        session.close()


def follow(admin: Path, job: str, limit: float) -> None:
    """Say each status of the job, until nobody listens or the time is over: it may change after its end."""
    seen, deadline = "", time.monotonic() + limit
    while time.monotonic() < deadline:
        session = None
        with contextlib.suppress(Exception):  # FLARE has no type for a server that is away
            session = connected(admin)
            seen = _statuses(session, job, seen, deadline)
        with contextlib.suppress(Exception):
            if session is not None:
                session.close()
        time.sleep(BLINK)


def _statuses(session: Session, job: str, seen: str, deadline: float) -> str:
    while time.monotonic() < deadline:
        try:
            status = session.get_job_meta(job)["status"]
        except Exception as error:  # noqa: BLE001 - the caller connects anew
            say(cut=f"{type(error).__name__}: {error}"[:200])
            return seen
        if status != seen:
            seen = status
            say(status=status)
        time.sleep(PAUSE)
    return seen


def saved(result: str) -> dict[str, object]:
    """Return what of the training is in a downloaded result: rounds whose model was written, and whether it is there."""
    logs = [path for path in Path(result).rglob("log.txt") if "site-" not in path.as_posix()]
    text = "".join(path.read_text(errors="replace") for path in logs)
    return {
        "rounds": len(set(re.findall(r"Round (\d+) finished", text))),
        "models": len([*Path(result).rglob("*.npy")]),
    }


def ask(admin: Path, job: str, *questions: str) -> None:
    """Say each answer, or why there is none."""
    session = connected(admin)
    answers = {
        "saved": lambda: saved(session.download_job_result(job)),
        "abort": lambda: session.abort_job(job),
        "delete": lambda: session.delete_job(job),
    }
    for what in questions:
        try:
            say(asked=what, answer=answers[what]())
        except Exception as error:  # noqa: BLE001 - the refusal is what is asked for
            say(asked=what, refused=f"{type(error).__name__}: {error}")
    session.close()


def main(folder: str, what: str, *words: str) -> None:
    admin = Path(folder)
    if what == "ask":
        ask(admin, *words)
        return
    image, rounds, seconds, limit = words
    job = submit(admin, image, int(rounds), float(seconds))
    say(job=job)
    follow(admin, job, float(limit))


if __name__ == "__main__":
    main(*sys.argv[1:])
