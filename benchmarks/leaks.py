"""What is left behind, lost or run twice when launches, removals, kills and outages meet at random moments.

benchmarks/leaks.py [--races 1000] [--kills 100] [--outages 20] [--seed N] [--image IMAGE] [--hurry] [--only PART:NUMBER]

Races: one id is launched, launched again, terminated, cancelled and waited for by several threads of two launchers.
Kills: a process that launches, waits for or terminates a job dies by SIGKILL, its helm mostly, too.
Outages: a proxy before the API server is cut, frozen, silenced or restarted while four jobs of a parent begin and end.

After each the id must be launchable again within a minute, and at the end nothing of a job may be there, by label or
by Helm's records. A watch of the benchmark's own notes every pod by its uid: no pod of an accepted launch may go before
somebody asked for it, and none may run that nobody launched. Pods run on kwok nodes of the benchmark's own; with
--image on real ones. What is random follows from the seed, which is printed; what a moment meets does not. The exit
code is 1 when something is left, lost, run twice or told wrongly.
"""

from __future__ import annotations

import argparse
import logging
import os
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from random import Random, SystemRandom

import leaks_kills
from leaks_cluster import Ledger, Namespace
from leaks_jobs import Parent, Place, Report
from leaks_outages import JOBS, Outage
from leaks_races import Race

CASES_PER_LINE = 50
MOST_PODS = 200
Case = Callable[[int], None]


@dataclass(frozen=True)
class Tools:
    """What the parts have in common: two processes' worth of launchers, the ledger, the seed."""

    parents: tuple[Parent, Parent]
    ledger: Ledger
    seed: str

    def chance(self, part: str, number: int) -> Random:
        """Return what decides in one case, whatever other cases there are."""
        return Random(f"{self.seed}/{part}/{number}")


def races(tools: Tools, report: Report) -> Case:
    def case(number: int) -> None:
        chance = tools.chance("races", number)
        Race(tools.parents, chance, report.new(number, f"race-{number}"), report).run()

    return case


def kills(tools: Tools, report: Report) -> Case:
    leaks_kills.prepare()
    usual = leaks_kills.Usual()

    def case(number: int) -> None:
        facts = report.new(number, f"kill-{number}")
        leaks_kills.kill(tools.parents[0], tools.chance("kills", number), facts, report, usual)

    return case


def outages(tools: Tools, report: Report) -> Case:
    def case(number: int) -> None:
        facts = [report.new(number, f"outage-{number}-{one}") for one in range(JOBS)]
        Outage(tools.parents[0], tools.chance("outages", number), facts, report, tools.ledger.jobs).run()

    return case


# Each part, and how many of its cases are under way at once.
PARTS = {"races": (races, 4), "kills": (kills, 4), "outages": (outages, 2)}


def run(part: str, numbers: range, tools: Tools) -> Report:
    """Run the cases of one part."""
    report, begin = Report(part), time.monotonic()
    make, at_once = PARTS[part]
    with ThreadPoolExecutor(at_once) as pool:
        for done in pool.map(partial(_guarded, make(tools, report), report), numbers):
            if (done + 1) % CASES_PER_LINE == 0:
                print(f"{part}: {done + 1}, load {os.getloadavg()[0]:.1f}", flush=True)
    report.counts["seconds"] = round(time.monotonic() - begin)
    return report


def _guarded(case: Case, report: Report, number: int) -> int:
    try:
        case(number)
    except Exception as error:  # noqa: BLE001 - the other cases go on
        report.problems.append(f"{report.part}:{number}: the case broke off: {error!r}")
        print("WRONG", report.problems[-1], flush=True)
    return number


def table(reports: list[Report]) -> str:
    """Return what became of each part as a table of Markdown."""
    lines = ["| part | what | count |", "|---|---|---|"]
    for report in reports:
        again = report.again or [0.0]
        rows = {
            **dict(sorted(report.counts.items())),
            "launched again after s, median": round(statistics.median(again), 1),
            "launched again after s, at most": round(max(again), 1),
            "**wrong**": len(report.problems),
        }
        lines += [f"| {report.part} | {what} | {count} |" for what, count in rows.items()]
    return "\n".join(lines)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--races", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--outages", type=int, default=20)
    parser.add_argument("--seed", default=str(SystemRandom().randrange(10**8)))
    parser.add_argument("--image", default="", help="of real pods; default: pods on kwok nodes")
    parser.add_argument("--only", default="", metavar="PART:NUMBER", help="one case")
    parser.add_argument(
        "--hurry", action="store_true", help="terminate each half of a release, wait for none"
    )
    parser.add_argument("--log", action="store_true", help="print what the launchers log")
    parser.add_argument("--namespace", default=f"fljob-leaks-{os.getpid()}")
    return parser.parse_args()


def wanted(given: argparse.Namespace) -> dict[str, range]:
    if given.only:
        part, _, number = given.only.partition(":")
        return {part: range(int(number), int(number) + 1)}
    return {part: range(getattr(given, part)) for part in PARTS if getattr(given, part)}


def main() -> int:
    given = arguments()
    level = logging.INFO if given.log else logging.CRITICAL
    logging.basicConfig(level=level, format="%(asctime)s %(message)s")
    print(f"seed {given.seed}", flush=True)
    cluster, reports = Namespace(given.namespace), []
    cluster.up(MOST_PODS, is_fake=not given.image)
    place = Place(given.namespace, os.environ["KUBECONFIG"], given.image, given.hurry)
    try:
        ledger = Ledger(cluster.core, given.namespace)
        ledger.start()
        tools = Tools((Parent(place), Parent(place)), ledger, given.seed)
        for part, numbers in wanted(given).items():
            reports.append(run(part, numbers, tools))
            cluster.judge(reports[-1], ledger)
        for parent in tools.parents:
            parent.stop()
    finally:
        cluster.down()
    problems = [line for report in reports for line in report.problems]
    print(f"\nseed {given.seed}, load {os.getloadavg()[0]:.1f}\n\n{table(reports)}\n")
    print("\n".join(problems) or "nothing left, nothing lost, nothing run twice")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
