"""``fljob events``: the events of a job's pod."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import click

from launcher.cli import options
from launcher.cli.context import Cli
from launcher.core.jobref import JobRef
from launcher.core.report.bundle import event_json, event_line
from launcher.core.views import PodEvent
from launcher.errors import NotFound
from launcher.usecases.service import Service

__all__ = ["events_command"]

_HEAD = f"{'AGE':>5}  {'TYPE':7}  {'REASON':24}  {'COUNT':>5}  MESSAGE"


@click.command("events")
@click.argument("release")
@options.cluster_options
@options.output_option("table", "json")
@click.option("-f", "--follow", is_flag=True, help="Go on until the job has ended.")
@click.pass_obj
def events_command(cli: Cli, /, release: str, output: str, *, follow: bool, **given: Any) -> None:
    """Print the events of RELEASE's pod, oldest first; with -f also those to come, as JSON one per line."""
    site = options.site_from(**given)
    service = cli.service(site)
    job = service.inspect(release, site.namespace).job
    if follow:
        try:
            _follow(service, job, output)
        except KeyboardInterrupt:
            click.echo("", err=True)
            raise click.exceptions.Exit(130) from None
        return
    if not job.uid:
        raise NotFound(
            f"release {job.namespace}/{job.release} has no pod: its events cannot be told apart",
            cure=f"`fljob status {job.release} -n {job.namespace}` says how the job ended",
        )
    events = service.world.pods.events(job.namespace, job.uid)
    if output == "json":
        click.echo(json.dumps([event_json(event) for event in events], indent=2))
    elif not events:
        click.echo(f"no events of pod {job.namespace}/{job.pod_name}; they are kept for an hour", err=True)
    else:
        click.echo(_HEAD)
        _lines(events, service.world.clock.now())


def _lines(events: Iterable[PodEvent], now: datetime) -> None:
    for event in events:
        click.echo(event_line(event, now))


def _follow(service: Service, job: JobRef, output: str) -> None:
    head = _HEAD
    for news in service.follow_events(job):
        if news.value is None:
            click.echo(f"cannot ask for events, trying again: {news.why}", err=True)
        elif output == "json":
            for event in news.value:
                click.echo(json.dumps(event_json(event)))
        else:
            if head:
                click.echo(head)
            _lines(news.value, service.world.clock.now())
            head = ""
