"""Policy strict gives FLARE's own results: the same recordings for both, compared after every snapshot.

FLARE 2.9.0's ``K8sJobHandle`` is driven as its parent does (``enter_states``, ``wait``, ``poll``) with a
recorded API; ours is ``launcher.core.lifecycle.step.step`` behind our own observer and translation of the same JSON.
What differs on purpose is the list in ``strict_differences.py``.

``strict_by_hand.py`` holds the subtle behaviours of FLARE's handle as literal sequences.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, replace

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from launcher.core.catalogue.returncodes import ReturnCode
from launcher.edges.kube.translate import when
from tests.contract.flare.strict_by_hand import (
    AFFINITY,
    BY_HAND,
    DIFFERENT,
    bare,
    case,
    running,
    scheduling,
    short,
    unread,
)
from tests.contract.flare.strict_case import CONTAINER, NAMESPACE, POD, UID, Case, Snapshot
from tests.contract.flare.strict_differences import DIFFERENCES, Difference, expected
from tests.contract.flare.strict_side import Flare, Result, flare, ours
from tests.contract.flare.strict_strategies import EVENT_REASONS, EXITS, MESSAGES, PHASES, WAITING, cases
from tests.fakes import START
from tests.recorded import Recording
from tests.recorded import recordings as recordings_of_a_cluster

EXAMPLES = 1500
# How often the generated recordings must show a feature to FLARE; fewer would mean a weak generator.
LEAST = 7


@pytest.fixture(scope="module")
def recordings():
    """Return the generated recordings, the same every time."""
    found: list[Case] = []

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(cases())
    def collect(one):
        found.append(one)

    collect()
    return found


@dataclass(frozen=True)
class Judged:
    """A recording, FLARE's results after the entries that apply, these entries, and our results."""

    recording: Case
    theirs: tuple[Result, ...]
    used: tuple[Difference, ...]
    mine: tuple[Result, ...]


@pytest.fixture(scope="module")
def judged(recordings):
    return [Judged(one, *expected(one), ours(one)) for one in recordings]


def smallest(wrong):
    return f"{len(wrong)} differ; the smallest: {min(wrong, key=lambda one: len(str(one.recording)), default=None)}"


def last(results: tuple[Result, ...]):
    return results[-1].code, results[-1].removes


@pytest.mark.parametrize("name", BY_HAND)
def test_subtle_behaviours_agree(name):
    recording, snapshots, end = BY_HAND[name]
    for results in (flare(recording), ours(recording)):
        assert (len(results), last(results)) == (snapshots, end)
        assert results[-1].ended == (end[0] != ReturnCode.UNKNOWN)
    assert flare(recording) == ours(recording)


@pytest.mark.parametrize("entry", DIFFERENCES, ids=lambda entry: entry.name)
def test_difference_is_as_described(entry):
    recording, theirs, mine = DIFFERENT[entry.name]
    assert (last(flare(recording)), last(ours(recording))) == (theirs, mine)
    results, used = expected(recording)
    assert results == ours(recording)
    assert entry in used


def test_lasting_absence_ends_as_in_flare():
    recording = case(running(0), unread(1, 404), unread(5.5, 404), unread(6, 404))
    assert last(flare(recording)) == last(ours(recording)) == (9, False)
    assert (len(flare(recording)), len(ours(recording))) == (2, 4)


def test_generated_recordings_without_differences_agree(judged):
    plain = [one for one in judged if not one.used]
    assert len(plain) >= EXAMPLES / 4
    wrong = [one for one in plain if one.theirs != one.mine]
    assert not wrong, smallest(wrong)


def test_generated_recordings_with_differences_agree(judged):
    different = [one for one in judged if one.used]
    assert len(different) >= EXAMPLES / 4
    wrong = [one for one in different if one.theirs != one.mine]
    assert not wrong, smallest(wrong)


@pytest.mark.parametrize("entry", DIFFERENCES, ids=lambda entry: entry.name)
def test_every_difference_is_needed(judged, entry):
    """Without the entry the results of its recording differ, and generated recordings need it, too."""
    others = tuple(other for other in DIFFERENCES if other is not entry)
    assert expected(DIFFERENT[entry.name][0], others)[0] != ours(DIFFERENT[entry.name][0])
    assert sum(entry in one.used for one in judged) >= LEAST


def test_ours_reads_events_whenever_flare_does(judged):
    for one in judged:
        assert all(mine.asked for theirs, mine in zip(one.theirs, one.mine, strict=True) if theirs.asked)


