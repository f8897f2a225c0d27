"""Files for their owner alone, through no symbolic link; bundles and kits are written so."""

from __future__ import annotations

import os
import stat

import pytest

from launcher.edges.disk.bundle import write_bundle
from launcher.edges.disk.kit import write_kit
from launcher.edges.disk.private_files import names_in, read_file, remove_file, write_file
from launcher.errors import InvalidInput

RESOURCES = "local/resources.json.default"


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(autouse=True)
def generous_umask():
    """An umask that would leave everything to everybody."""
    before = os.umask(0)
    yield
    os.umask(before)


def test_files_and_folders_are_for_their_owner(tmp_path):
    write_bundle(tmp_path / "b", {"cause.txt": "x", "logs/a.log": "y"})
    assert {mode(tmp_path / "b"), mode(tmp_path / "b/logs")} == {0o700}
    assert {mode(path) for path in tmp_path.rglob("*.*")} == {0o600}


def test_a_file_that_others_could_read_is_replaced(tmp_path):
    (tmp_path / "a").write_text("old")
    (tmp_path / "a").chmod(0o666)
    write_file(tmp_path, "a", "new")
    assert (mode(tmp_path / "a"), (tmp_path / "a").read_text()) == (0o600, "new")
    assert names_in(tmp_path) == ["a"]


@pytest.mark.parametrize("name", ["leaf", "leaf.part"])
def test_a_link_in_place_of_a_file_is_not_followed(tmp_path, name):
    (tmp_path / "victim").write_text("mine")
    (tmp_path / name).symlink_to(tmp_path / "victim")
    write_file(tmp_path, "leaf", "x")
    assert (tmp_path / "victim").read_text() == "mine"
    assert (tmp_path / "leaf").read_text() == "x"
    assert not (tmp_path / "leaf").is_symlink()


def test_a_link_in_place_of_a_folder_is_refused(tmp_path):
    (tmp_path / "victim").mkdir()
    (tmp_path / "victim/a.log").write_text("mine")
    (tmp_path / "run").mkdir()
    (tmp_path / "run/logs").symlink_to(tmp_path / "victim")
    (tmp_path / "run/cause.txt").write_text("an earlier one")
    with pytest.raises(InvalidInput, match="cannot write"):
        write_bundle(tmp_path / "run", {"cause.txt": "x", "logs/a.log": "y"}, force=True)
    with pytest.raises(OSError):  # noqa: PT011 - ELOOP or ENOTDIR
        remove_file(tmp_path, "run/logs/a.log")
    assert (tmp_path / "victim/a.log").read_text() == "mine"


@pytest.mark.parametrize("link", ["job", "job/fljob-diagnosis", "job/fljob-diagnosis/site-1"])
def test_no_folder_below_the_root_may_be_a_link(tmp_path, link):
    (tmp_path / "victim").mkdir()
    place = tmp_path / "workspace" / link
    place.parent.mkdir(parents=True)
    place.symlink_to(tmp_path / "victim")
    folder = tmp_path / "workspace/job/fljob-diagnosis/site-1"
    with pytest.raises(InvalidInput):
        write_bundle(folder, {"cause.txt": "x"}, force=True, root=tmp_path / "workspace")
    assert list((tmp_path / "victim").rglob("cause.txt")) == []


def test_nothing_is_written_outside(tmp_path):
    with pytest.raises(InvalidInput, match="leads out of its folder"):
        write_bundle(tmp_path / "b", {"logs/../../x": "x"})


def test_a_kit_is_written_so_too(tmp_path):
    (tmp_path / "kit").mkdir()
    (tmp_path / "victim").mkdir()
    write_kit(tmp_path / "kit", {}, {RESOURCES: "x"})
    assert mode(tmp_path / "kit" / RESOURCES) == 0o600
    (tmp_path / "kit/helm_chart").symlink_to(tmp_path / "victim")
    with pytest.raises(InvalidInput, match="no symbolic link"):
        write_kit(tmp_path / "kit", {}, {"helm_chart/templates/role.yaml": "x"})
    assert list((tmp_path / "victim").iterdir()) == []


def test_a_file_is_read_up_to_a_length_and_through_no_link(tmp_path):
    write_file(tmp_path, "folder/a", "aé")
    assert read_file(tmp_path, "folder/a", 100) == "aé"
    assert read_file(tmp_path, "folder/a", 1) == "a"
    (tmp_path / "link").symlink_to(tmp_path / "folder/a")
    (tmp_path / "linked").symlink_to(tmp_path / "folder")
    for name in ("link", "linked/a", "folder", "none", "../a"):
        with pytest.raises(OSError, match=r"no file|Too many|Not a dir|No such|leads out"):
            read_file(tmp_path, name, 100)
