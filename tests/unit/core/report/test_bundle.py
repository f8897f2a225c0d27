"""The files of a diagnosis bundle: what they contain, what is listed as missing, what is hidden."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
import yaml

from launcher.core.jobref import JobRef
from launcher.core.lifecycle.state import JobState, Observation, Track
from launcher.core.lifecycle.step import step
from launcher.core.pending.clocks import WaitPolicy
from launcher.core.redaction import by_shape
from launcher.core.report.bundle import Facts, Log, age, build, container_names, event_json, event_line
from launcher.core.report.status import report
from launcher.core.views import ContainerKind, ContainerState, ContainerView, PodEvent, ReleaseView, Seen
from tests.fakes import START, exited, main, scheduled, unscheduled

CANARY = "canary-5309"
JOB = JobRef(release="fj-1", namespace="fl", pod_name="job-1", job_id="a1", site="site-1")
PULLED = PodEvent("Pulled", "image is there", last_seen=START)
FAILED = PodEvent("FailedScheduling", "no\n cpu", "Warning", START + timedelta(seconds=30), 4)


def facts(pod, /, **changes):
    track = step(Track(launched=0.0), Observation(0.0, START, Seen.found(pod)), WaitPolicy())
    found = Facts(
        status=report(JOB, None, track, now=0.0, wall=START),
        pod=Seen.found({"kind": "Pod", "metadata": {"name": "job-1", "managedFields": [1]}}),
        view=pod,
        events=Seen.found((PULLED, FAILED)),
        release=Seen.found(ReleaseView("fj-1", "fl", "deployed", 1, START, {"job": {"id": "a1"}})),
        logs=(
            Log("job", previous=False, lines=("one", "two")),
            Log("job", previous=True, missing="never restarted"),
        ),
        missing={},
        at=START + timedelta(minutes=3),
    )
    return replace(found, **changes)


def files(pod=None, /, mask=by_shape, **changes):
    return build(facts(pod or exited(137, "OOMKilled"), **changes), mask).files


def test_complete_bundle_has_every_file():
    assert sorted(files()) == [
        "cause.txt", "conditions.txt", "events.txt", "events.yaml", "helm-status.json", "history.json",
        "logs/job.log", "logs/job.previous.log", "pod.yaml", "status.json", "values.yaml",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("pod", "cause"),
    [
        (
            exited(137, "OOMKilled"),
            "OOMKilled: The job used more memory than its limit. container job ran out of memory Cure: raise memory in launcher_spec, or use less",
        ),
        (exited(0), "Success: The job process ended with exit code 0. Cure: nothing to do"),
        (scheduled(main("running"), phase="Running"), "Running: the job runs."),
    ],
)
def test_cause_is_one_line(pod, cause):
    bundle = build(facts(pod), by_shape)
    assert bundle.files["cause.txt"] == cause + "\n"
    assert bundle.cause == cause


def test_cause_of_pending_pod_does_not_repeat_its_summary():
    cause = files(unscheduled())["cause.txt"]
    assert cause.startswith("InsufficientResources: ")
    assert cause.count("Insufficient cpu") == 1
    assert " Cure: " in cause


def test_cause_during_outage():
    unknown = Track(launched=0.0, state=JobState.UNKNOWN, stale_since=0.0, why_stale="refused")
    status = report(JOB, None, unknown, now=0.0, wall=START)
    assert "missing.txt" in files(status=status, view=None)["cause.txt"]


def test_conditions_list_all_containers():
    crashed = ContainerView(
        "side",
        ContainerKind.SIDECAR_INIT,
        state=ContainerState.RUNNING,
        restarts=2,
        last_reason="Error",
        last_exit_code=3,
    )
    text = files(scheduled(crashed, main("terminated", "Error", "boom", 7)))["conditions.txt"]
    assert "PodScheduled" in text
    assert "exit code 7: Error: boom" in text
    assert "2 restarts, last time Error 3" in text


def test_pod_and_values_are_yaml():
    found = files()
    assert yaml.safe_load(found["pod.yaml"]) == {"kind": "Pod", "metadata": {"name": "job-1"}}
    assert yaml.safe_load(found["values.yaml"]) == {"job": {"id": "a1"}}
    assert yaml.safe_load(found["events.yaml"])[1]["count"] == 4
    assert json.loads(found["helm-status.json"])["status"] == "deployed"
    assert json.loads(found["status.json"])["outcome"]["code"] == "OOMKilled"


def test_missing_parts_are_listed():
    gone = Seen.unavailable("pods is\nforbidden")
    found = build(
        facts(exited(1), pod=gone, events=gone, release=Seen.unavailable("no helm"), view=None,
              logs=(Log("job", previous=False, missing="no pod"),), missing={"list of pods": "denied"}),
        by_shape,
    ).files  # fmt: skip
    assert found["missing.txt"].splitlines() == [
        "pod.yaml: pods is forbidden",
        "events: pods is forbidden",
        "helm-status.json, values.yaml: no helm",
        "logs/job.log: no pod",
        "list of pods: denied",
    ]
    assert found["pod.yaml"] == "# pods is forbidden\n"
    assert found["values.yaml"] == "# no helm\n"
    assert json.loads(found["helm-status.json"]) == {"missing": "no helm"}
    assert found["logs/job.log"] == "# no pod\n"


def test_empty_log_and_no_events():
    found = files(logs=(Log("job", previous=False),), events=Seen.found(()))
    assert found["logs/job.log"] == "# the log is empty\n"
    assert found["events.txt"].startswith("# there are none")
    assert "missing.txt" not in found


def test_no_credential_is_in_any_file():
    def hide(text):
        return text.replace(CANARY, "***")

    env = {"spec": {"containers": [{"env": [{"name": "X_TOKEN", "value": CANARY}], "args": [CANARY]}]}}
    found = files(
        mask=hide,
        events=Seen.found((replace(PULLED, message=CANARY),)),
        logs=(
            Log("job", previous=False, lines=(f"token {CANARY}",)),
            Log("x", previous=True, missing=CANARY),
        ),
        release=Seen.found(ReleaseView("fj-1", "fl", "deployed", 1, START, env)),
        view=exited(1, message=CANARY),
        missing={"a": CANARY},
        status={**facts(exited(1)).status, "site": CANARY},
    )
    assert [name for name, text in found.items() if CANARY in text] == []
    assert "token ***" in found["logs/job.log"]


def test_container_names():
    spec = {"spec": {"initContainers": [{"name": "a"}, None], "containers": [{"name": "b"}, {"name": 7}]}}
    assert container_names(spec, None) == ("a", "b")
    assert container_names(spec, scheduled(main("running"))) == ("job",)
    assert container_names(None, None) == ()
    assert container_names({"spec": "x"}, None) == ()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-3, "0s"), (0, "0s"), (119, "119s"), (120, "2m"), (7199, "119m"), (7200, "2h"), (172800, "2d")],
)
def test_age(seconds, text):
    assert age(START, START + timedelta(seconds=seconds)) == text
    assert age(None, START) == "?"


def test_event_line_and_json():
    line = event_line(FAILED, START + timedelta(seconds=60))
    assert line.split() == ["30s", "Warning", "FailedScheduling", "4", "no", "cpu"]
    assert event_json(replace(PULLED, last_seen=None))["lastSeen"] is None


def test_values_of_a_job_without_a_release_are_its_own():
    own = Seen.found({"job": {"id": "b2"}})
    assert yaml.safe_load(files(values=own)["values.yaml"]) == {"job": {"id": "b2"}}
    found = files(values=Seen.unavailable("template is wrong"), release=Seen.unavailable("no helm"))
    assert found["missing.txt"].splitlines() == [
        "helm-status.json: no helm",
        "values.yaml: template is wrong",
    ]


def test_pod_without_metadata_is_shown_as_it_is():
    assert yaml.safe_load(files(pod=Seen.found({"kind": "Pod", "metadata": None}))["pod.yaml"]) == {
        "kind": "Pod",
        "metadata": None,
    }


def test_container_that_was_not_restarted_has_no_previous_log_to_miss():
    logs = (Log("job", previous=False, missing="no pod"), Log("job", previous=True, missing="no pod"))
    found = files(logs=logs)
    assert found["missing.txt"] == "logs/job.log: no pod\n"
    assert found["logs/job.previous.log"] == "# no pod\n"
