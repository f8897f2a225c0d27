"""``fljob render``: the chart values of a job, offline."""

from __future__ import annotations

import json
from typing import Any

import click
import yaml

from launcher import composition
from launcher.cli import options, wiring

__all__ = ["render_command"]


@click.command("render")
@options.job_options
@options.cluster_options
@options.output_option("yaml", "json")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def render_command(meta: str, command: tuple[str, ...], output: str, **given: Any) -> None:
    """Print the chart values of the job META (a FLARE job folder, its meta.json, or -)."""
    site, spec = wiring.offline_job(meta, command, **given)
    values = composition.render_values(spec, site)
    if output == "json":
        click.echo(json.dumps(values, indent=2, ensure_ascii=False))
    else:
        click.echo(yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=110), nl=False)
