"""``fljob template``: the manifests of a job, offline."""

from __future__ import annotations

import sys
from typing import Any

import click

from launcher import composition
from launcher.cli import options, wiring
from launcher.core import foreign

__all__ = ["template_command"]


@click.command("template")
@options.job_options
@options.cluster_options
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def template_command(meta: str, command: tuple[str, ...], **given: Any) -> None:
    """Print the manifests of the job META without asking a cluster; the same input prints the same bytes."""
    site, spec = wiring.offline_job(meta, command, **given)
    values = composition.render_values(spec, site)
    text = wiring.helm(site).template(spec.release, spec.namespace, values)
    # For `kubectl apply` every byte counts; on a terminal a control character is a command.
    click.echo(foreign.lines(text) if sys.stdout.isatty() else text, nl=False, color=True)
