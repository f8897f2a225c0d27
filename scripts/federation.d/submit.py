"""Submit a FLARE job to the federation, follow it to its end and print each status with its time.

submit.py ADMIN_FOLDER JOB_FOLDER IMAGE [OPTION...]; --help shows the options, which make jobs fail on purpose.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from nvflare.fuel.flare_api.flare_api import Session, new_secure_session

ADMIN = "admin@acme.com"
SITES = 2


def prepared(job: Path, given: argparse.Namespace) -> Path:
    """Return a copy of the job with the image (and what is to be tried) filled in."""
    folder = Path(tempfile.mkdtemp()) / job.name
    shutil.copytree(job, folder)
    meta = json.loads((folder / "meta.json").read_text())
    meta["launcher_spec"]["default"]["k8s"]["image"] = given.image
    for site, values in given.block.items():
        meta["launcher_spec"].setdefault(site, {"k8s": {}})["k8s"] |= values
    (folder / "meta.json").write_text(json.dumps(meta))
    config = folder / "app/config/config_fed_client.json"
    config.write_text(config.read_text().replace('"action": ""', f'"action": "{given.action}"'))
    config = folder / "app/config/config_fed_server.json"
    config.write_text(config.read_text().replace('"num_rounds": 2', f'"num_rounds": {given.rounds}'))
    return folder


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("admin", type=Path)
    parser.add_argument("job", type=Path)
    parser.add_argument("image")
    parser.add_argument("--study", default="penguins")
    parser.add_argument("--action", default="")
    parser.add_argument("--block", type=json.loads, default={})
    parser.add_argument("--abort-running", type=float, help="seconds after RUNNING")
    parser.add_argument(
        "--stay", type=float, default=0, help="seconds after the end: would the status come back?"
    )
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--jobs", type=int, default=1, help="one after the other")
    parser.add_argument("--settle", type=float, default=0, help="seconds before each job")
    parser.add_argument("--timeout", type=float, default=300)
    parser.add_argument("--result", type=Path)
    given = parser.parse_args()
    session = new_secure_session(ADMIN, str((given.admin / ADMIN).absolute()), timeout=60)
    try:
        register(session, given.study)
    finally:
        session.close()
    session = new_secure_session(ADMIN, str((given.admin / ADMIN).absolute()), timeout=60, study=given.study)
    try:
        return max(follow(session, given) for _ in range(given.jobs))
    finally:
        session.close()


def register(session: Session, study: str) -> None:
    deadline = time.monotonic() + 60
    while len(session.get_system_info().client_info) < SITES and time.monotonic() < deadline:
        time.sleep(0.5)
    try:
        session.register_study(study, site_orgs=["acme:site-1,site-2"])
    except Exception as error:  # noqa: BLE001 - FLARE has no type for "is there already"
        print(f"study {study}: {error}", file=sys.stderr)


def follow(session: Session, given: argparse.Namespace) -> int:
    time.sleep(given.settle)
    job = session.submit_job(str(prepared(given.job, given)))
    begin = time.monotonic()
    print(f"job {job} submitted", flush=True)
    status, now, running, aborted, ended = "", 0.0, None, False, None
    while now < given.timeout and (ended is None or now < ended + given.stay):
        time.sleep(0.2)
        now = time.monotonic() - begin
        seen = session.get_job_meta(job)["status"]
        if seen != status:
            status = seen
            print(f"{now:6.1f} s  {status}", flush=True)
        ended = now if ended is None and status.startswith("FINISHED") else ended
        running = now if running is None and status == "RUNNING" else running
        # Not before RUNNING: FLARE 2.9.0 calls a job RUNNING again that is aborted while it is being dispatched.
        late = None not in (given.abort_running, running) and now - running >= given.abort_running
        if late and not aborted and ended is None:
            aborted = True
            print(f"{now:6.1f} s  abort: {session.abort_job(job)}", flush=True)
    if given.result:
        show(session.download_job_result(job), given.result)
    return 0 if status.startswith("FINISHED") else 1


def show(folder: str, target: Path) -> None:
    shutil.copytree(folder, target, dirs_exist_ok=True)
    for model in sorted(target.rglob("*.npy")):
        print(f"{model.name}: mass = {np.load(model).round(4).tolist()} (slope, offset)")


if __name__ == "__main__":
    sys.exit(main())
