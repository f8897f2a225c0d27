"""The handle of a server's job that is found again later, or not at all."""

from __future__ import annotations

import threading

import pytest

from launcher.core.catalogue.returncodes import ReturnCode
from launcher.flare.adoption.late_handle import LateHandle
from launcher.flare.adoption.notes import Notes


class Job:
    """A job that has ended with a code."""

    def __init__(self, code):
        self.code = code
        self.done = []

    def wait(self):
        self.done.append("wait")

    def poll(self):
        return self.code

    def terminate(self):
        self.done.append("terminate")


def test_it_waits_until_the_job_is_found_and_then_for_its_end():
    late, job = LateHandle(lambda: True), Job(0)
    assert late.poll() == ReturnCode.UNKNOWN
    waiting = threading.Thread(target=late.wait)
    waiting.start()
    assert late.attach(job)
    waiting.join(5)
    assert (job.done, late.poll()) == (["wait"], 0)


@pytest.mark.parametrize(("code", "seen"), [(0, 104), (101, 101), (9, 9), (104, 104), (127, 127)])
def test_a_success_that_nobody_has_confirmed_is_none(code, seen):
    """A server process that has failed in a round ends with 0 as well: only its word tells."""
    late = LateHandle(lambda: False)
    late.attach(Job(code))
    assert late.poll() == seen


def test_one_that_is_not_there_has_failed():
    late = LateHandle(lambda: False)
    assert late.give_up(ReturnCode.INFRASTRUCTURE_ERROR)
    late.wait()
    assert late.poll() == 104
    assert not late.give_up(ReturnCode.OK)
    assert not late.attach(Job(0))
    assert late.poll() == 104


def test_one_that_is_aborted_before_it_is_found_is_not_taken():
    late = LateHandle(lambda: False)
    late.terminate()
    late.wait()
    assert late.poll() == ReturnCode.ABORTED
    assert not late.attach(Job(0))


def test_an_abort_reaches_the_job_that_was_found():
    late, job = LateHandle(lambda: False), Job(0)
    late.attach(job)
    late.terminate()
    assert job.done == ["terminate"]


def test_notes_are_read_as_they_were_written(tmp_path):
    notes = Notes(str(tmp_path))
    assert notes.jobs() == []
    notes.write("a", {"site-1": "1", "hôpital": "2"})
    notes.write("b", {})
    assert (notes.jobs(), notes.read("a"), notes.read("b")) == (
        ["a", "b"],
        {"site-1": "1", "hôpital": "2"},
        {},
    )
    notes.remove("a")
    notes.remove("a")
    assert Notes(str(tmp_path)).jobs() == ["b"]


@pytest.mark.parametrize("text", ["", "[]", '{"a": 1}', '["a"', "null", '{"a"', "[" * 10**6])
def test_a_note_that_is_none_is_refused(tmp_path, text):
    notes = Notes(str(tmp_path))
    notes.write("a", {})
    (tmp_path / "fljob/running/a.json").write_text(text)
    with pytest.raises(ValueError, match=r"which sites take part|Expecting|too deep"):
        notes.read("a")


@pytest.mark.parametrize("job", ["", ".", "..", "a/b", "../a"])
def test_a_job_whose_id_is_no_name_of_a_file_has_no_note(tmp_path, job):
    with pytest.raises(OSError, match="is no name of a file"):
        Notes(str(tmp_path)).write(job, {})
    Notes(str(tmp_path)).remove(job)
    assert Notes(str(tmp_path)).jobs() == []
