"""Pauses between requests that fail or end too early."""

from __future__ import annotations

import itertools

from launcher.edges.kube.pauses import Pauses


def asked_within(seconds, lasted, *, failed=True, chance=lambda _low, high: high):
    """Return how many requests of a length fit into a time of which nothing else is known."""
    pauses, at = Pauses(0.2, 8.0, 3.0, chance), 0.0
    for number in itertools.count(1):
        at += lasted + pauses.after(lasted, failed=failed)
        if at > seconds:
            return number
    raise AssertionError


def test_pauses_double_up_to_the_longest_and_begin_again_after_a_healthy_while():
    pauses = Pauses(0.2, 8.0, 3.0, lambda _low, high: high)
    assert [pauses.after(0.1) for _ in range(8)] == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 8.0, 8.0]
    assert pauses.after(3.0) == 0.2
    assert pauses.after(0.0) == 0.4


def test_what_was_healthy_and_did_not_fail_is_not_paused_for():
    pauses = Pauses(0.2, 8.0, 3.0)
    assert [pauses.after(6.0, failed=False) for _ in range(3)] == [0.0, 0.0, 0.0]
    assert pauses.after(0.1, failed=False) > 0


def test_what_the_server_asks_for_is_the_least():
    pauses = Pauses(0.2, 8.0, 3.0)
    assert pauses.after(0.1, at_least=5.0) == 5.0
    assert pauses.after(9.0, failed=False, at_least=5.0) == 5.0


def test_chance_shortens_a_pause_to_half_of_it_at_most():
    pauses = [Pauses(1.0, 8.0, 3.0).after(0.0) for _ in range(200)]
    assert all(0.5 <= pause <= 1.0 for pause in pauses)
    assert len(set(pauses)) > 100


def test_an_hour_of_trouble_costs_some_hundred_requests():
    assert asked_within(3600, 0.0) < 470
    assert asked_within(3600, 0.0, chance=lambda low, high: low * high) < 920
    assert asked_within(3600, 0.0, failed=False) < 470
    assert asked_within(3600, 6.0, failed=False) == 601  # what is healthy goes on without a pause
