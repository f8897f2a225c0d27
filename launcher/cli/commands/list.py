"""``fljob list``: the jobs of a namespace."""

from __future__ import annotations

import json
from typing import Any

import click

from launcher.cli import options
from launcher.cli.context import Cli

__all__ = ["list_command"]


@click.command("list")
@options.cluster_options
@options.output_option("table", "json")
@click.pass_obj
def list_command(cli: Cli, /, output: str, **given: Any) -> None:
    """List the jobs of a namespace."""
    site = options.site_from(**given)
    service = cli.service(site)
    rows = [service.describe(found) for found in service.jobs(site.namespace)]
    if output == "json":
        click.echo(json.dumps(rows, indent=2))
        return
    if not rows:
        click.echo(f"no jobs in namespace {site.namespace}", err=True)
        return
    from launcher.cli.jobs_table import jobs_table  # noqa: PLC0415 - rich is only needed here

    jobs_table(rows)
