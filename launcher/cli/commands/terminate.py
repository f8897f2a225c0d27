"""``fljob terminate``: end a job and remove everything of it."""

from __future__ import annotations

from typing import Any

import click

from launcher.cli import options
from launcher.cli.context import Cli
from launcher.cli.numbers import Whole
from launcher.cli.width import say

__all__ = ["terminate_command"]


@click.command("terminate")
@options.job_argument
@options.cluster_options
@click.option(
    "--grace",
    type=Whole(1),
    metavar="SECONDS",
    help="Time between SIGTERM and SIGKILL, if shorter than the pod's own and it is not ending yet.",
)
@click.option("--now", is_flag=True, help="The same as --grace 1.")
@click.pass_obj
def terminate_command(cli: Cli, /, release: str, grace: int | None, *, now: bool, **given: Any) -> None:
    """End JOB in whatever state it is; returns when release, pod and per-job Secret are gone.

    A job that runs is sent SIGTERM and has the grace period of its pod to end by itself.
    """
    if now and grace is not None:
        raise click.UsageError("--now is --grace 1; give one of them")
    site = options.site_from(**given)
    service = cli.service(site)
    name = service.find(release, site.namespace)
    found = service.terminate(name, site.namespace, grace=1 if now else grace)
    say(f"terminated {found.job.release or found.job.pod_name} (was {found.track.state.value})")
