"""Slots are handed on in the order in which they were asked for, and none is lost."""

from __future__ import annotations

import random
import threading
import time

import pytest

from launcher.edges.helm.slots import Slots

WITHIN = 20.0


def until(check):
    end = time.monotonic() + WITHIN
    while not check():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_who_came_first_goes_first():
    slots, order = Slots(1), []

    def work(number):
        with slots.one():
            order.append(number)

    with slots.one():
        threads = []
        for number in range(20):
            threads.append(threading.Thread(target=work, args=(number,)))
            threads[-1].start()
            until(lambda: len(slots._queue) == len(threads))
    for thread in threads:
        thread.join(WITHIN)
    assert order == list(range(20))


def test_whoever_comes_last_does_not_go_first():
    slots, order, done = Slots(1), [], threading.Event()

    def work():
        with slots.one():
            order.append("waited")
            done.set()

    thread = threading.Thread(target=work)
    with slots.one():
        thread.start()
        until(lambda: slots._queue)
    with slots.one():  # free only when the one that waited is through
        order.append("came last")
    thread.join(WITHIN)
    assert order == ["waited", "came last"]


def test_a_cancelled_wait_gives_its_turn_up():
    slots, cancel, seen = Slots(1), threading.Event(), []

    def work():
        with slots.one(cancel) as held:
            seen.append(held)

    thread = threading.Thread(target=work)
    with slots.one():
        thread.start()
        until(lambda: slots._queue)
        cancel.set()
        thread.join(WITHIN)
    assert seen == [False]
    with slots.one(cancel) as held:  # a free slot is taken: its holder looks at the cancel
        assert held


def test_an_error_gives_the_slot_back():
    slots = Slots(1)
    with pytest.raises(KeyboardInterrupt), slots.one():
        raise KeyboardInterrupt
    with slots.one(threading.Event()) as held:
        assert held


def test_no_slot_is_lost_when_cancels_and_turns_meet():
    rng, slots = random.Random(1), Slots(2)
    cancels = [threading.Event() for _ in range(40)]
    running, most, lock = 0, 0, threading.Lock()

    def work(cancel, pause):
        nonlocal running, most
        with slots.one(cancel) as held:
            if not held:
                return
            with lock:
                running += 1
                most = max(most, running)
            time.sleep(pause)
            with lock:
                running -= 1

    threads = [threading.Thread(target=work, args=(cancel, rng.uniform(0, 0.02))) for cancel in cancels]
    for thread in threads:
        thread.start()
    for cancel in rng.sample(cancels, 30):
        time.sleep(rng.uniform(0, 0.01))
        cancel.set()
    for thread in threads:
        thread.join(WITHIN)
    assert (most, slots._free, list(slots._queue)) == (2, 2, [])
