"""What both entry points put together."""

from __future__ import annotations

from launcher import composition
from tests.fakes import exited
from tests.jobs import make_spec, show


def test_the_bundle_of_a_failed_job_is_written_and_its_cause_reported(fake, service, tmp_path):
    job = service.launch(make_spec()).job
    show(fake, exited(7))
    fake.pods.lines = {"": ["with canary-given-3", "bye"]}
    reported = []
    folder, known = tmp_path / "b", ("canary-given-3",)
    target = composition.BundleTarget(folder=folder, report=reported.append, known=known)
    write = composition.bundle_writer(fake.world, target)
    handle = service.attach(job.release, "fl", on_failure=write)
    handle.wait()
    assert handle.close(5)
    assert reported == [(tmp_path / "b/cause.txt").read_text().strip()]
    assert (tmp_path / "b/logs/job.log").read_text() == "with ***\nbye\n"
