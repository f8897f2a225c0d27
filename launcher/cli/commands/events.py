"""``fljob events``: the events of a job's pod."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import click

from launcher.cli import options
from launcher.cli.context import Cli
from launcher.cli.width import output_width, say, table_line
from launcher.core import foreign
from launcher.core.lifecycle.state import JobReport
from launcher.core.report.bundle import event_cells, event_json
from launcher.core.report.pull_errors import named_once
from launcher.core.views import PodEvent
from launcher.errors import NotFound
from launcher.usecases.service import Service

__all__ = ["events_command"]

_HEAD = ("  AGE", "TYPE", "REASON", "COUNT", "MESSAGE")
_SIZES = (5, 7, 24, 5)


@click.command("events")
@options.job_argument
@options.cluster_options
@options.output_option("table", "json")
@click.option("-f", "--follow", is_flag=True, help="Go on until the job has ended.")
@click.pass_obj
def events_command(cli: Cli, /, release: str, output: str, *, follow: bool, **given: Any) -> None:
    """Print the events of JOB's pod, oldest first; with -f also those to come, as JSON one per line."""
    site = options.site_from(**given)
    service = cli.service(site)
    found = service.inspect(service.find(release, site.namespace), site.namespace)
    job = found.job
    if follow:
        try:
            _follow(service, found, output)
        except KeyboardInterrupt:
            click.echo("", err=True)
            raise click.exceptions.Exit(130) from None
        return
    if not job.uid:
        where = options.cluster_arguments(given, job.namespace)
        raise NotFound(
            f"release {job.namespace}/{job.release} has no pod: its events cannot be told apart",
            cure=f"`fljob status {foreign.word(job.release)} {where}` says how the job ended",
        )
    events = service.world.pods.events(job.namespace, job.uid)
    if output == "json":
        click.echo(json.dumps([event_json(event) for event in events], indent=2))
    elif not events:
        say(f"no events of pod {job.namespace}/{job.pod_name}; they are kept for an hour", err=True)
    else:
        _line(_HEAD)
        _lines(events, service.world.clock.now())


def _lines(events: Iterable[PodEvent], now: datetime) -> None:
    for event in events:
        *cells, message = event_cells(event, now)
        _line((*cells, named_once(message)))


def _line(cells: Sequence[str]) -> None:
    click.echo(table_line(cells, _SIZES, output_width()))


def _follow(service: Service, found: JobReport, output: str) -> None:
    has_head = False
    for news in service.follow_events(found):
        if news.value is None:
            say(f"cannot ask for events, trying again: {news.why}", err=True)
        elif output == "json":
            for event in news.value:
                click.echo(json.dumps(event_json(event)))
        else:
            if not has_head:
                _line(_HEAD)
            _lines(news.value, service.world.clock.now())
            has_head = True
