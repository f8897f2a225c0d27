"""One scenario of the comparison of benchmarks/restarts.py: what a restart leaves of the training under a launcher."""

from __future__ import annotations

import time
from typing import Any

from restarts_rules import SERVER
from restarts_world import PARENTS, Federation, Follower, Watch, ask, restart, results, settled, until

LAUNCHERS = {"fljob": "fljob", "flare": "FLARE's own launcher"}
# scenario -> (whose parents, how)
SCENARIOS: dict[str, tuple[tuple[str, ...], str]] = {
    "a site's parent is rolled out": (("site-1",), "rolled out"),
    "a site's parent is deleted": (("site-1",), "deleted"),
    "the server's parent is rolled out": ((SERVER,), "rolled out"),
    "both are rolled out": (("site-1", SERVER), "rolled out"),
}
# An old parent lives for half a minute after it is asked: it dies in the fourth round.
ROUNDS, SECONDS, IN_ROUND = 5, 10.0, 3.0
STARTS_WITHIN, WATCHED, SETTLES = 120.0, 200.0, 15.0
# A request that was under way when the server's parent died is repeated after 300 s (FLARE's communication_timeout).
LONGER, STATUS_WITHIN = 420.0, 30.0


class Scene:
    """A job of five rounds, and a restart that is asked for in the first.

    Args:
        federation: in which it runs, under the launcher that is compared.
        watch: of its pods.
        scenario: a key of ``SCENARIOS``.
    """

    def __init__(self, federation: Federation, watch: Watch, scenario: str) -> None:
        self.federation, self.watch = federation, watch
        self.targets, self.way = SCENARIOS[scenario]
        self.job, self.begin = "", 0.0

    def run(self) -> dict[str, Any]:
        """Run it, look until its end, or for 200 s and as long as it runs, and ask whether it can be got rid of."""
        settled(self.federation)
        follower = Follower(self.federation, ROUNDS, SECONDS, STARTS_WITHIN + LONGER + 60)
        follower.start()
        try:
            self.job, self.begin = follower.submitted()
            if not until(lambda: self._rounds("started") > 0, STARTS_WITHIN):
                raise SystemExit(f"job {self.job} did not come to its first round")
            time.sleep(IN_ROUND)
            ordered = time.time()
            for target in self.targets:
                restart(self.federation, target, self.way)
            until(lambda: follower.finished is not None, WATCHED)
            until(lambda: follower.finished is not None or not self._runs(), LONGER - WATCHED)
            until(lambda: follower.finished is not None, STATUS_WITHIN)
            ended = follower.finished
            status = follower.statuses[-1][1]
        finally:
            follower.close()
        settled(self.federation)
        time.sleep(SETTLES)
        return {
            "status": status,
            "seconds after the restart": round(ended - ordered) if ended else None,
            "trained": self._rounds("finished"),
            "runs": self._runs(),
            **self._left(),
        }

    def _runs(self) -> bool:
        """Tell whether a process of the job runs: a status that nobody can end is there for ever."""
        return any(pod.dead is None for pods in self.watch.of_job(self.job).values() for pod in pods)

    def _rounds(self, word: str) -> int:
        pods = self.watch.of_job(self.job).get(PARENTS[0], [])
        return sum(len({text for _, text in pod.lines(rf"Round \d+ {word}")}) for pod in pods)

    def _left(self) -> dict[str, Any]:
        said = ask(self.federation, self.job, "saved", "abort", "delete")
        saved = said["saved"].get("answer") or {}
        phases = self.federation.kubectl(
            "get", "pod", "-o", 'jsonpath={range .items[*]}{.metadata.name} {.status.phase}{"\\n"}{end}'
        )
        pods = [line for line in phases.splitlines() if self.job[1:] in line]
        facts = {
            "saved": int(saved.get("rounds") or 0),
            "download": said["saved"].get("refused", ""),
            "results": results(self.federation, self.job, saved),
            "pods": sorted(line.split()[1] for line in pods),
            "abort": said["abort"],
            "delete": said["delete"],
        }
        for line in pods:  # FLARE's launcher keeps them; the next scenario begins without
            self.federation.kubectl(
                "delete", "pod", line.split()[0], "--force", "--grace-period=0", check=False
            )
        return facts


def cell(facts: dict[str, Any]) -> str:
    """Return what is left in a few words."""
    status = facts["status"].rpartition(":")[2]
    after = facts["seconds after the restart"]
    sites = len([name for name in facts["results"] if name != SERVER])
    words = [
        f"**{status}**" + ("" if after is not None else " still" if facts.get("runs") else " for ever"),
        f"{facts['saved']} of {ROUNDS} rounds" if facts["saved"] else "no model",
        f"results at {sites} of 2 sites",
    ]
    if facts["pods"]:
        words.append(f"{len(facts['pods'])} pods stay")
    refused = [what for what in ("abort", "delete") if "refused" in facts[what] and after is None]
    if refused:
        words.append(f"{' and '.join(refused)} refused")
    return ", ".join(words)
