"""Writing a diagnosis bundle: into a folder of its own, and nothing else is touched."""

from __future__ import annotations

import pytest

from launcher.edges.disk.bundle import write_bundle
from launcher.errors import InvalidInput


def test_a_folder_with_something_in_it_is_refused(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(
        InvalidInput, match=r"exists and is not empty\n  cure: name a new folder, or add --force"
    ):
        write_bundle(tmp_path, {"cause.txt": "x"})
    write_bundle(tmp_path, {"cause.txt": "x", "logs/a.log": "a", "missing.txt": "m"}, force=True)
    write_bundle(tmp_path, {"cause.txt": "y"}, force=True)
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["cause.txt", "mine.txt"]
    assert (tmp_path / "cause.txt").read_text() == "y"


def test_force_takes_nothing_that_is_not_of_a_bundle(tmp_path):
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/mine.log").write_text("mine")
    write_bundle(tmp_path, {"cause.txt": "x"}, force=True)
    assert (tmp_path / "logs/mine.log").exists()


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_place_that_cannot_be_a_folder_is_one_clear_error(tmp_path, place):
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInput, match=r"-o: .*file"):
        write_bundle(tmp_path / place, {"cause.txt": "x"})


def test_half_of_a_surrogate_pair_is_written(tmp_path):
    write_bundle(tmp_path / "b", {"cause.txt": "\ud83d"})
    assert (tmp_path / "b/cause.txt").read_text() == "\\ud83d"
