"""What both entry points put together."""

from __future__ import annotations

import json

from launcher import composition
from tests.fakes import exited
from tests.jobs import make_spec, show


def test_the_bundle_of_a_failed_job_is_written_and_its_cause_reported(fake, service, tmp_path):
    job = service.launch(make_spec()).job
    show(fake, exited(7))
    fake.pods.lines = {"": ["with canary-given-3", "bye"]}
    reported = []
    folder, known = tmp_path / "b", ("canary-given-3",)
    target = composition.BundleTarget(
        folder=folder, report=reported.append, known=known, submitter=("ada", "x", "lead")
    )
    write = composition.bundle_writer(fake.world, target)
    handle = service.attach(job.release, "fl", on_failure=write)
    handle.wait()
    assert handle.close(5)
    assert reported == [(tmp_path / "b/cause.txt").read_text().strip()]
    assert (tmp_path / "b/logs/job.log").read_text() == "with ***\nbye\n"
    # What the waiter has measured, and as a parent's history has it.
    record = json.loads((tmp_path / "b/history.json").read_text())
    assert (record["job"], record["code"], record["exit_code"]) == (job.job_id, "AppError", 7)
    assert [record[key] for key in ("submitter", "submitter_org", "submitter_role")] == ["ada", "x", "lead"]
    ledger = json.loads((tmp_path / "b/status.json").read_text())["ledger"]
    assert (ledger["cause"], ledger["seconds"]) == ("", record["seconds"])
