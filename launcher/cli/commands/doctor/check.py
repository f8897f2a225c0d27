"""A check, and the printing of its result."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import click

from launcher.cli import streams
from launcher.cli.width import say
from launcher.core import foreign
from launcher.errors import Denied, LauncherError, NotFound, ToolMissing, Unavailable

__all__ = ["Check", "run_checks"]

_SKIP, _WARN = click.style("skip", fg="yellow"), click.style("warn", fg="yellow")
_FAIL = click.style("FAIL", fg="red")


@dataclass(frozen=True)
class Check:
    """One check.

    Attributes:
        what: the subject, in a few words.
        run: returns the text to print if it passes; raises ``LauncherError`` if it fails.
        needs_all: run only when no check before it failed: it creates objects, and a right to remove them may
            be missing.
        may_be_denied: reads something that jobs do not need, so that being denied is no failure.
        only_warns: jobs run all the same, so that failing is printed and does not count.
    """

    what: str
    run: Callable[[], str]
    needs_all: bool = False
    may_be_denied: bool = False
    only_warns: bool = False


# Without helm or a cluster many checks fail with the same message; that is reported once.
_GENERAL = (ToolMissing, Unavailable)


def run_checks(checks: Iterable[Check]) -> int:
    """Print a line per check, and a cure for each failure (once); return how many failed."""
    wrong = 0
    printed: set[str] = set()
    for check in checks:
        what = foreign.line(check.what)
        if check.needs_all and wrong:
            _say(f"{_SKIP}  {what}: not tried, since something above is wrong")
            continue
        try:
            _say(f"{click.style('ok  ', fg='green')}  {what}: {foreign.line(check.run())}")
        except LauncherError as error:
            if check.may_be_denied and isinstance(error, Denied):
                _say(f"{_SKIP}  {what}: no right to look, which jobs do not need")
                continue
            wrong += not check.only_warns
            if error.message in printed and isinstance(error, _GENERAL):
                _say(f"{_SKIP}  {what}: the same")
                continue
            # Rights share one cure, printed once; each missing object has its own, even in the same words.
            shown = error.message if error.cure in printed and not isinstance(error, NotFound) else str(error)
            printed |= {error.message, error.cure}
            _say(f"{_WARN if check.only_warns else _FAIL}  {what}: {shown}")
    return wrong


def _say(text: str) -> None:
    with streams.read_or_not():
        say(text)
