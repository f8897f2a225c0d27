"""What differs in two lists: the edit leads from one to the other, soon, and short ones are as difflib has it."""

from __future__ import annotations

import difflib
import random
import time

import pytest

from launcher.core.line_matching import differing


def edited(one, two):
    """Return the first list with what differs put in its place."""
    found, at = [], 0
    for start, end, to_start, to_end in differing(one, two):
        assert at <= start <= end
        found += [*one[at:start], *two[to_start:to_end]]
        at = end
    return [*found, *one[at:]]


def test_a_short_list_is_as_difflib_has_it():
    one, two = list("abcabba"), list("cbabac")
    codes = difflib.SequenceMatcher(None, one, two, autojunk=False).get_opcodes()
    assert [*differing(one, two)] == [tuple(places) for what, *places in codes if what != "equal"]
    assert [*differing(one, one)] == [*differing([], [])] == []


@pytest.mark.parametrize("seed", range(12))
def test_the_edit_leads_from_one_to_the_other(seed):
    dice = random.Random(seed)
    letters = [str(number) for number in range(dice.choice((2, 30, 5000)))]
    one = [dice.choice(letters) for _ in range(1500)]
    two = [dice.choice(letters) if dice.random() < dice.choice((0.01, 0.5)) else letter for letter in one]
    two = two[dice.randrange(50) :] + two[: dice.randrange(50)]
    assert edited(one, two) == two


def test_a_line_in_the_middle_of_a_long_list_is_all_that_differs():
    one = [str(number) for number in range(50_000)]
    assert [*differing(one, [*one[:25_000], "x", *one[25_001:]])] == [(25_000, 25_001, 25_000, 25_001)]
    same = ["x"] * 50_000
    assert [*differing(same, [*same, "x"])] == [(50_000, 50_000, 50_000, 50_001)]


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (["x"] * 40_000, ["x", "y"] * 20_000),
        ([*map(str, range(40_000))], [*map(str, range(39_999, -1, -1))]),
        (["a", "b"] * 20_000, ["b", "a"] * 20_000),
        (
            [f"{number}{'a' * (number % 2)}" for number in range(40_000)],
            [f"{number}" for number in range(40_000)],
        ),
        (
            [str(number % 300) for number in range(40_000)],
            [str(number * 7 % 300) for number in range(40_000)],
        ),
    ],
    ids=["one letter", "backwards", "two letters", "every second", "again and again"],
)
def test_long_lists_that_are_hard_to_compare(one, two):
    start = time.process_time()
    assert edited(one, two) == two
    assert time.process_time() - start < 10
