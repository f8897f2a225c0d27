"""``fljob top``: a live view of the jobs for whoever is on call."""

from __future__ import annotations

from typing import Any

import click

from launcher.cli import options
from launcher.cli.commands.list import watch_jobs
from launcher.cli.context import Cli

__all__ = ["top_command"]


@click.command("top")
@options.cluster_options
@options.output_option("table", "wide", "json")
@options.jobs_options
@click.pass_obj
def top_command(cli: Cli, /, output: str, *, everywhere: bool, **given: Any) -> None:
    """Watch the jobs of a namespace: what is wrong and what helps, the most pressing job first.

    `q` and Ctrl-C leave what was seen last.
    """
    wanted = options.wanted_jobs(given)
    site = options.site_from(**given)
    namespace = "" if everywhere else site.namespace
    watch_jobs(cli.service(site), namespace, output, wanted, summary=True)
