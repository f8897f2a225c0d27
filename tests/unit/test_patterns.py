"""No expression over text of others is worse than linear: every pattern of the package, on hostile texts."""

from __future__ import annotations

import importlib
import itertools
import pkgutil
import re
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from importlib.util import find_spec

import pytest

import launcher

if sys.version_info >= (3, 11):
    from re import _constants as sre
    from re import _parser as sre_parse
else:
    import sre_constants as sre
    import sre_parse

# Pairs of sizes, and CPU seconds of the longer text below which no curve is a danger. The small ones come first:
# what is quadratic would take minutes for the others.
SIZES = {(1_000, 4_000): 0.003, (10_000, 40_000): 0.03}
# Of four times the text: 4 is linear, 16 quadratic. A core that is shared doubles one figure and not the next, for
# as long as it is shared: what is worse is worse every time.
WORST_GROWTH = 8.0
TRIES, ROUNDS = 4, 3
GENERIC = ("a", "0", "A", " ", "\n", "\t", '"', "'", "{", "}", "[", "(", "-", ".", "/", ":", "=", "\\", "`", ",", "a ", 'a"', "é")  # fmt: skip


# __main__ runs the command line; the probe runs in another image; FLARE's entry point needs FLARE, which the
# environments of the other Pythons do not have.
LEFT_OUT = re.compile(r".*\.(__main__|probe)" + ("" if find_spec("nvflare") else r"|launcher\.flare(\..*)?"))


def modules() -> Iterator[object]:
    for info in pkgutil.walk_packages(launcher.__path__, "launcher."):
        if not LEFT_OUT.fullmatch(info.name):
            yield importlib.import_module(info.name)


def patterns_in(value: object, seen: set[int]) -> Iterator[re.Pattern[str]]:
    """Yield the patterns in a value, in tables of them and in the rows of tables."""
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, Mapping):
        yield from itertools.chain.from_iterable(
            patterns_in(v, seen) for v in (*value.keys(), *value.values())
        )
    elif isinstance(value, (tuple, list, set, frozenset)):
        yield from itertools.chain.from_iterable(patterns_in(v, seen) for v in value)
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from patterns_in(getattr(value, field.name), seen)


def patterns() -> list[re.Pattern[str]]:
    seen: set[int] = set()
    found = {
        (one.pattern, one.flags): one
        for module in modules()
        for value in list(vars(module).values())
        for one in patterns_in(value, seen)
    }
    return list(found.values())


PATTERNS = patterns()


def literals(parsed: object) -> Iterator[str]:
    """Yield the runs of literal characters in a parsed pattern, from left to right."""
    run = ""
    for op, argument in parsed:
        if op is sre.LITERAL:
            run += chr(argument)
            continue
        if run:
            yield run
        run = ""
        for part in _parts(op, argument):
            yield from literals(part)
    if run:
        yield run


def _parts(op: object, argument: object) -> list[object]:
    if op is sre.SUBPATTERN:
        return [argument[3]]
    if op is sre.BRANCH:
        return list(argument[1])
    if op in {sre.MAX_REPEAT, sre.MIN_REPEAT}:
        return [argument[2]]
    if op in {sre.ASSERT, sre.ASSERT_NOT}:
        return [argument[1]]
    return [argument] if op is getattr(sre, "ATOMIC_GROUP", None) else []


def seeds(pattern: re.Pattern[str]) -> list[str]:
    own = list(dict.fromkeys(literals(sre_parse.parse(pattern.pattern, pattern.flags & ~re.DEBUG))))
    joined = ["".join(own[:-1]), " ".join(own[:-1]), " x ".join(own)]
    spread = [f"{one}{more}" for one in own[:12] for more in (" ", "a", '"', "\n", "/")]
    return [one for one in dict.fromkeys((*GENERIC, *own, *spread, *joined)) if one]


def cost(pattern: re.Pattern[str], seed: str, size: int) -> float:
    """Return CPU seconds for everything that is done with a pattern, on a text of this size."""
    text = (seed * (size // len(seed) + 1))[:size]
    start = time.thread_time()
    for _ in pattern.finditer(text):
        pass
    pattern.fullmatch(text)
    pattern.match(text)
    return time.thread_time() - start


def is_linear(pattern: re.Pattern[str], seed: str) -> bool:
    return all(
        any(_grows_as_its_text(pattern, seed, sizes, floor) for _ in range(TRIES))
        for sizes, floor in SIZES.items()
    )


def _grows_as_its_text(pattern: re.Pattern[str], seed: str, sizes: tuple[int, int], floor: float) -> bool:
    if cost(pattern, seed, sizes[-1]) < floor:
        return True
    # In turn: both sizes see the same neighbours.
    rounds = [[cost(pattern, seed, size) for size in sizes] for _ in range(ROUNDS)]
    short, long = (min(times) for times in zip(*rounds, strict=True))
    return long < floor or long < WORST_GROWTH * short


def test_the_patterns_are_found():
    assert len(PATTERNS) > 100


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda one: one.pattern[:60])
def test_no_pattern_is_worse_than_linear(pattern):
    assert [seed for seed in seeds(pattern) if not is_linear(pattern, seed)] == []


def test_the_test_finds_what_is_worse():
    assert not is_linear(re.compile(r'exec:? ["/].*(?:no such file)', re.IGNORECASE), 'exec "')
    assert not is_linear(re.compile(r"\s*a+$"), " ")
    assert is_linear(re.compile("a+b?"), "a")
    assert is_linear(re.compile(r"[^@\s]{1,500}@"), "a")  # dear and linear


def test_a_pattern_in_an_object_is_among_them():
    assert any("networkplugin" in one.pattern for one in patterns())
