"""Restarts of a federation's parents at random moments of random jobs, and side by side with FLARE's own launcher.

benchmarks/restarts.py --random N [--seed S] [--limit 900] [--is-up] [--out FILE]
benchmarks/restarts.py --compare [--launchers fljob,flare] [--only WORDS] [--is-up] [--out FILE]
benchmarks/restarts.py --show FILE

--random: N jobs of three to eight rounds of five to ten seconds, one after the other, in a federation made by
scripts/federation (FLJOB_NAMESPACE, fljob-restarts). During each one parent is rolled out, deleted (it works on for
half a minute beside the new one) or killed: that of a site and that of the server in turns. What is drawn follows from
the seed and the number of the case. A roll-out takes half a minute: it is asked for so that the old parent dies at
the moment that was drawn. Each case is held against the table of docs/flare.md: the exit code is 1 when a job hangs
(no end within --limit), COMPLETED is false (a round is not in the model, results are missing at a site or the server),
a status is not foretold, a pod ran twice or something is left.

--compare: the same four restarts of a job of five rounds under either launcher, and what is left of the training.

The raw data goes to --out as JSON after each case; a run that was cut goes on with the next case of such a file, and
--show prints its tables again.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from random import Random, SystemRandom
from typing import Any

from restarts_compare import LAUNCHERS, SCENARIOS, Scene, cell
from restarts_random import Case
from restarts_rules import Seen, compared, problems, summary, table
from restarts_world import ROOT, Federation, Watch

from tests.cluster.federation.conftest import run

FEDERATION = str(ROOT / "scripts/federation")


@contextmanager
def federation(*, is_up: bool) -> Iterator[tuple[Federation, Watch]]:
    """Make a federation, and watch it; remove it at the end. One that is up already is left as it is."""
    namespace = os.environ.setdefault("FLJOB_NAMESPACE", "fljob-restarts")
    if not is_up:
        run(FEDERATION, "up")
    watch = Watch(namespace)
    try:
        given = dict(word.split("=", 1) for word in shlex.split(run(FEDERATION, "env"))[1:])
        watch.start()
        print(f"logs: {watch.folder}", flush=True)
        yield Federation(namespace, given["FLJOB_ADMIN"], given["FLJOB_JOB_IMAGE"]), watch
    finally:
        watch.close()
        if not is_up:
            run(FEDERATION, "down")


def at_random(given: argparse.Namespace) -> dict[str, Any]:
    """Run the random cases; with a file that is there, those that are missing in it."""
    seed = given.seed or str(SystemRandom().getrandbits(32))
    found: dict[str, Any] = {"seed": seed, "cases": []}
    if given.out is not None and given.out.exists():
        found = json.loads(given.out.read_text())
        seed = found["seed"]
    print(f"seed {seed}, load at the start {os.getloadavg()[0]:.1f}", flush=True)
    with federation(is_up=given.is_up) as (made, watch):
        for number in range(len(found["cases"]), given.random):
            seen = Case(made, watch, Random(f"{seed}/{number}"), number).run(given.limit)
            found["cases"].append(asdict(seen))
            keep(given.out, found)
            print(table([seen]).splitlines()[-1], f"load {os.getloadavg()[0]:.1f}", flush=True)
    return found


def compare(given: argparse.Namespace) -> dict[str, Any]:
    """Run the scenarios under each launcher; with a file that is there, they take their places in it."""
    found: dict[str, Any] = {"compared": {}}
    if given.out is not None and given.out.exists():
        found = json.loads(given.out.read_text())
    with federation(is_up=given.is_up) as (made, watch):
        given_to = "" if given.is_up else "fljob"  # as it is made
        for launcher in given.launchers.split(","):
            if launcher != given_to:
                run(FEDERATION, "launcher", launcher)
            given_to = launcher
            for scenario in (name for name in SCENARIOS if given.only in name):
                facts = Scene(made, watch, scenario).run()
                found["compared"].setdefault(LAUNCHERS[launcher], {})[scenario] = facts
                keep(given.out, found)
                print(f"{launcher}: {scenario}: {json.dumps(facts)}", flush=True)
    return found


def keep(path: Path | None, found: dict[str, Any]) -> None:
    if path is not None:
        path.write_text(json.dumps(found, indent=1))


def show(found: dict[str, Any]) -> int:
    """Print the tables; return 1 if a case is not as the page says."""
    if "compared" in found:
        cells = {
            launcher: {name: cell(facts) for name, facts in column.items()}
            for launcher, column in found["compared"].items()
        }
        print(compared(cells))
        return 0
    rows = [Seen(**case) for case in found["cases"]]
    print(f"seed {found['seed']}\n\n{table(rows)}\n\n{summary(rows)}")
    wrong = [f"case {one.number}: {text}" for one in rows for text in problems(one)]
    print("\n".join(wrong) or "all as foretold")
    return 1 if wrong else 0


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--random", type=int, metavar="N", default=20)
    parser.add_argument("--seed")
    parser.add_argument("--limit", type=float, default=900.0, help="seconds after which a job hangs")
    parser.add_argument("--compare", action="store_true")
    parser.add_argument("--launchers", default=",".join(LAUNCHERS))
    parser.add_argument(
        "--is-up", action="store_true", help="take the federation that there is, and leave it"
    )
    parser.add_argument("--only", default="", help="the scenarios that have these words in their names")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--show", type=Path)
    given = parser.parse_args()
    if given.show:
        return show(json.loads(given.show.read_text()))
    make: Callable[[argparse.Namespace], dict[str, Any]] = compare if given.compare else at_random
    return show(make(given))


if __name__ == "__main__":
    sys.exit(main())
