"""One random case of benchmarks/restarts.py: a job, and the restart of one parent at some moment of it."""

from __future__ import annotations

import time
from random import Random

from restarts_rules import SERVER, Seen
from restarts_world import (
    PARENTS,
    WAYS,
    Federation,
    Follower,
    Pod,
    Watch,
    ask,
    restart,
    results,
    settled,
    until,
)

SITES = ("site-1", "site-2")
ROUNDS, SECONDS = (3, 8), (5.0, 10.0)
# Seconds of a job beside its rounds: before the first, for each, and from the last to its status.
START, EACH, END = 9.0, 0.5, 9.0
# What a parent that is told to stop works on: it ignores SIGTERM.
GRACE = 30.0
# A parent that was deleted may write a status of its own as long as it lives; what is left after that stays.
AFTER, BACK_WITHIN = 5.0, 90.0
FINISHING = {True: r"Server runner finished", False: r"upload_results start"}
DELIVERED = r"upload_results SUCCESS"


class Case:
    """A job and its restart.

    Args:
        federation: in which it runs.
        watch: of its pods.
        chance: what decides; the seed and the number of the case make it.
        number: of the case; sites in even ones, the server in odd ones.
    """

    def __init__(self, federation: Federation, watch: Watch, chance: Random, number: int) -> None:
        self.federation, self.watch, self.number = federation, watch, number
        self.target = SERVER if number % 2 else chance.choice(SITES)
        self.way = chance.choice([*WAYS])
        self.rounds, self.seconds = chance.randint(*ROUNDS), round(chance.uniform(*SECONDS), 1)
        length = START + self.rounds * (self.seconds + EACH) + END
        self.moment = chance.uniform(GRACE if self.way == "rolled out" else 0.0, length)
        self.job, self.begin = "", 0.0

    def run(self, limit: float) -> Seen:
        """Run it, and return what was seen once nothing moves any more."""
        settled(self.federation)
        follower = Follower(self.federation, self.rounds, self.seconds, limit + 300)
        follower.start()
        try:
            self.job, self.begin = follower.submitted()
            until(lambda: follower.finished is not None or self._is_time(), limit)
            old, ordered = self.watch.parents(self.target)[-1], time.time()
            restart(self.federation, self.target, self.way)
            until(lambda: follower.finished is not None, self.begin + limit - time.time())
            until(lambda: old.dead is not None, BACK_WITHIN)
            settled(self.federation)
            time.sleep(AFTER)
            left = self._left()
            return self._seen(follower, old, ordered, left)
        finally:
            follower.close()

    def _is_time(self) -> bool:
        """Tell whether the moment has come: counted from the first round, as soon as that has begun."""
        pods = self.watch.of_job(self.job).get(SERVER, [])
        trains = next((when for pod in pods if (when := pod.first("Round 0 started"))), None)
        lead = GRACE if self.way == "rolled out" else 0.0
        if trains is None and self.moment >= START and not lead:
            return False
        since = self.begin if trains is None else trains - START
        return time.time() >= since + self.moment - lead

    def _left(self) -> tuple[str, ...]:
        """Wait until nothing is left of the job; return what is all the same."""
        found: list[str] = []

        def is_clean() -> bool:
            found[:] = [*self.federation.left(), *self.federation.releases(), *self.federation.credentials()]
            return not found

        until(is_clean, 120.0, 1.0)
        return tuple(found)

    def _seen(self, follower: Follower, old: Pod, ordered: float, left: tuple[str, ...]) -> Seen:
        saved = (
            ask(self.federation, self.job, "saved")["saved"].get("answer", {}) if follower.finished else {}
        )
        pods = self.watch.of_job(self.job)
        (own, *_) = pods.get(self.target) or [None]
        new = self.watch.parents(self.target)[-1]
        back = new.last(f"job {self.job} taken over") if new is not old else None
        finishing = own.first(FINISHING[self.target == SERVER]) if own else None
        return Seen(
            number=self.number,
            job=self.job,
            target=self.target,
            way=self.way,
            rounds=self.rounds,
            seconds=self.seconds,
            ordered=ordered - self.begin,
            state=self._state(follower, ordered),
            dead=self._since(old.dead),
            state_dead=self._state(follower, old.dead),
            began=self._since(new.began if new is not old else None),
            starts=new.starts if new is not old else 0,
            back=self._since(back),
            again=own.again() if own else None,
            launched=self._since(own.made if own else None),
            finishing=self._since(finishing),
            delivered=self._since(own.first(DELIVERED) if own else None),
            ended=self._since(own.dead if own else None),
            finished=self._since(follower.finished),
            statuses=tuple(status for _, status in follower.statuses),
            saved=int(saved.get("rounds") or 0),
            results=tuple(results(self.federation, self.job, saved)),
            pods=tuple(name for name, those in pods.items() for _ in those),
            left=left,
        )

    def _since(self, when: float | None) -> float | None:
        return None if when is None else round(when - self.begin, 2)

    def _state(self, follower: Follower, when: float | None) -> str:
        """Say where the job was at a moment, by the log of the server's job process."""
        if when is None:
            return ""
        if follower.finished is not None and follower.finished <= when:
            return "over"
        said: list[str] = []
        for pod in self.watch.of_job(self.job).get(PARENTS[0], []):
            words = pod.lines(r"Round \d+ (started|finished)|Server runner finished")
            said += [text for at, text in words if at <= when]
        if not said:
            made = [pods for pods in self.watch.of_job(self.job).values() if pods[0].made <= when]
            return "starting" if len(made) == len(PARENTS) else "pending"
        last = said[-1].rpartition("Round ")[2].split()
        if "runner" in last:
            return "ending"
        return f"round {last[0]}" if int(last[0]) + 1 < self.rounds or "started" in last[1] else "ending"
