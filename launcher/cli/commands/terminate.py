"""``fljob terminate``: end a job and remove everything of it."""

from __future__ import annotations

from typing import Any

import click

from launcher.cli import options
from launcher.cli.context import Cli

__all__ = ["terminate_command"]


@click.command("terminate")
@click.argument("release")
@options.cluster_options
@click.pass_obj
def terminate_command(cli: Cli, /, release: str, **given: Any) -> None:
    """End RELEASE in whatever state it is; returns when release, pod and per-job Secret are gone."""
    site = options.site_from(**given)
    found = cli.service(site).terminate(release, site.namespace)
    click.echo(f"terminated {found.job.release} (was {found.track.state.value})")
