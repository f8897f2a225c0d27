"""``fljob template``: the manifests of a job, offline."""

from __future__ import annotations

from typing import Any

import click

from launcher import composition
from launcher.cli import options, wiring

__all__ = ["template_command"]


@click.command("template")
@options.job_options
@options.cluster_options
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def template_command(meta: str, command: tuple[str, ...], **given: Any) -> None:
    """Print the manifests of the job META without asking a cluster; the same input prints the same bytes."""
    site, spec = wiring.offline_job(meta, command, **given)
    click.echo(
        wiring.helm(site).template(spec.release, spec.namespace, composition.render_values(spec, site)),
        nl=False,
    )
