"""``fljob gc``: remove what ended jobs left behind."""

from __future__ import annotations

import re
from typing import Any

import click

from launcher.cli import options
from launcher.cli.context import Cli

__all__ = ["gc_command"]

_AGE = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def _age(ctx: click.Context, param: click.Parameter, value: str) -> float:
    match = _AGE.fullmatch(value)
    if match is None:
        raise click.BadParameter("use a number and s, m, h or d, such as 24h", ctx, param)
    return float(match[1]) * _SECONDS[match[2]]


@click.command("gc")
@options.cluster_options
@click.option("--older-than", default="24h", callback=_age, show_default=True, help="Time since the end.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@click.pass_obj
def gc_command(cli: Cli, /, older_than: float, dry_run: bool, **given: Any) -> None:
    """Remove releases of jobs that ended long ago, and per-job Secrets that nobody owns any more.

    Where Kubernetes does not say when a job ended, the time since its launch counts.
    """
    site = options.site_from(**given)
    service = cli.service(site)
    name = ""
    for name in service.sweep(site.namespace, older_than, dry_run=dry_run):
        click.echo(f"{'would remove' if dry_run else 'removed'} {name}")
    if not name:
        click.echo(f"nothing to remove in namespace {site.namespace}", err=True)
