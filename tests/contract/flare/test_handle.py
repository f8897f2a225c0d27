"""The handle for FLARE's parent: ends of jobs, the parent's log, the run folder, and terminate()."""

from __future__ import annotations

import json
import logging
import threading
from dataclasses import replace
from types import SimpleNamespace

import pytest

from launcher.errors import Denied, StoodDown, Unavailable
from tests.contract.flare.case import JOB
from tests.contract.flare.in_memory import CASE, CREDENTIALS, until
from tests.fakes import main, raising, scheduled


def test_success_ends_transfer_and_removes_release(launch):
    handle = launch()
    waiter = threading.Thread(target=handle.wait)
    waiter.start()
    assert launch.transfer is not None
    launch.end(0)
    waiter.join(5)
    assert not waiter.is_alive()
    assert handle.poll() == 0
    assert launch.transfer is None
    assert until(lambda: not launch.fake.releases.items)
    assert CREDENTIALS not in launch.fake.secrets.items


def test_an_end_that_was_told_stays_when_another_parent_acts_a_moment_later(launch):
    handle = launch()
    acting = SimpleNamespace(is_acting=False, hold=lambda: None)
    handle._world = replace(handle._world, acting=acting)
    assert handle.poll() == 127
    acting.is_acting = True
    launch.end(0)
    handle.wait()
    acting.is_acting = False
    assert handle.poll() == 0


@pytest.mark.parametrize("error", [StoodDown("another parent acts"), Unavailable("nobody can tell")])
def test_an_end_that_another_parent_may_have_made_is_not_told_unasked(launch, error):
    """It removes jobs seconds before this parent's thread looks at the Lease again."""
    handle = launch()
    acting = SimpleNamespace(is_acting=True, hold=lambda: None, check=raising(error))
    handle._world = replace(handle._world, acting=acting)
    launch.end(0)
    assert handle.poll() == 127
    assert launch.transfer is not None
    acting.check = lambda: None
    assert handle.poll() == 0


def test_failure_is_logged_then_removed(launch, caplog):
    handle = launch()
    launch.end(7)
    handle.wait()
    assert handle.poll() == 9
    assert until(lambda: not launch.fake.releases.items)
    assert "exit code 7" in caplog.text


def test_last_lines_are_masked_in_parent_log(launch, caplog):
    handle = launch()
    launch.fake.pods.lines = {
        "": [
            f"ssid is {CASE.credentials[2]}",
            "HF_TOKEN=canary-9",
            "-----BEGIN PRIVATE KEY-----",
            "canary" * 6,
            "-----END PRIVATE KEY-----",
            "0f3a" * 5000,
            "the end",
        ]
    }
    launch.end(7)
    handle.wait()
    assert until(lambda: "| the end" in caplog.text)
    assert "| ssid is ***" in caplog.text
    assert "... cut, the line has 20000 characters" in caplog.text
    assert "canary" not in caplog.text


def test_messages_are_masked_in_parent_log(launch, caplog):
    handle = launch()
    said = scheduled(
        main("waiting", "InvalidImageName", f"http://me:canary-7@h {CASE.credentials[0]}"),
        name=launch.pod,
        annotations=launch.fake.pods.items[launch.pod].annotations,
    )
    launch.fake.pods.show(said, launch.pod)
    handle.wait()
    assert until(lambda: "ended: ImageNameInvalid" in caplog.text)
    assert "http://me:***@h ***" in caplog.text
    assert "canary" not in caplog.text


def test_failure_diagnosis_is_written_before_wait_returns(launch, caplog, tmp_path):
    handle = launch()
    secrets = [value.decode() for value in launch.fake.secrets.items[CREDENTIALS].values()]
    assert len(secrets) == 4
    launch.fake.pods.lines = {"": ["the last words", *secrets]}
    launch.end(7)
    handle.wait()
    folder = tmp_path / "workspace" / "fljob" / "diagnosis" / JOB / "site-1"
    found = {path.name: path.read_text() for path in folder.rglob("*.*") if path.is_file()}
    assert found["cause.txt"].startswith("AppError: The job process failed. ")
    assert found["job.log"].startswith("the last words\n")
    assert json.loads(found["status.json"])["jobId"] == JOB
    assert until(lambda: not launch.fake.releases.items)
    assert f"diagnosis in {folder}" in caplog.text
    assert [name for name, text in found.items() for secret in secrets if secret in text] == []


