"""Views of API objects: what is derived from them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from launcher.core.views import Condition, ContainerKind, ContainerView, Presence, Seen, age_seconds
from tests.fakes import START, main, make_pod, scheduled

READY = Condition("Ready", "False", "ContainersNotReady")


@pytest.mark.parametrize(("seconds", "age"), [(0, 0.0), (-5, 5.0), (5, -5.0)])
def test_age_seconds(seconds, age):
    assert age_seconds(START + timedelta(seconds=seconds), START) == age


def test_unknown_age_is_infinite():
    assert age_seconds(None, START) == float("inf")


def test_results_of_a_read():
    assert Seen.found(7) == Seen(Presence.FOUND, 7)
    assert Seen.absent() == Seen(Presence.ABSENT)
    assert Seen.absent(7) == Seen(Presence.ABSENT, 7)
    assert Seen.unavailable("no answer") == Seen(Presence.UNAVAILABLE, None, "no answer")


def test_first_condition_of_a_type():
    pod = make_pod(conditions=(READY, replace(READY, status="True")))
    assert pod.condition("Ready") is READY
    assert pod.condition("PodScheduled") is None


@pytest.mark.parametrize(("status", "has"), [("True", True), ("False", False), ("Unknown", False)])
def test_reason_counts_with_status_true_only(status, has):
    pod = make_pod(conditions=(READY, Condition("DisruptionTarget", status, "TerminationByKubelet")))
    assert pod.has_reason("TerminationByKubelet") is has
    assert not pod.has_reason("ContainersNotReady")


def test_main_is_the_job_container_wherever_it_stands():
    others = (ContainerView("i", ContainerKind.INIT), ContainerView("s", ContainerKind.SIDECAR))
    assert scheduled(*others, main("running")).main == main("running")
    assert scheduled(*others).main is None


def test_containers_start_in_the_order_of_their_kinds():
    kinds = [ContainerKind.INIT, ContainerKind.SIDECAR_INIT, ContainerKind.MAIN, ContainerKind.SIDECAR]
    assert sorted(ContainerKind) == kinds
