"""Hostile input by the thousand: `python -m tests.fuzz.run --inputs 50000 --objects 10000 --kits 1000`.

Each case has a seed of its own, which is printed with what went wrong; `--only KIND:SEED` runs it again.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from launcher.errors import LauncherError
from tests.forgery import attacked, forge
from tests.fuzz.answers import one_answer
from tests.fuzz.commands import one_command, recorded
from tests.fuzz.inputs import one_input
from tests.fuzz.kits import one_kit
from tests.fuzz.objects import one_object
from tests.fuzz.texts import dangers

__all__ = ["CASES", "Result", "run"]

SLOW = 2.0  # seconds of CPU


def _one_parent(rng: random.Random, folder: Path) -> Iterator[str]:
    from tests.fuzz.parents import one_parent  # noqa: PLC0415 - the others need no nvflare

    return one_parent(rng, folder)


def _one_forgery(rng: random.Random, folder: Path) -> Iterator[str]:
    """Sweep a namespace full of forged objects; nothing may be touched that Helm's record does not confirm."""
    del folder
    with recorded() as said:
        touched = list(attacked(forge(rng)))
    assert not touched, touched
    yield from said


CASES: dict[str, Callable[[random.Random, Path], Iterator[str]]] = {
    "inputs": one_input,
    "objects": lambda rng, _: one_object(rng),
    "commands": one_command,
    "answers": one_answer,
    "kits": one_kit,
    "forgeries": _one_forgery,
    "parents": _one_parent,
}


@dataclass
class Result:
    """What many cases of one kind have shown; each of what went wrong has its seed."""

    cases: int = 0
    refused: int = 0
    slowest: float = 0.0
    tracebacks: list[str] = field(default_factory=list)
    slow: list[str] = field(default_factory=list)
    dangerous: list[str] = field(default_factory=list)

    @property
    def wrong(self) -> list[str]:
        return [*self.tracebacks, *self.slow, *self.dangerous]


def run(kind: str, seeds: range, seconds: float = float("inf")) -> Result:
    """Run cases of a kind, for so long at most, and return what they have shown."""
    result, end = Result(), time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as folder:
        for seed in seeds:
            if time.monotonic() > end:
                break
            _one(kind, seed, Path(folder), result)
    return result


def _one(kind: str, seed: int, folder: Path, result: Result) -> None:
    name, start = f"{kind}:{seed}", time.thread_time()
    found: list[str] = []
    result.cases += 1
    try:
        for output in CASES[kind](random.Random(f"{kind}{seed}"), folder):
            found += dangers(output)
    except LauncherError as error:
        result.refused += 1
        found += dangers(str(error))
        found += ["lines"] if len(str(error).splitlines()) > 2 else []
    except Exception:  # noqa: BLE001 - that is what is looked for
        result.tracebacks.append(f"{name} {traceback.format_exc()[-1500:]}")
    seconds = time.thread_time() - start
    result.slowest = max(result.slowest, seconds)
    if seconds > SLOW:
        result.slow.append(f"{name} {seconds:.1f} s")
    if found:
        result.dangerous.append(f"{name} {sorted(set(found))}")


_NUMBERS = (
    ("inputs", 50_000),
    ("objects", 10_000),
    ("commands", 10_000),
    ("answers", 20_000),
    ("kits", 1_000),
    ("forgeries", 2_000),  # each has about six forged objects
    ("parents", 10_000),
)


def main() -> int:
    """Run what the arguments ask for, and print a line for each kind."""
    parser = argparse.ArgumentParser(description=__doc__)
    for kind, number in _NUMBERS:
        parser.add_argument(f"--{kind}", type=int, default=number)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="at most so long for each kind")
    parser.add_argument("--first", type=int, default=0, help="the first seed of each kind")
    parser.add_argument("--only", metavar="KIND:SEED")
    given = parser.parse_args()
    if given.only:
        kind, _, seed = given.only.partition(":")
        return _print(kind, run(kind, range(int(seed), int(seed) + 1)))
    first, numbers = given.first, {kind: getattr(given, kind) for kind in CASES}
    ran = (
        _print(kind, run(kind, range(first, first + number), given.seconds))
        for kind, number in numbers.items()
        if number
    )
    return max(list(ran), default=0)


def _print(kind: str, one: Result) -> int:
    """Print what was found as soon as it is known: a whole run takes half an hour."""
    sys.stdout.write(
        f"{kind}: {one.cases} cases, {one.refused} refused, {len(one.tracebacks)} tracebacks, "
        f"{len(one.slow)} over {SLOW:g} s (slowest {one.slowest:.2f} s), {len(one.dangerous)} dangerous\n"
    )
    for words in one.wrong[:20]:
        sys.stdout.write(f"  {words}\n")
    sys.stdout.flush()
    return 1 if one.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
