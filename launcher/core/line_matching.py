"""What differs in two lists, in a time that does not grow with the square of their length."""

from __future__ import annotations

import difflib
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TypeVar

__all__ = ["differing"]

_Item = TypeVar("_Item")
_Part = tuple[int, int, int, int]
# What difflib compares, which is longest for lists in which one item stands again and again: about 0.1 s.
_MOST_STEPS = 250_000


def differing(one: Sequence[_Item], two: Sequence[_Item]) -> Iterator[_Part]:
    """Yield (start, end, start, end) of what stands in the first list instead of what in the second.

    Long lists are parted where an item stands that each has once, as `git diff --patience` does; a part that
    is still too long counts as different from its first to its last item that is.
    """
    ends = ((0, 0), *_anchors(one, two), (len(one), len(two))) if _is_long(one, two) else None
    if ends is None:
        yield from _short(one, two, (0, len(one), 0, len(two)))
        return
    for (start, to_start), (end, to_end) in pairwise(ends):
        part = _narrowed(one, two, (start, end, to_start, to_end))
        if part[0] == part[1] and part[2] == part[3]:
            continue
        if _is_long(one[part[0] : part[1]], two[part[2] : part[3]]):
            yield part
        else:
            yield from _short(one, two, part)


def _is_long(one: Sequence[_Item], two: Sequence[_Item]) -> bool:
    return len(one) * len(two) > _MOST_STEPS


def _short(one: Sequence[_Item], two: Sequence[_Item], part: _Part) -> Iterator[_Part]:
    start, end, to_start, to_end = part
    matcher = difflib.SequenceMatcher(None, one[start:end], two[to_start:to_end], autojunk=False)
    for what, *(a, b, c, d) in matcher.get_opcodes():
        if what != "equal":
            yield start + a, start + b, to_start + c, to_start + d


def _narrowed(one: Sequence[_Item], two: Sequence[_Item], part: _Part) -> _Part:
    """Return a part without what is the same at its beginning and its end."""
    start, end, to_start, to_end = part
    while start < end and to_start < to_end and one[start] == two[to_start]:
        start, to_start = start + 1, to_start + 1
    while start < end and to_start < to_end and one[end - 1] == two[to_end - 1]:
        end, to_end = end - 1, to_end - 1
    return start, end, to_start, to_end


def _anchors(one: Sequence[_Item], two: Sequence[_Item]) -> list[tuple[int, int]]:
    """Return where items stand that each list has once: the longest row of them in the order of both."""
    once, there = _once(one), _once(two)
    pairs = [(at, there[item]) for item, at in once.items() if item in there]
    # Of each length of a row the pair that ends it first, and of each pair the one before it in its row.
    last: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for number, (_, to) in enumerate(pairs):
        length = bisect_left(ends, to)
        before.append(last[length - 1] if length else -1)
        last[length : length + 1] = [number]
        ends[length : length + 1] = [to]
    row = []
    number = last[-1] if last else -1
    while number >= 0:
        row.append(pairs[number])
        number = before[number]
    return row[::-1]


def _once(items: Sequence[_Item]) -> dict[_Item, int]:
    """Return where the items stand that are there once, in order."""
    number = Counter(items)
    return {item: at for at, item in enumerate(items) if number[item] == 1}
