"""Policy strict says what FLARE's own handle says: the same recordings for both, look by look.

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
from tests.contract.flare.strict_case import CONTAINER, NAMESPACE, POD, UID, Case, Look
from tests.contract.flare.strict_differences import DIFFERENCES, Difference, expected
from tests.contract.flare.strict_side import Flare, Told, flare, ours
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
    """A recording, what FLARE says of it read our way, the entries that this takes, and what ours says."""

    recording: Case
    theirs: tuple[Told, ...]
    used: tuple[Difference, ...]
    mine: tuple[Told, ...]


@pytest.fixture(scope="module")
def judged(recordings):
    return [Judged(one, *expected(one), ours(one)) for one in recordings]


def smallest(wrong):
    return f"{len(wrong)} differ; the smallest: {min(wrong, key=lambda one: len(str(one.recording)), default=None)}"


def last(told: tuple[Told, ...]):
    return told[-1].code, told[-1].removes


@pytest.mark.parametrize("name", BY_HAND)
def test_a_subtle_behaviour_is_flares_and_ours(name):
    recording, looks, end = BY_HAND[name]
    for told in (flare(recording), ours(recording)):
        assert (len(told), last(told)) == (looks, end)
        assert told[-1].ended == (end[0] != ReturnCode.UNKNOWN)
    assert flare(recording) == ours(recording)


@pytest.mark.parametrize("entry", DIFFERENCES, ids=lambda entry: entry.name)
def test_a_difference_is_as_described(entry):
    recording, theirs, mine = DIFFERENT[entry.name]
    assert (last(flare(recording)), last(ours(recording))) == (theirs, mine)
    told, used = expected(recording)
    assert told == ours(recording)
    assert entry in used


def test_an_absence_that_lasts_ends_as_in_flare():
    recording = case(running(0), unread(1, 404), unread(5.5, 404), unread(6, 404))
    assert last(flare(recording)) == last(ours(recording)) == (9, False)
    assert (len(flare(recording)), len(ours(recording))) == (2, 4)


def test_generated_recordings_without_a_difference_agree_look_by_look(judged):
    plain = [one for one in judged if not one.used]
    assert len(plain) >= EXAMPLES / 4
    wrong = [one for one in plain if one.theirs != one.mine]
    assert not wrong, smallest(wrong)


def test_generated_recordings_read_our_way_agree_look_by_look(judged):
    different = [one for one in judged if one.used]
    assert len(different) >= EXAMPLES / 4
    wrong = [one for one in different if one.theirs != one.mine]
    assert not wrong, smallest(wrong)


@pytest.mark.parametrize("entry", DIFFERENCES, ids=lambda entry: entry.name)
def test_no_entry_is_dead(judged, entry):
    """Without the entry its recording would be told differently, and generated ones meet it too."""
    others = tuple(other for other in DIFFERENCES if other is not entry)
    assert expected(DIFFERENT[entry.name][0], others)[0] != ours(DIFFERENT[entry.name][0])
    assert sum(entry in one.used for one in judged) >= LEAST


def test_ours_has_the_events_whenever_flare_reads_them(judged):
    for one in judged:
        assert all(mine.asked for theirs, mine in zip(one.theirs, one.mine, strict=True) if theirs.asked)


def test_poll_alone_says_the_same(recordings):
    for one in recordings:
        untimed = replace(one, timeout=None)
        told, _ = expected(untimed, run=lambda recording: Flare(recording).poll())
        assert [(t.code, t.removes) for t in told] == [(t.code, t.removes) for t in ours(untimed)]


def features(one, told):
    """Yield what FLARE was shown in one recording."""
    yield f"pending_timeout {one.pending_timeout}"
    yield f"timeout {one.timeout}"
    for look, verdict in zip(one.looks, told, strict=False):
        yield (
            "terminated"
            if look.terminate
            else f"read {look.error or 'failed' if look.error is not None else 'well'}"
        )
        yield f"told {verdict.code}"
        if verdict.asked and look.events_error is not None:
            yield f"events {look.events_error}"
        elif verdict.asked:
            yield from (f"event {e['reason']}" for e in look.events if e["type"] == "Warning")
            yield from (f"event: {e['message']}" for e in look.events if e["reason"] == "FailedScheduling")
        if look.pod is not None:
            yield from shown(look.pod["status"])


def shown(state):
    yield f"phase {state.get('phase')}"
    for told in state["conditions"]:
        yield f"condition {told['status']} {told.get('reason')}"
        yield f"message {told.get('message', '')}"
    for container in state.get("initContainerStatuses", []) + state.get("containerStatuses", []):
        for kind, now in container["state"].items():
            yield f"{kind} {now.get('reason')}"
            if kind == "terminated" and container["name"] == CONTAINER:
                yield f"exit {now['exitCode']}"


def test_the_generated_recordings_cover_what_they_should(recordings):
    seen: Counter[str] = Counter()
    lengths: Counter[int] = Counter()
    for one in recordings:
        told = flare(one)
        lengths[len(told)] += 1
        seen.update(set(features(one, told)))
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
        *(f"condition {told}" for told in ("True None", "False Unschedulable", "False SchedulingGated")),
        *(f"told {code}" for code in (0, 9, 101, 102, 103, 127)),
        "terminated",
    )
    assert {key: seen[key] for key in wanted if seen[key] < LEAST} == {}
    assert sum(count for length, count in lengths.items() if length >= 4) >= EXAMPLES / 4


def on_the_case(recording: Recording) -> Case:
    """Return a state of a cluster as two looks two minutes apart, under the names of the generated cases."""
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
    return Case((Look(at, shown, events=tuple(events)), Look(at + 120, shown, events=tuple(events))))


@pytest.mark.parametrize(
    "recording", [r for r in recordings_of_a_cluster() if r.error is None], ids=lambda r: r.name
)
def test_a_state_of_a_cluster_is_told_alike(recording):
    seen = on_the_case(recording)
    told, _ = expected(seen)
    assert told == ours(seen)


def test_flare_deletes_once_by_force_and_forgets_the_credentials():
    side = Flare(case(short(0), bare(1, scheduling(AFFINITY))))
    side.run()
    assert side.deletes == [(POD, NAMESPACE, 0)]
    assert side.secrets == ["credentials"]
    assert side.reads == 2


@pytest.mark.parametrize("error", [None, 0, 404, 500])
def test_terminate_ends_the_job_whatever_the_api_says(error):
    side = Flare(case(running(0), Look(1, terminate=True)), delete_error=error)
    assert last(side.run()) == last(ours(side.case)) == (9, True)
