"""Forge namespaces and let gc, a new parent, terminate and list loose on them; print what was lost (nothing).

benchmarks/forgery.py [--objects 10000] [--seed 1]

Run it with the project's Python from its top folder. Nothing outside the process is asked: the world is that
of the unit tests (tests/forgery.py). Each namespace has two real jobs, releases and Secrets of others, and
one to four forged pods.
"""

from __future__ import annotations

import argparse
import logging
import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.forgery import attacked, forge


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)
    rng, start = random.Random(given.seed), time.monotonic()
    lost: list[str] = []
    objects = namespaces = 0
    while objects < given.objects:
        forgery = forge(rng)
        objects, namespaces = objects + forgery.forged, namespaces + 1
        lost += attacked(forgery)
    for said in lost[:20]:
        print(said)
    seconds = time.monotonic() - start
    where = f"{objects} forged objects in {namespaces} namespaces"
    print(f"{where}, seed {given.seed}: {len(lost)} losses, {seconds:.1f} s")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
