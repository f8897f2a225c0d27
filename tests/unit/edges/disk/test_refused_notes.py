"""Notes of refused jobs on disk: for their owner alone, and no name leads out of their folder."""

from __future__ import annotations

import stat
from dataclasses import replace

import pytest

from launcher.edges.disk.refused_notes import RefusedNotes
from launcher.errors import InvalidInput
from tests.unit.core.flare.test_refused_note import NOTE


@pytest.fixture
def notes(tmp_path):
    return RefusedNotes(str(tmp_path))


def test_a_note_is_written_read_and_removed(notes, tmp_path):
    notes.write(NOTE)
    notes.write(replace(NOTE, detail="again"))
    (path,) = (tmp_path / "fljob/refused").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert notes.names() == [NOTE.job_id]
    assert notes.read(NOTE.job_id).detail == "again"
    notes.remove(NOTE.job_id)
    notes.remove(NOTE.job_id)
    assert notes.names() == []


def test_any_job_id_is_the_name_of_a_file(notes, tmp_path):
    for job in ("../../etc/passwd", "a/b", "..", "ä" * 500):
        notes.write(replace(NOTE, job_id=job))
    assert len(list((tmp_path / "fljob/refused").iterdir())) == 4
    assert {notes.read(name).job_id for name in notes.names()} == {"../../etc/passwd", "a/b", "..", "ä" * 500}


def test_no_name_leads_out(notes):
    for ask in (notes.read, notes.remove):
        with pytest.raises(OSError, match="no name of a file"):
            ask("../fljob")


def test_what_is_too_long_is_cut_and_therefore_no_note(notes, tmp_path):
    notes.write(NOTE)
    (path,) = (tmp_path / "fljob/refused").iterdir()
    path.write_text(path.read_text()[:-1] + " " * (2 << 20) + "}")
    with pytest.raises(InvalidInput):
        notes.read(NOTE.job_id)


def test_there_are_none_without_a_folder(notes):
    assert notes.names() == []


def test_what_a_kill_has_left_of_a_note_is_found_and_goes(notes, tmp_path):
    folder = tmp_path / "fljob/refused"
    folder.mkdir(parents=True)
    (folder / "a.json.part").write_text("{")
    assert notes.names() == ["a"]
    with pytest.raises(OSError, match=r"a\.json"):
        notes.read("a")
    notes.remove("a")
    assert list(folder.iterdir()) == []
