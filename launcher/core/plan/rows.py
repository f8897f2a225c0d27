"""The rows of a plan, and what they say together: 0, or the return code that the job would end with."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass

from launcher.core.catalogue import CATALOGUE, Code, Limit, StrictRule
from launcher.core.catalogue.returncodes import ReturnCode
from launcher.core.pending.clocks import WaitPolicy
from launcher.core.spec.site import PendingPolicy

__all__ = ["Answer", "Plan", "Row", "Stage", "bad", "unknown"]


class Answer(str, enum.Enum):
    """What one check has found."""

    OK = "ok"
    FAILS = "fails"  # somebody has to change something
    WAITS = "waits"  # it may pass by itself, and the launcher waits for that
    PERHAPS = "perhaps"  # true now, and it may not stop the job
    NOT_ASKED = "not asked"  # nobody could tell: neither good nor bad


class Stage(enum.IntEnum):
    """When a job would meet the finding: what comes first is what it ends with."""

    CREATION = 0
    QUEUE = 1
    CLAIMS = 2
    NODES = 3
    START = 4


@dataclass(frozen=True, kw_only=True)
class Row:
    """One check.

    Attributes:
        what: was checked.
        answer: of the check.
        stage: of a job's way at which it matters.
        code: of the catalogue; None where nothing is wrong or nobody could tell.
        detail: what was said.
        cure: what to do.
    """

    what: str
    answer: Answer
    stage: Stage = Stage.CREATION
    code: Code | None = None
    detail: str = ""
    cure: str = ""

    @property
    def counts(self) -> bool:
        """Whether a job that is launched now ends with this unless something changes."""
        return self.answer in (Answer.FAILS, Answer.WAITS)


@dataclass(frozen=True)
class Plan:
    """All rows, in the order in which a job meets them.

    Attributes:
        rows: of the plan.
        policy: the clocks of the job.
    """

    rows: tuple[Row, ...]
    policy: WaitPolicy

    @property
    def decisive(self) -> Row | None:
        """The first row that would end the job, or None."""
        return next(iter(sorted((row for row in self.rows if row.counts), key=lambda row: row.stage)), None)

    @property
    def return_code(self) -> ReturnCode:
        """What FLARE would get of a job that is launched now, if nothing in the cluster changes."""
        row = self.decisive
        if row is None or row.code is None:
            return ReturnCode.OK
        if self.policy.mode is PendingPolicy.STRICT:  # FLARE's own launcher knows only 101
            return ReturnCode.EXECUTION_EXCEPTION
        return CATALOGUE[row.code].return_code

    def answer(self, row: Row) -> Answer:
        """Return what a row says under the clocks of the job: what has no time does not wait."""
        if row.answer is not Answer.WAITS or row.code is None:
            return row.answer
        _, seconds = self.clock(row.code)
        return Answer.FAILS if seconds == 0 else Answer.WAITS

    def clock(self, code: Code) -> tuple[str, float | None]:
        """Return the setting that bounds a code, empty for none, and its length in seconds, None = no limit.

        Policy ``strict`` tries no creation again; its rules for what comes later are finer than one per code,
        and these are those of its reference page.
        """
        entry = CATALOGUE[code]
        if self.policy.mode is PendingPolicy.STRICT:
            limits = {StrictRule.FAIL: Limit.NOW, StrictRule.RESOURCES: Limit.RESOURCES}
            limit = limits.get(entry.strict or StrictRule.WAIT, Limit.NEVER)
            return limit.clock, self.policy.seconds(limit)
        return entry.limit.clock, self.policy.seconds(entry.limit)


def bad(what: str, code: Code, stage: Stage, detail: str, *, cure: str = "", sure: bool = True) -> Row:
    """Return the row of a finding, with the cure of the catalogue where no better one is known.

    Args:
        what: was checked.
        code: of the catalogue.
        stage: of a job's way.
        detail: what was said.
        cure: what to do; empty = the catalogue's.
        sure: whether a job that is launched now certainly meets it.
    """
    entry = CATALOGUE[code]
    answer = Answer.WAITS if entry.relaunchable else Answer.FAILS
    return Row(
        what=what,
        answer=answer if sure else Answer.PERHAPS,
        stage=stage,
        code=code,
        detail=detail,
        cure=cure or entry.cure,
    )


def unknown(what: str, stage: Stage, why: Iterable[str] | str, cure: str = "") -> Row:
    """Return the row of a check that nobody could make."""
    detail = why if isinstance(why, str) else "; ".join(why)
    return Row(what=what, answer=Answer.NOT_ASKED, stage=stage, detail=detail, cure=cure)
