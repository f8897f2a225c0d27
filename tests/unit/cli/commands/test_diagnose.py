"""``fljob diagnose``: the files that it writes and prints."""

from __future__ import annotations

from tests.fakes import exited
from tests.unit.cli.conftest import show


def test_diagnose_prints_the_cause_and_the_files(fake, fljob, release, tmp_path):
    show(fake, exited(7))
    code, out, err = fljob("diagnose", release, "-n", "fl", "-o", "why")
    assert (code, err) == (0, "")
    cause, *paths = out.splitlines()
    assert cause == (tmp_path / "why/cause.txt").read_text().strip()
    assert cause.startswith("AppError: The job process failed. ")
    assert sorted(paths) == sorted(
        str(path.relative_to(tmp_path)) for path in (tmp_path / "why").rglob("*.*") if path.is_file()
    )


def test_diagnose_refuses_a_folder_that_is_not_empty(fake, fljob, release, tmp_path):
    asked = len(fake.pods.log)
    code, out, err = fljob("diagnose", release, "-n", "fl", "-o", str(tmp_path))
    assert (code, out, len(fake.pods.log)) == (2, "", asked)
    assert f"{tmp_path} exists and is not empty" in err
    assert "--force" in err
    assert fljob("diagnose", release, "-n", "fl", "-o", str(tmp_path), "--force")[0] == 0
    assert (tmp_path / "meta.json").exists()


def test_diagnose_of_nothing(fljob, tmp_path):
    code, _, err = fljob("diagnose", "nope", "-n", "fl", "-o", "why")
    assert code == 3
    assert "no job release 'nope'" in err
    assert not (tmp_path / "why").exists()
