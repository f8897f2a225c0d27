"""The live table fits every terminal: no line is wider, none is one too many, and nothing important is missing."""

from __future__ import annotations

import datetime as dt
import random

import click
import pytest
from rich.cells import cell_len

from launcher.cli.job_cells import asks, lasting, left, short_ids
from launcher.cli.live_frame import Frame, frame_lines
from launcher.cli.live_table import Room, job_lines
from launcher.core.catalogue import CATALOGUE
from tests.fakes import START

NOW = START + dt.timedelta(minutes=5)


def ago(seconds):
    return (NOW - dt.timedelta(seconds=seconds)).isoformat()


def job(job_id="3f0c9b1e-0e3e-448a-b45d-f05a994c31d1", state="RUNNING", **changes):
    return {
        "release": f"fj-{job_id[:8]}-site-1-01000c59bb522b46c71a",
        "namespace": "fl",
        "jobId": job_id,
        "site": "site-1",
        "study": "",
        "foreign": None,
        "state": state,
        "launched": ago(90),
        "helm": {"status": "deployed"},
        "pod": {
            "name": f"{job_id}-site-1-f505dccd",
            "node": "worker-2",
            "requests": {"cpu": "0.5", "memory": "64Mi", "nvidia.com/gpu": "1", "ephemeral-storage": "1Gi"},
        },
        "pending": None,
        "outcome": None,
        **changes,
    }


def pending(
    code="InsufficientResources", detail="0/3 nodes are available: 3 Insufficient cpu.", deadline=-90, **more
):
    return {
        "code": code,
        "detail": detail,
        "cure": "lower the request, or wait",
        "clock": "pending_timeout",
        "since": ago(40),
        "deadline": None if deadline is None else ago(deadline),
        "expired": False,
        **more,
    }


WAITS = job("a" * 36, "STARTING", pending=pending())
PULLS = job(
    "b" * 36,
    "STARTING",
    pending=pending(
        "Pulling", "container job: pulling image registry.example.com/flare/train:2.9.0 for 1 s", None
    ),
)
FAILED = job(
    "c" * 36,
    "FAILED",
    outcome={"code": "OOMKilled", "detail": "the job process was killed", "cure": "raise memory"},
)
JOBS = [job(), WAITS, PULLS, FAILED]


def plain(lines):
    return [click.unstyle(line) for line in lines]


def shown(rows, width, height=None, **more):
    room = Room(width, height, **{key: more.pop(key) for key in ("namespaces", "wide") if key in more})
    return plain(job_lines(rows, NOW, room, **more))


STRANGE = [
    job("病院" * 30, site="サイト" * 10, study="x" * 4096),
    job(
        "",
        release="",
        foreign={"kind": "ForeignPod"},
        pod={"name": "p" * 253, "node": "n" * 253, "requests": {}},
    ),
    job("x", launched=None, pod=None, pending=pending(detail="é" * 4096)),
    job("y", pod={"name": "", "node": "", "requests": {"a/" + "b" * 300: "9" * 300, "cpu": "1" * 60}}),
]


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("rows", [JOBS, STRANGE, JOBS + STRANGE, JOBS[:1], []], ids=len)
def test_no_line_is_wider_than_the_terminal_and_none_is_one_too_many(rows, wide):
    for width in range(1, 220, 3):
        for height in (3, 4, 7, 24, None):
            lines = shown(rows, width, height, wide=wide, namespaces=bool(width % 2))
            assert max(map(cell_len, lines)) <= width
            assert height is None or len(lines) <= height


@pytest.mark.parametrize("summary", [False, True])
@pytest.mark.parametrize("why", ["", "cannot list pods\x1b[2J: refused " * 20])
def test_a_frame_fits_as_well(why, summary):
    for width in (10, 20, 50, 80, 140):
        for height in (1, 2, 5, 12, 24, 60):
            frame = Frame("namespace fl", JOBS + STRANGE, NOW, NOW - dt.timedelta(seconds=30), why, summary)
            lines = plain(frame_lines(frame, Room(width, height)))
            assert len(lines) <= height
            assert max(map(cell_len, lines)) <= width
            assert "\x1b" not in "".join(lines)


@pytest.mark.parametrize("width", [50, 80, 140, 200])
def test_state_cause_time_left_age_node_and_requests_are_there_at_any_width(width):
    text = "\n".join(shown(JOBS, width))
    for word in (
        "STARTING",
        "InsufficientResources",
        "90s",
        "2m" if False else "90s",
        "worker-2",
        "0.5 cpu 64Mi 1 gpu",
    ):
        assert word in text, text
    assert "OOMKilled" in text


