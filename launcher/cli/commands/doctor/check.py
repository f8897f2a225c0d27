"""What a check is, and how the result of one is printed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import click

from launcher.errors import Denied, LauncherError, NotFound, ToolMissing, Unavailable

__all__ = ["Check", "run_checks"]

_SKIP = click.style("skip", fg="yellow")


@dataclass(frozen=True)
class Check:
    """One question and its answer.

    Attributes:
        what: the subject, in a few words.
        ask: returns the answer of a check that passed; raises ``LauncherError`` otherwise.
        needs_all: asked only when nothing before it failed: it makes something, and what can be made without
            every right may not be removable without it.
        may_be_denied: asks for something that jobs do not need, so that having no right to ask is no failure.
    """

    what: str
    ask: Callable[[], str]
    needs_all: bool = False
    may_be_denied: bool = False


# Without helm or a cluster many checks say the same; two claims that are missing are two failures.
_GENERAL = (ToolMissing, Unavailable)


def run_checks(checks: Iterable[Check]) -> int:
    """Print a line per check, and a cure for each failure (once); return how many failed."""
    wrong = 0
    printed: set[str] = set()
    for check in checks:
        if check.needs_all and wrong:
            click.echo(f"{_SKIP}  {check.what}: not tried, since something above is wrong")
            continue
        try:
            click.echo(f"{click.style('ok  ', fg='green')}  {check.what}: {check.ask()}")
        except LauncherError as error:
            if check.may_be_denied and isinstance(error, Denied):
                click.echo(f"{_SKIP}  {check.what}: no right to look, which jobs do not need")
                continue
            wrong += 1
            if error.message in printed and isinstance(error, _GENERAL):
                click.echo(f"{_SKIP}  {check.what}: the same")
                continue
            # Rights share one cure; what is missing each has its own, even when the words are the same.
            shown = error.message if error.cure in printed and not isinstance(error, NotFound) else str(error)
            printed |= {error.message, error.cure}
            click.echo(f"{click.style('FAIL', fg='red')}  {check.what}: {shown}")
    return wrong
