"""``fljob logs``: the log of a job's container."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import click

from launcher.cli import options
from launcher.cli.context import Cli
from launcher.cli.live_line import live_line
from launcher.core.lifecycle.state import JobReport, Track
from launcher.core.lifecycle.step import step
from launcher.core.report.status import cause_line
from launcher.core.views import ContainerState
from launcher.errors import NotFound
from launcher.usecases.observe import observe
from launcher.usecases.service import Service

__all__ = ["logs_command"]

_SLICE = 0.5
_HAS_RUN = frozenset({ContainerState.RUNNING, ContainerState.TERMINATED})


@click.command("logs")
@click.argument("release")
@options.cluster_options
@click.option("-f", "--follow", is_flag=True, help="Go on until the job ends.")
@click.option("--tail", type=click.IntRange(min=0), metavar="N", help="Only the last N lines.")
@click.pass_obj
def logs_command(cli: Cli, /, release: str, follow: bool, tail: int | None, **given: Any) -> None:
    """Print the log of the job container of RELEASE; with -f wait for the container, and then for its end."""
    site = options.site_from(**given)
    service = cli.service(site)
    found = service.inspect(release, site.namespace)
    if not _has_started(found.track):
        if follow:
            found = _until_started(service, found)
        if not _has_started(found.track):
            raise _no_log(service.describe(found), options.repeated(given, site.namespace))
    job = found.job
    for line in service.world.pods.logs(job.pod_name, job.namespace, follow=follow, tail=tail):
        click.echo(line)


def _has_started(track: Track) -> bool:
    """Tell whether the job container runs or has run: one that waits has no log (status 400)."""
    return track.pod is not None and track.pod.main is not None and track.pod.main.state in _HAS_RUN


def _until_started(service: Service, found: JobReport) -> JobReport:
    """Return what is known once the job container runs or has run, or the job has ended without it.

    The clocks are those of this process, as for ``fljob wait``; unlike it, this removes nothing.
    """
    job, world = found.job, service.world
    policy = service.policy_of(found.track.pod)
    track = replace(found.track, outcome=None)
    with live_line(job.release, world.clock) as notice:
        while True:
            watch = world.pods.watch(job.namespace)
            version = watch.version()
            track = step(track, observe(world, watch, job, track, policy), policy)
            notice(track)
            if track.outcome is not None or _has_started(track):
                return replace(found, track=track)
            watch.wait(version, _SLICE)


def _no_log(described: Mapping[str, Any], where: str) -> NotFound:
    """Return the error for a job that has no log, from its JSON."""
    why = cause_line(described)
    cure = f"`fljob logs {described['release']} {where} -f` waits for it"
    if described["outcome"] is not None:
        cure = f"`fljob diagnose {described['release']} {where} -o DIR` has all that tells why"
    return NotFound(f"not started: {why}", cure=cure)