@pytest.mark.parametrize(
    ("width", "text"),
    [
        (24, "Pulling for 40 s"),
        (40, "Pulling: ...flare/train:2.9.0 for 40 s"),
        (50, "Pulling: ...ample.com/flare/train:2.9.0 for 40 s"),
        (80, "Pulling: registry.example.com/flare/train:2.9.0 for 40 s"),
        (140, "Pulling: registry.example.com/flare/train:2.9.0 for 40 s"),
    ],
)
def test_how_long_a_download_lasts_is_never_cut(width, text):
    """The time goes on by the clock of whoever looks, whenever the job was looked at."""
    assert text in "\n".join(shown([PULLS], width))


def test_at_fifty_columns_a_job_takes_two_lines():
    assert shown([WAITS, job()], 50) == [
        "JOB       SITE    STATE       LEFT  AGE   NODE",
        "aaaaaaaa  site-1  STARTING    90s   90s   worker-2",
        "  InsufficientResources  0.5 cpu 64Mi 1 gpu",
        "3f0c9b1e  site-1  RUNNING           90s   worker-2",
        "  0.5 cpu 64Mi 1 gpu",
    ]
    node = {**WAITS["pod"], "node": "ip-10-0-1-23.example"}
    assert shown([WAITS | {"pod": node}], 50)[1:] == [
        "aaaaaaaa  site-1  STARTING    90s   90s",
        "  InsufficientResources: 0/3 nodes are availabl...",
        "  ip-10-0-1-23.example  0.5 cpu 64Mi 1 gpu",
    ]


def test_where_there_is_room_a_job_takes_one_line():
    head, line, *more = shown([WAITS], 140)
    assert head.split() == ["JOB", "SITE", "STATE", "LEFT", "AGE", "NODE", "ASKS", "WHY"]
    assert line.endswith("InsufficientResources: 0/3 nodes are available: 3 Insufficient cpu.")
    assert more == []


def test_wide_has_the_names_in_full():
    line = shown([WAITS], 260, wide=True)[1]
    assert all(name in line for name in (WAITS["jobId"], WAITS["release"], WAITS["pod"]["name"]))


def test_where_there_is_no_room_the_pressing_jobs_stay_in_their_order():
    rows = [job(f"{n:08}-x", "SUCCEEDED") for n in range(9)]
    rows[4:4] = [WAITS]
    rows.append(FAILED)
    lines = shown(rows, 140, 5)
    assert [line.split()[0] for line in lines] == ["JOB", "00000000", "aaaaaaaa", "cccccccc", "and"]
    assert lines[-1] == "and 8 more: 8 SUCCEEDED"


def test_pressing_jobs_come_first_where_that_is_asked_for():
    soon = job("d" * 36, "STARTING", pending=pending(deadline=-5))
    rows = [job(), FAILED, PULLS, WAITS, soon]
    ids = [line[0] for line in shown(rows, 140, pressing_first=True)[1:]]
    assert ids == ["d", "a", "b", "c", "3"]


@pytest.mark.parametrize(
    ("ids", "short"),
    [
        (["3f0c9b1e-0e3e"], ["3f0c9b1e"]),
        (["3f0c9b1e-0e3e", "3f0c9b1e-1"], ["3f0c9b1e-0", "3f0c9b1e-1"]),
        (["job-1", "job-10", "job-1"], ["job-1", "job-10", "job-1"]),
        (["experiment-1", "experiment-12"], ["experiment-1", "experiment-12"]),
        ([], []),
    ],
)
def test_ids_are_as_short_as_they_can_be_told_apart(ids, short):
    found = short_ids(ids)
    assert [found[one] for one in ids] == short


def test_short_ids_are_never_the_same():
    source = random.Random(7)
    ids = {"".join(source.choice("ab") for _ in range(source.randint(0, 14))) for _ in range(300)}
    assert len(set(short_ids(ids).values())) == len(ids)


@pytest.mark.parametrize(
    ("deadline", "expired", "text"),
    [(-90, False, "90s"), (-600, False, "10m"), (0, False, "over"), (-5, True, "over"), (None, False, "")],
)
def test_the_time_left(deadline, expired, text):
    assert left(pending(deadline=deadline, expired=expired), NOW) == text
    assert left(None, NOW) == ""


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (40.4, "40 s"), (119, "119 s"), (120, "2 min"), (5000, "83 min")]
)
def test_how_long_something_lasts(seconds, text):
    assert lasting(seconds) == text


def test_what_a_job_asks_for_names_devices_and_leaves_out_the_rest():
    assert asks(job()) == "0.5 cpu 64Mi 1 gpu"
    assert asks(job(pod=None)) == ""


