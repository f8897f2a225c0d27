"""``fljob usage``: what the jobs of a parent that are gone have used, and where their time went."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from launcher.cli import options
from launcher.cli.width import output_width, say, table
from launcher.core import foreign
from launcher.core.report.usage import KEYS, Use, causes_text, seconds_text, since_of, summed, to_json
from launcher.core.report.usage_page import page
from launcher.errors import InvalidInput

__all__ = ["usage_command"]

_MOST_NAMED = 3
_READABLE = "--kit is the workspace of a parent, whose files are for its owner alone"


def _since(ctx: click.Context, param: click.Parameter, value: str | None) -> datetime | None:
    now = datetime.now().astimezone()
    moment = None if value is None else since_of(value, now, datetime.astimezone)
    if value is not None and (moment is None or moment > now):
        words = "use a past time, such as 24h, 7d or 2026-11-29"
        raise click.BadParameter(f"{words}, not {foreign.quoted(value)}", ctx, param)
    return moment


@click.command("usage")
@click.option(
    "--kit",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=".",
    show_default=True,
    help="Workspace of a FLARE parent, whose history it is.",
)
@click.option("--since", callback=_since, help="Jobs that ended since then: 24h, 7d, 2026-11-29; else all.")
@click.option("--by", type=click.Choice([*KEYS]), default="study", show_default=True, help="What to sum by.")
@options.output_option("table", "json", "yaml")
@click.option(
    "--html",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write a page for a browser instead: a bar for each job, by cause. It loads nothing.",
)
def usage_command(kit: Path, since: datetime | None, by: str, output: str, file: Path | None) -> None:
    """Say how many jobs ran and failed, for how long, and what the others waited for.

    It reads the history that a FLARE parent writes into its workspace, and asks no cluster.
    """
    from launcher.edges.disk.history import FILE, read  # noqa: PLC0415 - not for --help

    try:
        history = read(kit)
    except OSError as error:
        raise InvalidInput(f"the history {kit / FILE} cannot be read: {error}", cure=_READABLE) from error
    uses = summed(history.records, by, since)
    if file is not None:
        _write(file, page(history.records, since, datetime.now().astimezone()))
    elif output != "table":
        click.echo(options.written([to_json(use, by) for use in uses], output))
    else:
        for line in _table(uses, by):
            click.echo(line)
    if history.unreadable:
        named = ", ".join(history.unreadable[:_MOST_NAMED])
        left_out = len(history.unreadable)
        say(f"warning: {left_out} lines are no records, and are left out: {named}", err=True)
    for part in history.left_out:
        say(foreign.line(f"warning: left out: {part}"), err=True)
    if not uses and output == "table" and file is None:
        say(f"no job has ended{'' if since is None else ' since then'} (history {kit / FILE})", err=True)


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"cannot be written: {error.strerror or error}", where=f"--html {file}") from error
    say(f"{file}: written")


def _table(uses: list[Use], by: str) -> list[str]:
    """Return a row for each key, with what its jobs waited for in as many lines as that takes."""
    if not uses:
        return []
    heads = (by.upper(), "JOBS", "FAILED", "RAN", "WAITED", "FOR")
    rows = [
        (
            foreign.name(use.key),
            str(use.jobs),
            str(use.failed),
            seconds_text(use.running),
            seconds_text(sum(use.waiting.values())),
            causes_text(use.waiting),
        )
        for use in uses
    ]
    return table([heads, *rows], output_width())