@pytest.mark.parametrize("end", ["success", "terminated"])
def test_no_diagnosis_without_failure(launch, tmp_path, end):
    handle = launch()
    if end == "success":
        launch.end(0)
    else:
        handle.terminate()
    handle.wait()
    assert until(lambda: not launch.fake.releases.items)
    assert not (tmp_path / "workspace" / JOB).exists()


def test_unwritable_diagnosis_does_not_prevent_removal(launch, caplog, tmp_path):
    handle = launch()
    (tmp_path / "workspace" / "fljob").write_text("a file where a site has a folder")
    launch.end(7)
    handle.wait()
    assert handle.poll() == 9
    assert until(lambda: not launch.fake.releases.items)
    assert "has no diagnosis" in caplog.text


def test_terminate_from_many_threads_while_others_wait(launch):
    handle = launch()
    waiters = [threading.Thread(target=handle.wait) for _ in range(2)]
    killers = [threading.Thread(target=handle.terminate) for _ in range(3)]
    for thread in (*waiters, *killers):
        thread.start()
    for thread in (*waiters, *killers):
        thread.join(10)
        assert not thread.is_alive()
    assert handle.poll() == 9
    assert launch.transfer is None
    assert not launch.fake.releases.items
    handle.terminate()


def test_terminate_after_success_keeps_the_code(launch):
    handle = launch()
    launch.end(0)
    handle.wait()
    handle.terminate()
    assert handle.poll() == 0


def test_terminate_never_raises(launch):
    handle = launch()
    launch.fake.releases.uninstall_errors = [Denied("no")]
    handle.terminate()
    assert handle.poll() == 9


def test_heartbeat_cleanup_does_not_wait(launch):
    handle = launch()
    handle._terminate_for_heartbeat_cleanup()
    assert until(lambda: not launch.fake.releases.items)


# Long: the clock of the fakes goes on with each look of a thread.
KEPT = 10_000_000
SAID = {"retention": {"failed": KEPT, "keep": 3}}


def test_a_failed_job_is_kept_for_as_long_as_the_site_says(launch, caplog):
    caplog.set_level(logging.INFO)
    write_settings(launch, SAID)
    handle = launch()
    launch.end(7)
    handle.wait()
    assert until(lambda: "is kept for its retention" in caplog.text)
    assert until(lambda: CREDENTIALS not in launch.fake.secrets.items)
    handle.terminate()  # FLARE does that at the end, too
    assert handle.poll() == 9
    assert launch.fake.releases.items
    assert launch.fake.pods.items
    launch.fake.clock.time += KEPT + 1
    launch.launcher._kept._news.set()
    assert until(lambda: not launch.fake.releases.items)
    assert until(lambda: not launch.launcher._kept._runs)
    assert launch.transfer is None


def test_a_kept_job_is_launched_again(launch):
    write_settings(launch, SAID)
    handle = launch()
    launch.end(7)
    handle.wait()
    assert until(lambda: CREDENTIALS not in launch.fake.secrets.items)
    again = launch()
    assert again.handle.job.attempt == 2
    again.terminate()
    assert not launch.fake.releases.items


@pytest.mark.parametrize("end", ["success", "terminated", "never started"])
def test_retention_of_failures_keeps_nothing_else(launch, end):
    write_settings(launch, SAID)
    handle = launch()
    if end == "success":
        launch.end(0)
    elif end == "terminated":
        handle.terminate()
    else:
        annotations = launch.fake.pods.items[launch.pod].annotations
        never = scheduled(main("waiting", "InvalidImageName", "x"), name=launch.pod, annotations=annotations)
        launch.fake.pods.show(never, launch.pod)
    handle.wait()
    assert until(lambda: not launch.fake.releases.items)


def write_settings(launch, settings):
    """Write the site's fljob.yaml."""
    folder = launch.root / "fljob"
    folder.mkdir(exist_ok=True)
    (folder / "fljob.yaml").write_text(json.dumps(settings))