def frame(rows, *, why="", width=100, height=24, summary=True, age=0):
    of = Frame("namespace fl", rows, NOW, NOW - dt.timedelta(seconds=age), why, summary)
    return plain(frame_lines(of, Room(width, height)))


def test_the_title_counts_the_jobs():
    assert frame(JOBS)[0] == "namespace fl  00:05:00 UTC  2 starting, 1 running, 1 failed"
    assert frame([], summary=False) == [
        "namespace fl  00:05:00 UTC  0 jobs",
        "no jobs; one that is launched appears here",
    ]


def test_a_lost_connection_is_said_with_the_age_of_what_is_shown():
    assert (
        frame(JOBS, why="cannot list pods: refused", age=12)[1]
        == "as of 12 s ago, trying again: cannot list pods: refused"
    )


def test_the_end_of_an_error_is_read_at_fifty_columns():
    why = "cannot list pods in namespace fl: 127.0.0.1:18443: Failed to establish a new connection: [Errno 111] refused"
    assert frame(JOBS, why=why, age=12, width=50)[1:4] == [
        "as of 12 s ago, trying again: cannot list pods in",
        "namespace fl: 127.0.0.1:18443: Failed to establish",
        "a new connection: [Errno 111] refused",
    ]


def test_causes_say_how_many_how_long_and_what_helps():
    rows = [WAITS, job("d" * 36, "STARTING", pending=pending(since=ago(600), deadline=-30)), FAILED, job()]
    lines = frame(rows)
    assert lines[2:6] == [
        "2 x InsufficientResources for 10m, 30s left (pending_timeout)",
        "  lower the request, or wait",
        "1 x OOMKilled: the job process was killed",
        "  raise memory",
    ]
    assert not any(" x " in line for line in frame(rows, summary=False))
    assert not any(" x " in line for line in frame(rows, height=10))


LONG = " ".join(f"word{n}" for n in range(45))


def wrapped(lines):
    return " ".join(" ".join(lines).split())


@pytest.mark.parametrize("width", [40, 50, 80, 140])
@pytest.mark.parametrize("height", [20, 24, 60])
def test_what_helps_the_most_pressing_job_is_read_to_its_end(width, height):
    worst = job("d" * 36, "STARTING", pending=pending("NodesTooSmall", deadline=-5, cure=LONG))
    others = [job(f"{n:08}", "STARTING", pending=pending(f"Cause{n}", cure=LONG[:-1])) for n in range(20)]
    lines = frame([*others, worst], width=width, height=height)
    assert LONG in wrapped(lines)
    assert any("dddddddd" in line for line in lines)


@pytest.mark.parametrize("code", [*CATALOGUE], ids=lambda code: code.value)
@pytest.mark.parametrize("size", [(50, 12), (80, 14), (80, 24)])
def test_no_cure_of_the_catalogue_is_cut_on_the_smallest_terminal_and_its_job_is_there(code, size):
    cure = CATALOGUE[code].cure
    worst = job("d" * 36, "STARTING", pending=pending(code.value, deadline=-5, cure=cure))
    others = [job(f"{n:08}", "STARTING", pending=pending(f"Cause{n}")) for n in range(3)]
    lines = frame([*others, job(), worst], width=size[0], height=size[1])
    assert cure in wrapped(lines) or code.value in ("Success", "Terminated")
    assert any("dddddddd" in line for line in lines)


def test_where_there_is_room_all_that_helps_is_read():
    rows = [job(f"{n:08}", "STARTING", pending=pending(f"Cause{n}", cure=f"{LONG} end{n}")) for n in range(3)]
    assert all(f"{LONG} end{n}" in wrapped(frame(rows, height=40)) for n in range(3))
    few = frame(rows, height=24, width=80)
    assert f"{LONG} end0" in wrapped(few)
    assert sum(" x Cause" in line for line in few) == 3


def test_the_title_says_how_it_ends_where_there_is_room():
    of = Frame("namespace fl", JOBS, NOW, NOW, hint="q ends")
    titles = [plain(frame_lines(of, Room(width, 24)))[0] for width in (66, 67, 100)]
    assert [title.endswith("  q ends") for title in titles] == [False, True, True]
    assert [len(title) for title in titles[1:]] == [67, 100]


def test_causes_leave_two_thirds_of_the_screen_to_the_jobs():
    rows = [job(f"{n:08}", "STARTING", pending=pending(f"Cause{n}")) for n in range(20)]
    lines = frame(rows)
    assert sum(" x " in line for line in lines) == 4
    assert "and 16 more causes" in lines
