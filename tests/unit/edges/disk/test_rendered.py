"""Rendered manifests on disk: the same bytes each time, stale files of ours go, files of others stay."""

from __future__ import annotations

import pytest

from launcher.edges.disk.rendered import write_rendered
from launcher.errors import InvalidInput

POD = "---\n# Source: x\nkind: Pod\nmetadata: {name: a, labels: {z: '1', a: é}}\n"
POLICY = "---\nkind: NetworkPolicy\nmetadata: {name: a}\n"


def tree(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()
    }


def test_one_file_for_each_object_and_the_same_bytes_each_time(tmp_path):
    folder = tmp_path / "new/rendered"
    done = write_rendered(folder, {"s": POD + POLICY}, is_whole=True)
    assert done.written == ("s/NetworkPolicy-a.yaml", "s/Pod-a.yaml")
    before = tree(folder)
    assert before["s/Pod-a.yaml"] == "kind: Pod\nmetadata:\n  name: a\n  labels:\n    z: '1'\n    a: é\n"
    assert write_rendered(folder, {"s": POD + POLICY}, is_whole=True).removed == ()
    assert tree(folder) == before


def test_what_is_not_made_any_more_is_removed_with_its_folder(tmp_path):
    write_rendered(tmp_path, {"s": POD + POLICY, "t": POD}, is_whole=True)
    (tmp_path / "s/README.md").write_text("mine")
    assert write_rendered(tmp_path, {"s": POD}, is_whole=False).removed == ("s/NetworkPolicy-a.yaml",)
    assert write_rendered(tmp_path, {"s": POD}, is_whole=True).removed == ("t/Pod-a.yaml",)
    assert not (tmp_path / "t").exists()
    assert set(tree(tmp_path)) == {"s/Pod-a.yaml", "s/README.md", "fljob-rendered.txt"}


def test_a_file_of_somebody_else_is_not_replaced_and_nothing_is_written(tmp_path):
    (tmp_path / "s").mkdir()
    (tmp_path / "s/Pod-a.yaml").write_text("mine")
    with pytest.raises(
        InvalidInput, match=r"has files of somebody else: s/Pod-a\.yaml\n  cure: name another"
    ):
        write_rendered(tmp_path, {"s": POD + POLICY}, is_whole=True)
    assert tree(tmp_path) == {"s/Pod-a.yaml": "mine"}


def test_a_file_that_the_index_does_not_list_stays(tmp_path):
    write_rendered(tmp_path, {"s": POD, "t": POD}, is_whole=True)
    index = tmp_path / "fljob-rendered.txt"
    index.write_text(index.read_text().replace("t/Pod-a.yaml\n", ""))
    write_rendered(tmp_path, {"s": POD}, is_whole=True)
    assert (tmp_path / "t/Pod-a.yaml").exists()


def test_an_index_of_somebody_else_removes_nothing(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "victim.yaml").write_text("mine")
    (tmp_path / "out/fljob-rendered.txt").write_text("../victim.yaml\n")
    with pytest.raises(InvalidInput, match="must list files such as"):
        write_rendered(tmp_path / "out", {"s": POD}, is_whole=True)
    assert (tmp_path / "victim.yaml").read_text() == "mine"


def test_a_link_is_not_followed(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out/s").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InvalidInput, match="no symbolic link inside"):
        write_rendered(tmp_path / "out", {"s": POD}, is_whole=True)
    assert not list((tmp_path / "elsewhere").iterdir())


@pytest.mark.parametrize("there", ["nothing", "a file", "a link", "a folder"])
def test_a_stale_folder_that_has_gone_already_is_no_error(tmp_path, there):
    """Git keeps no empty folder, and a run that was ended may have removed it already."""
    write_rendered(tmp_path, {"s": POD, "t": POD}, is_whole=True)
    (tmp_path / "t/Pod-a.yaml").unlink()
    (tmp_path / "t").rmdir()
    if there == "a file":
        (tmp_path / "t").write_text("mine")
    elif there == "a link":
        (tmp_path / "t").symlink_to("s")
    elif there == "a folder":
        (tmp_path / "t/Pod-a.yaml").mkdir(parents=True)
    before = tree(tmp_path)
    assert write_rendered(tmp_path, {"s": POD}, is_whole=True).removed == ("t/Pod-a.yaml",)
    assert (tmp_path / "t").exists() is (there != "nothing")
    assert tree(tmp_path) == {**before, "fljob-rendered.txt": tree(tmp_path)["fljob-rendered.txt"]}
    assert write_rendered(tmp_path, {"s": POD}, is_whole=True).removed == ()


@pytest.mark.parametrize(
    ("name", "said"),
    [("s", "s: it is no folder"), ("fljob-rendered.txt", "fljob-rendered.txt: ")],
)
def test_what_cannot_be_written_is_named_and_nothing_is_written(tmp_path, name, said):
    (tmp_path / name).symlink_to("/etc/hostname")
    with pytest.raises(InvalidInput, match=rf"--split: cannot write {tmp_path}/{said}.*\n  cure: "):
        write_rendered(tmp_path, {"s": POD}, is_whole=True)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_text_is_one_for_whoever_applies_the_file(tmp_path):
    pod = 'kind: Pod\nmetadata: {name: a, annotations: {a: "1e3", b: "y", c: "\\u202e", d: =}}\n'
    write_rendered(tmp_path, {"s": pod}, is_whole=True)
    text = (tmp_path / "s/Pod-a.yaml").read_text()
    assert text.endswith("    a: '1e3'\n    b: 'y'\n    c: \"\\u202E\"\n    d: '='\n")


def test_files_have_the_modes_of_the_umask(tmp_path):
    write_rendered(tmp_path, {"s": POD}, is_whole=True)
    (tmp_path / "plain").write_text("")
    assert (tmp_path / "s/Pod-a.yaml").stat().st_mode == (tmp_path / "plain").stat().st_mode
