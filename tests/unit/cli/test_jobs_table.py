"""The table of jobs: a line for each, in as many columns as there is room for."""

from __future__ import annotations

import datetime as dt

import click
import pytest

from launcher.cli.jobs_table import make_table
from launcher.core.views import PodEvent
from tests.fakes import START, exited, main, running, scheduled, unscheduled
from tests.jobs import make_spec, show

LATER = START + dt.timedelta(minutes=5)
ROW = {
    "release": "fj-hello-1-site-1-142b1665927b3b1d0ea2",
    "namespace": "fl",
    "jobId": "hello-1",
    "site": "site-1",
    "study": "",
    "foreign": None,
    "state": "SUCCEEDED",
    "launched": "2026-01-01T00:00:00+00:00",
    "pod": {"name": "hello-1-site-1-f505dccd", "node": "worker-2"},
    "pending": None,
    "outcome": {"code": "Success"},
}


def plain(rows, **more):
    return [click.unstyle(line) for line in make_table(rows, LATER, **more)]


def test_a_job_is_a_line_with_the_code_of_its_cause(fake, service):
    service.launch(make_spec())
    lines = []
    for pod in (unscheduled(), exited(137, "OOMKilled"), running()):
        show(fake, pod)
        head, line = plain([service.describe(found) for found in service.jobs("fl")])
        assert head.split() == ["RELEASE", "JOB", "SITE", "STATE", "AGE", "NODE", "WHY"]
        lines.append(line.split())
    assert [line[2:] for line in lines] == [
        ["STARTING", "5m", "InsufficientResources"],
        ["FAILED", "5m", "node-1", "OOMKilled"],
        ["RUNNING", "5m", "node-1"],
    ]


def test_a_download_is_shown_with_its_image_and_its_seconds(fake, service):
    service.launch(make_spec())
    fake.pods.event_list = (
        PodEvent("Pulling", 'Pulling image "r/[b]x:1"', last_seen=START, container="job"),
    )
    show(fake, scheduled(main("waiting", "ContainerCreating")))
    rows = [service.describe(found) for found in service.jobs("fl")]
    assert "Pulling: r/[b]x:1 for 5 min" in "\n".join(plain(rows))


def test_events_are_asked_for_only_while_a_node_prepares_a_job(fake, service):
    service.launch(make_spec())
    for pod, asks in ((running(), False), (unscheduled(), False), (scheduled(main("waiting")), True)):
        show(fake, pod)
        fake.pods.log.clear()
        service.jobs("fl")
        assert any(entry[0] == "events" for entry in fake.pods.log) is asks


@pytest.mark.parametrize(
    ("width", "head"),
    [
        (None, "RELEASE JOB SITE STATE AGE NODE WHY"),
        (90, "RELEASE JOB SITE STATE AGE NODE WHY"),
        (80, "RELEASE JOB SITE STATE AGE WHY"),
        (72, "RELEASE JOB STATE AGE WHY"),
        (63, "RELEASE STATE AGE WHY"),
        (58, "RELEASE STATE WHY"),
        (50, "RELEASE STATE"),
        (20, "RELEASE STATE"),
    ],
)
def test_no_word_is_cut_where_there_is_no_room(width, head):
    lines = plain([ROW], width=width)
    assert lines[0].split() == head.split()
    assert ROW["release"] in lines[1]
    assert "SUCCEEDED" in lines[1]
    assert ("Success" in lines[1], len(lines)) == (("WHY" in head), 2 if "WHY" in head else 3)
    assert "Success" in lines[-1]
    if width and width >= 50:
        assert max(map(len, lines)) <= width


def test_wide_has_every_column_whatever_the_width():
    head = plain([ROW], width=20, wide=True, namespaces=True)[0]
    assert head.split() == [
        "NAMESPACE",
        "RELEASE",
        "JOB",
        "SITE",
        "STUDY",
        "STATE",
        "AGE",
        "NODE",
        "POD",
        "WHY",
    ]


def test_a_study_has_a_column_when_a_job_has_one():
    assert "STUDY" in plain([ROW, ROW | {"study": "penguins"}])[0]


def test_wide_letters_and_brackets_stay_in_their_column():
    lines = plain([ROW | {"site": "病院[/x]"}, ROW])
    assert "病院[/x]  SUCCEEDED" in lines[1]
    assert "site-1    SUCCEEDED" in lines[2]


def test_a_job_without_any_time_has_no_age():
    assert plain([ROW | {"launched": None, "pod": None}])[1].split()[3:] == ["SUCCEEDED", "Success"]


LONG = "x" * 4096


@pytest.mark.parametrize("key", ["jobId", "site", "study", "release"])
@pytest.mark.parametrize("more", [{}, {"width": 80}, {"wide": True}])
def test_what_somebody_wrote_on_a_pod_is_cut_in_the_table(key, more):
    pod = {"name": LONG, "node": LONG}
    pulling = {"code": "Pulling", "detail": f"pulling image {LONG} for 7 s", "since": ROW["launched"]}
    lines = plain([ROW | {key: LONG, "pod": pod, "outcome": None, "pending": pulling}], **more)
    assert max(map(len, lines)) < 600
    assert lines[-1].endswith("... for 5 min")


STRANGE = ROW | {"jobId": LONG, "site": LONG, "study": LONG, "pod": {"name": LONG, "node": LONG}}


@pytest.mark.parametrize(
    "strange",
    [STRANGE | {"release": "", "foreign": {"kind": "ForeignPod", "detail": LONG}}, STRANGE | {"helm": None}],
)
@pytest.mark.parametrize("width", [90, 80, 72, 58])
def test_a_pod_that_helm_knows_nothing_of_takes_no_column_from_the_others(strange, width):
    head, line, *_ = plain([ROW, strange], width=width)
    assert [head, line] == plain([ROW], width=width)
    head, _, line, *_ = plain([strange, ROW], width=width)
    assert [head, line] == plain([ROW], width=width)
    assert len(plain([strange], width=width)) >= 2
