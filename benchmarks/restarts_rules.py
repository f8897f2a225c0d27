"""What docs/flare.md says of a restart at a certain moment, and whether a case of benchmarks/restarts.py kept to it."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

__all__ = ["SERVER", "Seen", "compared", "expected", "problems", "summary", "table"]

SERVER = "nvflare-server"
COMPLETED, ABNORMAL = "FINISHED:COMPLETED", "FINISHED:ABNORMAL"
EXCEPTION, NOT_RUN = "FINISHED:EXECUTION_EXCEPTION", "FINISHED:FAILED_TO_RUN"
# Seconds that a job process which has ended waits for its parent: FLARE's constant is 30, its connections come
# back on a beat of ten seconds (docs/flare.md, "What a roll-out costs").
SAFE, LONGEST = 20.0, 30.0
PLACES = 3


@dataclass(frozen=True)
class Seen:
    """One case. Times are seconds since the job was submitted; None = it never happened.

    Attributes:
        number: of the case; with the seed it decides what was drawn.
        job: FLARE's id of it.
        target: whose parent was restarted.
        way: how.
        rounds: of the job.
        seconds: of a round.
        ordered: when the restart was asked for.
        state: of the job then.
        dead: when the old parent's container had ended.
        state_dead: of the job then.
        began: when the new parent's container had started.
        starts: how often the kubelet has started that.
        back: when the new parent last said that it had taken the job over.
        again: seconds that its job process was without a connection to a parent.
        launched: when the job's pod at the target was made.
        finishing: when its process began to deliver its results.
        delivered: when they were.
        ended: when its container had ended.
        finished: when the job had its last status.
        statuses: all statuses of the job, in order.
        saved: rounds whose model is in the result that the server gives away.
        results: participants that have the job's results.
        pods: job pods that there were, one name each.
        left: what of the job was there some time after its end.
    """

    number: int
    job: str
    target: str
    way: str
    rounds: int
    seconds: float
    ordered: float
    state: str
    dead: float | None
    state_dead: str
    began: float | None
    starts: int
    back: float | None
    again: float | None
    launched: float | None
    finishing: float | None
    delivered: float | None
    ended: float | None
    finished: float | None
    statuses: tuple[str, ...]
    saved: int
    results: tuple[str, ...]
    pods: tuple[str, ...]
    left: tuple[str, ...]

    @property
    def status(self) -> str:
        """The last status."""
        return self.statuses[-1] if self.statuses else "never submitted"

    @property
    def is_server(self) -> bool:
        """Whether it was the server's parent."""
        return self.target == SERVER

    @property
    def died(self) -> float:
        """When the old parent was gone; a case without that is as if it had gone at once."""
        return self.ordered if self.dead is None else self.dead

    @property
    def waited(self) -> float:
        """Seconds from the process's wish to deliver to the new parent, as far as the old one was dead then."""
        if self.finishing is None or self.back is None or not self.died <= self.finishing < self.back:
            return 0.0
        return self.back - self.finishing

    @property
    def ended_unheard(self) -> bool:
        """Whether the job process had delivered to the old parent, which died before it saw the process end."""
        is_over = self.ended is None or self.died < self.ended
        return self.finishing is not None and self.finishing <= self.died and is_over

    @property
    def was_cut(self) -> bool:
        """Whether the old parent died while files came from the job process."""
        over = self.delivered if self.delivered is not None else self.ended
        return (
            self.finishing is not None and self.finishing <= self.died and (over is None or self.died < over)
        )


Rule = tuple[Callable[[Seen], bool], frozenset[str], str]


def _rule(holds: Callable[[Seen], bool], why: str, *statuses: str) -> Rule:
    return holds, frozenset(statuses), why


# The first that holds. The rows of the table in docs/flare.md, by the moment of the restart.
RULES: tuple[Rule, ...] = (
    _rule(
        lambda one: one.finished is not None and one.finished <= one.ordered, "the job had ended", COMPLETED
    ),
    _rule(
        lambda one: one.launched is None or one.launched > one.died,
        "its job process was not launched yet",
        COMPLETED,
        ABNORMAL,
        EXCEPTION,
        NOT_RUN,
    ),
    _rule(lambda one: one.is_server and one.ended_unheard, "the server's job process was ending", ABNORMAL),
    _rule(
        lambda one: one.is_server and one.waited > 0,
        "the server's job process ended while its parent was away",
        ABNORMAL,
    ),
    _rule(lambda one: one.was_cut, "a transfer was cut", EXCEPTION),
    _rule(lambda one: one.waited > LONGEST, "its job process gave up: 30 s without a parent", EXCEPTION),
    _rule(
        lambda one: one.waited > SAFE,
        "its job process waited 20 to 30 s for a parent",
        COMPLETED,
        EXCEPTION,
    ),
    _rule(lambda _: True, "", COMPLETED),
)


