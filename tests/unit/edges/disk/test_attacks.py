"""Bundles and kits where somebody else may write, too: nothing is written through what they put there."""

from __future__ import annotations

import contextlib
import os
import stat
import threading
from pathlib import Path

import pytest

from launcher.edges.disk.bundle import write_bundle
from launcher.edges.disk.private_files import remove_file, write_file
from launcher.errors import LauncherError

SECRET = "canary-5309"


@pytest.fixture
def victim(tmp_path):
    """A folder of somebody else, with a file, outside of the one that is written to."""
    folder = tmp_path / "victim"
    folder.mkdir()
    (folder / "file").write_text("theirs")
    return folder


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


def mode(path):
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.mark.parametrize("umask", [0o000, 0o002, 0o022, 0o077])
def test_modes_do_not_depend_on_the_umask(root, umask):
    before = os.umask(umask)
    try:
        write_file(root, "a/b/c.txt", SECRET)
        write_bundle(root / "bundle", {"logs/x.log": SECRET}, force=False)
    finally:
        os.umask(before)
    for path in (root / "a/b/c.txt", root / "bundle/logs/x.log"):
        assert (mode(path), mode(path.parent), path.read_text()) == (0o600, 0o700, SECRET)


@pytest.mark.parametrize("name", ["file", "file.part"])
@pytest.mark.parametrize("link", [os.symlink, os.link], ids=["symbolic", "hard"])
def test_a_link_in_place_of_the_file_is_replaced(root, victim, name, link):
    link(victim / "file", root / name)
    write_file(root, "file", SECRET)
    assert (victim / "file").read_text() == "theirs"
    assert (root / "file").read_text() == SECRET
    assert not (root / "file").is_symlink()
    assert mode(root / "file") == 0o600


@pytest.mark.parametrize("name", ["a", "a/b"])
def test_a_link_in_place_of_a_folder_is_refused(root, victim, name):
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).symlink_to(victim)
    with pytest.raises(OSError, match=r"\S"):
        write_file(root, f"{name}/file", SECRET)
    with pytest.raises(OSError, match=r"\S"):
        remove_file(root, f"{name}/file")
    assert [(path.name, path.read_text()) for path in victim.iterdir()] == [("file", "theirs")]


@pytest.mark.parametrize("make", [lambda path: path.mkdir(), os.mkfifo], ids=["folder", "pipe"])
@pytest.mark.parametrize("name", ["file", "file.part"])
def test_what_is_no_file_blocks_nothing(root, make, name):
    make(root / name)
    done = threading.Event()

    def write():
        with contextlib.suppress(OSError):
            write_file(root, "file", SECRET)
        done.set()

    threading.Thread(target=write, daemon=True).start()
    assert done.wait(5)


def test_a_file_of_another_mode_does_not_lend_it(root):
    (root / "file").write_text("old")
    (root / "file").chmod(0o666)
    (root / "file.part").write_text("old")
    (root / "file.part").chmod(0o666)
    with (root / "file").open() as reader:
        write_file(root, "file", SECRET)
        assert reader.read() == "old"
    assert mode(root / "file") == 0o600


def test_folders_that_are_swapped_all_the_time_lead_nowhere(root, victim):
    """Whoever may write to the folder swaps a folder on the way for a link, as fast as they can."""
    real, link, stop = root / "real", root / "link", threading.Event()
    real.mkdir()
    link.symlink_to(victim)

    def swap():
        while not stop.is_set():
            for one in (real, link):
                with contextlib.suppress(OSError):
                    one.rename(root / "way")
                    (root / "way").rename(one)

    thread = threading.Thread(target=swap, daemon=True)
    thread.start()
    try:
        for number in range(2000):
            with contextlib.suppress(OSError):
                write_file(root, f"way/{number}", SECRET)
    finally:
        stop.set()
        thread.join()
    assert [path.name for path in victim.iterdir()] == ["file"]


@pytest.mark.parametrize("place", ["bundle", "bundle/logs", "bundle/pod.yaml"])
def test_a_bundle_is_not_written_through_a_link(root, victim, place):
    path = root / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(victim if place != "bundle/pod.yaml" else victim / "file")
    with contextlib.suppress(LauncherError):
        write_bundle(root / "bundle", {"pod.yaml": SECRET, "logs/job.log": SECRET}, force=True, root=root)
    assert [(path.name, path.read_text()) for path in victim.iterdir()] == [("file", "theirs")]


def test_names_that_lead_out_are_refused(root):
    for name in ("../out", "a/../../out", ".."):
        with pytest.raises(OSError, match=r"\S"):
            write_file(root, name, SECRET)
    write_file(root, "/etc/out", SECRET)
    assert (root / "etc/out").read_text() == SECRET
    assert sorted(path.name for path in Path(root).parent.iterdir()) == ["root"]
