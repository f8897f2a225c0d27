"""A parent keeps a record of each job that is gone, whatever its disk does, and `fljob usage` sums them."""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
from dataclasses import replace

import pytest
from click.testing import CliRunner

from launcher.cli.commands.usage import usage_command
from launcher.core.flare.submitter import NOBODY, Submitter
from launcher.core.report.history import to_line
from launcher.edges.disk import history, private_files, submitters
from launcher.errors import InvalidInput
from launcher.flare.history import HistoryWriter
from tests.contract.flare.in_memory import CASE, until
from tests.unit.core.report.test_history import JOBS, RECORD


@pytest.fixture
def ended(launch):
    """Return a function that lets a job of a parent end, and returns the lines of its history."""
    launch.launcher._reports.history.workspace = str(launch.root)
    file = launch.root / history.FILE

    def end(code=0, meta=CASE.meta):
        handle = launch(meta)
        launch.end(code)
        handle.wait()
        assert handle.handle.close(30)
        until(lambda: file.exists() and file.stat().st_size)  # it is made a moment before its line is written
        return file.read_text().splitlines() if file.exists() else []

    return end


def test_a_job_that_ended_has_a_record_without_credentials(ended, launch):
    (line,) = ended(0)
    record = json.loads(line)
    assert (record["code"], record["return_code"], record["site"]) == ("Success", 0, "site-1")
    assert sum(record["seconds"].values()) >= 0
    assert "canary" not in line
    assert (launch.root / history.FILE).stat().st_mode & 0o777 == 0o600


SUBMITTER = {"submitter_name": "ada@example.com", "submitter_org": "hôpital", "submitter_role": "lead"}


@pytest.mark.parametrize(
    ("is_wanted", "named"), [(True, ["ada@example.com", "hôpital", "lead"]), (False, ["", "", ""])]
)
def test_who_submitted_a_job_is_in_its_record_unless_the_site_does_not_want_it(
    ended, launch, is_wanted, named
):
    if not is_wanted:
        launch.launcher._settings["history_submitter"] = False
    (line,) = ended(0, {**CASE.meta, **SUBMITTER})
    record = json.loads(line)
    assert [record[key] for key in ("submitter", "submitter_org", "submitter_role")] == named
    assert is_wanted or "ada" not in line


@pytest.mark.parametrize("is_wanted", [True, False])
@pytest.mark.parametrize("is_client", [True, False])
def test_a_site_notes_who_submitted_a_job_for_its_next_parent(ended, launch, is_wanted, is_client):
    launch.launcher._settings["history_submitter"] = is_wanted
    launch.launcher._reports.history.notes_submitters = is_client
    ended(0, {**CASE.meta, **SUBMITTER})
    after = HistoryWriter()
    after.workspace = str(launch.root)
    found = after.submitter(CASE.meta["job_id"])
    is_noted = is_wanted and is_client
    assert found == (Submitter(*SUBMITTER.values()) if is_noted else NOBODY)
    file = launch.root / submitters.FILE
    assert file.exists() == is_noted
    assert not is_noted or file.stat().st_mode & 0o777 == 0o600
    assert after.submitter("another") == NOBODY


def test_the_diagnosis_of_a_job_that_failed_has_the_line_of_the_history(ended, launch):
    (line,) = ended(7, {**CASE.meta, **SUBMITTER})
    (file,) = (launch.root / "fljob/diagnosis").rglob("history.json")
    assert json.loads(file.read_text()) == json.loads(line)


def test_a_note_that_cannot_be_written_or_read_costs_no_job(ended, launch):
    launch.launcher._reports.history.notes_submitters = True
    (launch.root / submitters.FILE).mkdir(parents=True)
    (line,) = ended(0, {**CASE.meta, **SUBMITTER})
    assert json.loads(line)["submitter"] == "ada@example.com"
    assert launch.launcher._reports.history.submitter(CASE.meta["job_id"]) == NOBODY


def test_notes_of_submitters_are_bounded_and_the_last_ones_are_found(tmp_path, monkeypatch):
    monkeypatch.setattr(submitters, "_MOST", 500)
    for number in range(40):
        submitters.add(tmp_path, f"job-{number}", Submitter(f"user-{number}"))
    assert sum(path.stat().st_size for path in (tmp_path / "fljob").iterdir()) <= 1000
    found = [submitters.find(tmp_path, f"job-{number}").name for number in (0, 34, 39)]
    assert found == ["", "user-34", "user-39"]


