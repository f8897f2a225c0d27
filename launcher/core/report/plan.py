"""A plan as people and programs read it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from launcher.core.foreign import line, tree
from launcher.core.plan.rows import Answer, Plan, Row

__all__ = ["as_json", "as_rows", "as_verdicts", "sentence"]

_HEAD = ("CHECK", "ANSWER", "CODE", "CLOCK")
_LONGEST_CHECK, _LONGEST_DETAIL = 60, 600


def as_json(plan: Plan) -> dict[str, Any]:
    """Return a plan as JSON, without anything that a terminal would obey; the keys are stable."""
    decisive = plan.decisive
    shown: dict[str, Any] = tree(
        {
            "returnCode": int(plan.return_code),
            "code": decisive.code.value if decisive and decisive.code else None,
            "notAsked": sum(row.answer is Answer.NOT_ASKED for row in plan.rows),
            "checks": [_row_json(plan, row) for row in plan.rows],
        },
        line,
    )
    return shown


def _row_json(plan: Plan, row: Row) -> dict[str, Any]:
    clock, seconds = ("", None) if row.code is None else plan.clock(row.code)
    return {
        "check": row.what,
        "answer": plan.answer(row).value,
        "code": row.code.value if row.code else None,
        "clock": clock,
        "seconds": seconds,
        "detail": row.detail,
        "cure": row.cure,
    }


def as_rows(plan: Plan) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Yield the cells of a table, the head first, each with what is said below it, if it is not ok."""
    yield _HEAD, ()
    cure = ""
    for row in plan.rows:
        said: tuple[str, ...] = ()
        if row.answer is not Answer.OK:
            # Of a dozen rights that are missing the cure is the same one.
            said, cure = tuple(_said(row, is_new=row.cure != cure)), row.cure
        yield _cells(plan, row), said


def as_verdicts(plan: Plan) -> str:
    """Return the rows of a plan in one line each, without clock and cure."""
    found = []
    for row in plan.rows:
        code = f" {row.code.value}:" if row.code else ""
        found.append(f"{_name(row)}: {plan.answer(row).value}{code} {_detail(row)}\n")
    return "".join(found)


def _cells(plan: Plan, row: Row) -> tuple[str, ...]:
    return (_name(row), plan.answer(row).value, row.code.value if row.code else "", _clock(plan, row))


def _name(row: Row) -> str:
    return line(row.what, _LONGEST_CHECK)


def _detail(row: Row) -> str:
    return line(row.detail, _LONGEST_DETAIL)


def _clock(plan: Plan, row: Row) -> str:
    if row.code is None:
        return ""
    clock, seconds = plan.clock(row.code)
    if not clock:
        return "at once" if seconds == 0 else ""
    return f"{clock} {'no limit' if seconds is None else f'{seconds:g} s'}"


def _said(row: Row, *, is_new: bool) -> Iterator[str]:
    yield _detail(row)
    if row.cure and is_new:
        yield f"cure: {line(row.cure)}"


def sentence(plan: Plan) -> str:
    """Return what the answers come to."""
    unasked = sum(row.answer is Answer.NOT_ASKED for row in plan.rows)
    rest = f"; {unasked} of {len(plan.rows)} checks could not be made" if unasked else ""
    row = plan.decisive
    if row is None or row.code is None:
        return f"nothing was found that stops the job{rest}"
    return (
        f"{row.code.value}: launched now, the job ends with {int(plan.return_code)} unless that changes{rest}"
    )
