"""``fljob events``: what Kubernetes says about a job's pod."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import click

from launcher.cli import options
from launcher.cli.context import Cli
from launcher.core.ending.job_end import ended
from launcher.core.report.bundle import event_json, event_line
from launcher.core.views import PodEvent, PodView, Presence, Seen
from launcher.errors import LauncherError, NotFound
from launcher.usecases.ports import PodWatch
from launcher.usecases.service import Service

__all__ = ["events_command"]

_EVERY = 1.0
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
        shown = _Shown(output, service)
        try:
            _follow(service, job.pod_name, job.namespace, job.uid, shown)
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
        _table(events, service.world.clock.now())


def _table(events: Iterable[PodEvent], now: datetime, *, head: bool = True) -> None:
    if head:
        click.echo(_HEAD)
    for event in events:
        click.echo(event_line(event, now))


class _Shown:
    """Prints what was not printed before: new events, and known ones whose count has grown."""

    def __init__(self, output: str, service: Service) -> None:
        self._output = output
        self._service = service
        self._known: set[PodEvent] = set()
        self._trouble = ""

    def show(self, namespace: str, uid: str) -> None:
        """Ask for the events of a pod and print the news."""
        try:
            events = self._service.world.pods.events(namespace, uid)
        except LauncherError as error:
            if error.message != self._trouble:
                click.echo(f"cannot ask for events, trying again: {error.message}", err=True)
            self._trouble = error.message
            return
        self._trouble = ""
        news = [event for event in events if event not in self._known]
        if self._output == "json":
            for event in news:
                click.echo(json.dumps(event_json(event)))
        elif news:
            _table(news, self._service.world.clock.now(), head=not self._known)
        self._known.update(news)


def _follow(service: Service, pod: str, namespace: str, uid: str, shown: _Shown) -> None:
    watch: PodWatch = service.world.pods.watch(namespace)
    while True:
        version = watch.version()
        seen = watch.look(pod)
        if not uid and seen.value is not None:
            uid = seen.value.uid
        over = _is_over(seen, uid)
        if uid:
            shown.show(namespace, uid)
        if over:
            return
        watch.wait(version, _EVERY)


def _is_over(seen: Seen[PodView], uid: str) -> bool:
    if seen.presence is Presence.UNAVAILABLE:
        return False
    if seen.presence is Presence.ABSENT or seen.value is None or seen.value.uid != uid:
        return True
    return ended(seen.value) is not None