def test_poll_alone_agrees(recordings):
    for one in recordings:
        untimed = replace(one, timeout=None)
        results, _ = expected(untimed, run=lambda recording: Flare(recording).poll())
        assert [(t.code, t.removes) for t in results] == [(t.code, t.removes) for t in ours(untimed)]


def features(one, results):
    """Yield what FLARE was shown in one recording."""
    yield f"pending_timeout {one.pending_timeout}"
    yield f"timeout {one.timeout}"
    for snapshot, verdict in zip(one.snapshots, results, strict=False):
        yield (
            "terminated"
            if snapshot.terminate
            else f"read {snapshot.error or 'failed' if snapshot.error is not None else 'well'}"
        )
        yield f"code {verdict.code}"
        if verdict.asked and snapshot.events_error is not None:
            yield f"events {snapshot.events_error}"
        elif verdict.asked:
            yield from (f"event {e['reason']}" for e in snapshot.events if e["type"] == "Warning")
            yield from (
                f"event: {e['message']}" for e in snapshot.events if e["reason"] == "FailedScheduling"
            )
        if snapshot.pod is not None:
            yield from shown(snapshot.pod["status"])


def shown(state):
    yield f"phase {state.get('phase')}"
    for one in state["conditions"]:
        yield f"condition {one['status']} {one.get('reason')}"
        yield f"message {one.get('message', '')}"
    for container in state.get("initContainerStatuses", []) + state.get("containerStatuses", []):
        for kind, now in container["state"].items():
            yield f"{kind} {now.get('reason')}"
            if kind == "terminated" and container["name"] == CONTAINER:
                yield f"exit {now['exitCode']}"


def test_generated_recordings_cover_all_features(recordings):
    seen: Counter[str] = Counter()
    lengths: Counter[int] = Counter()
    for one in recordings:
        results = flare(one)
        lengths[len(results)] += 1
        seen.update(set(features(one, results)))
    wanted = (
        *(f"waiting {reason}" for reason in WAITING),
        *(f"{where} {text}" for where in ("message", "event:") for text in MESSAGES),
        *(f"event {reason}" for reason in EVENT_REASONS),
        *(f"exit {code}" for code in EXITS),
        *(f"phase {name}" for name in PHASES),
        *(f"read {error}" for error in ("well", "failed", 403, 404, 500, 503)),
        *(f"events {error}" for error in (0, 403, 500)),
        *(f"pending_timeout {seconds}" for seconds in (None, 0, 1, 5, 120)),
        *(f"timeout {seconds}" for seconds in (None, 0, 10, 100)),
        *(f"condition {text}" for text in ("True None", "False Unschedulable", "False SchedulingGated")),
        *(f"code {code}" for code in (0, 9, 101, 102, 103, 127)),
        "terminated",
    )
    assert {key: seen[key] for key in wanted if seen[key] < LEAST} == {}
    assert sum(count for length, count in lengths.items() if length >= 4) >= EXAMPLES / 4


def as_case(recording: Recording) -> Case:
    """Return a state of a cluster as two snapshots two minutes apart, with the names of the generated cases."""
    pod, (main, *_) = recording.document["pod"], recording.document["pod"]["spec"]["containers"]
    about = {"kind": "Pod", "name": pod["metadata"]["name"], "uid": pod["metadata"]["uid"]}
    events = [
        {**event, "involvedObject": about, "metadata": {"name": f"event-{number}"}}
        for number, event in enumerate(recording.document.get("events", ()))
    ]
    text = json.dumps([pod, events])
    text = text.replace(pod["metadata"]["uid"], UID).replace(json.dumps(main["name"]), json.dumps(CONTAINER))
    shown, events = json.loads(text)
    at = (when(recording.document["at"]) - START).total_seconds()
    return Case((Snapshot(at, shown, events=tuple(events)), Snapshot(at + 120, shown, events=tuple(events))))


@pytest.mark.parametrize(
    "recording", [r for r in recordings_of_a_cluster() if r.error is None], ids=lambda r: r.name
)
def test_recorded_cluster_states_agree(recording):
    seen = as_case(recording)
    results, _ = expected(seen)
    assert results == ours(seen)


def test_flare_force_deletes_once_and_deletes_the_credentials():
    side = Flare(case(short(0), bare(1, scheduling(AFFINITY))))
    side.run()
    assert side.deletes == [(POD, NAMESPACE, 0)]
    assert side.secrets == ["credentials"]
    assert side.reads == 2


@pytest.mark.parametrize("error", [None, 0, 404, 500])
def test_terminate_ends_the_job_whatever_the_api_returns(error):
    side = Flare(case(running(0), Snapshot(1, terminate=True)), delete_error=error)
    assert last(side.run()) == last(ours(side.case)) == (9, True)
