"""Files that did not reach their parent: lines that FLARE 2.9.0 has written in, a sentence and a cure out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from launcher.core.catalogue import Code
from launcher.core.ending.job_end import ended
from launcher.core.ending.transfer import explained, log_may_tell
from tests.fakes import exited, running

JOB = "4b955a56-8522-49e8-9998-5d82daaeb32c"
AT = "2026-11-29 09:27:48,283 - "
# The ends of logs of job pods in federations: on kind NO_PARENT and NO_FILES, on loopback NO_ANSWER.
BEGUN = f"{AT}workspace_cell_transfer - INFO - [ws-transfer] upload_results start job={JOB} bundle_size=26567 target=site-1"
FRAMES = """\
  File "/usr/local/lib/python3.11/dist-packages/nvflare/fuel/f3/mpm.py", line 153, in run
    rc = main_func(**kwargs)
         ^^^^^^^^^^^^^^^^^^^
  File "/usr/local/lib/python3.11/dist-packages/nvflare/private/fed/app/client/worker_process.py", line {}
  File "/usr/local/lib/python3.11/dist-packages/nvflare/app_opt/job_launcher/workspace_cell_transfer.py", line {}
"""
UPLOAD = FRAMES.format("137, in _archive_results", "715, in upload_results").splitlines()
DOWNLOAD = FRAMES.format("61, in main", "668, in download_workspace").splitlines()
BYE = f"{AT}MPM - INFO - MPM: Good Bye!"
NO_PARENT = "workspace transfer bootstrap cell failed to connect to parent site-1 within 30.0 seconds"
NO_ANSWER = f"results upload failed for {JOB}: rc=timeout err="
REFUSED = f"results upload failed for {JOB}: rc=comm_error err=No callback is registered for channel workspace_transfer"
NO_FILES = f"workspace download preparation failed for {JOB}: timeout"
BESIDES = f"failed to upload job results for {JOB} while handling another error"


def raised(words):
    head = [
        f"{AT}MPM - ERROR - Execute exception: RuntimeError: {words}",
        f"{AT}MPM - ERROR - Traceback (most recent call last):",
    ]
    return [*head, *UPLOAD, f"RuntimeError: {words}", "", BYE]


def fetching(words):
    """Logging is not set up yet; threads that still run are named behind the traceback."""
    head = [f"Execute exception: RuntimeError: {words}", "Traceback (most recent call last):"]
    return [*head, *DOWNLOAD, f"RuntimeError: {words}", "", "#### MPM: still running thread frame_mgr_0"]


DELIVERED, FETCHED = "its results could not be delivered", "its files could not be fetched"
AWAY, CUT, REFUSES = "its parent was away for longer", "went away in the middle", "its parent refused them"
SAID = [
    ([BEGUN, *raised(NO_PARENT)], DELIVERED, AWAY, NO_PARENT, "within 20 s"),
    (raised(NO_PARENT), DELIVERED, AWAY, NO_PARENT, "within 20 s"),
    (fetching(NO_PARENT), FETCHED, AWAY, NO_PARENT, "within 20 s"),
    ([BEGUN, *raised(NO_ANSWER)], DELIVERED, CUT, NO_ANSWER, "not taken up again"),
    ([BEGUN, *raised(REFUSED)], DELIVERED, REFUSES, REFUSED, "`not taken over`"),
    (fetching(NO_FILES), FETCHED, CUT, NO_FILES, "not taken up again"),
    (
        fetching(f"failed to download workspace for {JOB}: timeout"),
        FETCHED,
        REFUSES,
        "failed to download",
        "log",
    ),
    (
        fetching(f"workspace bundle checksum mismatch for {JOB}"),
        FETCHED,
        REFUSES,
        "workspace bundle checksum",
        "log",
    ),
    (
        [f"{AT}worker_process - ERROR - {BESIDES}: RuntimeError: {NO_PARENT}"],
        DELIVERED,
        AWAY,
        NO_PARENT,
        "within 20 s",
    ),
]


@pytest.mark.parametrize(("log", "what", "why", "words", "cure"), SAID)
def test_what_a_log_tells(log, what, why, words, cure):
    plain = ended(exited(101))
    told = explained(plain, log)
    assert f"{plain.detail}; {what}: " in told.detail
    assert why in told.detail
    assert f"Its log: {words}" in told.detail
    assert told.cure.startswith("submit the job again; ")
    assert cure in told.cure
    assert replace(told, detail=plain.detail, cure="") == plain


@pytest.mark.parametrize("log", [[], ["ValueError: loss is nan"], [BEGUN, BYE]])
def test_a_log_that_tells_nothing_of_files_changes_nothing(log):
    plain = ended(exited(101))
    assert explained(plain, log) is plain


@pytest.mark.parametrize("pod", [exited(0), exited(7), exited(102), exited(104), exited(137)])
def test_another_end_is_not_explained_by_a_log(pod):
    """Whatever a job writes, it changes neither the code nor the sentence of an end that says enough."""
    assert not log_may_tell(pod)
    assert explained(ended(pod), [BEGUN, *raised(NO_PARENT)]) == ended(pod)


def test_which_pods_are_asked_for_their_log():
    assert log_may_tell(exited(101))
    assert not log_may_tell(running())
    assert not log_may_tell(None)


def test_words_of_a_job_are_bounded_escaped_and_masked():
    secret = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJlLXNpZ25hdHVyZQ"
    evil = f"results upload failed for {JOB}: rc=comm_error err=\x1b[31m {secret} {'x ' * 100_000}"
    told = explained(ended(exited(101)), [evil])
    assert len(told.detail) < 500
    assert "\x1b" not in told.detail
    assert secret not in told.detail
    assert told.code is Code.APP_CODE
    assert told.return_code == 101


def test_the_last_word_counts():
    told = explained(ended(exited(101)), [*raised(NO_PARENT), *raised(REFUSED)])
    assert REFUSES in told.detail
    assert AWAY not in told.detail
