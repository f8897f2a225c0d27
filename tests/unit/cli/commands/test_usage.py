"""``fljob usage``: which times it takes, and what its exit codes are."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from launcher.edges.disk import history
from tests.unit.core.report.test_history import RECORD


@pytest.fixture
def kit(tmp_path):
    """A workspace with a history."""
    history.add(tmp_path, RECORD)
    return tmp_path


@pytest.fixture(params=["Asia/Tokyo", "America/New_York"])
def zone(request, monkeypatch):
    """The zone of whoever asks."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    "since", ["0001-01-01", "0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00-14:00", "9999w"]
)
@pytest.mark.usefixtures("zone")
def test_since_the_beginning_of_all_times_is_all(fljob, kit, since):
    page = kit / "page.html"
    assert fljob("usage", "--kit", str(kit), "--since", since, "--html", str(page))[0] == 0
    assert "hôpital" in page.read_text()
    assert "heart" in fljob("usage", "--kit", str(kit), "--since", since)[1]


@pytest.mark.parametrize("since", ["9999-12-31", "9999-12-31T23:59:59-14:00", "tomorrow", "\x1b[2J"])
@pytest.mark.usefixtures("zone")
def test_a_time_that_is_not_past_is_named(fljob, kit, since):
    code, out, err = fljob("usage", "--kit", str(kit), "--since", since)
    assert (code, out, "\x1b" in err) == (2, "", False)
    assert f"or 2026-11-29, not {since!r}" in err


@pytest.mark.parametrize(
    ("day", "begins"),
    [
        ("2020-07-01", datetime(2020, 6, 30, 22, tzinfo=timezone.utc)),
        ("2020-01-01", datetime(2019, 12, 31, 23, tzinfo=timezone.utc)),
    ],
)
@pytest.mark.parametrize("zone", ["Europe/Berlin"], indirect=True)
@pytest.mark.usefixtures("zone")
def test_a_day_begins_by_the_time_of_that_day_also_when_it_is_summer_or_winter_now(
    fljob, tmp_path, day, begins
):
    for job, after in (("before", -1), ("after", 1)):
        ended = begins + timedelta(minutes=after)
        history.add(tmp_path, replace(RECORD, job=job, release=job, ended=ended))
    out = fljob("usage", "--kit", str(tmp_path), "--by", "job", "--since", day)[1]
    assert [line.split()[0] for line in out.splitlines()] == ["JOB", "after"]


def test_what_cannot_be_read_or_written_is_an_error_of_input(fljob, kit):
    code, _, err = fljob("usage", "--kit", str(kit), "--html", "/dev/full")
    assert (code, "--html /dev/full: cannot be written: No space left on device" in err) == (2, True)
    (kit / history.FILE).unlink()
    (kit / history.FILE).mkdir()
    code, _, err = fljob("usage", "--kit", str(kit))
    assert (code, "history.jsonl cannot be read: it is no file" in err, "cure: --kit" in err) == (
        2,
        True,
        True,
    )