def expected(seen: Seen) -> tuple[frozenset[str], str]:
    """Return the statuses that the table allows, and which of its rows says so; "" for "goes on"."""
    return next((statuses, why) for holds, statuses, why in RULES if holds(seen))


def problems(seen: Seen) -> list[str]:
    """Return what is wrong with a case; nothing, when all is as the page says."""
    statuses, why = expected(seen)
    is_completed = seen.status == COMPLETED
    ends = [status for status in seen.statuses if status.startswith("FINISHED")]
    twice = [name for name, count in Counter(seen.pods).items() if count > 1]
    found = (
        (seen.finished is None, f"HANG: {seen.status}"),
        (
            is_completed and (seen.saved != seen.rounds or len(seen.results) != PLACES),
            f"FALSE COMPLETED: {seen.saved} of {seen.rounds} rounds, results at {', '.join(seen.results)}",
        ),
        (seen.finished is not None and seen.status not in statuses, f"{seen.status}, not foretold: {why}"),
        (len(ends) > 1, f"it ended more than once: {', '.join(ends)}"),
        (bool(twice), f"pods that were made again: {', '.join(twice)}"),
        (bool(seen.left), f"left: {', '.join(seen.left)}"),
    )
    return [text for is_so, text in found if is_so]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.0f}"


def taken(seen: Seen) -> float | None:
    """Return the seconds from the order to `taken over` in the new parent's log."""
    return None if seen.back is None else seen.back - seen.ordered


def table(rows: Sequence[Seen]) -> str:
    """Return one line of Markdown for each case."""
    lines = [
        "| case | restarted | how | job | asked for at | old parent gone at | taken over after s | status | rounds | foretold |",
        "|--:|---|---|---|---|---|--:|---|---|---|",
    ]
    for one in rows:
        gone = f"{_number(one.dead)} s, {one.state_dead}" if one.dead is not None else ""
        lines.append(
            f"| {one.number} | {one.target} | {one.way} | {one.rounds} x {one.seconds:.1f} s "
            f"| {one.ordered:.0f} s, {one.state} | {gone} | {_number(taken(one))} "
            f"| {one.status.rpartition(':')[2]} | {one.saved} of {one.rounds} "
            f"| {'; '.join(problems(one)) or expected(one)[1] or 'yes'} |"
        )
    return "\n".join(lines)


def spread(values: Sequence[float]) -> str:
    """Return median, 90th percentile and most of some seconds."""
    if not values:
        return "-"
    p90 = statistics.quantiles(values, n=10, method="inclusive")[-1] if len(values) > 1 else values[0]
    return f"{statistics.median(values):.1f}, {p90:.1f}, {max(values):.1f}"


def summary(rows: Sequence[Seen]) -> str:
    """Return what became of all cases: a column for the sites' parents, one for the server's."""
    groups = ([one for one in rows if not one.is_server], [one for one in rows if one.is_server])
    lines = ["| | a site's parent | the server's parent |", "|---|---|---|"]

    def line(what: str, cell: Callable[[Sequence[Seen]], object]) -> None:
        lines.append(f"| {what} | {cell(groups[0])} | {cell(groups[1])} |")

    def since_start(group: Sequence[Seen]) -> list[float]:
        return [
            max(0.0, one.back - one.began) for one in group if one.back is not None and one.began is not None
        ]

    line("restarts", len)
    for status in sorted({one.status for one in rows}):
        line(status, lambda group, status=status: sum(one.status == status for one in group))
    line("hangs", lambda group: sum(one.finished is None for one in group))
    line("false COMPLETED", lambda group: sum("FALSE" in " ".join(problems(one)) for one in group))
    line("not as foretold", lambda group: sum(bool(problems(one)) for one in group))
    line("job pods started twice", lambda group: sum(len(one.pods) > len({*one.pods}) for one in group))
    line("new parents that had to be started again", lambda group: sum(one.starts > 1 for one in group))
    line(
        "order to `taken over`, s: median, p90, most",
        lambda group: spread([value for one in group if (value := taken(one)) is not None]),
    )
    line(
        "start of the new container to `taken over`, s: median, p90, most",
        lambda group: spread(since_start(group)),
    )
    line(
        "without a connection to a parent, s: median, p90, most",
        lambda group: spread([one.again for one in group if one.again is not None]),
    )
    return "\n".join(lines)


def compared(found: dict[str, dict[str, str]]) -> str:
    """Return the comparison: a row for each scenario, a column for each launcher, what is left of the training."""
    launchers = list(found)
    scenarios = list(dict.fromkeys(name for column in found.values() for name in column))
    lines = [f"| while a job trains | {' | '.join(launchers)} |", "|---" * (len(launchers) + 1) + "|"]
    lines += [
        f"| {name} | {' | '.join(found[one].get(name, '') for one in launchers)} |" for name in scenarios
    ]
    return "\n".join(lines)
