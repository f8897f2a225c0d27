"""``fljob logs``: the log of a job's container."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import click

from launcher.cli import options
from launcher.cli.context import Cli
from launcher.cli.live_line import live_line
from launcher.cli.numbers import Whole
from launcher.core import foreign
from launcher.core.report.status import cause_and_cure
from launcher.errors import NotFound

__all__ = ["logs_command"]


@click.command("logs")
@options.job_argument
@options.cluster_options
@click.option("-f", "--follow", is_flag=True, help="Go on until the job ends.")
@click.option("--tail", type=Whole(0), metavar="N", help="Only the last N lines.")
@click.pass_obj
def logs_command(cli: Cli, /, release: str, follow: bool, tail: int | None, **given: Any) -> None:
    """Print the log of the job container of JOB; with -f wait for the container, and then for its end."""
    site = options.site_from(**given)
    service = cli.service(site)
    found = service.inspect(service.find(release, site.namespace), site.namespace)
    if follow and not found.track.has_started:
        with live_line(found.job.release, service.world.clock) as notify:
            for now in service.follow_start(found):
                notify(now.track)
                found = now
    if not found.track.has_started:
        raise _no_log(service.describe(found), options.cluster_arguments(given, site.namespace))
    job, is_shown = found.job, sys.stdout.isatty()
    for line in service.world.pods.logs(job.pod_name, job.namespace, follow=follow, tail=tail):
        # For a program every byte counts; on a terminal a control character is a command.
        click.echo(foreign.lines(line) if is_shown else line, color=True)


def _no_log(described: Mapping[str, Any], where: str) -> NotFound:
    """Return the error for a job without a log, from its JSON report."""
    why, cure = cause_and_cure(described)
    if described["outcome"] is None and described["pending"] is None:
        cure = f"`fljob logs {foreign.word(described['release'])} {where} -f` waits for it"
    return NotFound(f"not started: {why}", cure=cure)