def test_a_disk_that_is_full_is_said_once_and_costs_no_job(launch, ended, caplog, monkeypatch):
    def full(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(history, "add", full)
    caplog.set_level(logging.WARNING)
    for _ in range(2):
        assert ended(0) == []
    assert until(lambda: caplog.text.count("the history of jobs is not complete") == 1)


def test_a_line_that_a_full_disk_has_cut_takes_no_other_with_it(tmp_path):
    file = tmp_path / history.FILE
    history.add(tmp_path, RECORD)
    with file.open("a") as writer:
        writer.write(to_line(RECORD)[:50])
    for _ in range(2):
        history.add(tmp_path, RECORD)
    found = history.read(tmp_path)
    assert (len(found.records), found.unreadable) == (3, (f"{history.FILE}: line 2",))


def test_a_link_in_place_of_the_history_is_not_followed(tmp_path):
    target = tmp_path / "target"
    target.write_text("")
    (tmp_path / "fljob").mkdir()
    (tmp_path / history.FILE).symlink_to(target)
    with pytest.raises(OSError):  # noqa: PT011 - as the kernel has it
        history.add(tmp_path, RECORD)
    assert target.read_text() == ""


def test_a_pipe_in_place_of_the_history_does_not_wait(tmp_path):
    (tmp_path / "fljob").mkdir()
    os.mkfifo(tmp_path / history.FILE)
    with pytest.raises(OSError):  # noqa: PT011 - as the kernel has it
        history.add(tmp_path, RECORD)


@pytest.mark.parametrize("name", [history.FILE, f"{history.FILE}.1"])
def test_a_folder_in_place_of_the_history(tmp_path, name, monkeypatch):
    monkeypatch.setattr(history, "_MOST", 10 * len(LINES[0]))
    (tmp_path / name).mkdir(parents=True)
    if name == history.FILE:
        with pytest.raises(OSError, match="it is no file"):
            history.add(tmp_path, RECORD)
        with pytest.raises(InvalidInput, match="cannot be read: it is no file"):
            usage_command.main(["--kit", str(tmp_path)], standalone_mode=False)
        return
    history.add(tmp_path, RECORD)
    done = CliRunner().invoke(usage_command, ["--kit", str(tmp_path)])
    assert done.exit_code == 0
    assert "heart" in done.output
    assert f"warning: left out: {name}: it is no file" in done.output


@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_what_is_no_file_is_not_read_either(tmp_path, kind):
    file = tmp_path / history.FILE
    file.parent.mkdir()
    if kind == "pipe":
        os.mkfifo(file)
    else:
        (tmp_path / "target").write_text(LINES[0])
        file.symlink_to(tmp_path / "target")
    with pytest.raises(InvalidInput, match=f"the history {file} cannot be read"):
        usage_command.main(["--kit", str(tmp_path)], standalone_mode=False)


def test_of_a_history_of_a_hundred_megabytes_the_end_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(history, "_MOST", 3000)
    file = tmp_path / history.FILE
    file.parent.mkdir()
    with file.open("w") as writer:
        writer.truncate(100_000_000)  # of zeros, in one line
        writer.seek(0, os.SEEK_END)
        writer.write("\n" + LINES[0] + LINES[1])
    done = CliRunner().invoke(usage_command, ["--kit", str(tmp_path), "--by", "job"])
    assert done.exit_code == 0
    assert {"a", "b"} <= {line.split()[0] for line in done.output.splitlines()}
    assert "all but its last 6000 bytes" in done.output


def test_while_another_parent_moves_the_history_this_one_only_adds(tmp_path, monkeypatch):
    monkeypatch.setattr(history, "_MOST", len(to_line(RECORD).encode()))
    file = tmp_path / history.FILE
    history.add(tmp_path, RECORD)
    other = os.open(file.parent, os.O_RDONLY)
    try:
        fcntl.flock(other, fcntl.LOCK_EX)
        history.add(tmp_path, RECORD)
        assert len(file.read_text().splitlines()) == 2
    finally:
        os.close(other)
    history.add(tmp_path, RECORD)
    assert len(file.read_text().splitlines()) == 1
    assert len(file.with_name("history.jsonl.1").read_text().splitlines()) == 2


def test_a_history_that_another_parent_has_just_moved_is_not_moved_again(tmp_path, monkeypatch):
    monkeypatch.setattr(history, "_MOST", 3 * len(to_line(RECORD).encode()))
    file = tmp_path / history.FILE
    for _ in range(3):
        history.add(tmp_path, RECORD)

    @contextlib.contextmanager
    def just_after_another(_):
        file.replace(f"{file}.1")
        file.write_text(to_line(RECORD))
        yield True

    monkeypatch.setattr(private_files, "_alone", just_after_another)
    history.add(tmp_path, RECORD)
    assert len(history.read(tmp_path).records) == 5


def test_a_history_is_bounded_and_nothing_is_lost_at_once(tmp_path, monkeypatch):
    size = len(to_line(RECORD).encode())
    monkeypatch.setattr(history, "_MOST", 10 * size)
    for _ in range(25):
        history.add(tmp_path, RECORD)
    assert len(history.read(tmp_path).records) == 15
    assert {path.name for path in (tmp_path / "fljob").iterdir()} == {"history.jsonl", "history.jsonl.1"}


@pytest.fixture
def usage(tmp_path):
    """Return a function that runs the command over a history of these lines."""

    def run(lines, *words):
        file = tmp_path / history.FILE
        file.parent.mkdir(exist_ok=True)
        file.write_text("".join(lines))
        return CliRunner().invoke(usage_command, ["--kit", str(tmp_path), *words])

    return run


LINES = [to_line(record) for record in JOBS]


def test_usage_by_study(usage):
    done = usage(LINES)
    assert done.exit_code == 0
    head, heart, default = done.output.splitlines()
    assert head.split() == ["STUDY", "JOBS", "FAILED", "RAN", "WAITED", "FOR"]
    assert heart.split("  ")[0] == "heart"
    assert "1m 45s" in heart
    assert "InsufficientResources 30s, QuotaExceeded 20s" in heart
    assert default.split()[:3] == ["default", "1", "0"]


def test_usage_as_json(usage):
    found = json.loads(usage(LINES, "--by", "code", "-o", "json").output)
    assert {one["key"]: one["jobs"] for one in found} == {"Success": 2, "OOMKilled": 1}


def test_a_history_that_somebody_edited_by_hand_is_read_as_far_as_it_goes(usage):
    done = usage([LINES[0], "edited\n", "\n", LINES[1], '{"version": 1}\n', LINES[2][:40]], "--by", "job")
    assert done.exit_code == 0
    assert {"a", "b"} <= {line.split()[0] for line in done.output.splitlines()}
    assert "warning: 2 lines are no records, and are left out: fljob/history.jsonl: line 2" in done.output


def test_who_ran_what_as_json(usage):
    digest = f"sha256:{'a' * 64}"
    named = replace(
        JOBS[0], submitter="ada@example.com", submitter_org="x", digest=digest, digest_of="manifest"
    )
    (found,) = json.loads(usage([to_line(named)], "--by", "job", "-o", "json").output)
    (record,) = found["records"]
    assert record["submitter"] == {"name": "ada@example.com", "org": "x", "role": ""}
    assert (record["digest"], record["digestOf"]) == (digest, "manifest")
    assert (record["release"], record["code"], record["returnCode"], record["seconds"]) == (
        "fj-a",
        "Success",
        0,
        named.seconds,
    )
    assert "records" not in json.loads(usage([to_line(named)], "-o", "json").output)[0]
    assert usage([to_line(named)], "--by", "submitter").output.splitlines()[1].split()[0] == "ada@example.com"
    assert usage(LINES, "--by", "submitter").output.splitlines()[1].split()[0] == "unknown"


@pytest.mark.parametrize("since", ["tomorrow", "2999-01-01", "-1d", ""])
def test_a_time_that_is_none_or_to_come(usage, since):
    done = usage(LINES, "--since", since)
    assert done.exit_code == 2
    assert "use a past time, such as 24h, 7d or 2026-11-29" in done.output


def test_nothing_has_ended(usage, tmp_path):
    assert "no job has ended since then" in usage([], "--since", "1h").output
    assert CliRunner().invoke(usage_command, ["--kit", str(tmp_path / "nowhere")]).exit_code == 2
