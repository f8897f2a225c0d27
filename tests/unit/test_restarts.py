"""What benchmarks/restarts.py calls foretold, wrong, a hang and a false COMPLETED."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.restarts_rules import SERVER, Seen, compared, expected, problems, spread, summary, table

# The parent of site-1 dies in round 2 of a job of 5 rounds and is back ten seconds later.
WELL = Seen(
    number=0,
    job="a1",
    target="site-1",
    way="killed",
    rounds=5,
    seconds=8.0,
    ordered=29.0,
    state="round 2",
    dead=30.0,
    state_dead="round 2",
    began=35.0,
    starts=1,
    back=40.0,
    again=9.0,
    launched=1.0,
    finishing=55.0,
    delivered=56.0,
    ended=60.0,
    finished=62.0,
    statuses=("DISPATCHED", "RUNNING", "FINISHED:COMPLETED"),
    saved=5,
    results=(SERVER, "site-1", "site-2"),
    pods=(SERVER, "site-1", "site-2"),
    left=(),
)
SERVERS = replace(WELL, target=SERVER)


def ends(seen, status):
    return replace(seen, statuses=(*seen.statuses[:-1], f"FINISHED:{status}"))


# what differs from a restart in the middle -> the statuses that the page allows
FORETOLD = {
    "in the middle": (WELL, {"COMPLETED"}),
    "the server's in the middle": (SERVERS, {"COMPLETED"}),
    "after the end": (replace(WELL, ordered=70.0, dead=71.0), {"COMPLETED"}),
    "before the launch": (
        replace(WELL, launched=31.0),
        {"COMPLETED", "ABNORMAL", "EXECUTION_EXCEPTION", "FAILED_TO_RUN"},
    ),
    "away for 15 s of the end": (replace(WELL, finishing=31.0, back=46.0), {"COMPLETED"}),
    "away for 25 s of the end": (
        replace(WELL, finishing=31.0, back=56.0),
        {"COMPLETED", "EXECUTION_EXCEPTION"},
    ),
    "away for 35 s of the end": (replace(WELL, finishing=31.0, back=66.0), {"EXECUTION_EXCEPTION"}),
    "an upload is cut": (
        replace(WELL, finishing=29.5, delivered=None, ended=90.0),
        {"EXECUTION_EXCEPTION"},
    ),
    "an upload is done just before": (replace(WELL, finishing=28.0, delivered=29.0), {"COMPLETED"}),
    "the server's job process ends meanwhile": (replace(SERVERS, finishing=31.0), {"ABNORMAL"}),
    "the server's job process is ending": (replace(SERVERS, finishing=29.0), {"ABNORMAL"}),
    "the server's job process has delivered": (
        replace(SERVERS, finishing=28.0, delivered=29.0, ended=31.0),
        {"ABNORMAL"},
    ),
    "two parents, and the end between": (replace(WELL, dead=60.0, finishing=55.0, back=40.0), {"COMPLETED"}),
}


@pytest.mark.parametrize("case", FORETOLD)
def test_what_is_foretold(case):
    seen, statuses = FORETOLD[case]
    assert expected(seen)[0] == {f"FINISHED:{status}" for status in statuses}


def test_nothing_is_wrong_with_a_job_that_went_on():
    assert problems(WELL) == []


# what is wrong -> a case that has it
WRONG = {
    "HANG: RUNNING": replace(WELL, finished=None, statuses=("RUNNING",)),
    "FALSE COMPLETED: 4 of 5 rounds": replace(WELL, saved=4),
    "FALSE COMPLETED: 5 of 5 rounds, results at nvflare-server, site-2": replace(
        WELL, results=(SERVER, "site-2")
    ),
    "FINISHED:ABNORMAL, not foretold": ends(WELL, "ABNORMAL"),
    "it ended more than once": replace(
        ends(WELL, "COMPLETED"), statuses=("FINISHED:ABNORMAL", "FINISHED:COMPLETED")
    ),
    "pods that were made again: site-1": replace(WELL, pods=(*WELL.pods, "site-1")),
    "left: pod/a": replace(WELL, left=("pod/a",)),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong(what):
    (found,) = problems(WRONG[what])
    assert found.startswith(what)


def test_a_job_that_is_not_completed_may_lack_results():
    assert problems(replace(ends(WELL, "EXECUTION_EXCEPTION"), finishing=31.0, back=66.0, results=())) == []


def test_the_tables():
    lost = replace(ends(WELL, "EXECUTION_EXCEPTION"), number=2, finishing=31.0, back=66.0, results=(SERVER,))
    lines = table([WELL, lost]).splitlines()
    assert (
        "| 0 | site-1 | killed | 5 x 8.0 s | 29 s, round 2 | 30 s, round 2 | 11 | COMPLETED | 5 of 5 | yes |"
        in lines
    )
    assert "gave up" in lines[-1]
    text = summary([WELL, lost, ends(SERVERS, "ABNORMAL")])
    assert "| restarts | 2 | 1 |" in text
    assert "| FINISHED:ABNORMAL | 0 | 1 |" in text
    assert "| hangs | 0 | 0 |" in text
    assert "| not as foretold | 0 | 1 |" in text


def test_seconds_of_nobody():
    assert spread([]) == "-"
    assert spread([2.0]) == "2.0, 2.0, 2.0"
    assert spread([1.0, 2.0, 9.0]) == "2.0, 7.6, 9.0"


def test_the_comparison():
    text = compared({"fljob": {"a": "goes on", "b": "goes on"}, "flare": {"a": "lost"}})
    assert text.splitlines() == [
        "| while a job trains | fljob | flare |",
        "|---|---|---|",
        "| a | goes on | lost |",
        "| b | goes on |  |",
    ]
